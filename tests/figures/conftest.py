"""A pair that two methods registered, without files."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.ndimage import gaussian_filter

from spnet.analysis.summarise import per_pair
from spnet.data.labels import LabelSet
from spnet.evaluation.cost import Cost
from spnet.evaluation.evaluate import COLUMNS, Scoring, score_found
from spnet.evaluation.register import BothWays
from spnet.figures import style
from spnet.figures.material import Material, ShownDataset, ShownLevel, ShownPair, ShownSubject

LABELS = LabelSet(scored=(1, 2, 9), regions={"Upper": (2,), "Lower": (1, 9)})
SHAPE = (16, 20, 12)
METHODS = {"one": "Method one", "two": "Method two (published weights)"}


def subject(name, shift):
    labels = np.zeros(SHAPE, dtype=np.int32)
    labels[5:11, 4 + shift : 12 + shift, 2:6] = 1
    labels[5:11, 4 + shift : 12 + shift, 6:10] = 2
    return ShownSubject(name, gaussian_filter((labels > 0).astype(np.float32), 1), labels)


def scored(pair):
    """The pair with the scores that an evaluation would have given it, and these as rows."""
    forward, backward = (torch.from_numpy(field)[None] for field in (pair.forward, pair.backward))
    cost = Cost(1.0, 1.0)
    volumes = {one.name: torch.from_numpy(one.labels)[None, None].float() for one in (pair.moving, pair.fixed)}
    found = BothWays(forward, backward, cost, cost)
    rows = pd.DataFrame(score_found(found, found.swapped(), volumes, Scoring(LABELS), pair.sampler), columns=COLUMNS)
    rows = rows.assign(trained_on="t", dataset=pair.dataset, method=pair.method, seed=0)
    values = per_pair(rows, {pair.dataset: LABELS})
    chosen = values[values["moving"] == pair.moving.name]
    return replace(pair, scores={(row.metric, row.structure): row.value for row in chosen.itertuples()}), values


@pytest.fixture
def make_pair(random):
    """Function from dataset and method to a registered pair with two levels, and its per-pair values."""

    def make(dataset="d", method="one"):
        noise = [gaussian_filter(random.normal(0, 2, (3, *SHAPE)), (0, 2, 2, 2)).astype(np.float32) for _ in range(2)]
        forward, backward = (
            field + np.array([0, way, 0], dtype=np.float32).reshape(3, 1, 1, 1)
            for way, field in zip((-3, 3), noise, strict=True)
        )
        before, after = (random.uniform(low, 1, SHAPE).astype(np.float32) for low in (0.2, 0.8))
        levels = (ShownLevel(1, forward, before, after), ShownLevel(2, forward / 2, before, None))
        pair = ShownPair(dataset, method, subject("a", 0), subject("b", 3), forward, backward, "exact", levels)
        return scored(pair)

    return make


@pytest.fixture
def make_material(make_pair):
    """Function from datasets and methods to a figure's material."""

    def make(datasets=("d",), methods=("one", "two")):
        made = [make_pair(dataset, method) for dataset in datasets for method in methods]
        return Material(
            pd.concat([values for _, values in made], ignore_index=True),
            {method: METHODS[method] for method in methods},
            {name: ShownDataset(f"Dataset {name}", "sagittal", LABELS) for name in datasets},
            [pair for pair, _ in made],
        )

    style.apply()
    return make
