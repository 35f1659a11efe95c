"""The real scans' datasets, as entries of datasets.yaml; two of the scans prepared and scored, for all tests once."""

import pytest
import torch

from spnet.data.labels import LABEL_SETS
from spnet.data.layouts import find_subjects
from spnet.data.options import PreprocessOptions
from spnet.data.pairs import make_pairs
from spnet.evaluation.chunk import MethodSpec
from spnet.evaluation.evaluate import Scoring, evaluate_pairs, prepared_reader
from spnet.preparation import prepare_subject
from spnet.weights import find_published

_ENTRY = {
    "title": "Real scans",
    "source": {"page": "", "account": None, "terms": None, "files": [], "archives": []},
    "complete": False,
    "cohorts": {},
    "split": None,
    "leave_out": {},
    "table": None,
    "virtual": None,
}


@pytest.fixture(scope="session")
def mindboggle101(shared):
    """Test subjects of Mindboggle101 that are at hand, in native space."""
    cohorts = {"OASIS-TRT-20": {"split": "test", "subjects": 20}}
    return find_subjects(shared / "data/mindboggle101", _ENTRY | {"layout": "mindboggle101", "cohorts": cohorts})


@pytest.fixture(scope="session")
def brains10(shared):
    """Training scans without labels."""
    return find_subjects(shared / "data/brains10", _ENTRY | {"layout": "table", "table": "subjects.tsv"})


@pytest.fixture(scope="session")
def options():
    """Of the published weights' preparation."""
    return PreprocessOptions("mni152", 1.0, (160, 192, 160))


@pytest.fixture(scope="session")
def prepared(mindboggle101, options, tmp_path_factory):
    """The folder of the first two test subjects, prepared, and their names."""
    folder = tmp_path_factory.mktemp("prepared")
    subjects = mindboggle101[:2]
    for subject in subjects:
        prepare_subject(subject, options, LABEL_SETS["dkt50"], folder / subject.subject)
    return folder, [subject.subject for subject in subjects]


@pytest.fixture(scope="session")
def published(shared):
    """SPnet with the published weights."""
    return MethodSpec("spnet", {}, find_published("spnet", shared / "weights"))


@pytest.fixture(scope="session")
def scored(prepared):
    """Function that scores the pair both ways by a method's description."""
    folder, names = prepared
    reader = prepared_reader(folder, torch.device("cpu"))

    def score(spec):
        return evaluate_pairs(spec.build("cpu"), make_pairs(names), reader, Scoring(LABEL_SETS["dkt50"]))

    return score


@pytest.fixture(scope="session")
def scores_of_published(published, scored):
    """The pipeline's own, which several tests compare with."""
    return scored(published)
