"""Every loss term of every learned method, against SciPy's computation of it from the method's description."""

import dataclasses
from itertools import permutations
from types import SimpleNamespace

import pytest
import torch
from entries import ABLATIONS, ENTRIES
from reference import TERMS, cycle

from spnet.methods import METHODS, build_method, make_options

# Three sizes, so that no axis can stand in for another; every method takes them without padding.
SHAPE = (16, 32, 48)

# Deviation of the weights that make fields, with which untrained methods move voxels by about one.
HEADS = {
    "vm": 10.0,
    "difvm": 0.3,
    "pmrnet": 0.1,
    "lapirn": 1.0,
    "rcnet": 1.0,
    "cfwnet": 0.3,
    "sccnet": 10.0,
    "icnet": 3.0,
    "symnet": 0.01,
    "spnet": 5.0,
}
# The same for options with which that would be far less or far more.
HEADS_OF_OPTIONS = {"plain": 300.0, "inception": 300.0, "displacement": 0.3}

# Their loss needs the fields of two passes.
SEEN_BOTH_WAYS = ("sccnet", "icnet")

# These change fields, not what a loss makes of them.
NOT_OF_THE_LOSS = {"sampler", "cascades", "backbone", "channels", "estimator_channels", "feature_warping"}

VARIANTS = [
    *[(name, {}) for name in TERMS],
    ("vm", {"window": 5, "sampler": "exact"}),
    ("difvm", {"image_sigma": 0.01, "prior_precision": 25.0, "sampler": "official"}),
    ("pmrnet", {"similarity": "lncc", "prior_precision": 3.0}),
    ("pmrnet", {"image_sigma": 0.1}),
    ("lapirn", {"diffeomorphic": False}),
    ("lapirn", {"window": 9}),
    ("rcnet", {"similarity": "pearson", "cascades": 2}),
    ("cfwnet", {"residual": False, "windows": (7, 5, 5, 3)}),
    ("icnet", {"similarity": "lncc"}),
    ("symnet", {"window": 5}),
    ("spnet", {"windows": (7, 7, 3, 3), "sampler": "exact_zeros"}),
    ("spnet", {"directions": "both", "inverse_weight": 2.0}),
    ("spnet", {"directions": "shared", "inverse_weight": 2.0}),
    ("spnet", {"directions": "forward", "field": "displacement"}),
    *[("spnet", ENTRIES[ablation]["options"]) for ablation in ABLATIONS],
]

FOLDING = [
    ("lapirn", {"antifold_weight": 2.0}, "antifold"),
    ("sccnet", {"folding_weight": 3.0}, "folding"),
    ("icnet", {}, "antifold"),
    ("symnet", {}, "orientation"),
]

WEIGHTS = {
    "vm": {"smoothness_weight": {"smoothness"}},
    "difvm": {},
    "pmrnet": {
        "divergence_weight": {"divergence_1", "divergence_2", "divergence_3"},
        "feature_weight": {"feature_1", "feature_2", "feature_3"},
    },
    "lapirn": {"smoothness_weight": {"smoothness"}, "antifold_weight": {"antifold"}},
    "rcnet": {"smoothness_weight": {f"smoothness_{k}" for k in (1, 2, 3)}},
    "cfwnet": {"smoothness_weight": {f"smoothness_{k}" for k in (1, 2, 3, 4)}},
    "sccnet": {
        "smoothness_weight": {"smoothness"},
        "inverse_weight": {"inverse"},
        "folding_weight": {"folding"},
    },
    "icnet": {
        "inverse_weight": {"inverse"},
        "antifold_weight": {"antifold"},
        "smoothness_weight": {"smoothness"},
    },
    "symnet": {
        "magnitude_weight": {"magnitude"},
        "orientation_weight": {"orientation"},
        "smoothness_weight": {"smoothness"},
    },
    "spnet": {
        "smoothness_weight": {f"smoothness_{k}" for k in (1, 2, 3, 4)},
        "inverse_weight": {f"inverse_{k}" for k in (1, 2, 3, 4)},
    },
}


def build(name, options=None, stage=-1):
    torch.manual_seed(0)
    method = build_method(name, options)
    values = (options or {}).values()
    deviation = next((HEADS_OF_OPTIONS[value] for value in HEADS_OF_OPTIONS if value in values), HEADS[name])
    with torch.no_grad():
        for parameter in method.parameters():
            if parameter.ndim == 5 and parameter.shape[0] == 3:
                parameter *= deviation / parameter.std()
    method.train()
    method.begin_step(method.stages(12_000, 1e-4)[stage], 0)
    return method


@pytest.fixture(scope="module")
def cases():
    return {}


@pytest.fixture
def register(blobs, cases):
    """Function from a method's name and options to a case: the method, two images and what it found for them."""

    def image(seed):
        # Bright at the border, so that what a sampler sees outside matters.
        return 0.2 + 0.8 * blobs(seed, SHAPE)

    @torch.no_grad()
    def made(name, options, stage, contrast):
        method, moving, fixed = build(name, options, stage), contrast * image(1), contrast * image(2)
        registration = method(moving, fixed)
        if name in SEEN_BOTH_WAYS:
            registration = dataclasses.replace(registration, backward=method(fixed, moving).forward)
        return SimpleNamespace(name=name, method=method, registration=registration, moving=moving, fixed=fixed)

    def make(name, options=None, stage=-1, contrast=1.0):
        key = (name, repr(options or {}), stage, contrast)
        if key not in cases:
            cases[key] = made(name, options, stage, contrast)
        return cases[key]

    return make


def folded(case):
    """The case with noise on its displacements, less on one way than on the other, so that both fold."""

    def shaken(field, deviation):
        noise = torch.randn(field.shape, generator=torch.Generator().manual_seed(3))
        return None if field is None else field + deviation * noise

    found = case.registration
    backward = None if found.backward is None else shaken(found.backward, 2.0)
    found = dataclasses.replace(found, forward=shaken(found.forward, 1.0), backward=backward)
    if case.name == "lapirn":
        details = dataclasses.replace(found.details, displacement=shaken(found.details.displacement, 0.1))
        found = dataclasses.replace(found, details=details)
    return SimpleNamespace(**{**vars(case), "registration": found})


def arrays(value):
    """The first of a batch of whatever holds tensors, in float64, free of the package's types."""
    if isinstance(value, torch.Tensor):
        return value[0].double().numpy()
    if isinstance(value, (list, tuple)):
        return [arrays(entry) for entry in value]
    if dataclasses.is_dataclass(value):
        return SimpleNamespace(**{name: arrays(entry) for name, entry in vars(value).items()})
    return value


def expected_terms(case, options=None):
    relevant = {option: value for option, value in (options or {}).items() if option not in NOT_OF_THE_LOSS}
    moving, fixed = arrays(case.moving)[0], arrays(case.fixed)[0]
    return TERMS[case.name](arrays(case.registration), moving, fixed, case.method.sampler, **relevant)


def loss(case, method=None):
    with torch.no_grad():
        terms = (method or case.method).loss(case.registration, case.moving, case.fixed)
    return {name: term.item() for name, term in terms.items()}


def assert_terms(found, expected):
    assert set(found) == set(expected)
    for name, value in expected.items():
        # Of cross-correlations alone, which lie in [0, 1]: where an untrained network moves voxels out of sight, one is
        # nearly nothing, and a hundred-millionth is rounding.
        floor = 1e-8 if name.startswith("similarity") else 0
        assert found[name] == pytest.approx(value, rel=1e-5, abs=floor), name


def weights_of(name):
    names = [field.name for field in dataclasses.fields(make_options(name))]
    return {option for option in names if option.endswith("_weight")}


def test_every_method_that_the_paper_trains_has_a_reference():
    printed = {entry["implementation"] for entry in ENTRIES.values() if entry["published_as"]}
    assert {name for name in printed if METHODS[name].learned} == set(TERMS)


@pytest.mark.parametrize("name", TERMS)
def test_no_term_goes_unchecked(name, register, blobs):
    options = dict.fromkeys(weights_of(name), 1.0)
    method = build(name, options)
    with torch.no_grad():
        produced = method.training_loss([blobs(seed, (16, 32, 16)) for seed in range(method.images_per_step)])
    case = register(name)
    relevant = {option: value for option, value in options.items() if option != "cycle_weight"}
    assert set(produced) == set(expected_terms(case, relevant)) | ({"cycle"} if name == "sccnet" else set())


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_terms_are_those_of_the_description(name, options, register):
    case = register(name, options)
    found = loss(case)
    assert_terms(found, expected_terms(case, options))
    assert all(abs(term) > 1e-5 for term_name, term in found.items() if term_name not in ("antifold", "orientation"))


@pytest.mark.parametrize("stage", [0, 1])
def test_terms_of_a_pyramid_half_trained_are_those_of_the_level_in_training(stage, register):
    case = register("lapirn", stage=stage)
    found = loss(case)
    assert_terms(found, expected_terms(case))
    assert len(found) == stage + 2


@pytest.mark.parametrize(("name", "options", "term"), FOLDING)
def test_folds_cost_what_the_description_says(name, options, term, register):
    case = folded(register(name, options))
    found = loss(case)
    assert_terms(found, expected_terms(case, options))
    assert found[term] > 1e-3


@pytest.mark.parametrize(("name", "options"), [("vm", {}), ("rcnet", {"similarity": "pearson"})])
def test_faint_images_feel_the_constants_that_guard_a_division(name, options, register):
    case = register(name, options, contrast=0.02)
    assert_terms(loss(case), expected_terms(case, options))


@pytest.mark.parametrize("name", TERMS)
def test_a_weight_scales_its_own_terms_and_no_others(name, register):
    assert set(WEIGHTS[name]) == weights_of(name) - {"cycle_weight"}
    case = folded(register(name))
    for option, scaled in WEIGHTS[name].items():
        light, heavy = (loss(case, build_method(name, {option: weight})) for weight in (0.5, 1.5))
        factors = {term: 3 if term in scaled else 1 for term in light}
        assert scaled <= set(light)
        assert_terms(heavy, {term: factors[term] * value for term, value in light.items()})
        assert all(light[term] > 0 for term in scaled)


def test_the_cycle_leads_round_three_images_both_ways(blobs):
    method = build("sccnet", {"cycle_every": 3})
    heavier = build("sccnet", {"cycle_every": 3, "cycle_weight": 2.0})
    images = dict(zip("ABC", (blobs(seed, (16, 16, 32)) for seed in (1, 2, 3)), strict=True))
    with torch.no_grad():
        found, more = (m.training_loss(list(images.values()))["cycle"].item() for m in (method, heavier))
        fields = {a + b: arrays(method(images[a], images[b]).forward) for a, b in permutations(images, 2)}
    assert found == pytest.approx(3 * cycle(fields, method.sampler), rel=1e-5)
    assert more == pytest.approx(4 * found, rel=1e-5)


def test_the_cycle_enters_only_every_so_many_steps(blobs):
    method, images = build("sccnet", {"cycle_every": 3}), [blobs(seed, (16, 16, 16)) for seed in (1, 2, 3)]
    entered = []
    for step in range(7):
        method.begin_step(method.stages(12, 1e-4)[0], step)
        with torch.no_grad():
            entered.append("cycle" in method.training_loss(images))
    assert entered == [True, False, False, True, False, False, True]


@pytest.mark.parametrize("name", SEEN_BOTH_WAYS)
def test_a_training_step_sees_a_pair_both_ways(name, register, blobs):
    case = register(name)
    images = [case.moving, case.fixed, *(blobs(seed, SHAPE) for seed in range(case.method.images_per_step - 2))]
    case.method.begin_step(case.method.stages(12, 1e-4)[0], 1)
    with torch.no_grad():
        found = case.method.training_loss(images)
    assert_terms({term: value.item() for term, value in found.items()}, expected_terms(case))
