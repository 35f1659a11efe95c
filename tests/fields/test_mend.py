"""Folds are smoothed away, and nothing else is."""

import torch

from spnet.fields import jacobian_determinant, mended

SHAPE = (16, 18, 14)


def folded(displacement):
    return int((jacobian_determinant(displacement) <= 0).sum())


def smooth():
    axes = torch.meshgrid(*[torch.linspace(0, 3, size) for size in SHAPE], indexing="ij")
    return torch.stack([torch.sin(axis) for axis in axes])[None]


def test_a_field_without_folds_comes_back_as_it_is():
    displacement = smooth()
    assert mended(displacement) is displacement


def test_a_fold_goes_and_the_rest_stays():
    displacement = smooth()
    displacement[0, 1, 8, 9, 7] += 3
    assert folded(displacement) > 0
    result = mended(displacement)
    assert folded(result) == 0
    changed = (result != displacement).any(dim=1)[0]
    assert changed.any()
    assert changed.nonzero().sub(torch.tensor([8, 9, 7])).abs().max() <= 6
    assert (result - smooth()).abs().max() < 1.5


def test_a_fold_at_the_border_goes_too():
    displacement = torch.zeros(1, 3, *SHAPE)
    displacement[0, 0, -1] = -2
    assert folded(displacement) > 0
    assert folded(mended(displacement)) == 0


def test_every_field_of_a_batch_is_mended_by_itself():
    displacement = torch.zeros(2, 3, *SHAPE)
    displacement[1, 2, 5, 5, 5] = 2
    result = mended(displacement)
    assert not result[0].any()
    assert folded(result) == 0
