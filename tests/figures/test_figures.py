"""Figures drawn from scores: right kind of file, and the numbers that were given."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from spnet.analysis.study import Study
from spnet.errors import ConfigError
from spnet.figures import dice_boxplot, draw_figure, style

TITLES = {"identity": "Affine only", "spnet": "SPnet (published weights)"}


@pytest.fixture
def values(random):
    rows = [
        {"dataset": "d", "method": method, "metric": "dice", "structure": "Average", "value": centre + noise}
        for method, centre in (("identity", 0.3), ("spnet", 0.6))
        for noise in random.normal(0, 0.02, 30)
    ]
    return pd.DataFrame(rows)


def test_a_box_per_method_in_order_with_the_medians_of_the_values(values):
    figure = dice_boxplot.draw(values, TITLES, {"d": "Dataset"})
    (panel,) = figure.axes
    assert [label.get_text().replace("\n", " ") for label in panel.get_xticklabels()] == list(TITLES.values())
    drawn = [y for line in panel.lines for y in line.get_ydata()]
    for method in TITLES:
        median = values.loc[values["method"] == method, "value"].median()
        assert np.isclose(drawn, median, atol=1e-6).any()
    assert panel.get_title() == "Dataset (30 ordered pairs)"
    pyplot.close(figure)


def test_two_drawings_of_the_same_values_are_the_same_files(values, tmp_path):
    for name in ("a", "b"):
        style.save(
            dice_boxplot.draw(values, TITLES, {"d": "Dataset"}), [tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"]
        )
    for suffix in ("pdf", "png"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_a_kind_of_figure_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no kind of figure 'pie'"):
        draw_figure({"kind": "pie", "experiments": []}, Study({}, {}, {}), {}, tmp_path / "m", {})
