"""A process of its own for every measurement, so that none inherits another's memory or caches.

``python -m benchmarks.worker`` reads one request as JSON from its standard input and writes one answer as JSON.
"""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

import torch

from benchmarks.cases import CASES, Case, NotHereError, Setting
from benchmarks.inputs import Size
from benchmarks.measure import Run, measure_once, time_interleaved
from benchmarks.peers import PEERS
from spnet.device import keep_freed_memory
from spnet.errors import SpnetError, first_line

# Small enough to cost nothing, and a multiple of what every network needs.
WARM_UP = Setting((16, 16, 16))


@dataclass(frozen=True)
class Request:
    """What to measure.

    Attributes
    ----------
    forms: of the case; those of peers that are not there are left out.
    rounds: of timing; 0 measures the one form once, its memory included.
    """

    case: str
    setting: Setting
    forms: list[str]
    rounds: int
    threads: int


@dataclass
class Answer:
    """What came out.

    Attributes
    ----------
    seconds: median over the rounds, by form.
    peak_mb: growth of the resident memory's peak, of the one form that was measured once.
    differences: of the results of two forms, by ``ours | against``.
    errors: against an exact computation, by form.
    left_out: form -> why.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    peak_mb: float | None = None
    differences: dict[str, dict[str, float]] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


class DisagreementError(SpnetError):
    """Two forms of the same work that came to other numbers."""


def answer(request: Request) -> Answer:
    """Measure.

    Raises
    ------
    DisagreementError: forms that must agree do not.
    """
    torch.set_num_threads(request.threads)
    return _measure_memory(request) if request.rounds == 0 else _measure_times(request)


def _measure_memory(request: Request) -> Answer:
    (name,) = request.forms
    build = CASES[request.case].forms[name]
    try:
        build(WARM_UP)(0)  # loads libraries and starts threads
        run = build(request.setting)
    except Exception as error:
        return Answer(left_out={name: _tell(name, error)})
    seconds, peak_mb = measure_once(run)
    return Answer(seconds={name: seconds}, peak_mb=peak_mb)


def _measure_times(request: Request) -> Answer:
    keep_freed_memory()  # for all forms alike, as every process of the package that computes does
    case, found = CASES[request.case], Answer()
    runs: dict[str, Run] = {}
    results: dict[str, Any] = {}
    for name in request.forms:
        try:
            run = case.forms[name](request.setting)
            results[name] = run(0)  # a warm-up too
            runs[name] = run
        except Exception as error:
            found.left_out[name] = _tell(name, error)
    _compare(case, request.setting.size, results, found)
    if case.errors:
        of_our_formula = {name: result for name, result in results.items() if name not in PEERS}
        found.errors = case.errors(request.setting.size, of_our_formula)
    results.clear()

    def compare_round(results: dict[str, Any]) -> None:
        _compare(case, request.setting.size, results, found)

    times = time_interleaved(runs, request.rounds, compare_round if case.every_round else None)
    found.seconds = {name: median(seconds) for name, seconds in times.items()}
    return found


def _compare(case: Case, size: Size, results: dict[str, Any], found: Answer) -> None:
    """Note the differences of all rows' forms, the largest so far; stop where one is above its bound."""
    for row in case.rows:
        if row.ours not in results or row.against not in results or not row.compared:
            continue
        known = found.differences.setdefault(f"{row.ours} | {row.against}", {})
        for quantity, value in case.compare(results[row.ours], results[row.against]).items():
            known[quantity] = max(value, known.get(quantity, 0.0))
            bound = case.bound(row, quantity, size)
            if bound is not None and not value <= bound:
                raise DisagreementError(
                    f"{row.what}: {quantity} of '{row.ours}' and '{row.against}' differ by {value:.1e},"
                    f" more than {bound:.0e}",
                    remedy="Their times mean nothing until they do the same work",
                )


def _tell(name: str, error: Exception) -> str:
    """Why a form is left out; only those of other packages may be, and what this machine cannot run."""
    if isinstance(error, NotHereError):
        return error.problem
    if name not in PEERS:
        raise error
    if isinstance(error, ModuleNotFoundError):
        return f"not installed ({PEERS[name]})"
    return f"{type(error).__name__}: {first_line(error)}"


def main() -> None:
    """Answer the request on standard input; an error that a user can mend becomes its message."""
    given = json.load(sys.stdin)
    setting = given.pop("setting")
    request = Request(setting=Setting(**setting | {"size": tuple(setting["size"])}), **given)
    warnings.simplefilter("ignore")
    try:
        json.dump(asdict(answer(request)), sys.stdout)
    except SpnetError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
