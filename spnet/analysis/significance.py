"""The paired comparison of one method with every other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from spnet.analysis.collapsed import collapses
from spnet.analysis.differences import PAIR, Pairs, Scored, estimate, holm, paired, scored_pairs, signed_rank
from spnet.analysis.study import Study
from spnet.analysis.summarise import CELL, per_pair
from spnet.errors import DataError
from spnet.metrics import METRICS

ALPHA = 0.05
FAMILY = ["dataset", "trained_on", "metric", "structure"]
_COLUMNS = [*FAMILY, "method", "reference", "pairs", "subjects", "difference", "low", "high", "p", "rank_biserial"]
_COLUMNS += ["p_holm"]


def compare_methods(scores: pd.DataFrame, specification: Mapping[str, Any], study: Study) -> pd.DataFrame:
    """Every method of the experiments against the reference, in every quantity (entry `significance`).

    Methods that several experiments name are compared once; one dataset, training and quantity is one family of Holm's.
    A training that collapsed is compared with nothing.

    Raises
    ------
    DataError: a quantity was not measured.
    """
    scores = study.scores_of(scores, specification["experiments"])
    collapsed = collapses(scores)
    values = per_pair(scores, study.labels())
    values = values.set_index([*CELL, *PAIR])["value"].sort_index()
    scored = scored_pairs(values)
    families: dict[tuple[str, str], dict[str, str]] = {}
    for name in specification["experiments"]:
        experiment = study.experiments[name]
        place = (experiment["dataset"], experiment["trained_on"])
        sound = {name: source for name, source in study.weights(experiment).items() if (source, name) not in collapsed}
        families.setdefault(place, {}).update(sound)
    parts = [
        pd.DataFrame(_family(values, scored, place, weights, specification["reference"], quantity, study))
        for place, weights in families.items()
        for quantity in specification["quantities"]
        if specification["reference"] in weights and _has(study, place[0], quantity)
    ]
    if collapsed and not any(len(part) for part in parts):
        return pd.DataFrame(columns=_COLUMNS)
    if not any(len(part) for part in parts):
        raise DataError(
            f"there is no method to compare with '{specification['reference']}'",
            remedy="Set significance to null, or give its experiments more methods",
        )
    return pd.concat([part.assign(p_holm=holm(part["p"])) for part in parts if len(part)], ignore_index=True)


def _has(study: Study, dataset: str, quantity: Mapping[str, str]) -> bool:
    """Whether the dataset has the quantity's region, where it is one."""
    labels = study.labels()[dataset]
    metric = METRICS[quantity["metric"]]
    if metric.merges_labels and not labels.merged:
        return False
    return not metric.by_label or quantity["structure"] in labels.groups()


def _family(
    values: pd.Series,
    scored: Mapping[Scored, Pairs],
    place: tuple[str, str],
    weights: Mapping[str, str],
    reference: str,
    quantity: Mapping[str, str],
    study: Study,
) -> Iterator[dict[str, Any]]:
    dataset, trained_on = place
    metric, structure = quantity["metric"], quantity["structure"]

    def of(method: str) -> pd.Series:
        try:
            return values.loc[(weights[method], dataset, method, metric, structure)]
        except KeyError:
            raise DataError(
                f"no {metric} of {structure} was measured for '{method}' on {dataset}",
                remedy="Check significance.quantities against the label set",
            ) from None

    def pairs_of(method: str) -> Pairs:
        return scored[weights[method], dataset, method]

    for method in weights:
        # Affine only has no folds and no inverse error: it wins where it does nothing.
        if method != reference and (METRICS[metric].by_label or not study.is_control(method)):
            ours, theirs = paired(of(method), of(reference), (pairs_of(method), pairs_of(reference)))
            if ours.empty:
                continue
            mean = estimate(ours - theirs)
            p, effect = signed_rank(ours - theirs)
            yield {
                "dataset": dataset,
                "trained_on": trained_on,
                "metric": metric,
                "structure": structure,
                "method": method,
                "reference": reference,
                "pairs": len(ours),
                "subjects": len({name for pair in ours.index for name in pair}),
                "difference": mean.mean,
                "low": mean.low,
                "high": mean.high,
                "p": p,
                "rank_biserial": effect,
            }


def better(row: Mapping[str, Any]) -> str | None:
    """The method that a comparison speaks for, if it speaks clearly."""
    if row["p_holm"] >= ALPHA or row["low"] <= 0 <= row["high"]:
        return None
    return row["method"] if (row["difference"] > 0) == METRICS[row["metric"]].higher_is_better else row["reference"]
