"""The loss terms of every learned method, computed by NumPy and SciPy in float64 from the methods' descriptions.

Independent of the package on purpose. Images are [D, H, W], fields [3, D, H, W] in voxels, channel k along axis k.
Every function of a method takes a registration, moving, fixed and a sampler, and returns its weighted terms by name;
the defaults of its further arguments are the weights and windows that the descriptions give.
"""

import numpy as np
from scipy.ndimage import convolve, generate_binary_structure, map_coordinates, uniform_filter


def sample(volume, displacement, sampler):
    """volume(x + u(x)), linear."""
    points = np.indices(displacement.shape[1:]) + displacement
    if sampler == "official":
        sizes = np.array(points.shape[1:], dtype=float).reshape(3, 1, 1, 1)
        points = points * sizes / (sizes - 1) - 0.5
    return map_coordinates(volume, points, order=1, mode="nearest" if sampler == "exact" else "grid-constant")


def compose(outer, inner, sampler):
    """The displacement that `inner` and then `outer` make: inner(x) + outer(x + inner(x))."""
    return inner + np.stack([sample(channel, inner, sampler) for channel in outer])


def lncc(first, second, window):
    """Squared local cross-correlation, un-normalised sums over windows with zeros outside, mean over the volume."""

    def total(image):
        return uniform_filter(image, window, mode="constant") * window**3

    def covariance(a, b):
        return total(a * b) - total(a) * total(b) / window**3

    variances = covariance(first, first) * covariance(second, second)
    return np.mean(covariance(first, second) ** 2 / (variances + 1e-5))


def lncc_both_ways(registration, moving, fixed, sampler, window):
    forward = lncc(sample(moving, registration.forward, sampler), fixed, window)
    return forward + lncc(sample(fixed, registration.backward, sampler), moving, window)


def pearson(first, second):
    covariance = np.mean((first - first.mean()) * (second - second.mean()))
    return covariance / np.sqrt((first.var() + 1e-6) * (second.var() + 1e-6))


def roughness(field):
    """Squared forward differences: mean along each axis, and of the three axes."""
    return sum(np.mean(np.diff(field, axis=axis) ** 2) for axis in (1, 2, 3)) / 3


def determinants(displacement):
    """Of the Jacobian of x + u(x), by forward differences, where all three exist."""
    inside = (slice(None), *[slice(-1)] * 3)
    columns = [
        np.roll(displacement, -1, axis)[inside] - displacement[inside] + np.eye(3)[axis - 1].reshape(3, 1, 1, 1)
        for axis in (1, 2, 3)
    ]
    return np.linalg.det(np.stack(columns).transpose(2, 3, 4, 1, 0))


def folding(displacement):
    return np.mean(np.maximum(-determinants(displacement), 0))


def inverse_error(forward, backward, sampler):
    return sum(np.mean(compose(b, a, sampler) ** 2) for a, b in ((forward, backward), (backward, forward)))


def divergence(mean, log_variance, precision):
    """Kullback-Leibler divergence of a Gaussian velocity from the smooth prior, up to constants, per voxel."""
    neighbours = generate_binary_structure(3, 1).astype(float)
    neighbours[1, 1, 1] = 0
    degrees = convolve(np.ones(mean.shape[1:]), neighbours, mode="constant")
    spread = np.mean(precision * degrees * np.exp(log_variance) - log_variance)
    return 0.5 * 3 * (spread + precision * 0.5 * roughness(mean))


def vm(registration, moving, fixed, sampler, window=9, smoothness_weight=1.0):
    warped = sample(moving, registration.forward, sampler)
    return {
        "similarity": -lncc(warped, fixed, window),
        "smoothness": smoothness_weight * roughness(registration.forward),
    }


def difvm(registration, moving, fixed, sampler, image_sigma=0.02, prior_precision=10.0):
    warped = sample(moving, registration.forward, sampler)
    return {
        "similarity": np.mean((fixed - warped) ** 2) / image_sigma**2,
        "divergence": divergence(*registration.details, prior_precision),
    }


def pmrnet(
    registration,
    moving,
    fixed,
    sampler,
    similarity="mse",
    image_sigma=0.02,
    prior_precision=10.0,
    divergence_weight=0.5,
    feature_weight=1.0,
):
    head, latents = registration.details
    warped = sample(moving, registration.forward, sampler)
    distance = np.mean((fixed - warped) ** 2) / image_sigma**2 if similarity == "mse" else -lncc(warped, fixed, 9)
    terms = {"similarity": distance, "divergence": divergence(*head, prior_precision)}
    for d, latent in enumerate(latents, start=1):
        latent_divergence = divergence(latent.mean, latent.log_variance, prior_precision)
        terms[f"divergence_{d}"] = divergence_weight * latent_divergence
        terms[f"feature_{d}"] = feature_weight * np.mean((latent.transformed - latent.target) ** 2)
    return terms


def average(image):
    """Half the size: means of 3^3 voxels about every second one, of those inside only."""
    inside = uniform_filter(np.ones(image.shape), 3, mode="constant")
    return (uniform_filter(image, 3, mode="constant") / inside)[::2, ::2, ::2]


def lapirn(
    registration, moving, fixed, sampler, window=7, diffeomorphic=True, smoothness_weight=None, antifold_weight=0.0
):
    assert sampler == "exact"
    field, displacement = (array[::-1] for array in (registration.details.field, registration.details.displacement))
    spans = np.array(field.shape[1:], dtype=float).reshape(3, 1, 1, 1) - 1
    halvings = round(np.log2(fixed.shape[0] / field.shape[1]))
    for _ in range(halvings):
        fixed = average(fixed)
    warped, terms = _sample_on_coarser_grid(moving, displacement), {}
    for scale in range(3 - halvings):
        terms[f"similarity_{scale + 1}"] = -lncc(warped, fixed, window - 2 * (halvings + scale)) / 2**scale
        warped, fixed = average(warped), average(fixed)
    if smoothness_weight is None:
        smoothness_weight = 3.5 if diffeomorphic else 1.0
    # Half the grid is the unit, so that the authors' penalty sees twice the field in voxels.
    terms["smoothness"] = smoothness_weight * roughness(field * spans)
    if antifold_weight:
        terms["antifold"] = antifold_weight * folding(displacement * spans / 2)
    return terms


def _sample_on_coarser_grid(image, displacement):
    """`displacement` in half grids, on a grid whose corners are those of the image's."""
    axes = [np.linspace(-1, 1, size) for size in displacement.shape[1:]]
    units = np.stack(np.meshgrid(*axes, indexing="ij")) + displacement
    spans = np.array(image.shape, dtype=float).reshape(3, 1, 1, 1) - 1
    return map_coordinates(image, (units + 1) / 2 * spans, order=1, mode="nearest")


def rcnet(registration, moving, fixed, sampler, similarity="lncc", smoothness_weight=1.0):
    warped = sample(moving, registration.forward, sampler)
    terms = {"similarity": -lncc(warped, fixed, 9) if similarity == "lncc" else 1 - pearson(warped, fixed)}
    for k, flow in enumerate(registration.details, start=1):
        squares = sum(np.sum(np.diff(flow, axis=axis) ** 2) for axis in (1, 2, 3))
        terms[f"smoothness_{k}"] = smoothness_weight * 0.5 * squares / flow.size
    return terms


def _every_other(image, level):
    return image[(slice(None, None, 2**level),) * 3]


def cfwnet(registration, moving, fixed, sampler, residual=True, windows=(9, 7, 5, 3), smoothness_weight=1.0):
    terms = {}
    for i, (level, window) in enumerate(zip(registration.details, windows, strict=True)):
        warped = sample(_every_other(moving, i), level.displacement, sampler)
        penalised = level.output if residual else level.displacement
        terms[f"similarity_{i + 1}"] = -lncc(warped, _every_other(fixed, i), window) / 2**i
        terms[f"smoothness_{i + 1}"] = smoothness_weight * roughness(penalised) / 2**i
    return terms


def spnet(
    registration,
    moving,
    fixed,
    sampler,
    windows=(9, 7, 5, 3),
    smoothness_weight=1.0,
    inverse_weight=0.0,
    directions="averaged",
    field="velocity",
):
    terms = {}
    for i, (level, window) in enumerate(zip(registration.details, windows, strict=True)):
        a, b = _every_other(moving, i), _every_other(fixed, i)
        similarities = [lncc(sample(a, level.forward, sampler), b, window)]
        estimates = [level.forward_velocity if field == "velocity" else level.forward]
        if directions != "forward":
            similarities.append(lncc(sample(b, level.backward, sampler), a, window))
        if directions == "both":
            estimates.append(level.backward_velocity if field == "velocity" else level.backward)
        terms[f"similarity_{i + 1}"] = -np.mean(similarities) / 2**i
        terms[f"smoothness_{i + 1}"] = smoothness_weight * np.mean([roughness(one) for one in estimates]) / 2**i
        if inverse_weight:
            error = inverse_error(level.forward, level.backward, sampler)
            terms[f"inverse_{i + 1}"] = inverse_weight * 0.5 * error / 2**i
    return terms


def sccnet(
    registration, moving, fixed, sampler, window=9, smoothness_weight=1.0, inverse_weight=1.0, folding_weight=0.0
):
    forward, backward = registration.forward, registration.backward
    terms = {
        "similarity": -lncc_both_ways(registration, moving, fixed, sampler, window),
        "smoothness": smoothness_weight * (roughness(forward) + roughness(backward)),
        "inverse": inverse_weight * inverse_error(forward, backward, sampler),
    }
    if folding_weight:
        terms["folding"] = folding_weight * (folding(forward) + folding(backward))
    return terms


def cycle(fields, sampler, cycle_weight=0.5):
    """Of three images A, B, C, whose six fields have names such as AB: round by BC and round the other way."""
    forward = compose(fields["AB"], compose(fields["BC"], fields["CA"], sampler), sampler)
    reverse = compose(fields["AC"], compose(fields["CB"], fields["BA"], sampler), sampler)
    return cycle_weight * (np.mean(forward**2) + np.mean(reverse**2))


def icnet(
    registration,
    moving,
    fixed,
    sampler,
    similarity="mse",
    inverse_weight=0.05,
    antifold_weight=100_000.0,
    smoothness_weight=0.5,
):
    forward, backward = registration.forward, registration.backward
    if similarity == "mse":
        moving, fixed = ((image - image.mean()) / image.std() for image in (moving, fixed))
    ends = ((sample(moving, forward, sampler), fixed), (sample(fixed, backward, sampler), moving))
    distance = sum(np.mean((a - b) ** 2) if similarity == "mse" else -lncc(a, b, 9) for a, b in ends)
    return {
        "similarity": distance,
        "inverse": inverse_weight * inverse_error(forward, backward, sampler),
        "antifold": antifold_weight * (_crossing(forward) + _crossing(backward)),
        "smoothness": smoothness_weight * (roughness(forward) + roughness(backward)),
    }


def _crossing(field):
    """How far neighbours overtake each other, cubed; all components along every axis, as the author's program."""
    return sum(np.mean(np.maximum(-np.diff(field, axis=axis) - 1, 0) ** 3) for axis in (1, 2, 3)) / 3


def symnet(
    registration,
    moving,
    fixed,
    sampler,
    window=7,
    magnitude_weight=0.1,
    orientation_weight=100.0,
    smoothness_weight=3.0,
):
    forward, backward, ways = registration.forward, registration.backward, registration.details
    middles = sample(moving, ways.moving, sampler), sample(fixed, ways.fixed, sampler)
    lengths = abs(np.abs(ways.moving).sum() - np.abs(ways.fixed).sum()) / ways.moving.size
    return {
        "similarity_mean": -lncc(*middles, window),
        "similarity": -lncc_both_ways(registration, moving, fixed, sampler, window),
        "magnitude": magnitude_weight * lengths,
        "orientation": orientation_weight * (folding(forward) + folding(backward)),
        "smoothness": smoothness_weight * (roughness(ways.moving_velocity) + roughness(ways.fixed_velocity)),
    }


TERMS = {
    function.__name__: function for function in (vm, difvm, pmrnet, lapirn, rcnet, cfwnet, sccnet, icnet, symnet, spnet)
}
