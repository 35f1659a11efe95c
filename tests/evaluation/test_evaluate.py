"""Scores of pairs with fields and labels whose answers are known."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch

from spnet.data.labels import LabelSet
from spnet.errors import ConfigError, RegistrationError, SpnetError
from spnet.evaluation.chunk import MethodSpec, evaluate_chunk
from spnet.evaluation.evaluate import ReadyImages, Scoring, evaluate_pairs, prepared_reader
from spnet.evaluation.register import make_ready, register_both_ways, register_ready
from spnet.methods import build_method
from spnet.methods.base import Method, NoOptions, Registration
from spnet.training.record import write_record

LABELS = LabelSet(scored=(1, 2, 9))
SHAPE = (12, 14, 10)
SHIFT = 2


class Shift(Method):
    """Moves axis 0 by SHIFT voxels from `low` to `high` and back; knows one direction at a time."""

    def register(self, moving, fixed):
        displacement = torch.zeros(1, 3, *SHAPE)
        displacement[:, 0] = SHIFT if moving.sum() < fixed.sum() else -SHIFT
        return Registration(displacement)


@pytest.fixture
def prepared(tmp_path, write_image):
    """Two subjects with a box of two labels, the second one's SHIFT voxels nearer to the origin."""
    for name, start in (("low", 6), ("high", 6 - SHIFT)):
        labels = np.zeros(SHAPE)
        labels[start : start + 3, 4:10, 3:7] = 1
        labels[start + 3 : start + 5, 4:10, 3:7] = 2
        (tmp_path / name).mkdir()
        write_image(f"{name}/labels.nii.gz", labels, dtype=np.int32)
        write_image(f"{name}/image.nii.gz", (labels > 0) * (0.5 if name == "low" else 1.0))
    return tmp_path


def pick(scores, metric, structure="volume", moving="low"):
    chosen = scores[(scores["metric"] == metric) & (scores["structure"] == structure) & (scores["moving"] == moving)]
    return chosen["value"].item()


def evaluate(prepared, method, further=(), spacing=1.0):
    pairs = pd.DataFrame([{"first": "low", "second": "high"}])
    reader = prepared_reader(prepared, torch.device("cpu"))
    return evaluate_pairs(method, pairs, reader, Scoring(LABELS, further, spacing))


def test_the_right_shift_gives_dice_one_no_folding_and_consistency_both_ways(prepared):
    scores = evaluate(prepared, Shift(NoOptions()))
    for moving in ("low", "high"):
        assert pick(scores, "dice", "1", moving) == 1
        assert pick(scores, "dice", "2", moving) == 1
        assert pick(scores, "jab", moving=moving) == 0
        assert pick(scores, "ice_exact", moving=moving) == 0
    assert set(scores["metric"]) == {"dice", "jab", "jab_central", "ice", "ice_exact", "seconds", "peak_mb"}


def test_the_official_sampler_sees_zeros_outside(prepared):
    # u_ab + u_ba(x + u_ab) is 0 inside and u_ab alone where the sampler finds nothing.
    assert 0 < pick(evaluate(prepared, Shift(NoOptions())), "ice") < SHIFT


def test_a_label_that_neither_volume_has_gets_no_score(prepared):
    assert "9" not in set(evaluate(prepared, Shift(NoOptions()))["structure"])


def test_further_metrics_are_measured_when_asked_for_lengths_in_mm(prepared):
    affine_only = MethodSpec("identity").build("cpu")
    scores = evaluate(prepared, affine_only, ["hd95", "sdlogj", "sdlogj_unshifted"], (1.5, 3.0, 3.0))
    for moving in ("low", "high"):
        assert pick(scores, "hd95", "1", moving) == pytest.approx(SHIFT * 1.5)
        assert pick(scores, "hd95", "2", moving) == pytest.approx(SHIFT * 1.5)
        assert pick(scores, "sdlogj", moving=moving) == pick(scores, "sdlogj_unshifted", moving=moving) == 0
    assert set(scores[scores["metric"] == "hd95"]["structure"]) == {"1", "2"}


def test_the_right_shift_has_no_hd95_and_a_stretched_half_the_spread_of_its_determinants(prepared):
    class Stretched(Shift):
        def register(self, moving, fixed):
            displacement = super().register(moving, fixed).forward
            displacement[:, 1, :, 7:] += 0.5 * (torch.arange(SHAPE[1] - 7) + 1).reshape(1, 1, -1, 1)
            return Registration(displacement)

    further = ["hd95", "sdlogj", "sdlogj_unshifted"]
    assert pick(evaluate(prepared, Shift(NoOptions()), further), "hd95", "1") == 0
    scores = evaluate(prepared, Stretched(NoOptions()), further)
    determinants = np.array([1.0] * 4 + [1.25] + [1.5] * 5)
    assert pick(scores, "sdlogj") == pytest.approx(np.log(determinants + 3).std(), rel=1e-5)
    assert pick(scores, "sdlogj_unshifted") == pytest.approx(np.log(determinants).std(), rel=1e-5)


def test_a_label_that_the_warp_pushes_out_has_a_dice_of_zero_and_no_hd95(prepared):
    class Away(Shift):
        def register(self, moving, fixed):
            return Registration(torch.full((1, 3, *SHAPE), 100.0))

    scores = evaluate(prepared, Away(NoOptions()), ["hd95"])
    assert pick(scores, "dice", "1") == 0
    assert "hd95" not in set(scores["metric"])
    assert np.isfinite(scores["value"]).all()


def test_an_unknown_further_metric_is_named():
    with pytest.raises(ConfigError, match="no further metric 'hd96', did you mean 'hd95'"):
        Scoring(LABELS, ["hd96"])


def test_a_method_with_one_direction_is_run_twice_and_each_run_is_timed(prepared):
    calls = []

    class Counting(Shift):
        def register(self, moving, fixed):
            calls.append((moving, fixed))
            return super().register(moving, fixed)

    found = register_both_ways(Counting(NoOptions()), torch.zeros(1, 1, *SHAPE), torch.ones(1, 1, *SHAPE))
    assert len(calls) == 2
    assert calls[0][0] is calls[1][1]
    assert found.forward_cost is not found.backward_cost
    assert found.forward_cost.seconds > 0
    assert found.backward_cost.seconds > 0
    assert found.forward_cost.peak_mb > 10


def test_a_field_with_nan_is_an_error_and_not_a_number_in_a_table(prepared):
    class Broken(Shift):
        def register(self, moving, fixed):
            return Registration(super().register(moving, fixed).forward * float("nan"))

    with pytest.raises(RegistrationError, match="pair low, high: Broken gave a field with values that are not"):
        evaluate(prepared, Broken(NoOptions()))


def test_a_learned_method_without_weights_is_not_scored():
    with pytest.raises(ConfigError, match="'spnet' is learned, but no weights"):
        MethodSpec("spnet").build("cpu")


def test_a_chunk_is_a_tidy_table_of_its_own_pairs(prepared, tmp_path):
    identity = {"trained_on": "none", "dataset": "d", "method": "identity", "seed": 0}
    scoring = Scoring(LABELS, ["hd95"], 2.0)
    evaluate_chunk(MethodSpec("identity"), [("low", "high")], prepared, scoring, identity, tmp_path / "c.csv", "cpu")
    scores = pd.read_csv(tmp_path / "c.csv", dtype={"structure": str})
    assert list(scores.columns) == [*identity, "moving", "fixed", "metric", "structure", "value", "collapsed"]
    assert set(zip(scores["moving"], scores["fixed"], strict=True)) == {("low", "high"), ("high", "low")}
    assert pick(scores, "dice", "1") == pytest.approx(2 * 1 / 6)
    assert pick(scores, "ice") == 0
    assert pick(scores, "hd95", "1") == pytest.approx(SHIFT * 2.0)


def test_scores_of_a_training_that_collapsed_say_so_and_others_do_not(prepared, tmp_path):
    network = MethodSpec("vm", {}, tmp_path / "weights.pt")
    torch.save(build_method("vm", {}).state_dict(), network.weights)
    told = []
    for collapsed in ("the network moves nothing", None):
        write_record(tmp_path / "run.yaml", {}, torch.device("cpu"), {"collapsed": collapsed})
        identity = {"trained_on": "d", "dataset": "d", "method": "vm", "seed": 0}
        evaluate_chunk(network, [("low", "high")], prepared, Scoring(LABELS), identity, tmp_path / "c.csv", "cpu")
        told.append(set(pd.read_csv(tmp_path / "c.csv", keep_default_na=False)["collapsed"]))
    assert told == [{"the network moves nothing"}, {""}]


class Encoding(Shift):
    """Tells which images it encoded, by their sum."""

    def __init__(self):
        super().__init__(NoOptions())
        self.encoded = []

    def extract(self, image):
        self.encoded.append(image.sum().item())
        return [image, torch.zeros(250)]

    def register(self, moving, fixed):
        return super().register(moving[0], fixed[0])


def test_each_image_is_encoded_once_for_all_its_pairs():
    method = Encoding()
    ready = ReadyImages(method)
    for first, second in itertools.combinations(range(5), 2):
        register_ready(method, *(ready(str(i), torch.full((1, 1, *SHAPE), float(i))) for i in (first, second)))
    assert len(method.encoded) == 5


def test_a_method_that_depends_on_the_order_is_scored_on_a_pass_for_each_ordered_pair(prepared):
    class Unequal(Shift):
        """One pass moves by 2 voxels there and by 3 back, whichever image is the first."""

        order_dependent = True

        def register(self, moving, fixed):
            there = torch.zeros(1, 3, *moving.shape[2:])
            there[:, 0] = 2
            return Registration(there, -1.5 * there)

    scores = evaluate(prepared, Unequal(NoOptions()))
    ice = scores.query("metric == 'ice_exact'")["value"].tolist()
    assert ice == pytest.approx([1 / 3, 1 / 3])
    dice = scores.query("metric == 'dice'").groupby("moving")["value"].mean()
    as_if_symmetric = evaluate(prepared, type("Said", (Unequal,), {"order_dependent": False})(NoOptions()))
    other = as_if_symmetric.query("metric == 'dice'").groupby("moving")["value"].mean()
    changed = (dice - other).abs() > 0
    assert changed.sum() == 1, "the first image's way is the same, the second's is of a pass of its own"


def test_what_is_kept_of_images_is_bounded():
    method = Encoding()
    image_bytes = 4 * (12 * 14 * 10 + 250)
    ready = ReadyImages(method, budget=3 * image_bytes)
    for index in (0, 1, 2, 0, 3, 0, 1):  # 3 pushes out 1, the longest unused
        ready(str(index), torch.full((1, 1, *SHAPE), float(index)))
    assert [value / (12 * 14 * 10) for value in method.encoded] == [0, 1, 2, 3, 1]
    small = ReadyImages(method, budget=0)
    pair = [small(str(index), torch.zeros(1, 1, *SHAPE)) for index in range(2)]
    assert [small("0", torch.zeros(1, 1, *SHAPE)), small("1", torch.zeros(1, 1, *SHAPE))] == pair


def test_a_pair_costs_the_same_whether_its_images_were_ready_or_not():
    method = Encoding()
    first, second = (make_ready(method, torch.full((1, 1, *SHAPE), value)) for value in (0.0, 1.0))
    found = register_ready(method, first, second)
    assert found.forward_cost.seconds > first.cost.seconds + second.cost.seconds
    assert found.forward_cost.peak_mb >= max(first.cost.peak_mb, second.cost.peak_mb)


def test_a_scan_that_cannot_be_read_ahead_is_named(prepared):
    (prepared / "high" / "image.nii.gz").write_bytes(b"no image")
    with pytest.raises(SpnetError, match=r"high/image\.nii\.gz"):
        evaluate(prepared, Shift(NoOptions()))
