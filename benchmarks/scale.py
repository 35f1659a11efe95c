"""``python -m benchmarks.scale``: how long the whole paper takes on 1, 8 and 64 GPUs, by a simulation of its jobs.

What a network costs on a card comes from ``--costs``, a file of ``benchmarks.gpu``. Without one it is what the CPU
took, divided by an ASSUMED speed of the card, and every row says so.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.costs import Costs, read_figures
from benchmarks.jobs import count_submissions, make_tasks
from benchmarks.paper import read_paper
from benchmarks.schedule import Machine, Task, longest_chain, run
from benchmarks.storage import count_bytes
from spnet.errors import ConfigError, SpnetError
from spnet.files import write_text

CPU_COSTS = Path(__file__).parent / "cpu_steps.tsv"


@dataclass(frozen=True)
class Row:
    """One machine; all in hours.

    Attributes
    ----------
    card: the speed of one card, assumed or measured.
    chain: the longest chain of jobs, which no machine shortens.
    gpu: hours of one card; jobs on it also hold the cores they ask for.
    cpu: core-hours of jobs without a card.
    wall_apart, cpu_apart: without the methods set apart.
    """

    card: str
    gpus: int
    wall: float
    chain: float
    gpu: float
    cpu: float
    wall_apart: float
    cpu_apart: float


def simulate(tasks: Sequence[Task], apart: Sequence[Task], machine: Machine, card: str) -> Row:
    """A run with all methods (`tasks`), and one without those set apart (`apart`), on one machine."""
    wall, wall_apart = (max(run(each, machine).values()) / 3600 for each in (tasks, apart))
    gpu = sum(task.seconds for task in tasks if task.gpus) / 3600
    cpu, cpu_apart = (
        sum(task.seconds * task.cores for task in each if not task.gpus) / 3600 for each in (tasks, apart)
    )
    return Row(card, machine.gpus, wall, longest_chain(tasks) / 3600, gpu, cpu, wall_apart, cpu_apart)


def without(config: Mapping[str, Any], methods: Sequence[str]) -> dict[str, Any]:
    """A configuration whose experiments leave methods out."""
    experiments = {
        name: {**entry, "methods": [method for method in entry["methods"] if method not in methods]}
        for name, entry in config["experiments"].items()
    }
    return {**config, "experiments": experiments}


def tell_jobs(config: Mapping[str, Any], tasks: Sequence[Task]) -> list[str]:
    """Numbers of jobs, and what the run leaves on the disk."""
    held = count_bytes(config, len(tasks))
    trainings = sum(task.rule == "train_method" for task in tasks)
    parts = ", ".join(f"{what} {size / 1e9:.2g}" for what, size in held.items())
    return [
        f"{len(tasks)} jobs, {trainings} of them trainings; {count_submissions(list(tasks))} submissions to a cluster",
        f"{sum(held.values()) / 1e9:.1f} GB on the disk, raw scans and software not counted: {parts}",
    ]


def format_markdown(rows: Sequence[Row], cores: int, apart: Sequence[str], notes: Sequence[str]) -> str:
    """The rows as a table, `notes` below it."""
    left_out = f"without {', '.join(apart)}"
    head = [
        "one card (ASSUMED)" if any(row.card.startswith("ASSUMED") for row in rows) else "one card",
        "GPUs",
        "cores",
        "wall time, h",
        "longest chain, h",
        "GPU-hours",
        "core-hours beside",
        f"wall time {left_out}, h",
        f"core-hours {left_out}",
    ]
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for row in rows:
        hours = [row.wall, row.chain, row.gpu, row.cpu, row.wall_apart, row.cpu_apart]
        cells = [row.card, str(row.gpus), str(row.gpus * cores), *(f"{value:,.0f}" for value in hours)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *(f"- {note}" for note in notes)]) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, print, and write if asked."""
    given = _read_arguments(arguments)
    try:
        text = _tell(given)
    except SpnetError as error:
        sys.exit(f"Error: {error}")
    print(text, end="")
    if given.output:
        write_text(given.output, text)


def _tell(given: argparse.Namespace) -> str:
    config = read_paper()
    unknown = [name for name in given.apart if name not in config["methods"]]
    if unknown:
        raise ConfigError(f"there is no method '{unknown[0]}' to set apart", remedy="See config/methods.yaml")
    smaller, notes = without(config, given.apart), []
    cpu = read_figures(given.cpu_costs, "float32")
    if given.costs:
        networks = read_figures(given.costs, given.mode)
        cards = {f"measured, {given.mode}": Costs(networks, cpu)}
    else:
        networks = cpu
        notes.append("no card was measured: each is ASSUMED so many times as fast as one thread of that CPU")
        cards = {f"ASSUMED {speed:g} x the CPU": Costs(cpu, cpu, speed) for speed in given.card_speed}
    rows = []
    for card, costs in cards.items():
        tasks, fewer = make_tasks(config, costs), make_tasks(smaller, costs)
        for gpus in given.gpus:
            rows.append(simulate(tasks, fewer, Machine(gpus, gpus * given.cores_per_gpu), card))
    notes = [f"networks: {networks.device}", *notes, *tell_jobs(config, tasks)]
    return format_markdown(rows, given.cores_per_gpu, given.apart, notes)


def _read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--costs", type=Path, help="what benchmarks.gpu measured on a card")
    parser.add_argument("--mode", default="float32", help="of that file, as benchmarks.gpu names it")
    parser.add_argument("--cpu-costs", type=Path, default=CPU_COSTS, help="the same, measured on a CPU with one thread")
    parser.add_argument(
        "--card-speed",
        type=_positive,
        nargs="+",
        default=[50, 200],
        help="without --costs: ASSUMED speeds of a card, times as fast as one thread of that CPU",
    )
    parser.add_argument("--gpus", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--cores-per-gpu", type=int, default=8)
    parser.add_argument("--apart", nargs="*", default=["syn-tuned"], help="methods to tell the time without")
    parser.add_argument("--output", type=Path, help="write the table there (markdown)")
    return parser.parse_args(arguments)


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is no speed")
    return value


if __name__ == "__main__":
    main()
