"""Registries: their names, their code, and that reading them is cheap."""

import subprocess
import sys

import pytest

from spnet.data.layouts import LAYOUTS
from spnet.errors import ConfigError
from spnet.figures import FIGURES
from spnet.methods import METHODS
from spnet.metrics import METRICS
from spnet.registry import load, look_up

CODE = [
    *(entry.code for entry in METHODS.values()),
    *(entry.code for entry in METRICS.values()),
    *(entry.draw for entry in FIGURES.values()),
]


@pytest.mark.parametrize("place", dict.fromkeys(CODE))
def test_what_an_entry_names_is_there(place):
    assert callable(load(place))


@pytest.mark.parametrize(
    ("registry", "name", "nearest"),
    [
        (METHODS, "vmm", "vm"),
        (METRICS, "jab_centra", "jab_central"),
        (FIGURES, "level", "levels"),
        (LAYOUTS, "oai", "oai_zib"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_and_all_known_ones(registry, name, nearest):
    with pytest.raises(ConfigError, match=f"no thing '{name}', did you mean '{nearest}'.*{', '.join(registry)}"):
        look_up(registry, name, "thing")


def test_reading_the_registries_imports_no_library_that_takes_seconds():
    """The workflow reads them in every job."""
    heavy = "{'torch', 'scipy', 'matplotlib', 'seaborn', 'monai'}"
    modules = "spnet.analysis.claims, spnet.data.layouts, spnet.figures, spnet.methods, spnet.metrics"
    read = f"import sys, {modules}; print(*sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", read], capture_output=True, text=True, check=True).stdout.strip() == ""
