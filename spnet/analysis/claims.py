"""The paper's claims, graded by what a run measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from spnet.analysis import claim_networks, claim_scores  # noqa: F401  they enter their statistics
from spnet.analysis.evidence import Evidence, NotTestedError
from spnet.analysis.findings import NOT_TESTED, REPRODUCED, Finding
from spnet.analysis.statistics import STATISTICS, check_parameters
from spnet.errors import ConfigError

__all__ = ["STATISTICS", "check_claims", "grade_claims"]

_SAID = ("text", "where", "statistic")
# What a claim gets on the paper's own printed means.
HOLDS, CONTRADICTS, NOT_PRINTED = "holds", "contradicts its own table", "not printed"
# The paper's inverse consistency error is of the official sampler; the exact one's verdict stands beside.
_OTHER_SAMPLER = {"ice": "ice_exact"}


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


def grade_claims(
    claims: Mapping[str, Mapping[str, Any]], evidence: Evidence, printed: Evidence | None = None
) -> pd.DataFrame:
    """Grade every claim by a run's evidence, and by the paper's printed means where they are given.

    Parameters
    ----------
    printed: a :class:`spnet.analysis.printed.PrintedEvidence`.

    Returns
    -------
    One row per claim: claim, where, text, statistic, verdict, figures; on_printed_numbers with printed_figures; and
    with_exact_sampler with exact_figures, for claims about the inverse consistency error.

    Raises
    ------
    ConfigError: as :func:`check_claims`.
    """
    check_claims(claims)
    rows = []
    for name, claim in claims.items():
        found, exact = _grade(claim, evidence), _grade_exact(claim, evidence)
        said = {key: claim[key] for key in ("where", "text", "statistic")}
        own, own_figures = ("", "") if printed is None else _grade_printed(claim, printed)
        row = {"claim": name, **said, "verdict": found.verdict, "figures": found.figures}
        row |= {"on_printed_numbers": own, "printed_figures": own_figures}
        row |= {"with_exact_sampler": exact.verdict, "exact_figures": exact.figures}
        rows.append(row)
    return pd.DataFrame(rows)


def _grade(claim: Mapping[str, Any], evidence: Evidence) -> Finding:
    if evidence.study.part != "test":
        return Finding(NOT_TESTED, f"the {evidence.study.part} subjects were scored")
    try:
        return STATISTICS[claim["statistic"]].grade(evidence, **_parameters(claim))
    except NotTestedError as reason:
        return Finding(NOT_TESTED, str(reason))


def _grade_printed(claim: Mapping[str, Any], printed: Evidence) -> tuple[str, str]:
    """Whether the claim holds on printed means, and the figures; of which no test of significance can be made."""
    found = _grade({key: value for key, value in claim.items() if key != "alpha"}, printed)
    if found.verdict == NOT_TESTED:
        return NOT_PRINTED, ""
    return (HOLDS if found.verdict == REPRODUCED else CONTRADICTS), found.figures


def _grade_exact(claim: Mapping[str, Any], evidence: Evidence) -> Finding:
    """The claim with the exact sampler's error in place of the official one's; empty for other claims."""
    if claim.get("metric") in _OTHER_SAMPLER:
        return _grade({**claim, "metric": _OTHER_SAMPLER[claim["metric"]]}, evidence)
    metrics = claim.get("metrics", {})
    if not set(metrics) & set(_OTHER_SAMPLER):
        return Finding("", "")
    swapped = {_OTHER_SAMPLER.get(metric, metric): structure for metric, structure in metrics.items()}
    return _grade({**claim, "metrics": swapped}, evidence)
