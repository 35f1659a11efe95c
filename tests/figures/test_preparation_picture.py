"""The QC picture of a preparation."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import pyplot

from spnet.data.nifti import Volume
from spnet.figures import preparation


def prepared_from(image, labels, spacing, flags=()):
    """A stand-in for a prepared subject: a raw scan in ASL order with voxels of `spacing`, and itself at 2 mm."""
    affine = np.zeros((4, 4))
    affine[[2, 0, 1, 3], [1, 2, 0, 3]] = [*np.array([1, -1, 1]) * np.asarray(spacing)[[1, 2, 0]], 1]
    coarse = np.diag([2.0, 2.0, 2.0, 1.0])
    grid = (24, 30, 24)
    after, regions = np.zeros(grid, dtype=np.float32), np.zeros(grid, dtype=np.int32)
    after[6:18, 6:24, 6:18] = 0.8
    if labels is not None:
        regions[6:12, 6:24, 6:18], regions[12:18, 6:24, 6:18] = 1002, 2002
    return SimpleNamespace(
        image=Volume(after, coarse),
        labels=Volume(regions, coarse),
        target=after.copy(),
        raw=SimpleNamespace(image=Volume(image, affine), labels=None if labels is None else Volume(labels, affine)),
        record={"subject": "s", "correlation_with_target": 0.9, "flags": list(flags), "flipped": False},
    )


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Function that draws a prepared subject and returns the figure's panels, before they are closed."""

    def draw(prepared):
        monkeypatch.setattr(preparation.style, "save", lambda figure, paths, dpi: None)
        preparation.draw_preparation(prepared, tmp_path / "qc.png")
        figure = pyplot.gcf()
        pyplot.close(figure)
        return figure

    return draw


@pytest.fixture
def scan():
    """Bright block (arbitrary units, background not zero) with two labels; array axes anterior, superior, left."""
    image, labels = np.full((36, 48, 20), 70.0, dtype=np.float32), np.zeros((36, 48, 20), dtype=np.int32)
    image[6:30, 10:40, 4:16] = 900
    labels[6:30, 10:40, 4:10], labels[6:30, 10:40, 10:16] = 2003, 1002
    return image, labels


def borders(panel):
    return [image for image in panel.images if np.ma.getmaskarray(image.get_array()).any()]


def test_a_preparation_shows_before_after_and_outline_in_three_planes(scan, drawn):
    figure = drawn(prepared_from(*scan, (1, 1, 1), ["something odd"]))
    before, after, outline = np.reshape(figure.axes, (3, 3))
    assert [row[0].get_ylabel() for row in (before, after, outline)] == ["before", "after", "outline of the target"]
    assert [panel.get_title() for panel in before] == ["sagittal", "coronal", "axial"]
    assert all(len(borders(panel)) == 1 for panel in (*before, *after))
    assert all(not borders(panel) and panel.collections for panel in outline)
    assert figure.get_suptitle() == "s   correlation with target 0.900\nsomething odd"


def test_a_raw_scan_is_shown_upright_in_millimetres(scan, drawn):
    """Voxels of 0.5 x 1 x 3 mm along anterior, superior, left: no plane is stretched, and right is right."""
    image, labels = scan
    figure = drawn(prepared_from(image, labels, (0.5, 1, 3)))
    sagittal, coronal, axial = figure.axes[:3]
    sizes = [panel.images[0].get_extent()[1::2] for panel in (sagittal, coronal, axial)]
    assert sizes == [[18, 48], [60, 48], [60, 18]] and all(panel.get_aspect() == 1 for panel in figure.axes[:3])
    (border,) = borders(coronal)
    drawn_ids = border.get_array().filled(-1)
    half = drawn_ids.shape[1] // 2
    assert set(np.unique(drawn_ids[:, :half])) == {-1, 1002 % 20}
    assert set(np.unique(drawn_ids[:, half:])) == {-1, 2003 % 20}
    assert sagittal.images[0].get_clim() == (70, 900)


def test_a_preparation_without_labels_is_drawn_through_the_body_without_borders(scan, drawn):
    image, _ = scan
    figure = drawn(prepared_from(image, None, (1, 1, 1)))
    assert not any(borders(panel) for panel in figure.axes[:6])
    assert all(panel.images[0].get_array().max() == 900 for panel in figure.axes[:3])


def test_a_target_whose_background_is_not_zero_has_an_outline(scan, drawn):
    prepared = prepared_from(*scan, (1, 1, 1))
    prepared.target += 0.3
    plain = [panel.collections[0].get_paths()[0].vertices for panel in drawn(prepared).axes[6:]]
    # Of the block of voxels 6 to 18 by 6 to 24, 2 mm each, in every plane.
    assert all(np.abs(lines.min(0) - 12).max() < 1.5 for lines in plain)


def test_a_picture_of_a_preparation_is_small(scan, tmp_path, random):
    image, labels = (np.kron(data, np.ones((5, 5, 5), dtype=data.dtype)) for data in scan)
    noisy = prepared_from(image + random.normal(0, 40, image.shape).astype(np.float32), labels, (0.8, 0.8, 1.2))
    preparation.draw_preparation(noisy, tmp_path / "qc.png")
    assert 20_000 < (tmp_path / "qc.png").stat().st_size < 350_000
