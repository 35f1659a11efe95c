"""The paper's claims and their verdicts, for reading."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from spnet.analysis.claims import CONTRADICTS, grade_claims
from spnet.analysis.evidence import Evidence
from spnet.analysis.findings import VERDICTS
from spnet.analysis.printed import PrintedEvidence
from spnet.analysis.published import read_published
from spnet.analysis.study import Study
from spnet.files import atomic_path
from spnet.report.document import TEXT, VERDICT, Cell, Column, Document, Table, write_document

_COLUMNS = (
    Column("The paper says", kind=TEXT),
    Column("where", kind=TEXT),
    Column("verdict", kind=VERDICT),
    Column("on the paper's own numbers", kind=TEXT),
    Column("figures", kind=TEXT),
)
_NOTES = (
    "reproduced: every comparison of the claim holds with its whole 95 % interval, which resamples subjects; not"
    " reproduced: one fails with its whole interval; undecided: an interval crosses the bound; not tested: the run"
    " lacks something that the claim is about.",
    "Bounds are the paper's words as `config/studies/paper/claims.yaml` reads them. A mean that the paper prints is"
    " graded by every seed's mean: reproduced where all are within the claim's tolerance, undecided where some are.",
    'On the paper\'s own numbers: whether the claim holds on the means that the paper prints; a tie is no "better".',
    "ICE is of the official sampler, as the paper's; the verdict with the exact one stands among the figures.",
)


def write_claims(
    claims: Mapping[str, Mapping[str, Any]],
    study: Study,
    paper: Study,
    figures: Mapping[str, str],
    inputs: Mapping[str, str | Path],
    outputs: Mapping[str, str | Path],
) -> None:
    """Grade by a run's scores and cost (inputs metrics, cost, published) and write csv, markdown and json.

    Parameters
    ----------
    study, paper: what the run scored, and what the printed numbers are of.
    figures: titles of the run's figures by name.
    """
    cost = pd.read_csv(inputs["cost"], keep_default_na=False, na_values={"value": [""]}, float_precision="round_trip")
    scores = pd.read_parquet(inputs["metrics"])
    printed = PrintedEvidence(paper, scores, cost, published=read_published(inputs["published"]))
    graded = grade_claims(claims, Evidence(study, scores, cost, figures), printed)
    with atomic_path(outputs["csv"]) as temporary:
        graded.to_csv(temporary, index=False)
    rows = [
        [
            Cell(row.text),
            Cell(row.where),
            Cell(row.verdict, best=True),
            Cell(row.on_printed_numbers),
            Cell(_figures(row)),
        ]
        for row in graded.itertuples()
    ]
    counts = ", ".join(f"{int((graded['verdict'] == verdict).sum())} {verdict}" for verdict in VERDICTS)
    contradicted = int((graded["on_printed_numbers"] == CONTRADICTS).sum())
    points = [f"{counts}; {contradicted} contradicted by the paper's own tables.", *study.notes]
    write_document(
        Document("The paper's claims", [Table(_COLUMNS, rows, "Claims", _NOTES)], points=points),
        outputs,
    )


def _figures(row: Any) -> str:
    """What the verdict rests on, what else the exact sampler says, and where the paper's own tables disagree."""
    parts = [row.figures]
    if row.with_exact_sampler:
        parts.append(f"With the exact sampler: {row.with_exact_sampler} ({row.exact_figures})")
    if row.on_printed_numbers == CONTRADICTS:
        parts.append(f"Printed: {row.printed_figures}")
    return ". ".join(parts)
