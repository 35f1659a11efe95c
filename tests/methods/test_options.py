import pytest

from spnet.errors import ConfigError
from spnet.methods import build_method, make_options


def test_the_defaults_are_the_papers():
    options = make_options("spnet")
    assert options.channels == (8, 16, 32, 32)
    assert options.image_channels == 8
    assert options.windows == (9, 7, 5, 3)
    assert options.integration_steps == 7
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
