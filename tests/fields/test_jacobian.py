"""Laws of the Jacobian determinant of id + u."""

import numpy as np
import pytest
import torch

from spnet.fields import jacobian_determinant

SHAPE = (9, 12, 7)
DIFFERENCES = ["forward", "central"]
EXTENT = {"forward": tuple(size - 1 for size in SHAPE), "central": SHAPE}


def random_displacement(batch=2, dtype=torch.float64):
    return torch.from_numpy(np.random.default_rng(0).normal(0, 0.7, (batch, 3, *SHAPE))).to(dtype)


def affine_displacement(matrix):
    return torch.from_numpy(np.tensordot(matrix - np.eye(3), np.indices(SHAPE), 1))[None]


def forward_difference(channel, axis):
    common = tuple(slice(0, size - 1) for size in SHAPE)
    return np.diff(channel, axis=axis)[common]


def reference(field, differences):
    slope = np.gradient if differences == "central" else forward_difference
    rows = [[slope(field[i], axis=j) for j in range(3)] for i in range(3)]
    return np.linalg.det(np.moveaxis(np.array(rows), (0, 1), (-2, -1)) + np.eye(3))


def one_voxel_moved(amount, axis, place=(4, 5, 3)):
    displacement = torch.zeros(1, 3, *SHAPE)
    displacement[(0, axis, *place)] = amount
    return displacement


@pytest.mark.parametrize("differences", DIFFERENCES)
def test_identity_has_determinant_one(differences):
    determinant = jacobian_determinant(torch.zeros(1, 3, *SHAPE), differences)
    np.testing.assert_array_equal(determinant.numpy(), np.ones((1, *EXTENT[differences])))


@pytest.mark.parametrize("differences", DIFFERENCES)
@pytest.mark.parametrize("scale", [0.5, 1.25, 2.0, -1.0])
def test_scaling_by_s_has_determinant_s_cubed(scale, differences):
    determinant = jacobian_determinant(affine_displacement(scale * np.eye(3)), differences)
    np.testing.assert_allclose(determinant.numpy(), scale**3, rtol=0, atol=1e-10)


@pytest.mark.parametrize("differences", DIFFERENCES)
def test_affine_map_has_the_determinant_of_its_matrix(differences):
    matrix = np.array([[1.2, 0.5, -0.3], [-0.4, 0.9, 0.6], [0.7, -0.2, 1.1]])
    determinant = jacobian_determinant(affine_displacement(matrix), differences)
    np.testing.assert_allclose(determinant.numpy(), np.linalg.det(matrix), rtol=0, atol=1e-10)


@pytest.mark.parametrize("differences", DIFFERENCES)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_channel_k_scales_axis_k(axis, differences):
    factors = [1.0, 1.0, 1.0]
    factors[axis] = 3.0
    wrong_channel = torch.zeros(1, 3, *SHAPE, dtype=torch.float64)
    wrong_channel[0, (axis + 1) % 3] = 2 * torch.from_numpy(np.indices(SHAPE)[axis].astype(float))
    stretched = jacobian_determinant(affine_displacement(np.diag(factors)), differences)
    sheared = jacobian_determinant(wrong_channel, differences)
    np.testing.assert_allclose(stretched.numpy(), 3.0, rtol=0, atol=1e-10)
    np.testing.assert_allclose(sheared.numpy(), 1.0, rtol=0, atol=1e-10)


def test_translation_does_not_matter():
    displacement = random_displacement()
    shift = torch.tensor([5.0, -3.0, 1.0], dtype=torch.float64).reshape(1, 3, 1, 1, 1)
    moved, kept = jacobian_determinant(displacement + shift), jacobian_determinant(displacement)
    torch.testing.assert_close(moved, kept, rtol=0, atol=1e-10)


@pytest.mark.parametrize("differences", DIFFERENCES)
def test_random_fields_agree_with_numpy_slopes_and_numpy_determinants(differences):
    displacement = random_displacement()
    determinant = jacobian_determinant(displacement, differences)
    assert determinant.shape == (2, *EXTENT[differences])
    expected = [reference(field, differences) for field in displacement.numpy()]
    np.testing.assert_allclose(determinant.numpy(), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("planes", [2, 15, 16, 17, 33, 40])
@pytest.mark.parametrize("differences", DIFFERENCES)
def test_slabs_are_the_whole_volume_to_the_bit(differences, planes):
    """With a gradient the whole volume is computed at once."""
    field = torch.from_numpy(np.random.default_rng(planes).normal(0, 0.6, (2, 3, planes, 9, 7)).astype(np.float32))
    whole = jacobian_determinant(field.clone().requires_grad_(), differences)
    assert whole.requires_grad
    assert torch.equal(jacobian_determinant(field, differences), whole.detach())


def test_forward_differences_are_the_default():
    displacement = random_displacement()
    assert torch.equal(jacobian_determinant(displacement), jacobian_determinant(displacement, "forward"))


def test_float32_agrees_with_float64():
    single = jacobian_determinant(random_displacement(dtype=torch.float32))
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), jacobian_determinant(random_displacement()), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_voxel_moved_past_its_neighbour_folds_itself_alone_in_forward_differences(axis):
    determinant = jacobian_determinant(one_voxel_moved(1.5, axis), "forward")[0].numpy()
    behind = [4, 5, 3]
    behind[axis] -= 1
    expected = np.ones(EXTENT["forward"])
    expected[4, 5, 3], expected[tuple(behind)] = -0.5, 2.5
    np.testing.assert_allclose(determinant, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_voxel_moved_far_folds_its_neighbour_ahead_in_central_differences(axis):
    determinant = jacobian_determinant(one_voxel_moved(3.0, axis), "central")[0].numpy()
    behind, ahead = [4, 5, 3], [4, 5, 3]
    behind[axis] -= 1
    ahead[axis] += 1
    expected = np.ones(SHAPE)
    expected[tuple(behind)], expected[tuple(ahead)] = 2.5, -0.5
    np.testing.assert_allclose(determinant, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 2, *SHAPE), (1, *SHAPE, 3), (3, *SHAPE)])
@pytest.mark.parametrize("differences", DIFFERENCES)
def test_wrong_shapes_are_refused(shape, differences):
    with pytest.raises(ValueError):
        jacobian_determinant(torch.zeros(shape), differences)
