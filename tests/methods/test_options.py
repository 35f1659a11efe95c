import pytest

from spnet.errors import ConfigError
from spnet.methods import build_method, make_options


def test_the_defaults_are_the_papers():
    options = make_options("spnet")
    assert options.channels == (8, 16, 32, 32)
    assert options.image_channels == 8
    assert options.windows == (9, 7, 5, 3)
    assert options.integration_steps == 7
    assert (options.backbone, options.directions, options.field) == ("mie", "averaged", "velocity")
    assert options.feature_warping
    assert options.inverse_weight == 0
    assert options.smoothness_weight == 1


def test_lists_from_yaml_become_tuples():
    assert make_options("spnet", {"windows": [3, 3, 3, 3]}).windows == (3, 3, 3, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"windows": [9, 7]}, "one entry per pyramid level"), ({"sampler": "exakt"}, "sampler 'exakt' is none of")],
)
def test_options_that_do_not_fit_together_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        build_method("spnet", options)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("vm", {"encoder": [16, 32, 32]}, "encoder needs 4 widths and decoder more than 5"),
        ("vm", {"decoder": [32] * 5}, "encoder needs 4 widths and decoder more than 5"),
        ("difvm", {"decoder": [32] * 7}, "encoder needs 4 widths and decoder 5"),
        ("vm", {"window": 8}, "a window is an odd number"),
        ("vm", {"smoothness_weight": "1"}, "smoothness_weight cannot be '1'"),
        ("vm", {"smoothness_weight": -1}, "smoothness_weight must not be below zero"),
        ("pmrnet", {"image_sigma": 0}, "image_sigma must be above zero"),
        ("pmrnet", {"batch_norm_momentum": 5}, "batch_norm_momentum at most 1"),
        ("pmrnet", {"similarity": "ncc"}, "similarity 'ncc' is none of mse, lncc"),
        ("lapirn", {"diffeomorphic": "maybe"}, "diffeomorphic cannot be 'maybe'"),
        ("lapirn", {"stage_shares": [0.5, 0.5]}, "three positive numbers with sum 1"),
        ("lapirn", {"window": 5}, "window is odd and at least 7"),
        ("lapirn", {"integration_steps": -3}, "integration_steps must be above zero"),
        ("rcnet", {"cascades": 2.5}, "cascades cannot be 2.5"),
        ("rcnet", {"halve_at": [60_000]}, "halve_at are shares"),
        ("spnet", {"backbone": "hrnet"}, "backbone 'hrnet' is none of mie, plain, residual, inception"),
        ("syn", {"syn_metric": "foo"}, "syn_metric 'foo' is none of mattes, CC, meansquares, demons"),
        ("spnet", {"directions": "back"}, "directions 'back' is none of averaged, both, shared, forward"),
        ("spnet", {"field": "displacement"}, "directions 'averaged' negates fields"),
        ("spnet", {"field": "displacement", "directions": "shared"}, "directions 'shared' negates fields"),
        ("spnet", {"directions": "forward", "inverse_weight": 1}, "inverse_weight needs fields both ways"),
        ("spnet", {"backbone": "inception", "channels": [6, 16, 32, 32]}, "channels must be multiples of 4"),
        ("spnet", {"image_channels": 0}, "image_channels must be above zero"),
        ("cfwnet", {"channels": [], "estimator_channels": [], "windows": []}, "one entry per pyramid level"),
        ("sccnet", {"cycle_every": 0}, "cycle_every must be above zero"),
        ("icnet", {"largest": True}, "largest cannot be True"),
        ("symnet", {"axes": [0, 1, 1]}, "are not axes 0, 1 and 2"),
    ],
)
def test_options_that_would_fail_in_a_job_are_refused_before(name, options, message):
    with pytest.raises(ConfigError, match=message):
        build_method(name, options)


def test_uneven_shares_of_stages_add_up_to_all_steps():
    for shares in ((0.25, 0.25, 0.5), (0.7, 0.2, 0.1)):
        stages = build_method("lapirn", {"stage_shares": shares, "frozen_steps": 0}).stages(17, 1e-4)
        assert sum(stage.steps for stage in stages) == 17


def test_a_rate_is_halved_at_each_milestone():
    (stage,) = build_method("rcnet").stages(100, 1e-4)
    assert [stage.rate_at(step) for step in (0, 59, 60, 80)] == [1e-4, 1e-4, 0.5e-4, 0.25e-4]
