"""Do two forms of the same work come to the same numbers, and how far from float64 are they?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from statistics import fmean

from torch import Tensor

from benchmarks.inputs import Size
from benchmarks.reference.evaluation import Scores
from benchmarks.reference.ncc import local_ncc_in_float64
from benchmarks.work import loss_and_gradient

# Name of a quantity -> difference.
Differences = dict[str, float]


def compare_losses(ours: float, theirs: float) -> Differences:
    """Relative difference of two losses."""
    return {"loss": abs(ours / theirs - 1)}


def compare_values(ours: tuple[Tensor, ...], theirs: tuple[Tensor, ...]) -> Differences:
    """Relative difference of the numbers that come first, whatever their sign: a loss is a similarity's negative."""
    return {"value": abs(abs(ours[0].item() / theirs[0].item()) - 1)}


def compare_tensors(ours: tuple[Tensor, ...], theirs: tuple[Tensor, ...]) -> Differences:
    """Mean difference of outputs and of gradients, in units of their mean size.

    The mean, since where a point falls on a voxel the gradient to a field jumps, and rounding chooses the side.
    """
    names = ["output", *(f"gradient {index}" for index in range(1, len(ours)))]
    return {
        name: ((our - their).abs().mean() / their.abs().mean()).item()
        for name, our, their in zip(names, ours, theirs, strict=True)
    }


def compare_scores(ours: Scores, theirs: Scores) -> Differences:
    """Largest difference over the directions of all pairs, by metric; of Dice the mean over its labels is compared.

    Raises
    ------
    ValueError: one of the two has a score that the other has not.
    """
    if ours.keys() != theirs.keys():
        raise ValueError(f"scores of one form alone: {sorted(ours.keys() ^ theirs.keys())[:3]}")
    found: Differences = defaultdict(float)
    our_means, their_means = _means(ours), _means(theirs)
    for (direction, metric), value in our_means.items():
        found[metric] = max(found[metric], abs(value - their_means[direction, metric]))
    return dict(found)


def gradient_errors(size: Size, results: Mapping[str, tuple[Tensor, ...]]) -> dict[str, float]:
    """Largest error of every form's cross-correlation gradient, in units of the largest gradient in float64."""
    exact = loss_and_gradient(local_ncc_in_float64, size)(0)[1]
    return {name: ((found[1] - exact).abs().max() / exact.abs().max()).item() for name, found in results.items()}


def _means(scores: Scores) -> dict[tuple[tuple[str, str], str], float]:
    values = defaultdict(list)
    for (moving, fixed, metric, _), value in scores.items():
        values[(moving, fixed), metric].append(value)
    return {key: fmean(found) for key, found in values.items()}
