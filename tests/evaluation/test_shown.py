"""Which pair is shown, and that what is kept of it is what was scored."""

import numpy as np
import pandas as pd
import pytest
import torch

from spnet.data.labels import LabelSet
from spnet.errors import DataError
from spnet.evaluation.chunk import MethodSpec, evaluate_chunk
from spnet.evaluation.evaluate import Scoring
from spnet.evaluation.shown import choose_pair, register_shown
from spnet.fields import warp
from spnet.figures.loading import read_pair, turn_field, turn_volume
from spnet.methods import build_method

LABELS = LabelSet(scored=(1, 2), regions={"All": (1, 2)})
SHAPE = (14, 20, 16)
# Array axes to the left, up and to the front.
AFFINE = np.array([[-2.0, 0, 0, 9], [0, 0, 2.0, 5], [0, 2.0, 0, 1], [0, 0, 0, 1]])


@pytest.fixture
def write_scores(tmp_path):
    """Function from Dice by pair to the table of all scores and the list of pairs."""

    def write(dice):
        rows = [
            {"trained_on": "t", "dataset": "d", "method": method, "seed": 0, "moving": one, "fixed": two}
            | {"metric": metric, "structure": structure, "value": value + bonus}
            for (one, two), value in dice.items()
            for method, bonus in (("x", 0.0), ("y", 0.1))
            for metric, structure in (("dice", "1"), ("dice", "2"), ("dice", "7"), ("jab", "volume"))
        ]
        table = pd.DataFrame(rows)
        table.loc[table["structure"] == "7", "value"] = np.arange((table["structure"] == "7").sum())  # not scored
        table.to_parquet(tmp_path / "metrics.parquet")
        pairs = [{"first": one, "second": two} for one, two in dice if one < two]
        pd.DataFrame(pairs).to_csv(tmp_path / "pairs.tsv", sep="\t", index=False)
        return tmp_path / "metrics.parquet", tmp_path / "pairs.tsv"

    return write


@pytest.mark.parametrize(
    ("dice", "chosen"),
    [
        ({("a", "b"): 0.9, ("a", "c"): 0.2, ("b", "c"): 0.5}, ("b", "c", 0.55)),
        ({("a", "b"): 0.9, ("a", "c"): 0.2, ("b", "c"): 0.5, ("b", "d"): 0.6}, ("b", "c", 0.55)),
        # The way back is not one that was registered as it is shown.
        ({("a", "b"): 0.9, ("b", "a"): 0.5, ("b", "c"): 0.4, ("c", "b"): 0.45, ("a", "c"): 0.1}, ("b", "c", 0.45)),
    ],
    ids=["odd", "even", "ordered"],
)
def test_the_pair_with_the_median_dice_is_chosen(write_scores, tmp_path, dice, chosen):
    choose_pair(*write_scores(dice), "d", LABELS, tmp_path / "pair.tsv")
    (row,) = pd.read_csv(tmp_path / "pair.tsv", sep="\t").to_dict("records")
    assert (row["moving"], row["fixed"]) == chosen[:2]
    assert row["dice"] == pytest.approx(chosen[2])


def test_a_dataset_without_scores_is_named(write_scores, tmp_path):
    files = write_scores({("a", "b"): 0.9})
    with pytest.raises(DataError, match=r"metrics\.parquet: it holds no Dice of a pair of dataset 'e'.*Delete it"):
        choose_pair(*files, "e", LABELS, tmp_path / "pair.tsv")


@pytest.fixture
def prepared(tmp_path, write_image, blobs):
    for seed, name in enumerate(("a", "b")):
        image = blobs(seed, SHAPE)[0, 0].numpy()
        (tmp_path / "preprocessed" / "d" / name).mkdir(parents=True)
        write_image(f"preprocessed/d/{name}/image.nii.gz", image, AFFINE)
        write_image(f"preprocessed/d/{name}/labels.nii.gz", 1 * (image > 0.2) + (image > 0.5), AFFINE, np.int32)
    return tmp_path / "preprocessed"


@pytest.fixture
def shown(prepared, tmp_path):
    """A pair registered by SPnet with random fields, on a grid that it pads."""
    torch.manual_seed(0)
    network = build_method("spnet", {})
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if "predict_flow" in name:
                weight.copy_(torch.randn_like(weight) * 10)
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    spec = MethodSpec("spnet", weights=tmp_path / "weights.pt")
    (tmp_path / "pair.tsv").write_text("moving\tfixed\tdice\na\tb\t0.5\n")
    identity = {"trained_on": "t", "dataset": "d", "method": "spnet", "seed": 0}
    files = {"fields": tmp_path / "fields.npz", "facts": tmp_path / "facts.csv"}
    register_shown(spec, tmp_path / "pair.tsv", prepared / "d", LABELS, identity, files, "cpu")
    evaluate_chunk(spec, [("a", "b")], prepared / "d", Scoring(LABELS), identity, tmp_path / "scores.csv", "cpu")
    return files, pd.read_csv(tmp_path / "scores.csv", dtype={"structure": str})


def test_the_scores_of_a_shown_pair_are_those_of_the_evaluation(shown, prepared):
    files, scores = shown
    facts = pd.read_csv(files["facts"], dtype={"structure": str})
    assert set(facts.pop("sampler")) == {"official"}
    assert scores.pop("collapsed").isna().all()  # a figure need not know
    assert list(facts.columns) == list(scores.columns)
    measured = ~facts["metric"].isin(["seconds", "peak_mb"])
    pd.testing.assert_frame_equal(facts[measured], scores[measured])
    pair = read_pair(files["fields"], files["facts"], prepared, {"d": LABELS})
    dice = scores[(scores["metric"] == "dice") & (scores["moving"] == "a")]["value"]
    assert pair.dice == pytest.approx(dice.mean())
    assert pair.scores["dice", "All"] == pytest.approx(dice.mean())


def test_a_shown_pair_is_upright_and_its_field_warps_there_as_it_did(shown, prepared):
    files, _ = shown
    pair = read_pair(files["fields"], files["facts"], prepared, {"d": LABELS})
    assert pair.moving.image.shape == (14, 16, 20)  # right, front, up
    with np.load(files["fields"]) as file:
        forward = file["forward"]
    assert np.abs(forward).max() > 0.05
    # To the left, up and to the front before; signs turn with reversed axes.
    assert np.array_equal(pair.forward[0], turn_volume(-forward[0], AFFINE))
    assert np.array_equal(pair.forward[1], turn_volume(forward[2], AFFINE))
    assert np.array_equal(pair.forward[2], turn_volume(forward[1], AFFINE))
    native = turn_volume(pair.moving.image, np.linalg.inv(AFFINE))
    assert native.shape == SHAPE
    warped = warp(torch.from_numpy(native)[None, None], torch.from_numpy(forward)[None], "official")[0, 0].numpy()
    assert np.allclose(turn_volume(warped, AFFINE), pair.warped_image(), atol=1e-5)


def test_levels_lie_on_the_images_grid_and_the_finest_is_the_field_itself(shown, prepared):
    files, _ = shown
    pair = read_pair(files["fields"], files["facts"], prepared, {"d": LABELS})
    assert [level.scale for level in pair.levels] == [1, 2, 4, 8]
    assert np.allclose(pair.levels[0].displacement, pair.forward, atol=1e-6)
    for level in pair.levels:
        assert level.displacement.shape == (3, 14, 16, 20)
        assert level.similarity.shape == (14, 16, 20)
    assert pair.levels[-1].warped_similarity is None
    assert all(level.warped_similarity is not None for level in pair.levels[:-1])


def test_turning_a_field_twice_by_opposite_affines_gives_it_back(random):
    field = random.normal(size=(3, 4, 5, 6)).astype(np.float32)
    assert np.array_equal(turn_field(turn_field(field, np.diag([-1, 1, -1, 1])), np.diag([-1, 1, -1, 1])), field)
