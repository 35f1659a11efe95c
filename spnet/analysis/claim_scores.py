"""Statistics of claims about Dice, folding and inverse consistency.

Each takes the run's evidence and the claim's parameters (config/README.md) and returns a finding. Differences are taken
pair by pair, their intervals resample subjects; a margin is positive where the claim holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

from spnet.analysis.differences import Estimate, estimate, paired, signed_rank
from spnet.analysis.evidence import Evidence, NotTestedError
from spnet.analysis.findings import NOT_TESTED, REPRODUCED, Check, Finding, all_hold, some_hold
from spnet.metrics import METRICS

Parameters = Mapping[str, Any]
# Makes a check of two methods' values; the label is of both, the unit of what is counted.
_Maker = Callable[[pd.Series, pd.Series, str, str], Check]


def better(evidence: Evidence, claim: Parameters) -> Finding:
    """Each of `methods` is better than each of `than`, in every structure of every experiment.

    With `alpha`, Wilcoxon's test (Holm over all comparisons) must agree.
    """
    checks, missing = [], []
    for method in claim["methods"]:
        found, absent = _gather(evidence, claim, method, claim["than"], _better(claim["metric"], "alpha" in claim))
        checks += found
        missing += absent
    return all_hold(checks, missing, claim.get("alpha"))


def better_on_most(evidence: Evidence, claim: Parameters) -> Finding:
    """In more than half of the label set's regions `method` is better than all of `than`."""
    checks, missing = _gather(evidence, claim, claim["method"], claim["than"], _better(claim["metric"]))
    regions = set(_regions(evidence, claim))
    found = some_hold(checks, len(regions) // 2 + 1, missing)
    # A rival that is missing could still be better anywhere.
    return Finding(NOT_TESTED, found.figures) if missing and found.verdict == REPRODUCED else found


def better_than_several(evidence: Evidence, claim: Parameters) -> Finding:
    """`method` is better than `at_least` of `than`, these as in `as_experiment`."""

    def make(first: pd.Series, second: pd.Series, label: str, rival: str) -> Check:
        check = _better(claim["metric"])(first, second, label, rival)
        return Check(check.label, check.margin, unit=rival)

    checks, missing = _gather(evidence, claim, claim["method"], claim["than"], make, by_rival=True)
    return some_hold(checks, claim["at_least"], missing)


def difference_at_least(evidence: Evidence, claim: Parameters) -> Finding:
    """`method` is better than each method in `over` by at least the amount there, less `tolerance` if given."""
    sign, tolerance = _sign(claim["metric"]), claim.get("tolerance", 0)

    def make(first: pd.Series, second: pd.Series, label: str, rival: str) -> Check:
        difference = estimate(sign * (first - second))
        amount = claim["over"][rival]
        label = f"{label}, better by {_signed(difference)} (claimed {amount})"
        return Check(label, _less(difference, amount - tolerance), strict=False)

    return all_hold(*_gather(evidence, claim, claim["method"], list(claim["over"]), make, by_rival=True))


def difference_at_most(evidence: Evidence, claim: Parameters) -> Finding:
    """Each of `methods` is better than each method in `over` by no more than the amount there, if at all."""
    sign = _sign(claim["metric"])

    def make(first: pd.Series, second: pd.Series, label: str, rival: str) -> Check:
        gain, amount = estimate(sign * (first - second)), claim["over"][rival]
        label = f"{label}, better by {_signed(gain)} (at most {amount})"
        return Check(label, Estimate(amount - gain.mean, amount - gain.high, amount - gain.low), strict=False)

    checks, missing = [], []
    for method in claim["methods"]:
        found, absent = _gather(evidence, claim, method, list(claim["over"]), make, by_rival=True)
        checks += found
        missing += absent
    return all_hold(checks, missing)


def lower_by_factor(evidence: Evidence, claim: Parameters) -> Finding:
    """The value of each of `than` is at least `factor` times that of `method`."""

    def make(first: pd.Series, second: pd.Series, label: str, unit: str) -> Check:
        ratio = second.mean() / first.mean() if first.mean() else float("inf")
        margin = estimate(second - claim["factor"] * first)
        return Check(f"{label}, {ratio:.1f} times (claimed {claim['factor']:g})", margin, unit=unit)

    return all_hold(*_gather(evidence, claim, claim["method"], claim["than"], make))


def equals_within(evidence: Evidence, claim: Parameters) -> Finding:
    """`method` is within `tolerance` of the `value`, or of each method in `as`, these as in `as_experiment`."""
    tolerance = claim["tolerance"]

    def check(values: pd.Series, label: str) -> Check:
        off = estimate(values)
        least = 0.0 if off.low <= 0 <= off.high else min(abs(off.low), abs(off.high))
        most = max(abs(off.low), abs(off.high))
        margin = Estimate(tolerance - abs(off.mean), tolerance - most, tolerance - least)
        return Check(f"{label}, off by {_signed(off)} (within {tolerance:g})", margin, strict=False)

    if "value" not in claim:
        return all_hold(
            *_gather(
                evidence, claim, claim["method"], claim["as"], lambda one, other, label, _: check(one - other, label)
            )
        )
    checks, missing = _single(
        evidence,
        claim,
        [claim["method"]],
        lambda values, label: check(values - claim["value"], f"{label} {values.mean():.3f}"),
    )
    return all_hold(checks, missing)


def at_most(evidence: Evidence, claim: Parameters) -> Finding:
    """The mean of each of `methods` is at most `bound`, in every structure of every experiment."""

    def check(values: pd.Series, label: str) -> Check:
        mean, bound = estimate(values), claim["bound"]
        margin = Estimate(bound - mean.mean, bound - mean.high, bound - mean.low)
        interval = f"{mean.mean:.4g} [{mean.low:.4g}, {mean.high:.4g}]"
        return Check(f"{label} {interval} (at most {bound:g})", margin, strict=False)

    return all_hold(*_single(evidence, claim, claim["methods"], check))


def _sign(metric: str) -> int:
    return 1 if METRICS[metric].higher_is_better else -1


def _signed(value: Estimate) -> str:
    return f"{value.mean:+.4f} [{value.low:+.4f}, {value.high:+.4f}]"


def _less(value: Estimate, amount: float) -> Estimate:
    return Estimate(value.mean - amount, value.low - amount, value.high - amount)


def _better(metric: str, tested: bool = False) -> _Maker:
    sign = _sign(metric)

    def make(first: pd.Series, second: pd.Series, label: str, unit: str) -> Check:
        difference = estimate(sign * (first - second))
        p = signed_rank(first - second)[0] if tested else None
        return Check(f"{label}, better by {_signed(difference)}", difference, p=p, unit=unit)

    return make


def _regions(evidence: Evidence, claim: Parameters) -> Iterator[str]:
    """Every structure of the claim's experiments that the run has."""
    for _, structure in _places(evidence, claim, []):
        yield structure


def _places(evidence: Evidence, claim: Parameters, missing: list[str]) -> Iterator[tuple[str, str]]:
    """Every experiment with every structure of it that the claim is about."""
    for experiment in claim["experiments"]:
        try:
            structures = claim.get("structures") or evidence.structures(experiment)
        except NotTestedError as reason:
            missing.append(str(reason))
            continue
        for structure in structures:
            yield experiment, structure


def _gather(
    evidence: Evidence,
    claim: Parameters,
    method: str,
    rivals: list[str],
    make: _Maker,
    by_rival: bool = False,
) -> tuple[list[Check], list[str]]:
    """A check of the method against every rival in every place, and why some could not be made.

    Parameters
    ----------
    by_rival: the maker is told the rival, else the structure.
    """
    checks: list[Check] = []
    missing: list[str] = []
    metric = claim["metric"]
    for experiment, structure in _places(evidence, claim, missing):
        for rival in rivals:
            try:
                first = evidence.pairs(experiment, method, metric, structure)
                second = evidence.pairs(claim.get("as_experiment", experiment), rival, metric, structure)
            except NotTestedError as reason:
                missing.append(str(reason))
                continue
            first, second = paired(first, second)
            label = f"{experiment} {structure}: {method} {first.mean():.3f}, {rival} {second.mean():.3f}"
            checks.append(make(first, second, label, rival if by_rival else structure))
    return checks, missing


def _single(
    evidence: Evidence, claim: Parameters, methods: list[str], make: Callable[[pd.Series, str], Check]
) -> tuple[list[Check], list[str]]:
    checks: list[Check] = []
    missing: list[str] = []
    for experiment, structure in _places(evidence, claim, missing):
        for method in methods:
            try:
                values = evidence.pairs(experiment, method, claim["metric"], structure)
            except NotTestedError as reason:
                missing.append(str(reason))
                continue
            checks.append(make(values, f"{experiment} {structure}: {method}"))
    return checks, missing
