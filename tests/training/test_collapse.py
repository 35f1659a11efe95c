"""A training that falls apart is said; a noisy, slow or young one is not said to have."""

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from spnet.training import TrainingOptions, train
from spnet.training.collapse import collapse_of_fields, collapse_of_losses
from spnet.training.record import collapse_behind, write_record


def history(*stages):
    return pd.concat([pd.DataFrame({"stage": name, "loss": losses}) for name, losses in stages], ignore_index=True)


def learning(random, steps, reached=-1.1, noise=0.1):
    """An ordinary stage: most is learned in its first fifth, then noise."""
    return reached * (1 - np.exp(-25 * np.arange(steps) / steps)) + random.normal(0, noise, steps)


def test_lapirns_real_collapse_is_found(random):
    """At step 708 of 800, that is 308 of the last 400, from -1.1 to 52 and 412."""
    last = learning(random, 400)
    last[308:] = np.where(np.arange(92) % 2, 52.0, 412.0)
    stages = [("level 1", learning(random, 200, -0.8)), ("level 2", learning(random, 200, -1.0)), ("level 3", last)]
    assert collapse_of_losses(history(*stages)).startswith("the loss of stage 'level 3' had reached -1.")
    assert collapse_of_losses(history(*stages[:2])) is None


@pytest.mark.parametrize("steps", [100, 800, 30_000])
@pytest.mark.parametrize("begun", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("ended", ["where it began", "far above"])
def test_what_a_stage_had_learned_and_lost_is_found_whenever_it_was_lost(random, steps, begun, ended):
    losses, lost = learning(random, steps), steps - int(begun * steps)
    losses[-lost:] = random.normal(0, 0.1, lost) + (50 * random.random(lost) if ended == "far above" else 0)
    assert collapse_of_losses(history(("all", losses)))


@pytest.mark.parametrize("steps", [100, 150, 800, 5000])
@pytest.mark.parametrize("kind", ["normal", "heavy tails", "spikes", "every sixth pair one scan twice", "cycles"])
@pytest.mark.parametrize("start", ["flat", "falls", "falls from a thousand"])
def test_noise_is_no_collapse(random, steps, kind, start):
    time = np.arange(steps) / steps
    course = {"flat": 0 * time, "falls": -0.4 * (1 - np.exp(-10 * time))}
    course["falls from a thousand"] = course["falls"] + 1000 * np.exp(-60 * time)
    flagged = [
        told
        for _ in range(40)
        if (told := collapse_of_losses(history(("all", course[start] + noise(random, kind, steps)))))
    ]
    assert not flagged


def noise(random, kind, steps):
    plain = random.normal(0, 0.04, steps)
    return {
        "normal": plain,
        "heavy tails": 0.03 * random.standard_t(3, steps),
        "spikes": plain + (random.random(steps) < 0.02) * random.exponential(20, steps),
        "every sixth pair one scan twice": plain - 0.6 * (random.random(steps) < 1 / 6),
        "cycles": plain + 0.5 * (np.arange(steps) % 4 == 0),  # SCCnet's third scan
    }[kind]


@pytest.mark.parametrize("term", [0.5, 0.8, 2.0])
def test_a_collapse_is_found_beneath_a_term_that_enters_every_fourth_step(random, term):
    losses = np.concatenate([learning(random, 560), random.normal(0.0, 0.1, 240)])
    losses[::4] += term
    assert collapse_of_losses(history(("all", losses)))


def test_a_training_that_still_learns_slowly_or_slips_a_little_is_no_collapse(random):
    slow = np.linspace(0, -0.3, 3000) + random.normal(0, 0.01, 3000)
    slipped = learning(random, 3000, noise=0.005)
    slipped[2000:] += 0.1  # of the 1.1 that it had gained
    assert collapse_of_losses(history(("all", slow))) is None
    assert collapse_of_losses(history(("all", slipped))) is None


def test_an_earlier_stage_counts_only_if_the_last_never_came_back(random):
    first = learning(random, 200)
    first[100:] = 300 + random.normal(0, 5, 100)
    lost = ("level 2", random.normal(250, 5, 200) - 0.1 * np.arange(200))
    back = ("level 2", learning(random, 200))
    told = collapse_of_losses(history(("level 1", first), lost))
    assert told.startswith("the loss of stage 'level 1'")
    assert told.endswith("the last stage never came back to it")
    assert collapse_of_losses(history(("level 1", first), back)) is None
    assert collapse_of_losses(history(("level 1", first), ("level 2", np.full(20, -1.2)))) is None


def test_a_stage_of_fewer_than_a_hundred_steps_is_not_judged(random):
    losses = np.concatenate([learning(random, 50), np.full(49, 300.0)])
    assert collapse_of_losses(history(("all", losses))) is None
    assert collapse_of_losses(history(("all", np.append(losses, 300.0))))


def test_a_network_that_answers_with_nothing_or_a_constant_has_collapsed_and_no_other():
    generator = torch.Generator().manual_seed(0)
    one, other = torch.randn(2, 1, 3, 6, 6, 6, generator=generator)
    still, constant = torch.zeros_like(one), torch.full_like(one, 2.5)
    assert collapse_of_fields(still, still + 1e-5) == "the network moves nothing"
    assert collapse_of_fields(constant, -constant) == "the network moves all voxels alike"
    assert collapse_of_fields(one, one + 1e-4) == "the network moves two different pairs alike"
    assert collapse_of_fields(one, other) is None
    assert collapse_of_fields(0.01 * one, -0.01 * one) is None


@pytest.fixture
def images(write_image, blobs):
    return [write_image(f"{seed}.nii.gz", blobs(seed, (16, 16, 16))[0, 0].numpy()) for seed in range(3)]


def trained(images, folder, method, steps, rate):
    train(method, {}, images, TrainingOptions(steps=steps, learning_rate=rate), folder, device="cpu")
    return yaml.safe_load((folder / "run.yaml").read_text())["outcome"]["collapsed"]


def test_a_rate_too_high_makes_symnet_collapse_and_log_and_record_say_so(images, tmp_path, caplog):
    told = trained(images, tmp_path, "symnet", 60, 0.1)
    assert "the network moves" in told
    assert f"this training collapsed: {told}" in caplog.text
    assert collapse_behind(tmp_path / "weights.pt") == told


def test_a_sound_training_and_a_young_one_are_not_flagged(images, tmp_path):
    assert trained(images, tmp_path / "sound", "vm", 60, 1e-3) is None
    assert trained(images, tmp_path / "young", "vm", 3, 1e-7) is None
    assert collapse_behind(tmp_path / "young" / "weights.pt") == ""


def test_published_weights_and_records_from_before_this_was_looked_for_are_never_flagged(tmp_path):
    assert collapse_behind(None) == ""
    assert collapse_behind(tmp_path / "weights.pt") == ""
    write_record(tmp_path / "run.yaml", {}, torch.device("cpu"), {"peak_mb": 1.0})
    assert collapse_behind(tmp_path / "weights.pt") == ""
