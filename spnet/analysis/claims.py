"""The paper's claims, graded by what a run measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from spnet.analysis import claim_networks, claim_scores
from spnet.analysis.evidence import Evidence, NotTestedError
from spnet.analysis.findings import NOT_TESTED, VERDICTS, Finding
from spnet.analysis.study import Study
from spnet.analysis.text import markdown_page
from spnet.files import atomic_path, write_text

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
_NOTES = (
    "reproduced: every comparison of the claim holds with its whole 95 % interval, which resamples subjects; not"
    " reproduced: one fails with its whole interval; undecided: an interval crosses the bound; not tested: the run"
    " lacks something that the claim is about.",
    "Bounds are the paper's words as `config/studies/paper/claims.yaml` reads them.",
)


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
