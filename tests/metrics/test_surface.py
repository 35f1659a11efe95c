"""Laws of HD95, and an account of it that shares nothing with the library it comes from."""

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from spnet.metrics.surface import hd95_per_label

SHAPE = (22, 24, 20)
STEPS = [(1, 0, 0), (0, 1, 0), (0, 0, 1)]


def box(label, corner, edges=(6, 6, 6)):
    volume = torch.zeros(SHAPE, dtype=torch.int64)
    volume[tuple(slice(start, start + edge) for start, edge in zip(corner, edges, strict=True))] = label
    return volume


def blob(seed, shape=SHAPE):
    """A lumpy body, with holes and specks."""
    coarse = torch.rand(1, 1, 5, 5, 5, generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.interpolate(coarse, size=shape, mode="trilinear", align_corners=True)
    return (smooth[0, 0] > 0.55).long()


def corners(mask):
    """Whether each corner of the voxels lies on the surface: some of its eight voxels are in the mask, some are not."""
    padded = np.pad(np.asarray(mask, dtype=bool), 1)
    sizes = [size - 1 for size in padded.shape]
    eight = np.stack(
        [padded[tuple(slice(o, o + n) for o, n in zip(at, sizes, strict=True))] for at in np.ndindex(2, 2, 2)]
    )
    return eight.any(0) & ~eight.all(0)


def hausdorff(mask_1, mask_2, spacing):
    """The largest distance between corners of both surfaces, by the distance transform of SciPy."""
    surfaces = [corners(mask) for mask in (mask_1, mask_2)]
    maps = [distance_transform_edt(~surface, sampling=spacing) for surface in surfaces]
    return max(maps[1][surfaces[0]].max(), maps[0][surfaces[1]].max())


def percentiles_without_areas(mask_1, mask_2, spacing, percents):
    """The larger of both ways, each corner counted alike, by a search tree."""
    points = [np.argwhere(corners(mask)) * spacing for mask in (mask_1, mask_2)]
    ways = [cKDTree(points[1]).query(points[0])[0], cKDTree(points[0]).query(points[1])[0]]
    return [max(np.percentile(way, percent, method="inverted_cdf") for way in ways) for percent in percents]


@pytest.mark.parametrize("spacing", [1.0, 0.7, (1.0, 1.0, 1.0), (0.5, 1.25, 3.0)])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("shift", [1, 3])
def test_a_shifted_box_is_as_far_as_it_was_shifted_in_mm(spacing, axis, shift):
    corner = [6, 6, 6]
    corner[axis] += shift
    expected = shift * np.broadcast_to(spacing, 3)[axis]
    assert hd95_per_label(box(5, (6, 6, 6)), box(5, corner), [5], spacing) == {5: pytest.approx(expected)}


def test_two_boxes_apart_are_as_far_as_the_farthest_face_of_each_from_the_other():
    near, far = box(1, (2, 8, 8), (4, 4, 4)), box(1, (12, 8, 8), (6, 4, 4))
    # Faces at 2 and 6, and at 12 and 18: from the other's nearest face, 12 - 2 and 18 - 6.
    assert hd95_per_label(near, far, [1], 1) == {1: pytest.approx(12.0)}


def test_the_same_surface_is_at_no_distance():
    assert hd95_per_label(blob(0), blob(0), [1], 1) == {1: 0.0}


def test_a_far_speck_of_less_than_a_twentieth_of_the_area_does_not_count_and_a_larger_one_does():
    body = box(1, (4, 4, 4), (12, 12, 12))
    small, large = body.clone(), body.clone()
    small[20, 22, 18] = 1
    large[19:22, 19:24, 17:20] = 1
    assert hd95_per_label(body, small, [1], 1) == {1: 0.0}
    assert hd95_per_label(body, large, [1], 1)[1] > 5


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.8, 1.5, 2.5)])
@pytest.mark.parametrize("seeds", [(0, 1), (2, 3), (4, 5)])
def test_lumpy_bodies_agree_with_another_account_of_the_same_distances(seeds, spacing):
    first, second = map(blob, seeds)
    (found,) = hd95_per_label(first, second, [1], spacing).values()
    # Areas of the elements differ by less than a factor of four, most by much less: the percentile by area lies between
    # nearby percentiles by count, and below the largest distance of all.
    low, high = percentiles_without_areas(first, second, spacing, (91, 98))
    assert low <= found + 1e-5
    assert found <= high + 1e-5
    assert found <= hausdorff(first, second, spacing) + 1e-5
    assert high < hausdorff(first, second, spacing)


@pytest.mark.parametrize("edge", [2, 5, 9])
def test_the_faces_of_a_box_count_by_their_area_in_mm(edge):
    """Of two plates, one grows by `edge` rows: the share of its area beyond the other grows with the spacing there."""
    plate, longer = box(1, (4, 2, 9), (4, 10, 1)), box(1, (4, 2, 9), (4, 10 + edge, 1))
    (distance,) = hd95_per_label(plate, longer, [1], (0.001, 1.0, 0.001)).values()
    # Nearly all of the area is that of the two thin ends: 12 rows of either of two needle faces.
    rows = 10 + edge
    expected = max(0, np.ceil(0.95 * rows) - 10)
    assert abs(distance - expected) <= 1


def test_every_label_is_measured_by_itself_whatever_lies_beside_it():
    first, second = box(3, (2, 2, 2)), box(3, (2, 4, 2))
    first[14:18, 14:18, 14:18], second[15:19, 14:18, 14:18] = 2035, 2035
    first[first == 0], second[second == 0] = 70, 4
    assert hd95_per_label(first, second, [2035, 3], 1) == {2035: pytest.approx(1.0), 3: pytest.approx(2.0)}


def test_a_label_that_one_volume_lacks_or_both_is_left_out():
    first, second = box(5, (3, 3, 3)), box(5, (4, 3, 3))
    first[18:20, 18:20, 16:18] = 6
    second[18:20, 18:20, 16:18] = 7
    assert hd95_per_label(first, second, [5, 6, 7, 8], 1) == {5: pytest.approx(1.0)}
    assert hd95_per_label(first, second, [6, 8], 1) == {}


@pytest.mark.parametrize("step", STEPS)
def test_a_label_at_the_border_of_the_volume_ends_in_a_surface_there(step):
    whole = torch.ones(SHAPE, dtype=torch.int64)
    cut = whole.clone()
    cut[tuple(slice(0, 2) if size else slice(None) for size in step)] = 0
    found = hd95_per_label(whole, cut, [1], 1)
    assert found == {1: pytest.approx(2.0)}


def test_one_voxel_has_a_surface():
    assert hd95_per_label(box(1, (5, 5, 5), (1, 1, 1)), box(1, (5, 9, 5), (1, 1, 1)), [1], 2) == {1: pytest.approx(8.0)}


def test_volumes_are_symmetric_and_batch_axes_and_types_do_not_matter():
    first, second = blob(6), blob(7)
    expected = hd95_per_label(first, second, [1], (1, 2, 3))
    assert hd95_per_label(second, first, [1], (1, 2, 3)) == expected
    assert hd95_per_label(first[None, None].float(), second[None, None].float(), [1], (1, 2, 3)) == expected


def test_bad_shapes_and_spacings_are_refused():
    with pytest.raises(ValueError, match="differ in shape"):
        hd95_per_label(blob(0), blob(0, (22, 24, 21)), [1], 1)
    with pytest.raises(ValueError, match="above 0"):
        hd95_per_label(blob(0), blob(1), [1], (1, 0, 1))
