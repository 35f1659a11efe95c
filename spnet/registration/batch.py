"""Many pairs from a table: every scan prepared once, finished pairs left as they are, one summary."""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

import pandas as pd
import torch
from tqdm import tqdm

from spnet import __version__
from spnet.data.raw import Side
from spnet.data.sheets import read_sheet
from spnet.device import choose_device
from spnet.errors import DataError, RegistrationError, SpnetError, did_you_mean
from spnet.files import atomic_path, make_folder
from spnet.methods.base import Method
from spnet.registration.choice import Choice
from spnet.registration.output import REPORT, PairFiles, Settings, register_files, scan_checksums
from spnet.registration.scan import PreparedScan, ScanFiles, prepare_scan

log = logging.getLogger(__name__)

Item = TypeVar("Item")

SUMMARY = "summary.tsv"
_SCANS = "prepared"  # folder of the prepared scans, beside the pairs'
_SIDES = get_args(Side)
_REQUIRED = ("moving", "fixed")
_OPTIONAL = ("id", *(f"{role}_{kind}" for role in _REQUIRED for kind in ("labels", "mask", "side")))
_SHOWN = (
    *("similarity_before", "similarity_after", "dice_before", "dice_after", "jab_percent", "ice_mm"),
    *("largest_displacement_mm", "peak_mb"),
)


@dataclass(frozen=True)
class Task:
    """All that a worker process needs for one pair."""

    name: str
    files: PairFiles
    choice: Choice
    settings: Settings
    output: Path
    device: str
    threads: int

    @property
    def folder(self) -> Path:
        """Where the pair's files go."""
        return self.output / self.name

    def fingerprint(self) -> str:
        """Of the contents of the inputs and of all that decides the result."""
        decides = [self.files.checksums(), _settings_of(self.choice), asdict(self.settings), __version__]
        return hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()

    def finished(self) -> dict[str, Any] | None:
        """The report of this very pair, or None if it is still to be done, or a file of it has gone."""
        try:
            report = json.loads((self.folder / REPORT).read_text())
        except (OSError, ValueError):
            return None
        whole = all((self.folder / name).is_file() for name in report.get("written", []))
        return report if whole and report.get("fingerprint") == self.fingerprint() else None


def read_pairs(path: str | Path) -> dict[str, PairFiles]:
    """Read a table of pairs: tab-separated, a header, paths absolute or from the table's own folder.

    Columns: moving, fixed; where wanted id (else the scans' names), and labels, mask and side of each, such as
    moving_labels.

    Raises
    ------
    DataError: no such table or no pairs in it, an unknown or missing column, an empty cell, or two pairs of one id.
    """
    path = Path(path)
    rows = read_sheet(path, _REQUIRED)
    if not rows:
        raise DataError("the table has no pairs", path=path, remedy="Write one pair a line below the header")
    unknown = [column for column in rows[0][1] if column not in (*_REQUIRED, *_OPTIONAL)]
    if unknown:
        raise DataError(
            f"there is no column '{unknown[0]}'{did_you_mean(unknown[0], _OPTIONAL)}",
            path=path,
            remedy=f"Needed are {' and '.join(_REQUIRED)}; known besides: {', '.join(_OPTIONAL)}",
        )
    pairs: dict[str, PairFiles] = {}
    for number, row in rows:
        if not row["moving"] or not row["fixed"]:
            raise DataError(f"line {number} lacks a moving or a fixed scan", path=path, remedy="Name both scans")
        for column in (f"{role}_side" for role in _REQUIRED):
            if (side := row.get(column)) and side not in _SIDES:
                raise DataError(
                    f"line {number}: {column} is '{side}'{did_you_mean(side.lower(), _SIDES)}",
                    path=path,
                    remedy=f"Write {' or '.join(_SIDES)}, or nothing where it is not a knee's",
                )
        files = PairFiles(*(_scan_of(row, role, path.parent) for role in _REQUIRED))
        name = row.get("id") or f"{_stem(files.moving.image)}_onto_{_stem(files.fixed.image)}"
        if name in pairs or name in (SUMMARY, _SCANS) or Path(name).name != name or name.startswith("."):
            problem = "is there twice" if name in pairs else "cannot be the name of a pair's folder"
            raise DataError(f"line {number}: the id '{name}' {problem}", path=path, remedy="Give ids of their own")
        pairs[name] = files
    return pairs


def register_batch(
    pairs: dict[str, PairFiles], choice: Choice, settings: Settings, output: str | Path, device: str, jobs: int = 1
) -> pd.DataFrame:
    """Register all pairs, each into a folder of its id below `output`, and write `SUMMARY` there.

    A pair whose report is there already, made of the same contents with the same settings, is left as it is. One that
    fails is told in the summary and stops no other.

    Parameters
    ----------
    jobs: processes; they share the processor's cores, and one GPU if that is the device.

    Returns
    -------
    The summary: id, status (``done``, ``kept``, ``failed``), the figures, flags and error.

    Raises
    ------
    ConfigError, WeightsError, OutputError: what every pair would fail for.
    RegistrationError: a worker process was ended from outside.
    """
    output = make_folder(output)
    choose_device(device)
    choice.spec.build("cpu")
    threads = max(torch.get_num_threads() // jobs, 1)
    tasks = [Task(name, files, choice, settings, output, device, threads) for name, files in pairs.items()]
    rows = {task.name: _row("kept", report) for task in tasks if (report := task.finished()) is not None}
    left = [task for task in tasks if task.name not in rows]
    log.info("%d pairs, %d of them finished before", len(tasks), len(rows))
    scans = {_cache(scan, task): (scan, task) for task in left for scan in (task.files.moving, task.files.fixed)}
    with _workers(jobs) as pool:
        # A scan that cannot be prepared is told by every pair that needs it.
        for _ in _run(pool, _prepare, list(scans.values()), "preparing", "scan"):
            pass
        for task, outcome in _run(pool, _register, left, "registering", "pair"):
            rows[task.name] = _row("failed", {"error": outcome}) if isinstance(outcome, str) else _row("done", outcome)
    summary = pd.DataFrame([{"id": task.name, **rows[task.name]} for task in tasks])
    with atomic_path(output / SUMMARY) as temporary:
        summary.to_csv(temporary, sep="\t", index=False, float_format="%.6g")
    return summary


@contextmanager
def _workers(jobs: int) -> Iterator[ProcessPoolExecutor | None]:
    """Processes for so many jobs at a time; None for one, which this process does itself."""
    if jobs == 1:
        yield None
        return
    # Forked copies of a process in which torch has used threads can hang.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def _run(
    pool: ProcessPoolExecutor | None, function: Callable[[Item], Any], items: Sequence[Item], what: str, unit: str
) -> Iterator[tuple[Item, Any]]:
    """Every item and what the function gave for it, as they are done."""
    bar = {"total": len(items), "desc": what, "unit": unit, "disable": None}
    if pool is None:
        for item in tqdm(items, **bar):
            yield item, function(item)
        return
    try:
        futures = {pool.submit(function, item): item for item in items}
        for future in tqdm(as_completed(futures), **bar):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise RegistrationError(
            "the system ended a worker process, most likely for lack of memory",
            remedy="Start again with fewer --jobs: finished pairs are kept",
        ) from error


def _prepare(work: tuple[ScanFiles, Task]) -> str | None:
    """Prepare a scan unless that was done; what went wrong as text, since errors lose their shape between processes."""
    scan, task = work
    try:
        _prepared(scan, task)
    except SpnetError as error:
        return str(error)
    return None


def _register(task: Task) -> dict[str, Any] | str:
    torch.set_num_threads(task.threads)
    try:
        prepared = _prepared(task.files.moving, task), _prepared(task.files.fixed, task)
        method = _method(task)
        return register_files(task.files, task.choice, method, task.settings, task.folder, prepared, task.fingerprint())
    except SpnetError as error:
        return str(error)


_built: dict[tuple[str, str], Method] = {}


def _method(task: Task) -> Method:
    """The method, built once in every process."""
    key = (json.dumps(_settings_of(task.choice), default=str), task.device)
    if key not in _built:
        _built.clear()
        _built[key] = task.choice.spec.build(task.device)
    return _built[key]


def _prepared(scan: ScanFiles, task: Task) -> PreparedScan:
    path = _cache(scan, task)
    if not path.is_file():
        found = prepare_scan(scan, task.choice.preparation)
        with atomic_path(path) as temporary:
            found.save(temporary)
    return PreparedScan.load(path)


def _cache(scan: ScanFiles, task: Task) -> Path:
    """Where a scan's preparation is kept, by what decides it."""
    decides = [scan_checksums(scan), asdict(task.choice.preparation), __version__]
    key = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]
    return task.output / _SCANS / f"{key}.npz"


def _settings_of(choice: Choice) -> dict[str, Any]:
    return {
        "implementation": choice.spec.implementation,
        "options": dict(choice.spec.options),
        "weights": choice.weights_sha256(),
        "preparation": asdict(choice.preparation),
    }


def to_text(summary: pd.DataFrame) -> str:
    """A summary for a person at a terminal: the figures as a table, what failed in a line each below it."""
    shown = summary.drop(columns=["flags", "error"]).dropna(axis="columns", how="all")
    table = shown.to_string(index=False, float_format="%.4g", na_rep="")
    failed = summary[summary["status"] == "failed"]
    told = [f"{name} failed: {error}" for name, error in zip(failed["id"], failed["error"], strict=True)]
    return "\n".join([table, *told])


def _row(status: str, report: dict[str, Any]) -> dict[str, Any]:
    seconds = sum(report.get("seconds", {}).values()) or None
    shown = {name: report.get(name) for name in _SHOWN}
    flags = "; ".join(report.get("flags", []))
    return {"status": status, **shown, "seconds": seconds, "flags": flags, "error": report.get("error", "")}


def _scan_of(row: dict[str, str], role: str, folder: Path) -> ScanFiles:
    labels, mask = (row.get(f"{role}_{kind}") for kind in ("labels", "mask"))
    side = row.get(f"{role}_side") or None
    return ScanFiles(folder / row[role], folder / labels if labels else None, folder / mask if mask else None, side)


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".nii")
