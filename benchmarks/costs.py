"""What one job of the paper costs: from files of ``benchmarks.gpu``, and from what REPRODUCING.md tells."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from benchmarks.inputs import PAPER_SIZE
from spnet.errors import ConfigError

FULL = prod(PAPER_SIZE)  # voxels

# Seconds of one thread for a pair both ways, and the voxels at which they were measured. REPRODUCING.md: "Published
# weights on real scans" and "What tuned SyN costs".
ON_THE_CPU: Mapping[str, tuple[float, int]] = {"syn": (50.0, FULL), "syn-tuned": (75.0, 32 * 48 * 32)}
# REPRODUCING.md: "affine and preparation about 1 minute a subject". The affine step works on the target's grid,
# whatever ours is, so it is the same for all datasets.
PREPARE = 60.0
# Of any job: 5 to 6 s within SLURM and 4 s of imports, both measured by hand.
START = 10.0
# Mean seconds of a job of the demo, from its benchmark files (one thread, other work beside). The paper's images and
# tables are larger; beside its trainings these are nothing.
IN_THE_DEMO: Mapping[str, float] = {
    "prepare_reference": 6,
    "write_split": 3,
    "list_pairs": 3,
    "describe_preparation": 12,
    "collect_metrics": 3,
    "choose_pair": 10,
    "draw_figure": 22,
    "make_table": 5,
    "compare_methods": 9,
    "summarise_cost": 10,
    "grade_claims": 13,
    "write_report": 22,
}


@dataclass(frozen=True)
class Figures:
    """A file of ``benchmarks.gpu``, in one mode.

    Attributes
    ----------
    device: its first comment, the device and versions.
    step, pair: seconds by method, of images with `voxels`.
    """

    device: str
    voxels: int
    step: Mapping[str, float]
    pair: Mapping[str, float]


@dataclass(frozen=True)
class Costs:
    """Seconds of everything.

    Attributes
    ----------
    networks: measured on a card, or on the CPU.
    cpu: measured on the CPU, for methods that run there.
    card_speed: ASSUMED: how many times as fast as `networks`' device a card is; 1 where a card was measured.
    """

    networks: Figures
    cpu: Figures
    card_speed: float = 1.0

    def step(self, method: str, voxels: int) -> float:
        """One training step on a card."""
        return _scaled(self.networks.step, method, self.networks, voxels) / self.card_speed

    def pair(self, method: str, voxels: int) -> float:
        """A pair both ways with the paper's metrics, on a card."""
        return _scaled(self.networks.pair, method, self.networks, voxels) / self.card_speed

    def pair_on_core(self, method: str, voxels: int) -> float:
        """The same on one core, of a method that needs no weights."""
        if method in ON_THE_CPU:
            seconds, measured = ON_THE_CPU[method]
            return seconds * voxels / measured
        return _scaled(self.cpu.pair, method, self.cpu, voxels)


def read_figures(path: Path, mode: str) -> Figures:
    """Read a file that ``benchmarks.gpu --output`` wrote.

    Raises
    ------
    ConfigError: it is not there or is not such a file.
    """
    remedy = "Write one with python -m benchmarks.gpu --output"
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", path=path, remedy=remedy) from error
    comments = [line.removeprefix("# ") for line in lines if line.startswith("#")]
    sizes = [line.removeprefix("images of ") for line in comments if line.startswith("images of ")]
    rows = list(csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t"))
    try:
        depth, height, width = map(int, sizes[0].split("x"))
        step, pair = (
            {row["method"]: float(row[name]) for row in rows if row["mode"] == mode and row[name] != "-"}
            for name in ("step_seconds", "pair_seconds")
        )
    except (IndexError, KeyError, ValueError, TypeError) as error:
        raise ConfigError("is no table of benchmarks.gpu with its size", path=path, remedy=remedy) from error
    return Figures(comments[0], depth * height * width, step, pair)


def _scaled(seconds: Mapping[str, float], method: str, figures: Figures, voxels: int) -> float:
    if method not in seconds:
        raise ConfigError(
            f"nothing was measured for method '{method}' on '{figures.device}'",
            remedy="Measure it with python -m benchmarks.gpu, or give another --mode",
        )
    return seconds[method] * voxels / figures.voxels
