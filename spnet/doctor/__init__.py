"""An examination of what a run needs: software, machine, weights, scans, and a self-test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from spnet.doctor.findings import REINSTALL, Finding, guarded
from spnet.doctor.installation import examine_installation

__all__ = ["Finding", "Places", "examine"]


@dataclass(frozen=True)
class Places:
    """Where to look.

    Attributes
    ----------
    data_root: folder with a folder per dataset.
    results: where results go.
    weights_root: folder with published weights, beside those always looked in.
    config, constraints: the folder of datasets.yaml, and constraints.txt; unless named, of the checkout that one stands
        in, else of the one that this package runs from.
    """

    data_root: Path = Path("data")
    results: Path = Path("results")
    weights_root: Path | None = None
    config: Path | None = None
    constraints: Path = field(default_factory=lambda: _of_checkout("constraints.txt"))


def _of_checkout(name: str) -> Path:
    here = Path.cwd() / name
    return here if here.is_file() else Path(__file__).parents[2] / name


def examine(places: Places, test: bool = True) -> Iterator[Finding]:
    """Look at everything, telling each thing as it is found.

    Parameters
    ----------
    test: also compute something, for some 20 seconds.
    """
    yield from guarded("packages", lambda: examine_installation(places.constraints), REINSTALL)
    yield from guarded("device", _device, REINSTALL)
    yield from guarded("disk", lambda: _disk(places.results), REINSTALL)
    yield from guarded("weights", lambda: _weights(places.weights_root), REINSTALL)
    yield from guarded("data", lambda: _data(places), REINSTALL)
    if test:
        yield from guarded("self-test", lambda: _self_test(places.weights_root), REINSTALL)


# Imported late, each within its guard: a torch that cannot be imported is one of the things to be found.
def _device() -> Iterator[Finding]:
    from spnet.doctor.machine import examine_device, examine_memory

    yield from examine_device()
    yield from examine_memory()


def _disk(results: Path) -> Finding:
    from spnet.doctor.machine import examine_disk

    return examine_disk(results)


def _weights(weights_root: Path | None) -> Iterator[Finding]:
    from spnet.doctor.material import examine_weights

    yield from examine_weights(weights_root)


def _data(places: Places) -> Iterator[Finding]:
    from spnet.doctor.material import examine_data

    yield from examine_data(places.config, places.data_root)


def _self_test(weights_root: Path | None) -> Iterator[Finding]:
    from spnet.doctor.selftest import self_test
    from spnet.errors import WeightsError
    from spnet.weights import locate_published

    try:
        weights = locate_published("spnet", weights_root)
    except WeightsError:  # told already
        weights = None
    yield from self_test(weights)
