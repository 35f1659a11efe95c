"""The paper's claims, graded by what a run measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from spnet.analysis import claim_networks, claim_scores  # noqa: F401  they enter their statistics
from spnet.analysis.evidence import Evidence, NotTestedError
from spnet.analysis.findings import NOT_TESTED, Finding
from spnet.analysis.statistics import STATISTICS, check_parameters
from spnet.errors import ConfigError

__all__ = ["STATISTICS", "check_claims", "grade_claims"]

_SAID = ("text", "where", "statistic")


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
