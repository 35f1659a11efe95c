"""From single comparisons to the verdict on a claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spnet.analysis.differences import Estimate, holm

REPRODUCED, NOT_REPRODUCED, UNDECIDED = "reproduced", "not reproduced", "undecided"
NOT_TESTED = "not tested"
VERDICTS = (REPRODUCED, NOT_REPRODUCED, UNDECIDED, NOT_TESTED)
_SHOWN = 3
_ROUNDING = 1e-9  # of differences of printed decimals, which no measured margin is as near to 0 as


@dataclass(frozen=True)
class Check:
    """One comparison that a claim stands on.

    Attributes
    ----------
    label: what was compared, with the figures.
    margin: by how much it holds, with its interval; negative where it does not.
    strict: a margin of 0 does not hold.
    p: of a test that the margin differs from 0, where the claim is about significance.
    unit: comparisons of one unit hold together or not at all, where a claim counts.
    """

    label: str
    margin: Estimate
    strict: bool = True
    p: float | None = None
    unit: str = ""

    @property
    def verdict(self) -> str:
        """By the interval: all of it on one side of the bound, or undecided."""
        if self.margin.high < -_ROUNDING:
            return NOT_REPRODUCED
        holds = self.margin.low > (_ROUNDING if self.strict else -_ROUNDING)
        return REPRODUCED if holds else UNDECIDED


@dataclass(frozen=True)
class Finding:
    """A verdict and the figures that it rests on."""

    verdict: str
    figures: str


def exact(label: str, margin: float) -> Check:
    """A comparison of numbers without an error; equality holds."""
    return Check(label, Estimate(margin, margin, margin), strict=False)


def all_hold(checks: Sequence[Check], missing: Sequence[str] = (), alpha: float | None = None) -> Finding:
    """Every comparison must hold; one that fails settles the claim even where others are missing.

    Parameters
    ----------
    missing: why comparisons could not be made.
    alpha: largest p, corrected by Holm over all comparisons, of one that counts as holding.
    """
    verdicts = [check.verdict for check in checks]
    if alpha is not None:
        corrected = holm([1.0 if check.p is None else check.p for check in checks])
        verdicts = [
            UNDECIDED if verdict == REPRODUCED and p >= alpha else verdict
            for verdict, p in zip(verdicts, corrected, strict=True)
        ]
    verdict = _combine(verdicts, len(verdicts))
    return _finding(NOT_TESTED if missing and verdict != NOT_REPRODUCED else verdict, checks, verdicts, missing)


def some_hold(checks: Sequence[Check], needed: int, missing: Sequence[str] = ()) -> Finding:
    """So many units must hold, each with all its comparisons."""
    units = dict.fromkeys(check.unit for check in checks)
    verdicts = [_combine([c.verdict for c in checks if c.unit == unit], None) for unit in units]
    verdict = _combine(verdicts, needed)
    enough = verdict == REPRODUCED or not missing
    counted = f"{verdicts.count(REPRODUCED)} of {len(verdicts)}, {needed} needed"
    found = _finding(verdict if enough else NOT_TESTED, checks, [check.verdict for check in checks], missing)
    return Finding(found.verdict, f"{counted}; {found.figures}")


def all_found(findings: Sequence[Finding]) -> Finding:
    """Every finding must be that it is reproduced; one that is not settles the claim."""
    verdicts = [finding.verdict for finding in findings]
    order = (NOT_REPRODUCED, NOT_TESTED, UNDECIDED, REPRODUCED)
    worst = min(verdicts, key=order.index, default=NOT_TESTED)
    shown = [finding.figures for finding in findings if finding.verdict == worst][:_SHOWN]
    return Finding(worst, f"{verdicts.count(REPRODUCED)} of {len(verdicts)} hold; {'; '.join(shown)}")


def _combine(verdicts: Sequence[str], needed: int | None) -> str:
    needed = len(verdicts) if needed is None else needed
    if not verdicts:
        return NOT_TESTED
    if verdicts.count(REPRODUCED) >= needed:
        return REPRODUCED
    return NOT_REPRODUCED if len(verdicts) - verdicts.count(NOT_REPRODUCED) < needed else UNDECIDED


def _finding(verdict: str, checks: Sequence[Check], verdicts: Sequence[str], missing: Sequence[str]) -> Finding:
    """The figures that a reader needs: all of a few, else the weakest."""
    weakest = sorted(checks, key=lambda check: check.margin.low)[:_SHOWN] if len(checks) > _SHOWN else checks
    parts = ["; ".join(check.label for check in weakest)] if checks else []
    if len(checks) > _SHOWN:
        parts = [f"{verdicts.count(REPRODUCED)} of {len(checks)} comparisons hold; weakest: {parts[0]}"]
    if missing:
        parts.append("missing: " + ", ".join(dict.fromkeys(missing)))
    return Finding(verdict, ". ".join(parts))
