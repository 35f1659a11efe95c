"""Statistics of claims about networks: their parameters, cost and symmetry."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from spnet.analysis.evidence import Evidence, NotTestedError
from spnet.analysis.findings import NOT_REPRODUCED, NOT_TESTED, REPRODUCED, Finding, all_hold, exact
from spnet.analysis.statistics import Amount, Count, Names, statistic

Quantity = Literal["seconds_per_pair", "registration_peak_mb", "seconds_per_step", "training_peak_mb"]
_SHAPE = (32, 32, 32)


@statistic(one_of=("value", "like"))
def parameters(
    evidence: Evidence, *, method: str, tolerance: Count, value: Count | None = None, like: str | None = None
) -> Finding:
    """`method` has as many trainable parameters as `value`, or as the method `like`, give or take `tolerance`."""
    count = evidence.build(method).count_parameters()
    if like is None:
        wanted, label = value, f"{method} {count:,}, claimed {value:,}"
    else:
        wanted = evidence.build(like).count_parameters()
        label = f"{method} {count:,}, {like} {wanted:,}"
    return all_hold([exact(f"{label} (within {tolerance:,})", tolerance - abs(count - wanted))])


@statistic()
def fewer_parameters(
    evidence: Evidence, *, methods: Names, than: Names, ratio: Annotated[float, Field(ge=1)] = 1
) -> Finding:
    """Each of `than` has more trainable parameters than each of `methods`, at least `ratio` times as many if given."""
    checks, missing = [], []
    for method in methods:
        for rival in than:
            try:
                few, many = (evidence.build(name).count_parameters() for name in (method, rival))
            except NotTestedError as reason:
                missing.append(str(reason))
                continue
            # Whole numbers: half a parameter more tells "more" from "as many".
            checks.append(exact(f"{method} {few:,}, {rival} {many:,}", many - ratio * few - 0.5))
    return all_hold(checks, missing)


@statistic()
def parameters_grow_linearly(
    evidence: Evidence, *, method: str, option: str, values: Annotated[list[int], Field(min_length=3)]
) -> Finding:
    """The trainable parameters of `method` grow in proportion to its `option`, tried at `values`."""
    counts = {value: evidence.build(method, {option: value}).count_parameters() for value in values}
    steps = [(counts[more] - counts[less]) / (more - less) for less, more in pairwise(values)]
    figures = ", ".join(f"{option} {value}: {count:,}" for value, count in counts.items())
    return all_hold([exact(figures, min(steps) - max(steps) if min(steps) > 0 else -1)])


@statistic()
def cost_ratio(
    evidence: Evidence,
    *,
    method: str,
    than: Names,
    experiments: Names,
    quantity: Quantity,
    at_least: Amount = 0,
    at_most: Amount = float("inf"),
    device: Literal["cpu", "cuda"] | None = None,
) -> Finding:
    """The cost (`quantity`) of `method` is at least `at_least` and at most `at_most` times that of each of `than`.

    With `device`, only measurements on that kind of device count. A ratio has no interval: it holds or not.
    """
    checks, missing = [], []
    bounds = f"at least {at_least:g}" + ("" if at_most == float("inf") else f", at most {at_most:g}")
    for experiment in experiments:
        for rival in than:
            try:
                (ours, ours_on), (theirs, theirs_on) = (
                    evidence.cost_of(experiment, name, quantity, device) for name in (method, rival)
                )
            except NotTestedError as reason:
                missing.append(str(reason))
                continue
            ratio = ours / theirs
            costs = f"{method} {ours:.4g} on {ours_on}, {rival} {theirs:.4g} on {theirs_on}"
            label = f"{experiment}: {costs}, {ratio:.2f} times ({bounds})"
            checks.append(exact(label, min(ratio - at_least, at_most - ratio)))
    return all_hold(checks, missing)


@statistic()
def order_independent(evidence: Evidence, *, method: str, tolerance: Amount, expected: bool) -> Finding:
    """One pass with the images swapped gives the same two fields, swapped, or not, as `expected`.

    A property of the network whatever its weights, so it is tried with random ones, on two random images of 32 voxels a
    side: the largest difference must be within `tolerance` of the largest displacement.
    """
    # Late, since the workflow reads in every job which statistics there are.
    import torch

    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(0)
        network = evidence.build(method).eval()
        first, second = torch.rand(2, 1, 1, *_SHAPE)
        found, swapped = network(first, second), network(second, first)
    if found.backward is None or swapped.backward is None:
        return Finding(NOT_TESTED, f"{method} gives no two fields in one pass")
    apart = max(
        (found.forward - swapped.backward).abs().max().item(), (found.backward - swapped.forward).abs().max().item()
    )
    largest = found.forward.abs().max().item()
    if largest == 0:
        return Finding(NOT_TESTED, f"{method} moves nothing")
    share = apart / largest
    holds = (share <= tolerance) == expected
    figures = f"fields of swapped images differ by {share:.1e} of the largest displacement, {tolerance:.0e} bounds"
    return Finding(REPRODUCED if holds else NOT_REPRODUCED, figures)


@statistic()
def shown_in_figure(evidence: Evidence, *, figure: str) -> Finding:
    """The run draws `figure`, which a person must judge: never graded."""
    title = evidence.figures.get(figure)
    return Finding(NOT_TESTED, f"for the eye: {title}" if title else f"{figure} is not in the run")
