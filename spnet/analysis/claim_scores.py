"""Statistics of claims about Dice, folding and inverse consistency.

Differences are taken pair by pair, their intervals resample subjects; a margin is positive where the claim holds.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from spnet.analysis.differences import Estimate, estimate, signed_rank
from spnet.analysis.evidence import Evidence
from spnet.analysis.findings import NOT_TESTED, REPRODUCED, Check, Finding, all_found, all_hold, some_hold
from spnet.analysis.scope import Gathered, Maker, Scope
from spnet.analysis.statistics import (
    Amount,
    Amounts,
    Count,
    Level,
    MetricName,
    Names,
    StructuresOfMetrics,
    statistic,
)
from spnet.metrics import METRICS


@statistic()
def better(
    evidence: Evidence,
    *,
    methods: Names,
    than: Names,
    experiments: Names,
    metric: MetricName,
    structures: Names | None = None,
    as_experiment: str | None = None,
    alpha: Level | None = None,
) -> Finding:
    """Each of `methods` is better than each of `than`, in every structure of every experiment.

    `than` are as in `as_experiment`, if given. With `alpha`, Wilcoxon's test (Holm over all comparisons) must agree.
    """
    scope = Scope(evidence, experiments, metric, structures, as_experiment)
    return all_hold(*scope.compare(methods, than, _better(metric, alpha is not None)), alpha)


@statistic()
def better_in_every_metric(
    evidence: Evidence,
    *,
    methods: Names,
    than: Names,
    experiments: Names,
    metrics: StructuresOfMetrics,
    alpha: Level | None = None,
) -> Finding:
    """As `better`, in each of `metrics`, given with the structure that it is of."""
    return all_hold(*_in_metrics(evidence, methods, than, experiments, metrics, alpha is not None), alpha)


@statistic()
def better_in_some_metric(
    evidence: Evidence, *, method: str, than: Names, experiments: Names, metrics: StructuresOfMetrics
) -> Finding:
    """On every experiment, `method` is better than each of `than` in at least one of `metrics`."""
    findings = []
    for experiment in experiments:
        for rival in than:
            checks, missing = _in_metrics(evidence, [method], [rival], [experiment], metrics)
            findings.append(some_hold([replace(check, unit=check.label) for check in checks], 1, missing))
    return all_found(findings)


def _in_metrics(
    evidence: Evidence,
    methods: list[str],
    than: list[str],
    experiments: list[str],
    metrics: dict[str, str],
    tested: bool = False,
) -> Gathered:
    """Comparisons in every metric, of the structure given with it."""
    checks: list[Check] = []
    missing: list[str] = []
    for metric, structure in metrics.items():
        found, lacking = Scope(evidence, experiments, metric, [structure]).compare(
            methods, than, _better(metric, tested)
        )
        checks += [replace(check, label=f"{METRICS[metric].title}, {check.label}") for check in found]
        missing += lacking
    return checks, missing


@statistic()
def drops_by_at_most(
    evidence: Evidence,
    *,
    method: str,
    amount: Amount,
    as_experiment: str,
    experiments: Names,
    metric: MetricName,
    structures: Names | None = None,
) -> Finding:
    """`method` is worse than it is in `as_experiment`, by no more than `amount`."""
    sign = _sign(metric)

    def make(first: pd.Series, second: pd.Series, label: str, rival: str) -> Check:
        drop = estimate(sign * (second - first))
        return Check(f"{label}, a drop of {_signed(drop)} (at most {amount:g})", _within(drop, amount))

    scope = Scope(evidence, experiments, metric, structures, as_experiment)
    return all_hold(*scope.compare([method], [method], make))


@statistic()
def better_on_most(evidence: Evidence, *, method: str, than: Names, experiments: Names, metric: MetricName) -> Finding:
    """In more than half of the label set's regions `method` is better than all of `than`."""
    scope = Scope(evidence, experiments, metric)
    checks, missing = scope.compare([method], than, _better(metric))
    regions = {structure for _, structure in scope.places([])}
    found = some_hold(checks, len(regions) // 2 + 1, missing)
    # A rival that is missing could still be better anywhere.
    return Finding(NOT_TESTED, found.figures) if missing and found.verdict == REPRODUCED else found


@statistic()
def better_than_several(
    evidence: Evidence,
    *,
    method: str,
    than: Names,
    at_least: Count,
    experiments: Names,
    metric: MetricName,
    structures: Names | None = None,
    as_experiment: str | None = None,
) -> Finding:
    """`method` is better than `at_least` of `than`, these as in `as_experiment`."""
    scope = Scope(evidence, experiments, metric, structures, as_experiment)
    checks, missing = scope.compare([method], than, _better(metric), by_rival=True)
    return some_hold(checks, at_least, missing)


@statistic()
def difference_at_least(
    evidence: Evidence,
    *,
    method: str,
    over: Amounts,
    experiments: Names,
    metric: MetricName,
    structures: Names | None = None,
    tolerance: Amount = 0,
) -> Finding:
    """`method` is better than each method in `over` by at least the amount there, less `tolerance` if given."""
    sign = _sign(metric)

    def make(first: pd.Series, second: pd.Series, label: str, rival: str) -> Check:
        difference, amount = estimate(sign * (first - second)), over[rival]
        label = f"{label}, better by {_signed(difference)} (claimed {amount})"
        return Check(label, _less(difference, amount - tolerance), strict=False)

    scope = Scope(evidence, experiments, metric, structures)
    return all_hold(*scope.compare([method], list(over), make, by_rival=True))


@statistic()
def difference_at_most(
    evidence: Evidence,
    *,
    methods: Names,
    over: Amounts,
    experiments: Names,
    metric: MetricName,
    structures: Names | None = None,
) -> Finding:
    """Each of `methods` is better than each method in `over` by no more than the amount there, if at all."""
    sign = _sign(metric)

    def make(first: pd.Series, second: pd.Series, label: str, rival: str) -> Check:
        gain, amount = estimate(sign * (first - second)), over[rival]
        return Check(f"{label}, better by {_signed(gain)} (at most {amount})", _below(gain, amount), strict=False)

    scope = Scope(evidence, experiments, metric, structures)
    return all_hold(*scope.compare(methods, list(over), make, by_rival=True))


@statistic()
def lower_by_factor(
    evidence: Evidence,
    *,
    method: str,
    than: Names,
    factor: Amount,
    experiments: Names,
    metric: MetricName,
    structures: Names | None = None,
) -> Finding:
    """The value of each of `than` is at least `factor` times that of `method`."""

    def make(first: pd.Series, second: pd.Series, label: str, unit: str) -> Check:
        ratio = second.mean() / first.mean() if first.mean() else float("inf")
        label = f"{label}, {ratio:.1f} times (claimed {factor:g})"
        return Check(label, estimate(second - factor * first), unit=unit)

    return all_hold(*Scope(evidence, experiments, metric, structures).compare([method], than, make))


@statistic(one_of=("value", "like"))
def equals_within(
    evidence: Evidence,
    *,
    method: str,
    tolerance: Amount,
    experiments: Names,
    metric: MetricName,
    structures: Names | None = None,
    value: Amount | None = None,
    like: Names | None = None,
    as_experiment: str | None = None,
) -> Finding:
    """`method` is within `tolerance` of the `value`, or of each method in `like`, these as in `as_experiment`.

    Of a value by the mean of every seed; of other methods by the interval that resamples subjects.
    """

    def check(values: pd.Series, label: str) -> Check:
        off = estimate(values)
        least = 0.0 if off.low <= 0 <= off.high else min(abs(off.low), abs(off.high))
        most = max(abs(off.low), abs(off.high))
        margin = Estimate(tolerance - abs(off.mean), tolerance - most, tolerance - least)
        return Check(f"{label}, off by {_signed(off)} (within {tolerance:g})", margin, strict=False)

    scope = Scope(evidence, experiments, metric, structures, as_experiment)
    if like is not None:
        return all_hold(*scope.compare([method], like, lambda one, other, label, _: check(one - other, label)))
    return all_hold(*scope.examine_seeds([method], lambda means, label: _near(means, value, tolerance, label)))


def _near(means: list[float], value: float, tolerance: float, label: str) -> Check:
    """Whether each seed's mean is within the tolerance of the value.

    The paper and we test the same subjects, so an interval that resamples them would answer another question.
    """
    margins = [tolerance - abs(mean - value) for mean in means]
    mean = sum(means) / len(means)
    basis = f"{len(means)} seeds, {min(means):.4f} to {max(means):.4f}" if len(means) > 1 else "by the mean, one seed"
    label = f"{label} {mean:.4f}, off by {mean - value:+.4f} (within {tolerance:g}; {basis})"
    return Check(label, Estimate(sum(margins) / len(margins), min(margins), max(margins)), strict=False)


@statistic()
def at_most(
    evidence: Evidence,
    *,
    methods: Names,
    bound: Amount,
    experiments: Names,
    metric: MetricName,
    structures: Names | None = None,
) -> Finding:
    """The mean of each of `methods` is at most `bound`, in every structure of every experiment."""

    def check(values: pd.Series, label: str) -> Check:
        mean = estimate(values)
        interval = f"{mean.mean:.4g} [{mean.low:.4g}, {mean.high:.4g}]"
        return Check(f"{label} {interval} (at most {bound:g})", _below(mean, bound), strict=False)

    return all_hold(*Scope(evidence, experiments, metric, structures).examine(methods, check))


def _within(value: Estimate, bound: float) -> Estimate:
    """How far a value lies inside of 0 and the bound, by the nearer one."""
    ends = [min(each, bound - each) for each in (value.low, value.high)]
    inside = value.low <= bound / 2 <= value.high  # where the distance is largest
    return Estimate(min(value.mean, bound - value.mean), min(ends), bound / 2 if inside else max(ends))


def _sign(metric: str) -> int:
    return 1 if METRICS[metric].higher_is_better else -1


def _signed(value: Estimate) -> str:
    return f"{value.mean:+.4f} [{value.low:+.4f}, {value.high:+.4f}]"


def _less(value: Estimate, amount: float) -> Estimate:
    return Estimate(value.mean - amount, value.low - amount, value.high - amount)


def _below(value: Estimate, bound: float) -> Estimate:
    """How far a value lies below its upper bound."""
    return Estimate(bound - value.mean, bound - value.high, bound - value.low)


def _better(metric: str, tested: bool = False) -> Maker:
    sign = _sign(metric)

    def make(first: pd.Series, second: pd.Series, label: str, unit: str) -> Check:
        difference = estimate(sign * (first - second))
        p = signed_rank(first - second)[0] if tested else None
        return Check(f"{label}, better by {_signed(difference)}", difference, p=p, unit=unit)

    return make
