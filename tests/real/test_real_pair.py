"""Two real scans from native space to scores, with the published weights."""

import pandas as pd
import pytest
import torch

from spnet.data.labels import LABEL_SETS
from spnet.data.options import PreprocessOptions
from spnet.data.pairs import make_pairs
from spnet.evaluation.chunk import MethodSpec
from spnet.evaluation.evaluate import evaluate_pairs, prepared_reader
from spnet.preparation import prepare_subject
from spnet.weights import find_published

pytestmark = pytest.mark.slow

DKT50 = LABEL_SETS["dkt50"]


@pytest.fixture(scope="module")
def prepared(mindboggle101, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    subjects = mindboggle101[:2]
    for subject in subjects:
        prepare_subject(subject, PreprocessOptions("mni152", 1.0, (160, 192, 160)), DKT50, folder / subject.subject)
    return folder, [subject.subject for subject in subjects]


def average_dice(spec, prepared):
    folder, names = prepared
    reader = prepared_reader(folder, torch.device("cpu"))
    scores = evaluate_pairs(spec.build("cpu"), make_pairs(names, 1), reader, DKT50)
    whole = scores[scores["metric"] != "dice"].groupby("metric")["value"].mean()
    return scores[scores["metric"] == "dice"]["value"].mean(), whole


def test_the_published_weights_register_real_brains_as_the_paper_says(prepared, shared):
    affine, _ = average_dice(MethodSpec("identity"), prepared)
    weights = find_published("spnet", shared / "weights")
    spnet, whole = average_dice(MethodSpec("spnet", {}, weights), prepared)
    assert isinstance(whole, pd.Series)
    # Paper: .587 over 380 pairs, standard deviation .014; affine only about .35 (measured apart).
    assert 0.25 < affine < 0.45
    assert 0.54 < spnet < 0.65
    assert whole["jab"] < 0.02
    assert 0.035 < whole["ice"] < 0.06
