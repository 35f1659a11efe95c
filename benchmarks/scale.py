"""``python -m benchmarks.scale``: how long the whole paper takes on 1, 8 and 64 GPUs, by a simulation of its jobs.

What a network costs on a card comes from ``--costs``, a file of ``benchmarks.gpu``. Without one it is what the CPU
took, divided by an ASSUMED speed of the card, and every row says so.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.costs import Costs, read_figures
from benchmarks.jobs import make_tasks
from benchmarks.paper import read_paper
from benchmarks.schedule import Machine, Task, longest_chain, run
from benchmarks.storage import count_bytes
from benchmarks.submissions import count_submissions, read_groups
from spnet.errors import ConfigError, SpnetError
from spnet.files import write_text

CPU_COSTS = Path(__file__).parent / "cpu_steps.tsv"


@dataclass(frozen=True)
class Row:
    """One machine; all in hours.

    Attributes
    ----------
    card: the speed of one card, assumed or measured.
    wall: where a job starts as soon as it fits. Jobs of one core then take every core that gets free, and a training,
        which asks for several at once, waits for them.
    kept: the same where jobs without a GPU leave every GPU the cores of a training.
    apart: as `wall`, without the methods set apart.
    chain: the longest chain of jobs, which no machine shortens.
    gpu: hours of one card.
    """

    card: str
    gpus: int
    wall: float
    kept: float
    apart: float
    chain: float
    gpu: float


def simulate(tasks: Sequence[Task], apart: Sequence[Task], machine: Machine, card: str) -> Row:
    """A run with all methods (`tasks`), and one without those set apart (`apart`), on one machine."""
    training = max((task.cores for task in tasks if task.rule == "train_method"), default=0)
    keeping = replace(machine, kept=min(machine.gpus * training, machine.cores - 1))
    wall, kept, fewer = (
        max(run(*each).values()) / 3600 for each in ((tasks, machine), (tasks, keeping), (apart, machine))
    )
    gpu = sum(task.seconds * task.gpus for task in tasks) / 3600
    return Row(card, machine.gpus, wall, kept, fewer, longest_chain(tasks) / 3600, gpu)


def core_hours(tasks: Sequence[Task]) -> float:
    """Of jobs without a GPU; those with one hold cores, too."""
    return sum(task.seconds * task.cores for task in tasks if not task.gpus) / 3600


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
    submissions = count_submissions(tasks, read_groups())
    return [
        f"{len(tasks)} jobs, {trainings} of them trainings; {submissions} submissions to a cluster",
        f"{sum(held.values()) / 1e9:.1f} GB on the disk, raw scans and software not counted: {parts}",
    ]


def format_markdown(rows: Sequence[Row], cores: int, apart: Sequence[str], notes: Sequence[str]) -> str:
    """The rows as a table, `cores` beside each GPU, `notes` below it."""
    head = [
        "one card (ASSUMED)" if any(row.card.startswith("ASSUMED") for row in rows) else "one card",
        "GPUs",
        "cores",
        "wall time, h",
        "cores kept for trainings, h",
        f"without {', '.join(apart)}, h",
        "longest chain, h",
        "GPU-hours",
    ]
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for row in rows:
        hours = [row.wall, row.kept, row.apart, row.chain, row.gpu]
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
    beside = (
        f"{core_hours(tasks):,.0f} core-hours without a GPU, {core_hours(fewer):,.0f} without {', '.join(given.apart)}"
    )
    notes = [f"networks: {networks.device}", *notes, beside, *tell_jobs(config, tasks)]
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
