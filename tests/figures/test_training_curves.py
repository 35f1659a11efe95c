"""Training curves: a panel per method and dataset, smooth lines, stages told apart, long trainings thinned."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from spnet.figures.training_curves import Curve, draw, smoothed

METHODS = {"lapirn": "LapIRN", "spnet": "SPnet"}
DATASETS = {"brains": "Brains", "knees": "Knees"}


def history(steps, stages=("all",)):
    loss = -np.linspace(0, 1, steps)
    return pd.DataFrame({"stage": np.repeat(stages, steps // len(stages)), "step": range(1, steps + 1), "loss": loss})


@pytest.fixture
def panels():
    """Function from curves to the panels of their figure, [method, dataset]."""

    def make(*curves):
        return np.array(draw(curves, METHODS, DATASETS).axes).reshape(len(METHODS), len(DATASETS))

    yield make
    pyplot.close("all")


def test_every_training_has_its_panel_and_the_others_are_empty(panels):
    drawn = panels(Curve("knees", "spnet", history(40)), Curve("brains", "lapirn", history(40)))
    assert [[bool(panel.lines) for panel in row] for row in drawn] == [[True, False], [False, True]]
    assert drawn[1, 1].texts[0].get_text() == "SPnet"
    assert [panel.get_title() for panel in drawn[0]] == ["Brains", "Knees"]


def test_seeds_share_a_panel(panels):
    drawn = panels(Curve("brains", "spnet", history(40)), Curve("brains", "spnet", history(60)))
    assert len(drawn[1, 0].lines) == 4


def test_a_line_stands_between_the_stages(panels):
    drawn = panels(Curve("brains", "lapirn", history(60, ("coarse", "middle", "fine"))))
    assert [line.get_xdata()[0] for line in drawn[0, 0].lines[2:]] == [20.5, 40.5]


def test_a_long_training_is_drawn_with_few_points_its_first_and_last_among_them(panels):
    drawn = panels(Curve("brains", "spnet", history(50_000)))
    steps = drawn[1, 0].lines[0].get_xdata()
    assert len(steps) <= 300
    assert (steps[0], steps[-1]) == (1, 50_000)


def test_wild_first_steps_do_not_flatten_the_others(panels):
    wild = history(1000)
    wild.loc[:3, "loss"] = 1e6
    low, high = panels(Curve("brains", "spnet", wild))[1, 0].get_ylim()
    assert low < -1
    assert high < 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_losses_that_are_not_finite_do_not_stop_the_figure(panels, value):
    broken = history(40).assign(loss=value)
    assert panels(Curve("brains", "spnet", broken))[1, 0].lines


def test_the_smooth_line_is_the_mean_of_the_last_twentieth():
    loss = pd.Series(np.arange(400.0))
    assert smoothed(loss)[-1] == pytest.approx(np.arange(380, 400).mean())
    assert smoothed(loss)[0] == 0
