import numpy as np
import pytest

from spnet.data.templates import centre_grid, read_template
from spnet.errors import ConfigError


@pytest.fixture(scope="module")
def template():
    return read_template("mni152")


def test_at_one_millimetre_the_grid_is_the_centre_crop_of_the_papers_size(template):
    affine, shape = centre_grid(template, 1.0, (160, 192, 160))
    assert shape == (160, 192, 160)
    assert np.allclose(affine[:3, 3], (template.affine @ [11, 13, 11, 1])[:3])
    assert np.allclose(affine[:3, :3], template.affine[:3, :3])


def test_a_coarser_grid_keeps_the_centre_of_the_box(template):
    affine, shape = centre_grid(template, 2.0, (80, 96, 80))
    centre = affine @ [*(np.asarray(shape) / 2 - 0.5), 1]
    assert np.allclose(centre, template.affine @ [*(np.asarray(template.data.shape) / 2 - 0.5), 1], atol=1.01)
    assert np.allclose(np.linalg.norm(affine[:3, :3], axis=0), 2)


def test_a_grid_a_little_larger_than_the_box_is_padded_on_both_sides(template):
    affine, shape = centre_grid(template, 1.5, (128, 144, 128))
    first, last = (affine @ [*voxel, 1] for voxel in ((0, 0, 0), np.subtract(shape, 1)))
    box = [template.affine @ [*voxel, 1] for voxel in ((0, 0, 0), np.subtract(template.data.shape, 1))]
    beyond = np.abs([first - box[0], last - box[1]])[:, [0, 2]]
    assert (beyond > 3).all()
    assert np.ptp(beyond) <= 2.5


def test_a_grid_far_larger_than_the_box_is_refused(template):
    with pytest.raises(ConfigError, match="far larger than the target"):
        centre_grid(template, 2.0, (160, 192, 160))


def test_a_target_that_is_no_file_is_refused():
    with pytest.raises(ConfigError, match="neither 'mni152' nor a file"):
        read_template("mni125")
