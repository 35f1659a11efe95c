"""The paper's claims and their verdicts, for reading."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from spnet.analysis.claims import grade_claims
from spnet.analysis.evidence import Evidence
from spnet.analysis.findings import VERDICTS
from spnet.analysis.study import Study
from spnet.files import atomic_path
from spnet.report.document import TEXT, VERDICT, Cell, Column, Document, Table, write_document

_COLUMNS = (
    Column("The paper says", kind=TEXT),
    Column("where", kind=TEXT),
    Column("verdict", kind=VERDICT),
    Column("figures", kind=TEXT),
)
_NOTES = (
    "reproduced: every comparison of the claim holds with its whole 95 % interval, which resamples subjects; not"
    " reproduced: one fails with its whole interval; undecided: an interval crosses the bound; not tested: the run"
    " lacks something that the claim is about.",
    "Bounds are the paper's words as `config/studies/paper/claims.yaml` reads them.",
)


def write_claims(
    claims: Mapping[str, Mapping[str, Any]],
    study: Study,
    figures: Mapping[str, str],
    inputs: Mapping[str, str | Path],
    outputs: Mapping[str, str | Path],
) -> None:
    """Grade by a run's scores and cost (inputs metrics, cost) and write csv, markdown and json.

    Parameters
    ----------
    figures: titles of the run's figures by name.
    """
    cost = pd.read_csv(inputs["cost"], keep_default_na=False, na_values={"value": [""]}, float_precision="round_trip")
    graded = grade_claims(claims, Evidence(study, pd.read_parquet(inputs["metrics"]), cost, figures))
    with atomic_path(outputs["csv"]) as temporary:
        graded.to_csv(temporary, index=False)
    rows = [
        [Cell(row.text), Cell(row.where), Cell(row.verdict, best=True), Cell(row.figures)]
        for row in graded.itertuples()
    ]
    counts = ", ".join(f"{int((graded['verdict'] == verdict).sum())} {verdict}" for verdict in VERDICTS)
    points = [f"{counts}.", *study.notes]
    write_document(
        Document("The paper's claims", [Table(_COLUMNS, rows, "Claims", _NOTES)], points=points),
        outputs,
    )
