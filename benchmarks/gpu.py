"""``python -m benchmarks.gpu``: every method's step, pair and memory on one device, and the hours of the whole paper.

Made to end within 8 minutes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, fields
from math import prod
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu_methods import Figures, measure_method
from benchmarks.inputs import PAPER_SIZE, Size, make_image
from benchmarks.modes import MODES
from benchmarks.paper import count_work
from benchmarks.reference.ncc import local_ncc as dense_ncc
from benchmarks.table import processor, text_of
from spnet.config.load import read_study
from spnet.device import choose_device, set_convolution_precision
from spnet.errors import ConfigError, SpnetError, did_you_mean
from spnet.files import write_text
from spnet.losses import local_ncc
from spnet.provenance import git_commit

COLUMNS = tuple(field.name for field in fields(Figures))
RESULTS = Path(__file__).parent / "gpu.tsv"


def measure_methods(
    methods: Mapping[str, Mapping[str, Any]],
    size: Size,
    device: torch.device,
    minutes: float,
    modes: Sequence[str] = tuple(MODES),
) -> Iterator[Figures]:
    """Figures of all methods in all modes, in the order given, until the time is over."""
    end = time.monotonic() + 60 * minutes
    for mode in modes:
        for name, entry in methods.items():
            if MODES[mode].spnet_only and name != "spnet":
                continue
            if time.monotonic() > end:
                yield Figures(name, mode, left_out=f"not reached in {minutes:g} minutes")
            else:
                yield measure_method(name, entry, mode, size, device)


def check_cross_correlation(size: Size, device: torch.device) -> list[str]:
    """What TF32 changes of the local cross-correlation: ours by additions, theirs by convolutions."""
    first, second = (make_image(seed, size).to(device) for seed in (1, 2))
    lines = []
    for name, function in (("ours", local_ncc), ("dense convolutions", dense_ncc)):
        values = []
        for precision in ("ieee", "tf32"):
            set_convolution_precision(precision)
            leaf = second.clone().requires_grad_()
            value = function(first, leaf, 9)
            value.backward()
            values.append((value.item(), leaf.grad))
        (exact, exact_gradient), (rounded, rounded_gradient) = values
        same = exact == rounded and torch.equal(exact_gradient, rounded_gradient)
        lines.append(
            f"LNCC, {name}: {exact:.7f} in float32, {rounded:.7f} with TF32 allowed;"
            f" value and gradient {'equal bit for bit' if same else 'differ'}"
        )
    return lines


def estimate_hours(found: Sequence[Figures], size: Size) -> list[str]:
    """Hours of the whole paper on one such device by mode, method and dataset, each on a line.

    The seconds of other grids are taken in proportion to their voxels. SyN is not among them, which runs on the CPU.
    """
    trainings, evaluations = count_work(read_study())
    lines = []
    for mode in dict.fromkeys(figures.mode for figures in found):
        steps = {each.method: each.step_seconds for each in found if each.mode == mode and each.step_seconds}
        pairs = {each.method: each.pair_seconds for each in found if each.mode == mode and each.pair_seconds}
        if not steps:
            continue
        hours: dict[str, dict[str, float]] = {}
        for training in trainings:
            if training.method in steps:
                share = training.voxels / prod(size) / 3600
                hours.setdefault(training.method, {}).setdefault(training.dataset, 0.0)
                hours[training.method][training.dataset] += steps[training.method] * training.steps * share
        scored = [evaluation for evaluation in evaluations if evaluation.method in pairs]
        pair_hours = sum(pairs[each.method] * each.pairs * each.voxels for each in scored) / prod(size) / 3600
        total = sum(sum(each.values()) for each in hours.values())
        number = sum(training.method in steps for training in trainings)
        lines.append(
            f"{mode}: {total:.1f} hours for {number} of {len(trainings)} trainings,"
            f" {pair_hours:.1f} for {len(scored)} of {len(evaluations)} evaluations"
        )
        for method, each in hours.items():
            parts = ", ".join(f"{dataset} {value:.2f}" for dataset, value in each.items())
            lines.append(f"  {mode}, {method}: {sum(each.values()):.2f} ({parts})")
    return lines


def describe_device(device: torch.device) -> str:
    """The card's name, or that there is none, whose processor then computed."""
    without = f"no card: {processor()}, {torch.get_num_threads()} threads, seconds of processor time"
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else without
    return f"{name}; torch {torch.__version__}, commit {git_commit()}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    given = _read_arguments(arguments)
    try:
        _measure_all(given, choose_device(given.device))
    except SpnetError as error:
        sys.exit(f"Error: {error}")


def _measure_all(given: argparse.Namespace, device: torch.device) -> None:
    known = read_study()["methods"]
    for name in given.methods or ():
        if name not in known:
            raise ConfigError(
                f"there is no method '{name}'{did_you_mean(name, known)}", remedy=f"Known ones are: {', '.join(known)}"
            )
    methods = {name: known[name] for name in given.methods or known}
    head = [describe_device(device), *check_cross_correlation(given.size, device)]
    print("\n".join([*head, "", "  ".join(COLUMNS)]), flush=True)
    found: list[Figures] = []
    for figures in measure_methods(methods, given.size, device, given.minutes, given.modes):
        found.append(figures)
        print("  ".join(_cells(figures)), flush=True)
        if given.output:
            _write(given.output, head, given.size, found)
    hours = estimate_hours(found, given.size)
    print("\n".join(["", "the whole paper:", *hours]))
    if given.output:
        _write(given.output, [*head, *hours], given.size, found)


def _write(path: Path, head: Sequence[str], size: Size, found: Sequence[Figures]) -> None:
    comments = [f"# {line}" for line in (*head, f"images of {text_of(size)}")]
    rows = ["\t".join(_cells(figures)) for figures in found]
    write_text(path, "\n".join([*comments, "\t".join(COLUMNS), *rows]) + "\n")


def _cells(figures: Figures) -> list[str]:
    return [f"{value:.4g}" if isinstance(value, float) else str(value or "-") for value in astuple(figures)]


def _read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--size", type=_size, default=PAPER_SIZE, help="such as 160x192x160")
    parser.add_argument("--methods", nargs="*", help="only these entries of config/methods.yaml")
    parser.add_argument("--modes", nargs="*", choices=MODES, default=list(MODES), help="the plainest is the first")
    parser.add_argument("--minutes", type=float, default=7, help="what is not reached by then is told")
    parser.add_argument("--output", type=Path, help="write the figures there, tab-separated (benchmarks/gpu.tsv)")
    return parser.parse_args(arguments)


def _size(text: str) -> Size:
    try:
        depth, height, width = map(int, text.split("x"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is no size such as 160x192x160") from error
    return depth, height, width


if __name__ == "__main__":
    main()
