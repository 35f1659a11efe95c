"""Training that survives: interrupted and resumed runs end where undisturbed ones do."""

import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from spnet.errors import TrainingError
from spnet.methods.spnet import SPnet
from spnet.training import TrainingOptions, checkpoint, train

SHAPE = (16, 16, 16)
OPTIONS = TrainingOptions(steps=6, learning_rate=1e-3, checkpoint_every=2)


@pytest.fixture
def images(write_image, blobs):
    return [write_image(f"{seed}.nii.gz", blobs(seed, SHAPE)[0, 0].numpy()) for seed in range(3)]


def weights(folder):
    return torch.load(folder / "weights.pt")


def same_weights(first, second):
    return all(torch.equal(value, weights(second)[name]) for name, value in weights(first).items())


def run(images, folder, options=OPTIONS, **changes):
    return train("spnet", {}, images, options, folder, device="cpu", **changes)


def test_history_has_every_loss_term_of_every_step_and_the_record_says_what_made_the_weights(images, tmp_path):
    run(images, tmp_path / "a", seed=5)
    history = pd.read_csv(tmp_path / "a" / "history.csv")
    assert history["step"].tolist() == [1, 2, 3, 4, 5, 6]
    terms = [f"{kind}_{level}" for level in (1, 2, 3, 4) for kind in ("similarity", "smoothness")]
    assert np.allclose(history[terms].sum(axis=1), history["loss"], atol=1e-5)
    record = yaml.safe_load((tmp_path / "a" / "run.yaml").read_text())
    assert record["definition"]["seed"] == 5
    assert record["definition"]["training"]["learning_rate"] == 1e-3
    assert record["definition"]["method_options"]["windows"] == [9, 7, 5, 3]
    assert record["versions"]["torch"].startswith(torch.__version__.split("+")[0])
    assert record["git_commit"]
    assert record["device_type"] == "cpu"


def test_a_training_removes_what_a_killed_one_has_half_written(images, tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / ".partial-0-last.ckpt").write_bytes(b"half")
    run(images, folder)
    assert {path.name for path in folder.iterdir()} == {"weights.pt", "history.csv", "run.yaml", checkpoint.NAME}


def test_one_seed_gives_one_set_of_weights_and_another_seed_another(images, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run(images, tmp_path / name, seed=seed)
    assert same_weights(tmp_path / "a", tmp_path / "b")
    assert not same_weights(tmp_path / "a", tmp_path / "c")


def test_training_lowers_the_loss(images, tmp_path):
    run(images[:2], tmp_path / "a", TrainingOptions(steps=60, learning_rate=1e-3))
    loss = pd.read_csv(tmp_path / "a" / "history.csv")["loss"]
    assert loss.tail(20).mean() < loss.head(20).mean()


def test_a_training_cut_off_between_checkpoints_ends_in_the_same_weights(images, tmp_path, monkeypatch):
    run(images, tmp_path / "whole")
    steps = {"left": 3}
    original = SPnet.loss

    def fail_in_the_fourth_step(self, *arguments):
        if steps["left"] == 0:
            raise KeyboardInterrupt
        steps["left"] -= 1
        return original(self, *arguments)

    monkeypatch.setattr(SPnet, "loss", fail_in_the_fourth_step)
    with pytest.raises(KeyboardInterrupt):
        run(images, tmp_path / "cut")
    assert {path.name for path in (tmp_path / "cut").iterdir()} == {checkpoint.NAME}
    monkeypatch.setattr(SPnet, "loss", original)
    run(images, tmp_path / "cut")
    assert same_weights(tmp_path / "whole", tmp_path / "cut")
    first, second = (pd.read_csv(tmp_path / name / "history.csv").drop(columns="seconds") for name in ("whole", "cut"))
    assert first.equals(second)


def test_results_that_were_lost_are_made_again_from_the_checkpoint(images, tmp_path):
    """Snakemake removes those of a job that it did not see end well."""
    run(images, tmp_path / "whole")
    run(images, tmp_path / "lost", replace(OPTIONS, checkpoint_every=4))
    for name in ("weights.pt", "history.csv", "run.yaml"):
        (tmp_path / "lost" / name).unlink()
    run(images, tmp_path / "lost")
    assert same_weights(tmp_path / "whole", tmp_path / "lost")
    assert yaml.safe_load((tmp_path / "lost" / "run.yaml").read_text())["outcome"]["times_resumed"] == 1
    assert len(pd.read_csv(tmp_path / "lost" / "history.csv")) == 6


def test_checkpoints_are_removed_where_there_are_weights_and_only_there(tmp_path):
    finished, under_way = tmp_path / "vm" / "seed-0", tmp_path / "spnet" / "seed-0"
    for folder in (finished, under_way):
        folder.mkdir(parents=True)
        (folder / checkpoint.NAME).write_bytes(b"state")
    (finished / "weights.pt").write_bytes(b"weights")
    checkpoint.remove_finished(tmp_path)
    assert [path.name for path in finished.iterdir()] == ["weights.pt"]
    assert [path.name for path in under_way.iterdir()] == [checkpoint.NAME]


def test_a_training_killed_with_signal_9_ends_in_the_same_weights(images, tmp_path):
    options = TrainingOptions(steps=24, learning_rate=1e-3, checkpoint_every=2)
    program = (
        "import sys; from spnet.training import train, TrainingOptions;"
        f"train('spnet', {{}}, sys.argv[2:], {options!r}, sys.argv[1], device='cpu')"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "killed"), *map(str, images)]
    process = subprocess.Popen(command, start_new_session=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    last = tmp_path / "killed" / checkpoint.NAME
    deadline = time.monotonic() + 120
    while not last.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the training ended before it could be killed"
    assert not (tmp_path / "killed" / "weights.pt").exists()
    for name in ("killed", "whole"):
        command[3] = str(tmp_path / name)
        subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert same_weights(tmp_path / "whole", tmp_path / "killed")
    assert yaml.safe_load((tmp_path / "killed" / "run.yaml").read_text())["outcome"]["times_resumed"] == 1


@pytest.mark.parametrize("what", ["of another configuration", "truncated"])
def test_a_checkpoint_that_does_not_belong_here_is_not_used_and_the_log_says_so(images, tmp_path, caplog, what):
    run(images, tmp_path / "whole")
    folder = tmp_path / "other"
    folder.mkdir()
    network = SPnet(SPnet.Options())
    optimiser = torch.optim.Adam(network.parameters())
    checkpoint.save(folder, "someone else's", checkpoint.Progress(step=4), network, optimiser, torch.Generator())
    if what == "truncated":
        whole = (folder / checkpoint.NAME).read_bytes()
        (folder / checkpoint.NAME).write_bytes(whole[: len(whole) // 2])
    run(images, folder)
    assert what in caplog.text
    assert "training starts again" in caplog.text
    assert same_weights(tmp_path / "whole", folder)


def test_a_checkpoint_with_a_damaged_byte_is_not_used(tmp_path, caplog):
    network = torch.nn.Conv3d(4, 8, 3)
    state = checkpoint.Progress(step=4), network, torch.optim.Adam(network.parameters()), torch.Generator()
    checkpoint.save(tmp_path, "this", *state)
    path = tmp_path / checkpoint.NAME
    assert checkpoint.load(tmp_path, "this")["progress"]["step"] == 4
    whole = path.read_bytes()
    stored = whole.index(network.weight.detach().numpy().tobytes())
    for position in (0, 40, stored + 100, len(whole) - 1):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        caplog.clear()
        assert checkpoint.load(tmp_path, "this") is None
        assert f"{path} cannot be read" in caplog.text


@pytest.mark.parametrize("content", [b"", b"plain text", pickle.dumps({"identity": "this"})])
def test_a_file_that_is_no_checkpoint_is_not_used_as_one(tmp_path, caplog, content):
    (tmp_path / checkpoint.NAME).write_bytes(content)
    assert checkpoint.load(tmp_path, "this") is None
    assert "training starts again" in caplog.text


def test_nan_in_the_loss_stops_with_the_step_and_the_terms_and_writes_no_weights(images, tmp_path, monkeypatch):
    original = SPnet.loss

    def spoil(self, *arguments):
        terms = original(self, *arguments)
        return terms | {"smoothness_1": terms["smoothness_1"] * float("nan")}

    monkeypatch.setattr(SPnet, "loss", spoil)
    with pytest.raises(TrainingError, match=r"diverged at step 1.*'smoothness_1': nan"):
        run(images, tmp_path / "nan")
    assert not (tmp_path / "nan" / "weights.pt").exists()


def test_a_half_done_training_is_begun_again_when_the_code_has_changed(images, monkeypatch):
    before = checkpoint.fingerprint({}, images)
    assert before == checkpoint.fingerprint({}, images)
    monkeypatch.setattr(checkpoint, "_CODE", ("fields", "losses", "methods"))
    assert checkpoint.fingerprint({}, images) != before


def test_one_image_is_not_enough(images, tmp_path):
    with pytest.raises(TrainingError, match="at least two images"):
        run(images[:1], tmp_path)
