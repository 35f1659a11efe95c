"""Every kind of figure: its panels, the numbers in them, and its files."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from spnet.data.labels import AVERAGE, VOLUME
from spnet.errors import DataError
from spnet.figures import (
    FIGURES,
    both_directions,
    consistency_maps,
    dice_boxplot,
    feature_similarity,
    levels,
    method_comparison,
    structure_boxplot,
    style,
)
from spnet.figures.colours import direction_colours
from spnet.figures.material import average_dice
from spnet.figures.panels import Cut, choose_cut, part_index
from spnet.figures.render import common_box, render
from spnet.metrics import DICE
from spnet.registry import load


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close("all")


def texts(figure):
    return [text.get_text() for panel in figure.axes for text in panel.texts]


def titles(figure):
    return [panel.get_title() for panel in figure.axes if panel.get_title()]


def lines_of(panel):
    return [segment for collection in panel.collections for segment in collection.get_segments()]


@pytest.mark.parametrize("kind", FIGURES)
def test_every_kind_is_written_as_vector_with_its_fonts_and_as_picture_that_fits_a_page(kind, make_material, tmp_path):
    figure = load(FIGURES[kind].draw)(make_material(("d", "e")))
    width, height = figure.get_size_inches()
    assert width <= style.PAGE_WIDTH + 1e-6
    assert height <= style.PAGE_HEIGHT + 1e-6
    paths = [tmp_path / f"figure.{suffix}" for suffix in ("pdf", "png")]
    style.save(figure, paths)
    pdf, png = (path.read_bytes() for path in paths)
    assert pdf.startswith(b"%PDF")
    assert b"/FontFile2" in pdf
    assert png[1:4] == b"PNG"


def test_a_box_per_method_in_order_with_the_medians_of_the_values(make_material):
    material = make_material()
    (panel,) = dice_boxplot.draw(material).axes
    shown = [label.get_text().replace("\n", " ") for label in panel.get_xticklabels()]
    assert shown == list(material.titles.values())
    dice = material.values[(material.values["metric"] == DICE) & (material.values["structure"] == AVERAGE)]
    drawn = [y for line in panel.lines for y in line.get_ydata()]
    for method in material.titles:
        assert np.isclose(drawn, dice.loc[dice["method"] == method, "value"].median(), atol=1e-6).any()
    assert panel.get_title() == "Dataset d (2 ordered pairs)"


def test_a_panel_per_dataset_shows_only_the_methods_that_were_scored_on_it(make_material):
    material = make_material(("d", "e"))
    values = material.values[(material.values["dataset"] == "d") | (material.values["method"] == "one")]
    panels = dice_boxplot.draw(replace(material, values=values)).axes
    assert [len(panel.get_xticklabels()) for panel in panels] == [2, 1]


def test_two_drawings_of_the_same_values_are_the_same_files(make_material, tmp_path):
    material = make_material()
    for name in ("a", "b"):
        style.save(dice_boxplot.draw(material), [tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"])
    for suffix in ("pdf", "png"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_structures_stand_in_the_order_of_the_label_set_with_a_box_per_method(make_material):
    figure = structure_boxplot.draw(make_material())
    (panel,) = figure.axes
    assert [label.get_text() for label in panel.get_xticklabels()] == ["Upper", "Lower"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["Method one", "Method two (published weights)"]
    assert len(panel.patches) == 4 + 2  # and the legend's own


def test_many_structures_are_dealt_out_to_rows():
    rows = structure_boxplot._in_rows([str(number) for number in range(16)], 4)
    assert [len(row) for row in rows] == [8, 8]


def test_both_directions_show_two_images_two_warped_ones_and_three_fields_as_grid_and_colour(make_material):
    material = make_material(methods=("one",))
    (pair,) = material.pairs
    figure = both_directions.draw(material)
    panels = np.array(figure.axes[:10]).reshape(2, 5)
    cut = choose_cut(pair, material.datasets["d"])
    pictures = [pair.moving.image, pair.warped_back(), pair.fixed.image, pair.warped_image()]
    for panel, volume in zip((*panels[0, :2], *panels[1, :2]), pictures, strict=True):
        assert np.array_equal(panel.images[0].get_array(), cut.image(volume).T)
    assert all(lines_of(panel) for panel in panels[0, 2:])
    assert all(panel.images[0].get_array().shape[-1] == 3 for panel in panels[1, 2:])
    assert f"A onto B, Dice {pair.dice:.3f}" in texts(figure)
    assert f"ICE {pair.ice:.3f}" in texts(figure)


def test_where_nothing_moves_grids_are_straight_and_colours_nearly_white(make_material):
    material = make_material(methods=("one",))
    still = np.zeros_like(material.pairs[0].forward)
    pair = replace(material.pairs[0], forward=still, backward=still)
    panels = np.array(both_directions.draw(replace(material, pairs=[pair])).axes[:10]).reshape(2, 5)
    for panel in panels[0, 2:]:
        assert all(np.ptp(line, axis=0).min() == 0 for line in lines_of(panel))
    assert all(panel.images[0].get_array().min() > 0.95 for panel in panels[1, 2:])


def test_a_grid_line_lies_at_x_plus_u(make_material):
    material = make_material(methods=("one",))
    pair = replace(material.pairs[0], forward=np.full_like(material.pairs[0].forward, 1.5))
    panel = both_directions.draw(replace(material, pairs=[pair])).axes[2]
    assert np.allclose(lines_of(panel)[0][0], 1.5)


def test_comparison_shows_dice_before_and_the_scores_of_every_method(make_material):
    material = make_material()
    figure = method_comparison.draw(material)
    assert titles(figure)[:3] == ["fixed", "moving", "Method one"]
    some = material.pairs[0]
    before = average_dice(some.moving.labels, some.fixed.labels, material.datasets["d"].labels)
    found = [text for text in texts(figure) if text.startswith("Dice")]
    assert found == [f"Dice {value:.3f}" for value in (before, *(pair.dice for pair in material.pairs))]


def test_the_mean_of_an_error_map_is_the_ice_that_is_written(make_material):
    material = make_material()
    figure = consistency_maps.draw(material)
    for pair in material.pairs:
        assert consistency_maps.error_map(pair).mean() == pytest.approx(pair.scores["ice", VOLUME], rel=1e-5)
        assert f"ICE {pair.ice:.3f}" in texts(figure)


def test_a_method_or_dataset_without_a_pair_leaves_its_place_empty_or_goes(make_material):
    material = make_material(("d", "e", "f"))
    pairs = [pair for pair in material.pairs if pair.dataset != "f" and (pair.dataset, pair.method) != ("e", "two")]
    figure = consistency_maps.draw(replace(material, pairs=pairs))
    panels = np.array(figure.axes[:4]).reshape(2, 2)
    assert [[len(panel.images) for panel in row] for row in panels] == [[1, 1], [1, 0]]


def test_levels_go_from_coarse_to_fine_and_the_finest_has_the_dice_of_the_tables(make_material):
    material = make_material(methods=("one",))
    (pair,) = material.pairs
    figure = levels.draw(material)
    shown = [title.replace("\n", " ") for title in titles(figure)]
    assert shown == ["moving", "level 2", "level 1 (finest)", "fixed"]
    found = [float(text.split()[1]) for text in texts(figure) if re.match(r"Dice \d", text)]
    assert found[-1] == pytest.approx(pair.dice, abs=6e-4)
    assert len(found) == 3


def test_similarities_stand_before_and_after_for_levels_that_warp_with_the_mean_inside_the_bodies(make_material):
    material = make_material(methods=("one",))
    (pair,) = material.pairs
    figure = feature_similarity.draw(material)
    assert [title.replace("\n", " ") for title in titles(figure)] == ["fixed", "level 1 before", "level 1 after"]
    body = (pair.moving.image > 0) | (pair.fixed.image > 0)
    means = [pair.levels[0].similarity[body].mean(), pair.levels[0].warped_similarity[body].mean()]
    assert [text for text in texts(figure) if text.startswith("mean")] == [f"mean {mean:.3f}" for mean in means]


@pytest.mark.parametrize("module", [levels, feature_similarity])
def test_a_figure_of_levels_without_any_says_what_to_do(module, make_material):
    material = make_material(methods=("one",))
    with pytest.raises(DataError, match=r"Method one shows none.*or set the figure to null"):
        module.draw(replace(material, pairs=[replace(material.pairs[0], levels=())]))


def test_a_cut_goes_where_most_of_the_labels_is_and_shows_front_and_top(make_material):
    material = make_material()
    dataset = material.datasets["d"]
    pair = material.pairs[0]
    assert 5 <= choose_cut(pair, dataset).index < 11
    assert choose_cut(pair, replace(dataset, plane="axial")).axis == 2
    field = np.stack([np.full((4, 5, 6), component) for component in (10, 20, 30)])
    assert [Cut(axis, 1).field(field)[:, 0, 0].tolist() for axis in range(3)] == [[20, 30], [10, 30], [10, 20]]


def test_parts_are_numbered_in_order_and_rendered_in_their_colours():
    labels = np.zeros((20, 20, 20), dtype=np.int32)
    labels[5:15, 5:15, 2:10], labels[5:15, 5:15, 10:18] = 7, 3
    index = part_index(labels, {"upper": (3,), "lower": (7, 8)})
    assert index[10, 10, 15] == 1
    assert index[10, 10, 5] == 2
    picture = render(index, np.array([[1.0, 0, 0], [0, 0, 1.0]]), common_box([index]), 0, 0)
    rows, columns = np.nonzero(picture[..., 3])
    middle = int(np.median(columns))
    column = picture[rows.min() + 3 : rows.max() - 3, middle]
    # Top row first: what lies above is drawn above.
    assert column[0, 0] > column[0, 2] == 0
    assert column[-1, 2] > column[-1, 0] == 0


def test_the_body_is_seen_from_the_front_its_left_side_on_the_right():
    index = np.zeros((20, 20, 20), dtype=np.uint8)
    index[2:10, 5:15, 5:15], index[10:18, 5:15, 5:15] = 1, 2  # its left, its right
    picture = render(index, np.array([[1.0, 0, 0], [0, 0, 1.0]]), common_box([index]), 0, 0)
    rows, columns = np.nonzero(picture[..., 3])
    row = picture[int(np.median(rows)), columns.min() + 3 : columns.max() - 3]
    assert row[0, 2] > 0 == row[0, 0]
    assert row[-1, 0] > 0 == row[-1, 2]


def test_colours_get_darker_with_length_alike_in_all_directions():
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    weights = np.array([0.2126, 0.7152, 0.0722])
    grey = [
        (direction_colours(length * np.cos(angles), length * np.sin(angles), 1.0) ** 2.2) @ weights
        for length in (0.0, 0.5, 1.0)
    ]
    assert grey[0].min() > grey[1].max() > grey[2].max()
    assert np.ptp(grey[1]) < 0.12


def test_more_seeds_than_one_do_not_change_what_a_picture_says(make_material):
    material = make_material()
    shifted = material.values.assign(value=material.values["value"] + 0.1)
    figure = consistency_maps.draw(replace(material, values=pd.concat([material.values, shifted])))
    assert f"ICE {material.pairs[0].ice:.3f}" in texts(figure)
