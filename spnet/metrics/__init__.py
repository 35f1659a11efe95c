"""The paper's metrics (section 4.2) and those of the Learn2Reg challenge, each on tensors of one device."""

from spnet.metrics.consistency import inverse_consistency_error
from spnet.metrics.overlap import dice_per_label, merge_labels
from spnet.metrics.regularity import percent_folding, sd_log_jacobian
from spnet.metrics.surface import hd95_per_label

__all__ = [
    "dice_per_label",
    "hd95_per_label",
    "inverse_consistency_error",
    "merge_labels",
    "percent_folding",
    "sd_log_jacobian",
]
