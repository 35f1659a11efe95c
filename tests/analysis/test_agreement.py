"""The order of methods against the paper's, on orders that are known."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from spnet.analysis.agreement import rank_agreement

PRINTED = {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4, "e": 0.5}


def values(means, noise=0.0, names="pqrst"):
    random = np.random.default_rng(0)
    pairs = list(permutations(names, 2))
    effects = {name: random.normal(0, noise) if noise else 0.0 for name in names}
    rows = [
        (method, moving, fixed, mean + effects[moving] * (-1) ** index)
        for index, (method, mean) in enumerate(means.items())
        for moving, fixed in pairs
    ]
    return pd.DataFrame(rows, columns=["method", "moving", "fixed", "value"])


def test_the_same_order_is_1_and_the_reverse_is_minus_1():
    same = rank_agreement(values(PRINTED), PRINTED)
    assert (same.methods, same.correlation, same.low, same.high) == pytest.approx((5, 1, 1, 1))
    assert rank_agreement(
        values({name: -mean for name, mean in PRINTED.items()}), PRINTED
    ).correlation == pytest.approx(-1)


def test_by_hand_with_one_exchange():
    ours = {"a": 1, "b": 2, "c": 3, "d": 5, "e": 4}  # 1 - 6 * 2 / (5 * 24)
    assert rank_agreement(values(ours), PRINTED).correlation == pytest.approx(0.9)


def test_the_interval_widens_where_subjects_change_the_order():
    found = rank_agreement(values(PRINTED, noise=0.3), PRINTED)
    assert found.low < 0.85
    assert found.low < found.correlation <= found.high


def test_methods_without_a_counterpart_do_not_count_and_few_say_nothing():
    assert rank_agreement(values({**PRINTED, "ours": 9}), PRINTED).methods == 5
    assert rank_agreement(values(PRINTED), {"a": 1, "b": 2, "c": 3}) is None
