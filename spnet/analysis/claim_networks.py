"""Statistics of claims about networks: their parameters, cost and symmetry; parameters as in config/README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from spnet.analysis.evidence import Evidence, NotTestedError
from spnet.analysis.findings import NOT_REPRODUCED, NOT_TESTED, REPRODUCED, Finding, all_hold, exact

Parameters = Mapping[str, Any]
_SHAPE = (32, 32, 32)


def parameters(evidence: Evidence, claim: Parameters) -> Finding:
    """`method` has as many trainable parameters as `value`, or as the method `as`, give or take `tolerance`."""
    count = evidence.build(claim["method"]).count_parameters()
    if "as" in claim:
        wanted = evidence.build(claim["as"]).count_parameters()
        label = f"{claim['method']} {count:,}, {claim['as']} {wanted:,}"
    else:
        wanted, label = claim["value"], f"{claim['method']} {count:,}, claimed {claim['value']:,}"
    return all_hold([exact(f"{label} (within {claim['tolerance']:,})", claim["tolerance"] - abs(count - wanted))])


def fewer_parameters(evidence: Evidence, claim: Parameters) -> Finding:
    """Each of `than` has more trainable parameters than each of `methods`, at least `ratio` times as many if given."""
    ratio = claim.get("ratio", 1)
    checks, missing = [], []
    for method in claim["methods"]:
        for rival in claim["than"]:
            try:
                few, many = (evidence.build(name).count_parameters() for name in (method, rival))
            except NotTestedError as reason:
                missing.append(str(reason))
                continue
            # Whole numbers: half a parameter more tells "more" from "as many".
            checks.append(exact(f"{method} {few:,}, {rival} {many:,}", many - ratio * few - 0.5))
    return all_hold(checks, missing)


def cost_ratio(evidence: Evidence, claim: Parameters) -> Finding:
    """The cost (`quantity`) of `method` is at least `at_least` and at most `at_most` times that of each of `than`.

    With `device`, only measurements on that kind of device count. A ratio has no interval: it holds or not.
    """
    checks, missing = [], []
    for experiment in claim["experiments"]:
        for rival in claim["than"]:
            try:
                (ours, ours_on), (theirs, theirs_on) = (
                    evidence.cost_of(experiment, name, claim["quantity"], claim.get("device"))
                    for name in (claim["method"], rival)
                )
            except NotTestedError as reason:
                missing.append(str(reason))
                continue
            ratio = ours / theirs
            least, most = claim.get("at_least", 0), claim.get("at_most", float("inf"))
            bounds = f"at least {least:g}" + ("" if most == float("inf") else f", at most {most:g}")
            costs = f"{claim['method']} {ours:.4g} on {ours_on}, {rival} {theirs:.4g} on {theirs_on}"
            label = f"{experiment}: {costs}, {ratio:.2f} times ({bounds})"
            checks.append(exact(label, min(ratio - least, most - ratio)))
    return all_hold(checks, missing)


def order_independent(evidence: Evidence, claim: Parameters) -> Finding:
    """One pass with the images swapped gives the same two fields, swapped, or not, as `expected`.

    A property of the network whatever its weights, so it is tried with random ones, on two random images of 32 voxels a
    side: the largest difference must be within `tolerance` of the largest displacement.
    """
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(0)
        method = evidence.build(claim["method"]).eval()
        first, second = torch.rand(2, 1, 1, *_SHAPE)
        found, swapped = method(first, second), method(second, first)
    if found.backward is None or swapped.backward is None:
        return Finding(NOT_TESTED, f"{claim['method']} gives no two fields in one pass")
    apart = max(
        (found.forward - swapped.backward).abs().max().item(), (found.backward - swapped.forward).abs().max().item()
    )
    largest = found.forward.abs().max().item()
    if largest == 0:
        return Finding(NOT_TESTED, f"{claim['method']} moves nothing")
    share = apart / largest
    holds = (share <= claim["tolerance"]) == claim["expected"]
    figures = (
        f"fields of swapped images differ by {share:.1e} of the largest displacement, {claim['tolerance']:.0e} bounds"
    )
    return Finding(REPRODUCED if holds else NOT_REPRODUCED, figures)


def shown_in_figure(evidence: Evidence, claim: Parameters) -> Finding:
    """The run draws `figure`, which a person must judge: never graded."""
    title = evidence.figures.get(claim["figure"])
    return Finding(NOT_TESTED, f"for the eye: {title}" if title else f"{claim['figure']} is not in the run")
