"""Laws of the percentage of folded voxels and of the spread of the Jacobian."""

import numpy as np
import pytest
import torch

from spnet.metrics.regularity import percent_folding, sd_log_jacobian

SHAPE = (9, 12, 7)
DIFFERENCES = ["forward", "central"]
VOXELS = {"forward": 8 * 11 * 6, "central": 9 * 12 * 7}


def moved_voxels(amount, places, axis=0):
    displacement = torch.zeros(1, 3, *SHAPE)
    for place in places:
        displacement[(0, axis, *place)] = amount
    return displacement


def scaling(factor):
    return torch.from_numpy((factor - 1) * np.indices(SHAPE))[None]


def reference(field, differences):
    inside = tuple(slice(0, size - 1) for size in SHAPE)
    if differences == "central":
        slopes = [[np.gradient(field[i], axis=j) for j in range(3)] for i in range(3)]
    else:
        slopes = [[np.diff(field[i], axis=j)[inside] for j in range(3)] for i in range(3)]
    (a, b, c), (d, e, f), (g, h, k) = np.array(slopes) + np.eye(3).reshape(3, 3, 1, 1, 1)
    return 100 * np.mean(a * (e * k - f * h) - b * (d * k - f * g) + c * (d * h - e * g) <= 0)


@pytest.mark.parametrize("differences", DIFFERENCES)
@pytest.mark.parametrize(("factor", "expected"), [(1.0, 0.0), (0.1, 0.0), (3.0, 0.0), (0.0, 100.0), (-1.0, 100.0)])
def test_scaling_folds_nowhere_and_collapse_and_mirroring_everywhere(factor, expected, differences):
    assert percent_folding(scaling(factor), differences) == expected


@pytest.mark.parametrize("differences", DIFFERENCES)
def test_mirroring_two_axes_turns_and_does_not_fold(differences):
    displacement = scaling(-1.0)
    displacement[:, 2] = 0
    assert percent_folding(displacement, differences) == 0


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("places", [[(4, 5, 3)], [(4, 5, 3), (1, 1, 1), (6, 9, 4)]])
def test_every_voxel_moved_past_its_neighbour_counts_once(places, axis):
    displacement = moved_voxels(1.5, places, axis)
    assert percent_folding(displacement, "forward") == pytest.approx(100 * len(places) / VOXELS["forward"])
    assert percent_folding(displacement, "central") == 0


def test_voxel_moved_onto_its_neighbour_counts_as_folded():
    onto, short_of = moved_voxels(1.0, [(4, 5, 3)]), moved_voxels(0.99, [(4, 5, 3)])
    assert percent_folding(onto, "forward") == pytest.approx(100 / VOXELS["forward"])
    assert percent_folding(short_of, "forward") == 0


def test_voxel_moved_by_three_folds_one_voxel_in_central_differences():
    displacement = moved_voxels(3.0, [(4, 5, 3)])
    assert percent_folding(displacement, "central") == pytest.approx(100 / VOXELS["central"])


def test_half_mirrored_volume_folds_by_half():
    displacement = torch.zeros(1, 3, *SHAPE)
    ramp = torch.arange(SHAPE[0]).float()
    displacement[0, 0] = torch.where(ramp > 4, -2 * (ramp - 4), torch.zeros(())).reshape(-1, 1, 1)
    assert percent_folding(displacement, "forward") == pytest.approx(50.0)


@pytest.mark.parametrize("differences", DIFFERENCES)
def test_random_fields_agree_with_the_written_out_determinant(differences):
    field = np.random.default_rng(0).normal(0, 0.8, (3, *SHAPE))
    expected = reference(field, differences)
    assert 1 < expected < 60
    assert percent_folding(torch.from_numpy(field)[None], differences) == pytest.approx(expected)


def test_forward_differences_are_the_default():
    displacement = moved_voxels(1.5, [(4, 5, 3)])
    assert percent_folding(displacement) == percent_folding(displacement, "forward") > 0


def test_result_is_a_number():
    assert isinstance(percent_folding(torch.zeros(1, 3, *SHAPE)), float)


@pytest.mark.parametrize("shape", [(1, 2, *SHAPE), (1, *SHAPE, 3), (3, *SHAPE)])
def test_wrong_shapes_are_refused(shape):
    with pytest.raises(ValueError):
        percent_folding(torch.zeros(shape))


def learn2reg(field, shift):
    """Learn2Reg's SDlogJ, step by step: zeros outside, three taps, borders of two cut off, NumPy in float64."""
    padded = np.pad(field, [(0, 0)] + [(1, 1)] * 3)
    slopes = np.empty((3, 3, *SHAPE))
    for i, j in np.ndindex(3, 3):
        ahead, behind = np.roll(padded[i], -1, axis=j), np.roll(padded[i], 1, axis=j)
        slopes[i, j] = ((ahead - behind) / 2)[1:-1, 1:-1, 1:-1]
    matrices = np.moveaxis(slopes[:, :, 2:-2, 2:-2, 2:-2], (0, 1), (-2, -1)) + np.eye(3)
    return np.log(np.clip(np.linalg.det(matrices) + shift, 1e-9, 1e9)).std()


@pytest.mark.parametrize("shift", [3.0, 0.0])
@pytest.mark.parametrize("size", [0.05, 0.8])
def test_sdlogj_of_random_fields_agrees_with_learn2reg_written_out(size, shift):
    field = np.random.default_rng(0).normal(0, size, (3, *SHAPE))
    assert sd_log_jacobian(torch.from_numpy(field)[None], shift) == pytest.approx(learn2reg(field, shift), rel=1e-9)
    assert sd_log_jacobian(torch.from_numpy(field)[None].float(), shift) == pytest.approx(
        learn2reg(field, shift), rel=1e-3
    )


@pytest.mark.parametrize("shift", [3.0, 0.0])
@pytest.mark.parametrize("factor", [1.0, 0.5, 2.0])
def test_sdlogj_of_a_scaling_is_zero(factor, shift):
    assert sd_log_jacobian(scaling(factor), shift) == pytest.approx(0, abs=1e-12)


def test_sdlogj_of_two_halves_is_half_the_difference_of_their_logarithms():
    """|J| is 1 in one half and 2 in the other, and between, at the one plane where the slopes meet, 1.5."""
    displacement = torch.zeros(1, 3, 14, 9, 9)
    ramp = (torch.arange(14.0) - 6).clamp(min=0)
    displacement[0, 1:] = 0
    displacement[0, 0] = ramp.reshape(-1, 1, 1)
    determinants = np.array([1.0] * 4 + [1.5] + [2.0] * 5)
    for shift in (3, 0):
        assert sd_log_jacobian(displacement, shift) == pytest.approx(np.log(determinants + shift).std(), rel=1e-6)


def test_folds_hardly_count_with_learn2regs_shift_and_heavily_without():
    displacement = torch.zeros(1, 3, 20, 20, 20)
    displacement[0, 0, 10, 10, 10] = 3.0
    assert sd_log_jacobian(displacement) < 0.1
    assert sd_log_jacobian(displacement, shift=0) > 0.3


def test_learn2regs_shift_is_the_default_of_sdlogj():
    field = torch.from_numpy(np.random.default_rng(1).normal(0, 0.2, (1, 3, *SHAPE)))
    assert sd_log_jacobian(field) == sd_log_jacobian(field, 3) != sd_log_jacobian(field, 0)


@pytest.mark.parametrize("shape", [(1, 3, 4, 9, 9), (1, 2, *SHAPE), (3, *SHAPE)])
def test_sdlogj_refuses_wrong_and_small_shapes(shape):
    with pytest.raises(ValueError):
        sd_log_jacobian(torch.zeros(shape))
