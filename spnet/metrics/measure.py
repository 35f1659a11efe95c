"""One way of a registered pair as metrics take it, and the measuring of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from spnet.data.labels import VOLUME
from spnet.metrics import Metric
from spnet.metrics.overlap import merge_labels
from spnet.registry import load


@dataclass(frozen=True)
class RegisteredPair:
    """What there is to measure; None where there is none.

    Attributes
    ----------
    warped, fixed: whole-number labels of one shape, [1, 1, D, H, W] or [D, H, W].
    ids: the labels that count.
    spacing: of the grid along its three axes, or one for all, mm.
    merged: id -> id that a coarser protocol counts it to.
    forward, backward: displacements [1, 3, D, H, W] in voxels, of this way and of the way back.
    seconds, peak_mb: that the registration took, memory in MiB.
    """

    warped: Tensor
    fixed: Tensor
    ids: Sequence[int]
    spacing: float | Sequence[float] = 1.0
    merged: Mapping[int, int] = field(default_factory=dict)
    forward: Tensor | None = None
    backward: Tensor | None = None
    seconds: float | None = None
    peak_mb: float | None = None

    @property
    def merged_warped(self) -> Tensor | None:
        """The warped labels as a coarser protocol has them."""
        return merge_labels(self.warped, self.merged) if self.merged else None

    @property
    def merged_fixed(self) -> Tensor | None:
        """The fixed labels likewise."""
        return merge_labels(self.fixed, self.merged) if self.merged else None


def measure(metric: Metric, pair: RegisteredPair) -> Iterator[tuple[str, float]]:
    """Structure (a label's id, or ``volume``) and value; nothing where an input is not there."""
    inputs = [getattr(pair, name) for name in metric.inputs]
    if all(value is not None for value in inputs):
        found = load(metric.code)(*inputs, **metric.settings)
        yield from ((str(label), value) for label, value in found.items()) if metric.by_label else [(VOLUME, found)]
