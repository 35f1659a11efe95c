"""Laws of the Dice of labels."""

import numpy as np
import pytest
import torch

from spnet.metrics.overlap import dice_per_label, merge_labels

SHAPE = (16, 12, 20)
IDS = [1002, 2035, 3, 17, 1035]


def cube(label, corner, edge=6):
    volume = torch.zeros(SHAPE, dtype=torch.int64)
    volume[tuple(slice(start, start + edge) for start in corner)] = label
    return volume


def random_labels(seed, choices=(0, *IDS, 99)):
    return torch.from_numpy(np.random.default_rng(seed).choice(choices, SHAPE))


def loop_over_labels(labels_1, labels_2, ids):
    found = {}
    for label in ids:
        first, second = labels_1.numpy() == label, labels_2.numpy() == label
        if first.any() or second.any():
            found[label] = 2 * np.sum(first & second) / (np.sum(first) + np.sum(second))
    return found


@pytest.mark.parametrize(
    ("corner", "expected"),
    [
        ((3, 3, 3), 1.0),
        ((6, 3, 3), 1 / 2),
        ((3, 6, 3), 1 / 2),
        ((3, 3, 6), 1 / 2),
        ((3, 3, 5), 2 / 3),
        ((6, 6, 3), 1 / 4),
        ((6, 6, 6), 1 / 8),
        ((9, 3, 3), 0.0),
    ],
)
def test_shifted_cube_scores_its_shared_fraction(corner, expected):
    assert dice_per_label(cube(5, (3, 3, 3)), cube(5, corner), [5]) == {5: pytest.approx(expected)}


def test_cube_within_a_larger_cube_scores_twice_its_size_over_both_sizes():
    found = dice_per_label(cube(5, (3, 3, 3), edge=4), cube(5, (2, 2, 2), edge=8), [5])
    assert found == {5: pytest.approx(2 * 4**3 / (4**3 + 8**3))}


def test_random_labels_agree_with_a_loop_over_labels():
    labels_1 = random_labels(0)
    labels_2 = torch.where(random_labels(2, (0, 1)) == 1, labels_1, random_labels(1))
    found = dice_per_label(labels_1, labels_2, IDS)
    assert found == pytest.approx(loop_over_labels(labels_1, labels_2, IDS))
    assert 0.5 < min(found.values()) < max(found.values()) < 0.8


def test_label_in_neither_volume_is_left_out():
    found = dice_per_label(cube(5, (3, 3, 3)), cube(5, (3, 3, 3)), [4, 5, 6])
    assert found == {5: pytest.approx(1.0)}


def test_no_wanted_label_present_gives_nothing():
    assert dice_per_label(cube(5, (3, 3, 3)), cube(5, (3, 3, 3)), [7]) == {}


def test_label_in_one_volume_only_scores_zero():
    first, second = cube(5, (3, 3, 3)), cube(6, (3, 3, 3))
    assert dice_per_label(first, second, [5, 6]) == {5: 0.0, 6: 0.0}


def test_labels_that_are_not_wanted_count_as_background():
    first, second = cube(5, (3, 3, 3)), cube(5, (6, 3, 3))
    first[first == 0], second[second == 0] = 70, 4
    assert dice_per_label(first, second, [5]) == {5: pytest.approx(0.5)}


def test_background_is_no_label_unless_wanted():
    assert set(dice_per_label(random_labels(0), random_labels(1), IDS)) == set(IDS)


@pytest.mark.parametrize("order", [IDS, IDS[::-1], sorted(IDS)])
def test_order_of_the_ids_does_not_change_what_a_label_scores(order):
    labels_1, labels_2 = random_labels(0), random_labels(1)
    expected = loop_over_labels(labels_1, labels_2, IDS)
    assert dice_per_label(labels_1, labels_2, order) == pytest.approx(expected)


def test_volumes_are_symmetric():
    labels_1, labels_2 = random_labels(0), random_labels(1, (0, 3, 3, 17))
    assert dice_per_label(labels_1, labels_2, IDS) == dice_per_label(labels_2, labels_1, IDS)


@pytest.mark.parametrize("dtype", [torch.int16, torch.int32, torch.float32, torch.float64])
def test_type_of_the_labels_does_not_matter(dtype):
    labels_1, labels_2 = random_labels(0), random_labels(1)
    expected = loop_over_labels(labels_1, labels_2, IDS)
    assert dice_per_label(labels_1.to(dtype), labels_2.to(dtype), IDS) == pytest.approx(expected)


def test_batch_and_channel_axes_do_not_matter():
    labels_1, labels_2 = random_labels(0), random_labels(1)
    assert dice_per_label(labels_1[None, None], labels_2[None, None], IDS) == dice_per_label(labels_1, labels_2, IDS)


def test_keys_are_whole_numbers_and_values_are_numbers():
    found = dice_per_label(random_labels(0), random_labels(1), IDS)
    assert all(isinstance(label, int) and isinstance(value, float) for label, value in found.items())


@pytest.mark.parametrize("other", [(16, 12, 19), (12, 16, 20), (1, 12, 20), (16 * 12 * 20,)])
def test_wrong_shapes_are_refused(other):
    with pytest.raises(ValueError):
        dice_per_label(random_labels(0), torch.zeros(other, dtype=torch.int64), IDS)


@pytest.mark.parametrize("offset", [0, 2**24, 614454270, 4 * 10**9, 2**61])
def test_ids_of_any_size_are_counted_by_those_that_occur(offset):
    """A table of every number up to the largest would take exabytes."""
    labels_1, labels_2 = random_labels(0), random_labels(1)
    expected = loop_over_labels(labels_1, labels_2, IDS)
    shifted = [torch.where(labels > 0, labels.long() + offset, 0) for labels in (labels_1, labels_2)]
    found = dice_per_label(*shifted, [label + offset for label in IDS])
    assert found == pytest.approx({label + offset: value for label, value in expected.items()})


def test_merging_takes_large_ids_too():
    labels = torch.tensor([0, 5, 2**40, 7])
    assert merge_labels(labels, {2**40: 7, 5: 2**41}).tolist() == [0, 2**41, 7, 7]
