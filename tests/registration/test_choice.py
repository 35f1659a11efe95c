"""Which method, which weights, which preparation."""

import hashlib

import numpy as np
import pytest
import torch
import yaml

from spnet.data.nifti import Volume, write_volume
from spnet.errors import ConfigError, WeightsError
from spnet.methods import build_method
from spnet.registration import choice as module
from spnet.registration.choice import choose_named, choose_trained


@pytest.fixture
def training(tmp_path):
    """A finished training of VM, its run's prepared scans beside it."""
    folder = tmp_path / "run" / "models" / "mindboggle101" / "vm" / "seed-0"
    folder.mkdir(parents=True)
    options = {"encoder": [4, 8, 8, 8], "decoder": [8, 8, 8, 8, 8, 4]}
    torch.save(build_method("vm", options).state_dict(), folder / "weights.pt")
    record = {"definition": {"implementation": "vm", "method_options": options}}
    (folder / "run.yaml").write_text(yaml.safe_dump(record))
    scan = Volume(np.ones((16, 20, 12)), np.diag([-4.5, 4.5, 4.5, 1]))
    write_volume(tmp_path / "run/preprocessed/mindboggle101/someone/image.nii.gz", scan, np.float32)
    return folder


def test_a_training_tells_its_method_and_its_run_the_grid(training):
    found = choose_trained(training)
    assert (found.method, found.dataset, found.spec.implementation) == ("vm", "mindboggle101", "vm")
    assert found.preparation.spacing == 4.5
    assert found.preparation.shape == (16, 20, 12)
    assert found.preparation.target == "mni152"
    assert found.spec.build("cpu").count_parameters() == build_method("vm", found.spec.options).count_parameters()
    assert choose_trained(training / "weights.pt").spec == found.spec


def test_without_the_runs_scans_the_grid_is_the_configurations(training, coarse_config):
    for path in (training.parents[3] / "preprocessed").rglob("*.nii.gz"):
        path.unlink()
    assert choose_trained(training, config=coarse_config).preparation.spacing == 5.0


def test_a_folder_without_a_training_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"weights\.pt and run\.yaml"):
        choose_trained(tmp_path)


def test_a_training_outside_its_run_needs_to_be_told_its_dataset(training, coarse_config, tmp_path):
    training.rename(tmp_path / "mine")
    with pytest.raises(ConfigError, match="--dataset"):
        choose_trained(tmp_path / "mine", config=coarse_config)
    found = choose_trained(tmp_path / "mine", "mindboggle101", coarse_config)
    assert (found.method, found.preparation.spacing) == ("vm", 5.0)


def test_a_record_without_a_method_is_told(training):
    (training / "run.yaml").write_text("definition: {seed: 1}")
    with pytest.raises(ConfigError, match="does not name a method"):
        choose_trained(training)


def test_a_named_method_takes_the_given_weights(weights, coarse_config):
    found = choose_named("spnet", weights, config=coarse_config)
    assert found.weights_sha256() == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert found.preparation.shape == (32, 40, 32)


def test_without_weights_those_of_the_authors_are_fetched(weights, coarse_config, monkeypatch):
    asked = []
    monkeypatch.setattr(module, "find_published", lambda name, root: asked.append(name) or weights)
    assert choose_named("spnet", config=coarse_config).spec.weights == weights
    found = choose_named("lapirn", config=coarse_config)
    assert asked == ["spnet", "lapirn-diff"]
    assert found.spec.options["axes"], "the published network sees other axes"
    assert found.dataset == "mindboggle101"


def test_what_cannot_be_chosen_is_told(coarse_config, tmp_path):
    with pytest.raises(ConfigError, match=r"no method 'spnt', did you mean 'spnet'\? Known"):
        choose_named("spnt", config=coarse_config)
    with pytest.raises(WeightsError, match="no such weights file"):
        choose_named("vm", tmp_path / "none.pt", config=coarse_config)
    with pytest.raises(ConfigError, match="published no weights"):
        choose_named("vm", config=coarse_config)
    with pytest.raises(ConfigError, match="no dataset 'mindbogle101'"):
        choose_named("identity", dataset="mindbogle101", config=coarse_config)
    with pytest.raises(ConfigError, match="one of its own scans"):
        choose_named("identity", dataset="oai", config=coarse_config)
    with pytest.raises(ConfigError, match="--config"):
        choose_named("identity", config=tmp_path)


def test_a_method_without_weights_needs_none(coarse_config):
    assert choose_named("identity", config=coarse_config).weights_sha256() is None
