"""What every entry of METRICS must do, and what tables write above its columns."""

import pytest
import torch

from spnet.data.labels import AVERAGE, VOLUME
from spnet.metrics import FURTHER_METRICS, METRICS
from spnet.metrics.measure import RegisteredPair, measure

IDS = [1, 2]


@pytest.fixture
def pair():
    """Boxes that overlap by half, and fields that do not quite undo each other."""
    warped, fixed = torch.zeros(2, 1, 1, 12, 12, 12)
    for volume, start in ((warped, 2), (fixed, 4)):
        volume[..., start : start + 4, 3:9, 3:6] = 1
        volume[..., start : start + 4, 3:9, 6:9] = 2
    forward, backward = torch.full((2, 1, 3, 12, 12, 12), 0.25)
    return RegisteredPair(warped, fixed, IDS, 2.0, {2: 1}, forward, -0.5 * backward, seconds=3.0, peak_mb=40.0)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_gives_finite_numbers_by_label_or_one_of_the_volume(name, pair):
    metric = METRICS[name]
    found = dict(measure(metric, pair))
    if metric.by_label:
        assert found.keys() <= {str(label) for label in IDS}
        assert found
    else:
        assert list(found) == [VOLUME]
    assert all(isinstance(value, float) and 0 <= value < 100 for value in found.values())


@pytest.mark.parametrize("name", METRICS)
def test_a_better_registration_scores_better_or_the_same(name, pair):
    """The labels of one volume, fields of zero and no cost are as good as can be."""
    metric, still = METRICS[name], torch.zeros_like(pair.forward)
    perfect = RegisteredPair(pair.fixed, pair.fixed, IDS, 2.0, {2: 1}, still, still, seconds=0.0, peak_mb=0.0)
    best, other = dict(measure(metric, perfect)), dict(measure(metric, pair))
    sign = 1 if metric.higher_is_better else -1
    assert all(sign * (best[structure] - other[structure]) >= 0 for structure in other)


def test_what_is_not_there_is_not_measured(pair):
    labels = RegisteredPair(pair.warped, pair.fixed, IDS)
    assert [name for name in METRICS if dict(measure(METRICS[name], labels))] == ["dice", "hd95"]


def test_the_two_dices_agree_where_labels_are_merged_by_hand(pair):
    merged = (torch.where(volume == 2, 1.0, volume) for volume in (pair.warped, pair.fixed))
    by_hand = dict(measure(METRICS["dice"], RegisteredPair(*merged, IDS)))
    assert dict(measure(METRICS["dice_merged"], pair)) == by_hand == {"1": 0.5}


@pytest.mark.parametrize(
    ("metric", "structure", "heading"),
    [
        ("dice", "Frontal", "Frontal"),
        ("dice", AVERAGE, "Average"),
        ("dice_merged", AVERAGE, "Average, labels merged"),
        ("jab", VOLUME, "Jab (%)"),
        ("jab_central", VOLUME, "Jab (%), central differences"),
        ("ice_exact", VOLUME, "ICE, exact sampler"),
        ("hd95", AVERAGE, "HD95 (mm)"),
        ("hd95", "Frontal", "HD95 (mm), Frontal"),
        ("sdlogj_unshifted", VOLUME, "SDlogJ, unshifted"),
    ],
)
def test_a_column_is_headed_by_the_structure_or_the_metric(metric, structure, heading):
    assert METRICS[metric].heading(structure) == heading


def test_no_two_metrics_read_alike_and_what_the_paper_lacks_is_explained():
    titles = [metric.full_title for metric in METRICS.values()]
    assert len(set(titles)) == len(titles)
    assert all(METRICS[name].note for name in FURTHER_METRICS)
