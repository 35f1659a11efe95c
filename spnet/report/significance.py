"""The comparison of one method with every other, for reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from spnet.analysis.collapsed import collapse_notes, collapses
from spnet.analysis.collect import read_scores
from spnet.analysis.significance import ALPHA, FAMILY, better, compare_methods
from spnet.analysis.study import Study
from spnet.files import atomic_path
from spnet.metrics import METRICS
from spnet.report.document import NUMBER, TEXT, Document, Table, plain_table, write_document

_HEADER = {"Method": TEXT, "difference": NUMBER, "95 % interval": NUMBER, "p (Holm)": NUMBER, "rank-biserial": NUMBER}
_HEADER |= {"better": TEXT}
_NOTES = (
    "difference: the method's mean less the reference's, over ordered pairs; its interval resamples subjects.",
    "p: Wilcoxon's signed-rank test on the differences of ordered pairs, two-sided, corrected by Holm over the methods"
    " of one dataset and quantity. Pairs share subjects, which the test takes for independent: p is optimistic, and the"
    " interval the safer guide.",
    "rank-biserial: matched-pairs rank-biserial correlation, 1 where every pair's value is above the reference's, -1"
    " where every one is below.",
    f"better: the one that the sign favours, where p is under {ALPHA} and the interval excludes 0; else a dash.",
)


def write_significance(
    metrics: str | Path | Sequence[str | Path],
    specification: Mapping[str, Any],
    study: Study,
    outputs: Mapping[str, str | Path],
) -> None:
    """Compare and write csv, markdown and json."""
    scores = read_scores(metrics)
    frame = compare_methods(scores, specification, study)
    with atomic_path(outputs["csv"]) as temporary:
        frame.to_csv(temporary, index=False)
    collapsed = collapses(study.scores_of(scores, specification["experiments"]))
    tables = [_table(place, family, study) for place, family in frame.groupby(FAMILY, sort=False)]
    notes = [*study.notes, *collapse_notes(collapsed, study.titles()), *_NOTES]
    reference = study.methods[specification["reference"]]["title"]
    write_document(Document(f"{reference} against every other method", tables, notes), outputs)


def _table(place: tuple[str, ...], family: pd.DataFrame, study: Study) -> Table:
    dataset, trained_on, metric, structure = place
    about = METRICS[metric]
    quantity = f"{about.full_title}, {structure}" if about.by_label else about.full_title
    # A network that comes from elsewhere would else look like the dataset's own.
    origin = "" if trained_on == dataset else f" (trained on {trained_on})"
    most = family.loc[family["pairs"].idxmax()]
    notes = [f"{most['pairs']} ordered pairs of {most['subjects']} subjects."]
    titles = study.titles()
    fewer = [f"{titles[row.method]} {row.pairs}" for row in family.itertuples() if row.pairs < most["pairs"]]
    if fewer:
        notes.append(f"On fewer pairs, since the others have no value for both methods: {', '.join(fewer)}.")
    rows = [_row(row, titles) for row in family.to_dict("records")]
    return plain_table(f"{dataset}{origin}: {quantity}", _HEADER, rows, notes)


def _row(row: Mapping[str, Any], titles: Mapping[str, str]) -> list[str]:
    return [
        titles[row["method"]],
        f"{row['difference']:+.4f}",
        f"{row['low']:+.4f} to {row['high']:+.4f}",
        f"{row['p_holm']:.2g}",
        f"{row['rank_biserial']:+.2f}",
        titles.get(better(row), "-"),
    ]
