"""A training step on CUDA, recorded and replayed, is the step as it stands."""

import pandas as pd
import pytest
import torch
import yaml

from spnet.errors import TrainingError
from spnet.methods import METHODS, build_method
from spnet.training import TrainingOptions, train
from spnet.training import step as steps
from spnet.training.step import Step, stream_of_its_own

CUDA = torch.device("cuda")
NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
LEARNED = [name for name, entry in METHODS.items() if entry.learned]
SIZE = (32, 48, 32)


@pytest.fixture
def images_on_disk(write_image, blobs):
    return [write_image(f"image-{seed}.nii.gz", blobs(seed, SIZE)[0, 0].numpy()) for seed in range(3)]


def losses(name, images, number, before_graph, monkeypatch):
    """Losses of the first steps, and whether they were recorded."""
    monkeypatch.setattr(steps, "_STEPS_BEFORE_GRAPH", before_graph)
    torch.manual_seed(0)
    method = build_method(name).to(CUDA).train()
    stage = method.stages(120_000, 1e-4)[-1]
    with stream_of_its_own(CUDA):
        step = Step(method, stage.learning_rate, CUDA)
        found = [
            step.run(images[: method.images_per_step], 1e-4, method.begin_step(stage, index)).read()["loss"]
            for index in range(number)
        ]
    return found, [variant.graph is not None for variant in step._variants.values()]


@NEEDS_CUDA
@pytest.mark.parametrize("name", LEARNED)
def test_every_method_is_recorded_and_its_losses_are_those_of_steps_as_they_stand(name, blobs, monkeypatch):
    images = [blobs(seed, SIZE).pin_memory() for seed in (1, 2, 3)]
    number = 16 if name == "sccnet" else 8
    plain, recorded_plain = losses(name, images, number, 10**9, monkeypatch)
    found, recorded = losses(name, images, number, 2, monkeypatch)
    assert all(recorded)
    assert not any(recorded_plain)
    random = name in ("difvm", "pmrnet")  # draw a velocity in every step
    assert found == pytest.approx(plain, rel=5e-2 if random else 2e-3, abs=1e-4)


@NEEDS_CUDA
def test_a_training_goes_on_from_a_checkpoint_that_cuda_wrote(images_on_disk, tmp_path, monkeypatch):
    options = TrainingOptions(steps=12, learning_rate=1e-4, checkpoint_every=5)
    plain, done = Step.run, []

    def stops(self, *arguments):
        if len(done) == 7:
            raise KeyboardInterrupt
        done.append(arguments)
        return plain(self, *arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Step, "run", stops)
        train("vm", {}, images_on_disk, options, tmp_path, device="cuda")
    train("vm", {}, images_on_disk, options, tmp_path, device="cuda")
    history = pd.read_csv(tmp_path / "history.csv")
    assert history["step"].tolist() == list(range(1, 13))
    assert yaml.safe_load((tmp_path / "run.yaml").read_text())["outcome"]["times_resumed"] == 1


@NEEDS_CUDA
def test_a_method_that_cannot_be_recorded_trains_all_the_same(blobs, monkeypatch, caplog):
    method = build_method("vm").to(CUDA).train()
    plain = method.training_loss

    def waits(images):
        terms = plain(images)
        terms["similarity"].item()  # no graph holds what the host waits for
        return terms

    monkeypatch.setattr(method, "training_loss", waits)
    images = [blobs(seed, SIZE).pin_memory() for seed in (1, 2)]
    with stream_of_its_own(CUDA):
        step = Step(method, 1e-4, CUDA)
        found = [step.run(images, 1e-4).read()["loss"] for _ in range(8)]
    assert "VoxelMorph cannot be recorded as a CUDA graph" in caplog.text
    assert found[-1] < found[0]


def test_a_card_that_is_too_small_is_named_with_the_remedy(blobs, monkeypatch):
    method = build_method("spnet").train()
    step = Step(method, 1e-4, torch.device("cpu"))

    def full(images):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    class Card:
        name, total_memory = "a small card", 4 * 2**30

    monkeypatch.setattr(method, "training_loss", full)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: Card)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 3 * 2**30)
    with pytest.raises(TrainingError, match=r"SPnet at 32x48x32 does not fit on a small card \(4.0 GiB\)") as raised:
        step.run([blobs(seed, SIZE) for seed in (1, 2)], 1e-4)
    assert "recompute" in str(raised.value)
    assert "3.0 GiB" in str(raised.value)
