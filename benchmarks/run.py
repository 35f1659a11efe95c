"""``python -m benchmarks.run``: measures all cases side by side and prints their ratios (`make bench`)."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import nibabel as nib

from benchmarks.cases import CASES, OURS, PAIRS_PER_CHUNK, PLAIN, Setting, real_subjects
from benchmarks.checks import check_aims, check_differences, grow
from benchmarks.inputs import Size
from benchmarks.table import Check, Row, describe_machine, format_results, text_of, write_results
from benchmarks.worker import Answer, Request
from spnet.data.pairs import count_chunks
from spnet.errors import SpnetError

REPOSITORY = Path(__file__).parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results.tsv"
PREPARED = REPOSITORY / "results" / "published_weights" / "preprocessed" / "mindboggle101"
FEW_SUBJECTS = 10
_OF_REAL = ", published weights on real subjects"
# Blocks of a MiB and more are returned when they are freed: peaks are of what is alive, not of the allocator.
MEMORY_ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": str(2**20), "MALLOC_TRIM_THRESHOLD_": str(2**20)}


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes
    ----------
    sizes: of every case.
    subjects: numbers of subjects that an evaluation grows over, at `small`.
    evaluated: subjects of an evaluation that is measured for its own sake.
    """

    sizes: dict[str, tuple[Size, ...]]
    subjects: tuple[int, ...]
    small: Size
    evaluated: int
    rounds: int


_GROWTH: tuple[Size, ...] = ((32, 40, 32), (48, 56, 48), (64, 80, 64), (96, 112, 96))
FULL = Plan(
    {"lncc": _GROWTH[-1:], "warp": _GROWTH[-1:], "integrate": _GROWTH[-1:], "step": _GROWTH, "pair": _GROWTH},
    subjects=(2, 5, 10, 20, 50),
    small=(32, 40, 32),
    evaluated=4,
    rounds=5,
)
_TINY: tuple[Size, ...] = ((16, 16, 16), (16, 32, 16))
QUICK = Plan(
    {"lncc": _TINY[-1:], "warp": _TINY[-1:], "integrate": _TINY[-1:], "step": _TINY, "pair": _TINY},
    subjects=(2, 3),
    small=(16, 16, 16),
    evaluated=3,
    rounds=1,
)


class WorkerError(SpnetError):
    """A measurement that failed."""


class Bench:
    """Collects the results of all measurements and writes them after each, so that a stopped run is not lost."""

    def __init__(self, plan: Plan, threads: int, output: Path) -> None:
        self.plan, self.threads, self.output = plan, threads, output
        self.rows: list[Row] = []
        self.checks: list[Check] = []
        self.left_out: dict[str, str] = {}
        self.machine = describe_machine(threads, plan.rounds)

    def measure_case(self, case: str) -> None:
        """A case at all its sizes, and how it grows where it has several."""
        first = []
        for size in self.plan.sizes[case]:
            setting = Setting(size, self.plan.evaluated)
            pairs = self.plan.evaluated * (self.plan.evaluated - 1) // 2 if case == "pair" else 1
            first.append(self._measure(case, case, setting, self.plan.rounds, pairs)[OURS, PLAIN])
        if len(first) > 1:
            rows, checks = grow(first)
            self._keep(rows, checks)

    def measure_subjects(self) -> None:
        """Evaluations of more and more subjects, every pair of them, against two subjects alone."""
        what, against = "growth of SPnet's evaluation, a pair", "a pair of two subjects alone"
        alone: tuple[float, float] | None = None
        for count in self.plan.subjects:
            seconds, peak_mb = self._measure_subjects(count)
            if alone is None:
                alone = seconds, peak_mb
                continue
            size = f"{text_of(self.plan.small)}, {count} subjects"
            self._keep([Row(what, against, size, alone[0] / seconds, seconds, alone[0], peak_mb, alone[1])], [])

    def _measure_subjects(self, count: int) -> tuple[float, float]:
        """Seconds a pair, and the peak of memory; few pairs take turns with nobody, but several times."""
        once = Request("pair", Setting(self.plan.small, count), [OURS], 0, self.threads)
        answer = self._ask(once)
        peak_mb = answer.peak_mb
        if count <= FEW_SUBJECTS:
            answer = self._ask(replace(once, rounds=self.plan.rounds))
        return answer.seconds[OURS] / (count * (count - 1) // 2), peak_mb

    def measure_real(self, prepared: Path) -> None:
        """The published weights on all pairs of real subjects, a chunk a round."""
        names = real_subjects(prepared)
        size = nib.load(prepared / names[0] / "image.nii.gz").shape
        chunks = count_chunks(len(names), PAIRS_PER_CHUNK)
        pairs = min(PAIRS_PER_CHUNK, len(names) * (len(names) - 1) // 2)
        self._measure("pair", "real", Setting(size, len(names), str(prepared)), chunks, pairs)

    def leave_out(self, what: str, why: str) -> None:
        """Tell what was not measured."""
        self.left_out[what] = why

    def _measure(self, case: str, name: str, setting: Setting, rounds: int, pairs: int) -> dict[tuple[str, str], Row]:
        """Rows of one case at one size by their forms; seconds are divided by the number of pairs that a run scores."""
        answer = self._ask(Request(case, setting, list(CASES[case].forms), rounds, self.threads))
        seconds = {form: value / pairs for form, value in answer.seconds.items()}
        peaks = {form: self._ask(Request(case, setting, [form], 0, self.threads)).peak_mb for form in seconds}
        size, rows = text_of(setting.size), {}
        for row in CASES[case].rows:
            ours, theirs = row.ours, row.against
            if ours in seconds and theirs in seconds:
                ratio = seconds[theirs] / seconds[ours]
                figures = (ratio, seconds[ours], seconds[theirs], peaks[ours], peaks[theirs])
                rows[ours, theirs] = Row(f"{row.what}{_OF_REAL if name == 'real' else ''}", theirs, size, *figures)
        differences = check_differences(case, size, answer.differences, answer.errors)
        self._keep(rows.values(), [*check_aims(name, rows), *differences])
        return rows

    def _keep(self, rows: Iterable[Row], checks: Iterable[Check]) -> None:
        self.rows += rows
        self.checks += checks
        write_results(self.output, self.rows, self.checks, self.head)

    @property
    def head(self) -> list[str]:
        """Comments above the table."""
        return [*self.machine, *(f"left out: {form} ({why})" for form, why in self.left_out.items())]

    def _ask(self, request: Request) -> Answer:
        what = f"{request.case} at {text_of(request.setting.size)}, {', '.join(request.forms)}"
        print(f"measuring {'memory' if request.rounds == 0 else 'time'}: {what}", file=sys.stderr, flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.worker"],
            input=json.dumps(asdict(request)),
            capture_output=True,
            text=True,
            cwd=REPOSITORY,
            env=_environment(self.threads, request.rounds == 0),
        )
        if done.returncode:
            raise WorkerError(f"{what} failed:\n{done.stderr.strip()}")
        answer = Answer(**json.loads(done.stdout.splitlines()[-1]))
        self.left_out |= answer.left_out
        return answer


def _environment(threads: int, memory: bool) -> dict[str, str]:
    counts = {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    return os.environ | counts | (MEMORY_ENVIRONMENT if memory else {})


def _read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, one round: does it work, not how fast is it")
    parser.add_argument("--cases", nargs="*", choices=[*CASES, "subjects", "real"], help="only these")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, help="instead of five")
    parser.add_argument("--prepared", type=Path, default=PREPARED, help="folder of real prepared subjects")
    parser.add_argument("--output", type=Path, default=RESULTS)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write and print."""
    given = _read_arguments(arguments)
    plan = QUICK if given.quick else FULL
    plan = replace(plan, rounds=given.rounds or plan.rounds)
    bench = Bench(plan, given.threads, given.output)
    wanted = given.cases or [*CASES, "subjects", "real"]
    try:
        for case in CASES:
            if case in wanted:
                bench.measure_case(case)
        if "subjects" in wanted:
            bench.measure_subjects()
        if "real" in wanted and not given.quick:
            _measure_real(bench, given.prepared)
    except SpnetError as error:
        sys.exit(f"Error: {error}")
    print(format_results(bench.rows, bench.checks, bench.head))
    print(f"\nwritten to {given.output}", file=sys.stderr)


def _measure_real(bench: Bench, prepared: Path) -> None:
    if len(real_subjects(prepared)) > 1:
        bench.measure_real(prepared)
    else:
        bench.leave_out("real pairs", f"no prepared subjects in {os.path.relpath(prepared)} (benchmarks/README.md)")


if __name__ == "__main__":
    main()
