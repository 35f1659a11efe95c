"""The cost of a run, for reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from spnet.analysis.collapsed import COLUMN as COLLAPSED
from spnet.analysis.collapsed import collapse_notes, marked
from spnet.analysis.cost import CONVOLUTIONS, REGISTRATION, RUN, TRAINING, Sources, measure_cost
from spnet.files import atomic_path
from spnet.report.document import NUMBER, TEXT, Document, Table, plain_table, write_document

_REGISTRATION = {"seconds_per_pair": "seconds per pair", "registration_peak_mb": "peak MiB"}
_TRAINING = {
    "steps": "steps",
    "seconds_per_step": "seconds per step",
    "hours": "hours",
    "training_peak_mb": "peak MiB",
}
_RUN = {"jobs": "jobs", "wall_hours": "wall hours", "core_hours": "core hours", "gpu_hours": "GPU hours"}
_MEMORY = "Memory is the GPU's (allocated by torch) on cuda, else that of the whole process (resident)."


def write_cost(sources: Sources, titles: Mapping[str, str], outputs: Mapping[str, str | Path]) -> None:
    """Measure and write csv, markdown and json.

    Parameters
    ----------
    titles: of the methods by name.
    """
    table = measure_cost(sources)
    with atomic_path(outputs["csv"]) as temporary:
        table.to_csv(temporary, index=False)
    write_document(cost_document(table, titles), outputs)


def cost_document(table: pd.DataFrame, titles: Mapping[str, str]) -> Document:
    """The table of :func:`spnet.analysis.cost.measure_cost` for reading."""
    rows = zip(table["method"], table[COLLAPSED], strict=True)
    named = table.assign(title=[marked(titles.get(name, name), collapsed) for name, collapsed in rows])
    collapsed = table[table[COLLAPSED] != ""].groupby(["trained_on", "method"], sort=False)[COLLAPSED].first()
    marks = collapse_notes(collapsed.to_dict(), titles)
    parts = [
        _section(
            named[named["part"] == REGISTRATION],
            "Registering a pair",
            {"title": "Method", "dataset": "dataset", "trained_on": "trained on", "device": "device"},
            _REGISTRATION,
            ["Mean seconds of one direction (half a pass that gives both) and largest memory.", _MEMORY, *marks],
        ),
        _section(
            named[named["part"] == TRAINING],
            "Training",
            {"title": "Method", "trained_on": "trained on", "device": "device", CONVOLUTIONS: "convolutions"},
            _TRAINING,
            [
                "Median seconds of a step, hours of all steps, largest memory since the last start; seeds averaged.",
                _MEMORY,
                *marks,
            ],
        ),
        _section(
            named[named["part"] == RUN],
            "The whole run, by rule",
            {"title": "Rule"},
            _RUN,
            [
                "Wall hours and processor hours of every job that ended before this page was written, from Snakemake's"
                " benchmarks; GPU hours: wall hours of jobs that computed on a GPU. What a killed job spent before its"
                " last start is not in them.",
            ],
        ),
    ]
    return Document("Cost", [part for part in parts if part is not None], paragraphs=[_totals(table)])


def _totals(table: pd.DataFrame) -> str:
    run = table[table["part"] == RUN]
    spent = run.groupby("quantity")["value"].sum()
    gpu = spent.get("gpu_hours", 0.0)
    told = f"{gpu:.2f} GPU hours" if gpu else "no job on a GPU"
    return f"The run so far: {spent.get('core_hours', 0.0):.2f} core hours (processor time of all jobs), {told}."


def _section(
    rows: pd.DataFrame, title: str, places: Mapping[str, str], quantities: Mapping[str, str], notes: Sequence[str]
) -> Table | None:
    if rows.empty:
        return None
    wide = rows.pivot_table(index=list(places), columns="quantity", values="value", aggfunc=_total, sort=False)
    shown = [quantity for quantity in quantities if quantity in wide and wide[quantity].notna().any()]
    body = [
        [*(index if isinstance(index, tuple) else (index,)), *(_number(values[quantity]) for quantity in shown)]
        for index, values in wide.iterrows()
    ]
    header = dict.fromkeys(places.values(), TEXT) | dict.fromkeys((quantities[name] for name in shown), NUMBER)
    return plain_table(title, header, body, notes)


def _total(values: pd.Series) -> float:
    """Their sum; nothing, and not zero, where none was measured."""
    return values.sum(min_count=1)


def _number(value: float) -> str:
    if pd.isna(value):
        return "-"
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
