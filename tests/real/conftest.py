"""The real scans' datasets, as entries of datasets.yaml."""

import pytest

from spnet.data.layouts import find_subjects

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
