"""Metrics beyond the paper's, for who asks for them: some cost more than the registration that they score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from spnet.data.labels import FURTHER_METRICS, HD95, SDLOGJ, SDLOGJ_UNSHIFTED, VOLUME
from spnet.errors import ConfigError, did_you_mean
from spnet.metrics import hd95_per_label, sd_log_jacobian

Score = tuple[str, str, float]


@dataclass(frozen=True)
class FurtherMetrics:
    """Which of them to measure.

    Attributes
    ----------
    names: of :data:`spnet.data.labels.FURTHER_METRICS`.
    spacing: of the grid along its three axes, or one for all, mm.

    Raises
    ------
    ConfigError: there is no such metric.
    """

    names: Sequence[str] = ()
    spacing: float | Sequence[float] = 1.0

    def __post_init__(self) -> None:
        for name in self.names:
            if name not in FURTHER_METRICS:
                raise ConfigError(
                    f"there is no further metric '{name}'{did_you_mean(name, FURTHER_METRICS)}",
                    remedy=f"Known ones are: {', '.join(FURTHER_METRICS)}",
                )

    def measure(self, displacement: Tensor, warped: Tensor, fixed: Tensor, ids: Sequence[int]) -> Iterator[Score]:
        """Metric, structure and value of each.

        Parameters
        ----------
        displacement: [1, 3, D, H, W] in voxels.
        warped, fixed: labels [1, 1, D, H, W].
        ids: the labels whose HD95 is wanted; one that either volume lacks has none.
        """
        if HD95 in self.names:
            for label, distance in hd95_per_label(warped, fixed, ids, self.spacing).items():
                yield HD95, str(label), distance
        if SDLOGJ in self.names:
            yield SDLOGJ, VOLUME, sd_log_jacobian(displacement)
        if SDLOGJ_UNSHIFTED in self.names:
            yield SDLOGJ_UNSHIFTED, VOLUME, sd_log_jacobian(displacement, shift=0)


NO_FURTHER_METRICS = FurtherMetrics()
