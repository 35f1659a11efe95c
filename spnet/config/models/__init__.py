"""Everything that a person may write: keys, types, ranges, defaults, and the sentence that explains each."""

from spnet.config.models.claims import Claim
from spnet.config.models.datasets import Dataset, Prepare
from spnet.config.models.methods import Method, Training
from spnet.config.models.results import Experiment, Figure, Significance, Table
from spnet.config.models.study import Catalogue, Compute, Study

__all__ = [
    "Catalogue",
    "Claim",
    "Compute",
    "Dataset",
    "Experiment",
    "Figure",
    "Method",
    "Prepare",
    "Significance",
    "Study",
    "Table",
    "Training",
]
