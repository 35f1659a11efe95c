"""The paper's claims, graded by what a run measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from spnet.analysis import claim_networks, claim_scores  # noqa: F401  they enter their statistics
from spnet.analysis.evidence import Evidence, NotTestedError
from spnet.analysis.findings import NOT_TESTED, VERDICTS, Finding
from spnet.analysis.statistics import STATISTICS, check_parameters
from spnet.analysis.study import Study
from spnet.analysis.text import markdown_page
from spnet.errors import ConfigError
from spnet.files import atomic_path, write_text

__all__ = ["STATISTICS", "check_claims", "grade_claims", "write_claims"]

_SAID = ("text", "where", "statistic")
_NOTES = (
    "reproduced: every comparison of the claim holds with its whole 95 % interval, which resamples subjects; not"
    " reproduced: one fails with its whole interval; undecided: an interval crosses the bound; not tested: the run"
    " lacks something that the claim is about.",
    "Bounds are the paper's words as `config/claims.yaml` reads them.",
)


def check_claims(claims: Mapping[str, Mapping[str, Any]]) -> None:
    """Check that every claim's statistic can be called with the claim's parameters.

    Raises
    ------
    ConfigError: naming the claim, what is wrong and the nearest known name.
    """
    for name, claim in claims.items():
        try:
            check_parameters(claim["statistic"], _parameters(claim))
        except ConfigError as error:
            raise ConfigError(f"claim '{name}': {error.problem}", remedy=error.remedy) from error


def _parameters(claim: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in claim.items() if key not in _SAID}


def grade_claims(claims: Mapping[str, Mapping[str, Any]], evidence: Evidence) -> pd.DataFrame:
    """One row per claim: claim, where, text, statistic, verdict, figures.

    Raises
    ------
    ConfigError: as :func:`check_claims`.
    """
    check_claims(claims)
    rows = []
    for name, claim in claims.items():
        finding = _grade(claim, evidence)
        said = {key: claim[key] for key in ("where", "text", "statistic")}
        rows.append({"claim": name, **said, "verdict": finding.verdict, "figures": finding.figures})
    return pd.DataFrame(rows)


def _grade(claim: Mapping[str, Any], evidence: Evidence) -> Finding:
    if evidence.study.part != "test":
        return Finding(NOT_TESTED, f"the {evidence.study.part} subjects were scored")
    try:
        return STATISTICS[claim["statistic"]].grade(evidence, **_parameters(claim))
    except NotTestedError as reason:
        return Finding(NOT_TESTED, str(reason))


def write_claims(
    claims: Mapping[str, Mapping[str, Any]],
    study: Study,
    figures: Mapping[str, str],
    inputs: Mapping[str, str | Path],
    outputs: Mapping[str, str | Path],
) -> None:
    """Grade by a run's scores and cost (inputs metrics, cost) and write csv and markdown.

    Parameters
    ----------
    figures: titles of the run's figures by name.
    """
    cost = pd.read_csv(inputs["cost"], keep_default_na=False, na_values={"value": [""]}, float_precision="round_trip")
    graded = grade_claims(claims, Evidence(study, pd.read_parquet(inputs["metrics"]), cost, figures))
    with atomic_path(outputs["csv"]) as temporary:
        graded.to_csv(temporary, index=False)
    counts = ", ".join(f"{int((graded['verdict'] == verdict).sum())} {verdict}" for verdict in VERDICTS)
    header = ["The paper says", "where", "verdict", "figures"]
    body = [[row.text, row.where, f"**{row.verdict}**", row.figures] for row in graded.itertuples()]
    table = markdown_page("Claims", header, body, _NOTES, level=2)
    above = "\n".join(f"- {note}" for note in [f"{counts}.", *study.notes])
    write_text(outputs["markdown"], f"# The paper's claims\n\n{above}\n\n{table}")
