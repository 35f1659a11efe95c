"""What SPnet shows of its levels."""

import numpy as np
import pytest
import torch

from spnet.methods import build_method

SHAPE = (16, 24, 16)


def build(**options):
    torch.manual_seed(0)
    method = build_method("spnet", options)
    with torch.no_grad():
        for parameter in method.parameters():
            if parameter.ndim == 5 and parameter.shape[0] == 3:
                parameter *= 3 / parameter.std()
    return method.eval()


def cosine(a, b):
    """Over the first axis, in float64; zero where a feature is, as outside the volume."""
    a, b = a.double().numpy(), b.double().numpy()
    lengths = np.sqrt((a * a).sum(0) * (b * b).sum(0))
    return np.divide((a * b).sum(0), lengths, out=np.zeros_like(lengths), where=lengths > 0)


@pytest.fixture
def seen(blobs):
    """Function from a method to its views of a pair, and what its forward estimators were given, finest level first."""

    def look(method):
        given = {}

        def note(level):
            def hook(_, inputs):
                given.setdefault(level, inputs[0][0])

            return hook

        hooks = [
            getattr(method, f"conv{level}_0").register_forward_pre_hook(note(level)) for level in range(method.levels)
        ]
        views = method.inspect(blobs(1, SHAPE), blobs(2, SHAPE))
        for hook in hooks:
            hook.remove()
        return views, [given[level] for level in range(method.levels)]

    return look


@pytest.mark.parametrize("options", [{}, {"directions": "forward"}, {"backbone": "plain", "sampler": "exact"}])
def test_warped_similarity_is_that_of_what_the_estimator_saw(options, seen):
    method = build(**options)
    views, given = seen(method)
    for view, inputs in zip(views[:-1], given[:-1], strict=True):
        width = (inputs.shape[0] - 11) // 2
        wanted = cosine(inputs[:width], inputs[width : 2 * width])
        assert np.abs(view.warped_similarity[0, 0].numpy() - wanted).max() < 1e-5
    width = given[-1].shape[0] // 2
    assert np.abs(views[-1].similarity[0, 0].numpy() - cosine(given[-1][:width], given[-1][width:])).max() < 1e-5
    assert views[-1].warped_similarity is None
    assert (views[0].warped_similarity - views[0].similarity).abs().max() > 1e-3


def test_similarity_is_that_of_the_features_as_they_are(seen):
    method = build(feature_warping=False)
    views, given = seen(method)
    for view, inputs in zip(views, given, strict=True):
        width = (inputs.shape[0] - (0 if view is views[-1] else 11)) // 2
        wanted = cosine(inputs[:width], inputs[width : 2 * width])
        assert np.abs(view.similarity[0, 0].numpy() - wanted).max() < 1e-5
        assert view.warped_similarity is None
    # The encoder is the same, warping or not.
    for warping, without in zip(seen(build())[0], views, strict=True):
        assert torch.equal(warping.similarity, without.similarity)


def test_displacements_are_those_of_the_levels(seen, blobs):
    method = build()
    views, _ = seen(method)
    with torch.no_grad():
        registration = method(blobs(1, SHAPE), blobs(2, SHAPE))
    for view, level in zip(views, registration.details, strict=True):
        assert torch.equal(view.displacement, level.forward)


def test_views_lie_on_the_padded_grid_and_its_halvings(blobs):
    views = build().inspect(blobs(1, (15, 22, 19)), blobs(2, (15, 22, 19)))
    for index, view in enumerate(views):
        grid = tuple(size // 2**index for size in (16, 24, 24))
        assert view.displacement.shape == (1, 3, *grid)
        assert view.similarity.shape == (1, 1, *grid)
        assert not view.similarity.requires_grad
        assert index == 3 or view.warped_similarity.shape == (1, 1, *grid)


def test_an_image_is_similar_to_itself(blobs):
    image = 0.1 + blobs(1, SHAPE)
    # Averaged estimates of an identical pair cancel, and the exact sampler leaves features as they are.
    for view in build(sampler="exact").inspect(image, image):
        assert view.displacement.abs().max() == 0
        for similarity in (view.similarity, view.warped_similarity):
            assert similarity is None or torch.allclose(similarity, torch.ones(()), atol=1e-5)
