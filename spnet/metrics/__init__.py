"""The metrics by name: the paper's (section 4.2), those of the Learn2Reg challenge, and what a registration costs.

Importing this package is cheap: the workflow reads :data:`METRICS`, and their code is imported when it is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spnet.data.labels import AVERAGE

DICE = "dice"


@dataclass(frozen=True)
class Metric:
    """What evaluation, tables and figures know of a metric.

    Attributes
    ----------
    title: what the reader sees.
    code: ``module:function``; it gives a number for the whole volume or, `by_label`, numbers by label id.
    inputs: attributes of a :class:`spnet.metrics.measure.RegisteredPair`, the function's first arguments; where one is
        None, the metric is not measured.
    settings: the function's further arguments, by keyword.
    unit: in brackets behind the title; none where the paper prints none.
    variant: how it differs from another metric of the same title.
    by_label: it has a value for every label, which are grouped into regions and their average.
    headed_by_structure: above a table's column stands the structure alone, as the paper has it for Dice.
    both_volumes: a label that one of the two volumes lacks has no value.
    higher_is_better: else a lower value is.
    digits: behind the point in tables; values that agree in them share a rank.
    further: not one of the paper's: measured only where `further_metrics` names it.
    note: a sentence under the tables that show it, for what the paper does not explain.
    """

    title: str
    code: str
    inputs: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    unit: str = ""
    variant: str = ""
    by_label: bool = False
    headed_by_structure: bool = False
    both_volumes: bool = False
    higher_is_better: bool = False
    digits: int = 3
    further: bool = False
    note: str = ""

    @property
    def full_title(self) -> str:
        """The title with its unit and variant."""
        return self._with_variant(f"{self.title} ({self.unit})" if self.unit else self.title)

    @property
    def merges_labels(self) -> bool:
        """It is measured only where the protocol has a coarser one."""
        return "merged_fixed" in self.inputs

    def heading(self, structure: str) -> str:
        """What stands above a table's column of this structure."""
        if self.headed_by_structure:
            return self._with_variant(structure)
        return f"{self.full_title}, {structure}" if self.by_label and structure != AVERAGE else self.full_title

    def _with_variant(self, text: str) -> str:
        return f"{text}, {self.variant}" if self.variant else text


_LABELS, _FIELDS = ("warped", "fixed", "ids"), ("forward", "backward")

METRICS: Mapping[str, Metric] = {
    DICE: Metric(
        "Dice",
        "spnet.metrics.overlap:dice_per_label",
        _LABELS,
        by_label=True,
        headed_by_structure=True,
        higher_is_better=True,
    ),
    "dice_merged": Metric(
        "Dice",
        "spnet.metrics.overlap:dice_per_label",
        ("merged_warped", "merged_fixed", "ids"),
        variant="labels merged",
        by_label=True,
        headed_by_structure=True,
        higher_is_better=True,
    ),
    "jab": Metric(
        "Jab", "spnet.metrics.regularity:percent_folding", ("forward",), {"differences": "forward"}, unit="%"
    ),
    "jab_central": Metric(
        "Jab",
        "spnet.metrics.regularity:percent_folding",
        ("forward",),
        {"differences": "central"},
        unit="%",
        variant="central differences",
    ),
    "ice": Metric("ICE", "spnet.metrics.consistency:inverse_consistency_error", _FIELDS, {"sampler": "official"}),
    "ice_exact": Metric(
        "ICE",
        "spnet.metrics.consistency:inverse_consistency_error",
        _FIELDS,
        {"sampler": "exact"},
        variant="exact sampler",
    ),
    "seconds": Metric("seconds", "builtins:float", ("seconds",)),
    "peak_mb": Metric("peak memory", "builtins:float", ("peak_mb",), unit="MiB"),
    "hd95": Metric(
        "HD95",
        "spnet.metrics.surface:hd95_per_label",
        (*_LABELS, "spacing"),
        unit="mm",
        by_label=True,
        both_volumes=True,
        further=True,
        note="HD95: 95th percentile of the distance between a label's two surfaces, warped and fixed, and the mean over"
        " labels; as in the Learn2Reg challenge, but in mm. A label that one of the two volumes lacks has none.",
    ),
    "sdlogj": Metric(
        "SDlogJ",
        "spnet.metrics.regularity:sd_log_jacobian",
        ("forward",),
        further=True,
        note="SDlogJ: standard deviation of log(|J| + 3), as Learn2Reg's program computes it (it does not say why 3),"
        " by central differences.",
    ),
    "sdlogj_unshifted": Metric(
        "SDlogJ",
        "spnet.metrics.regularity:sd_log_jacobian",
        ("forward",),
        {"shift": 0},
        variant="unshifted",
        further=True,
        note="SDlogJ, unshifted: standard deviation of log |J|; where the field folds, |J| counts as 1e-9.",
    ),
}

FURTHER_METRICS = tuple(name for name, metric in METRICS.items() if metric.further)
