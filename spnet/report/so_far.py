"""The report of a run under way: how far it is, and everything that it has made by now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from spnet.analysis.collect import read_scores
from spnet.analysis.progress import Progress, Work, find_progress, hours_left, training_folder
from spnet.analysis.published import nothing_published, read_published
from spnet.analysis.study import Study, assemble_table
from spnet.config.lookups import study_parts
from spnet.planning import Scored, scores_of
from spnet.report.document import NUMBER, TEXT, Document, Table, plain_table
from spnet.report.flagged import flagged_subjects
from spnet.report.page import ReportFiles, sort_names, write_report
from spnet.report.sections import Section
from spnet.report.tables import add_flagged, table_document
from spnet.runs import read_configuration

# Beside report.html, which is Snakemake's to write: another there would look finished to it.
NAME = "report_so_far.html"


def write_report_so_far(run: str | Path, published: str | Path) -> list[str]:
    """Write `NAME` into a run's folder, and return what it says in short.

    Raises
    ------
    DataError: this is no folder of a run, or a result in it is damaged.
    """
    run = Path(run)
    config = read_configuration(run)
    progress = find_progress(run, config)
    missing = _missing(run, config)
    told = [f"Not there yet: {', '.join(missing)}."] if missing else []
    lines = [*_summary(progress), *(told or ["Every result is there."])]
    files = _files(run, config, progress, published)
    write_report(config, files, run / NAME, told, [_section(progress, lines, config)])
    return lines


def _summary(progress: Progress) -> list[str]:
    parts = {"Trainings": progress.trainings, "Evaluations": progress.evaluations}
    lines = [f"{name}: {_counts(works)}." for name, works in parts.items()]
    left = {name.lower(): hours_left(works) for name, works in parts.items()}
    hours = " and ".join(f"{hours:.2f} hours of {name}" for name, (hours, _) in left.items())
    unknown = " and ".join(f"{count} {name if count > 1 else name[:-1]}" for name, (_, count) in left.items() if count)
    told = f"; without {unknown} of which nothing was measured yet" if unknown else ""
    return [*lines, f"Left, one after the other, by the seconds measured so far: {hours}{told}."]


def _counts(works: Sequence[Work]) -> str:
    counts = Counter(work.state for work in works)
    return ", ".join(f"{counts[state]} {state}" for state in ("done", "under way", "not begun"))


def _section(progress: Progress, lines: Sequence[str], config: Mapping[str, Any]) -> Section:
    tables = {
        "Trainings": _trainings(progress.trainings, config),
        "Evaluations": _evaluations(progress.evaluations, config),
    }
    return Section("progress", "How far it is", "facts", {"lines": lines, "tables": tables})


def _trainings(works: Sequence[Work], config: Mapping[str, Any]) -> Table:
    header = dict.fromkeys(("Dataset", "Method", "Seed", "State", "Last saved"), TEXT)
    header |= dict.fromkeys(("Step", "of", "Steps/s", "Hours left"), NUMBER)
    rows = [
        [
            *(_title(config, work.trained_on), config["methods"][work.method]["title"], work.seed, work.state),
            f"{work.saved:%Y-%m-%d %H:%M}" if work.saved else "",
            *(f"{work.done:,}", f"{work.total:,}", _rate(work.seconds), _hours(work)),
        ]
        for work in works
    ]
    return plain_table("Trainings", header, rows)


def _evaluations(works: Sequence[Work], config: Mapping[str, Any]) -> Table:
    header = dict.fromkeys(("Tested on", "Trained on", "Method", "State"), TEXT)
    header |= dict.fromkeys(("Pairs", "of", "Seconds a pair", "Hours left"), NUMBER)
    rows = [
        [
            *(_title(config, work.dataset), _title(config, work.trained_on)),
            *(config["methods"][work.method]["title"], work.state, f"{work.done:,}"),
            "-" if work.total is None else f"{work.total:,}",
            *("-" if work.seconds is None else f"{work.seconds:.3g}", _hours(work)),
        ]
        for work in works
    ]
    return plain_table("Evaluations", header, rows)


def _title(config: Mapping[str, Any], dataset: str) -> str:
    """Of a dataset; published weights may be of one that is not in the run."""
    return config["datasets"][dataset]["title"] if dataset in config["datasets"] else dataset


def _rate(seconds: float | None) -> str:
    return f"{1 / seconds:.3g}" if seconds else "-"


def _hours(work: Work) -> str:
    return "-" if work.hours_left is None else f"{work.hours_left:.2f}"


def _results(config: Mapping[str, Any]) -> dict[str, str]:
    """What the report shows besides trainings and preparation: name -> file."""
    beside = [name for name in ("significance", "claims") if config[name]]
    return {
        **{name: f"tables/{name}.json" for name in config["tables"]},
        **{name: f"figures/{name}.png" for name in config["figures"]},
        **{name: f"{name}.json" for name in [*beside, "cost"]},
    }


def _missing(run: Path, config: Mapping[str, Any]) -> list[str]:
    return sort_names(name for name, file in _results(config).items() if not (run / file).exists())


def _files(run: Path, config: Mapping[str, Any], progress: Progress, published: str | Path) -> ReportFiles:
    there = {name: run / file for name, file in _results(config).items() if (run / file).exists()}
    prepared = [run / "preparation" / f"{dataset}.json" for dataset in config["datasets"]]
    prepared = [record for record in prepared if record.exists()]
    beside = published if config.get("paper_values", True) else None
    paper = read_published(beside) if beside else nothing_published()
    flagged = flagged_subjects(prepared)
    return ReportFiles(
        tables=[path for name, path in there.items() if name in config["tables"]],
        unfinished={name: _so_far(run, config, name, paper, flagged) for name in config["tables"] if name not in there},
        figures=[path for name, path in there.items() if name in config["figures"]],
        preparation=prepared,
        trainings=[training_folder(run, work) / "history.csv" for work in progress.trainings if work.finished],
        **{name: there.get(name) for name in ("significance", "claims", "cost")},
        published=beside,
    )


def _so_far(
    run: Path, config: Mapping[str, Any], name: str, paper: pd.DataFrame, flagged: Mapping[str, Sequence[str]]
) -> Document:
    """A table whose rows without scores are left open."""
    entry = config["tables"][name]
    wanted = {_scores(run, score) for score in scores_of(config, entry)}
    scored = sorted(path for path in wanted if path.exists())
    if not scored:
        return Document(entry["title"], [], paragraphs=["Nothing that this table shows has been scored yet."])
    study = Study(**study_parts(config))
    scores = read_scores(scored)
    frame, notes = assemble_table(name, entry, study, scores, paper, gaps=True)
    document = add_flagged(table_document(frame, entry["title"], notes), name, entry, study, scores, flagged)
    left = len(wanted) - len(scored)
    told = f"Not finished: {left} of {len(wanted)} sets of scores are missing; bold is the best so far."
    return replace(document, notes=[told, *document.notes]) if left else document


def _scores(run: Path, score: Scored) -> Path:
    return run / "metrics" / score.trained_on / score.dataset / f"{score.method}.parquet"
