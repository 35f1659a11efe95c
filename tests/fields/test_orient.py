"""Volumes and fields seen with their axes in another order."""

from itertools import permutations

import pytest
import torch

from spnet.fields import Orientation, warp

ORIENTATIONS = [Orientation(axes, reverse) for axes in permutations(range(3)) for reverse in ((), (1,), (0, 2))]


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_warping_there_equals_warping_here_by_the_restored_field(orientation):
    generator = torch.Generator().manual_seed(0)
    volume = torch.rand(2, 1, 5, 7, 9, generator=generator, dtype=torch.float64)
    theirs = orientation.apply(volume)
    field = 3 * torch.randn(2, 3, *theirs.shape[2:], generator=generator, dtype=torch.float64)
    found = orientation.apply(warp(volume, orientation.restore(field)))
    torch.testing.assert_close(found, warp(theirs, field), rtol=0, atol=1e-12)


def test_lia_is_made_of_las_by_exchanging_the_last_axes_and_reversing_the_second():
    volume = torch.arange(24.0).reshape(1, 1, 2, 3, 4)  # left, anterior, superior
    theirs = Orientation((0, 2, 1), (1,)).apply(volume)  # left, inferior, anterior
    assert theirs.shape == (1, 1, 2, 4, 3)
    assert theirs[0, 0, 1, 0, 2] == volume[0, 0, 1, 2, 3]


@pytest.mark.parametrize(("axes", "reverse"), [((0, 1, 1), ()), ((0, 1), ()), ((0, 1, 2), (3,))])
def test_what_are_no_axes_is_refused(axes, reverse):
    with pytest.raises(ValueError, match="are not axes 0, 1 and 2"):
        Orientation(axes, reverse)
