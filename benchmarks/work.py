"""What is measured, once for everybody who does it: the same inputs, the same outputs, other functions inside."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

from benchmarks.inputs import LABELS, Size, make_field, make_image
from benchmarks.measure import Run
from benchmarks.reference.evaluation import Scores, evaluate_pair
from benchmarks.reference.spnet import PlainSPnet, spnet_loss
from spnet.evaluation.evaluate import Scoring, evaluate_pairs, prepared_reader
from spnet.methods.base import Method

LEARNING_RATE = 1e-4
# Costs, which no two runs share.
_COSTS = ("seconds", "peak_mb")


def loss_and_gradient(loss: Callable[[Tensor, Tensor], Tensor], size: Size) -> Run:
    """Value of a similarity of two images, and its gradient to the second, the warped one of a training."""
    fixed = make_image(1, size)
    warped = fixed.lerp(make_image(2, size), 0.5)

    def run(_: int) -> tuple[Tensor, Tensor]:
        leaf = warped.clone().requires_grad_()
        value = loss(fixed, leaf).squeeze()
        value.backward()
        return value.detach(), leaf.grad

    return run


def warp_and_gradient(warp: Callable[[Tensor, Tensor], Tensor], size: Size) -> Run:
    """A warped image, and the gradients to image and field."""
    image, field = make_image(1, size), make_field(2, size)

    def run(_: int) -> tuple[Tensor, Tensor, Tensor]:
        leaves = image.clone().requires_grad_(), field.clone().requires_grad_()
        warped = warp(*leaves)
        warped.backward(warped.detach())
        return warped.detach(), leaves[0].grad, leaves[1].grad

    return run


def integrate_and_gradient(integrate: Callable[[Tensor], Tensor], size: Size) -> Run:
    """A displacement from a velocity, and the gradient to it."""
    velocity = make_field(3, size)

    def run(_: int) -> tuple[Tensor, Tensor]:
        leaf = velocity.clone().requires_grad_()
        displacement = integrate(leaf)
        displacement.backward(displacement.detach())
        return displacement.detach(), leaf.grad

    return run


def training_step(
    network: nn.Module, loss: Callable[[Tensor, Tensor], Tensor], size: Size, guarded: bool = False
) -> Run:
    """A step of training on one pair, Adam's included; returns the loss before it.

    Guarded as the package's own loop, which looks at the norm of the gradient first.
    """
    moving, fixed = make_image(1, size), make_image(2, size).lerp(make_image(1, size), 0.5)
    optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)

    def run(_: int) -> float:
        optimiser.zero_grad(set_to_none=True)
        value = loss(moving, fixed)
        value.backward()
        if guarded:
            torch.nn.utils.clip_grad_norm_(network.parameters(), math.inf).item()
        optimiser.step()
        return value.item()

    return run


def step_of_method(method: Method, size: Size) -> Run:
    """A step of the package's own training."""

    def loss(moving: Tensor, fixed: Tensor) -> Tensor:
        return sum(method.training_loss([moving, fixed]).values())

    return training_step(method, loss, size, guarded=True)


def step_of_plain_spnet(network: PlainSPnet, size: Size) -> Run:
    """A step of training in plain form."""
    return training_step(network, lambda moving, fixed: spnet_loss(network(moving, fixed), moving, fixed), size)


def evaluation(method: Method, folder: Path, chunks: list[pd.DataFrame]) -> Run:
    """Scores of a chunk of pairs by the package, one chunk a round; each with a reader of its own, as a job has."""

    def run(number: int) -> Scores:
        reader = prepared_reader(folder, torch.device("cpu"))
        table = evaluate_pairs(method, chunks[number % len(chunks)], reader, Scoring(LABELS))
        kept = table[~table["metric"].isin(_COSTS)]
        columns = (kept[name] for name in ("moving", "fixed", "metric", "structure"))
        return dict(zip(zip(*columns, strict=True), kept["value"], strict=True))

    return run


def plain_evaluation(network: PlainSPnet, folder: Path, chunks: list[pd.DataFrame]) -> Run:
    """Scores of a chunk of pairs in plain form, one chunk a round."""

    def run(number: int) -> Scores:
        scores: Scores = {}
        for pair in chunks[number % len(chunks)][["first", "second"]].itertuples(index=False, name=None):
            scores |= evaluate_pair(network, folder, pair, LABELS.scored, LABELS.merged)
        return scores

    return run
