"""The paper's claims, graded by what a run measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from spnet.analysis import claim_networks, claim_scores
from spnet.analysis.evidence import Evidence, NotTestedError
from spnet.analysis.findings import NOT_TESTED, Finding

STATISTICS: dict[str, Callable[[Evidence, Mapping[str, Any]], Finding]] = {
    function.__name__: function
    for function in (
        claim_scores.better,
        claim_scores.better_on_most,
        claim_scores.better_than_several,
        claim_scores.difference_at_least,
        claim_scores.difference_at_most,
        claim_scores.lower_by_factor,
        claim_scores.equals_within,
        claim_scores.at_most,
        claim_networks.parameters,
        claim_networks.fewer_parameters,
        claim_networks.cost_ratio,
        claim_networks.order_independent,
        claim_networks.shown_in_figure,
    )
}


def grade_claims(claims: Mapping[str, Mapping[str, Any]], evidence: Evidence) -> pd.DataFrame:
    """One row per claim: claim, where, text, statistic, verdict, figures."""
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
        return STATISTICS[claim["statistic"]](evidence, claim)
    except NotTestedError as reason:
        return Finding(NOT_TESTED, str(reason))
