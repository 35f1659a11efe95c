import copy
import json

import pytest
import yaml

from spnet.configuration import check_config
from spnet.errors import ConfigError
from spnet.methods import METHODS

FILES = ("datasets", "methods", "experiments", "config")


@pytest.fixture(scope="module")
def schema(repository):
    return json.loads((repository / "workflow" / "schemas" / "config.schema.json").read_text())


@pytest.fixture(scope="module")
def paper(repository):
    merged = {}
    for name in FILES:
        merged |= yaml.safe_load((repository / "config" / f"{name}.yaml").read_text())
    return merged


@pytest.fixture
def config(paper):
    return copy.deepcopy(paper)


def lay_over(base, overlay):
    for key, value in overlay.items():
        base[key] = lay_over(base.get(key) or {}, value) if isinstance(value, dict) else value
    return base


@pytest.mark.parametrize("name", ["demo", "published_weights"])
def test_configurations_have_the_papers_keys_and_pass(repository, schema, config, name):
    overlay = yaml.safe_load((repository / "config" / name / "config.yaml").read_text())
    plain = yaml.safe_load((repository / "config" / "config.yaml").read_text())
    assert set(plain) <= set(overlay)
    check_config(config, schema)
    check_config(lay_over(config, overlay), schema)


def test_every_key_is_explained_in_the_manual(repository, schema):
    manual = (repository / "config" / "README.md").read_text()

    def keys(node):
        for name, inner in node.get("properties", {}).items():
            yield name
            yield from keys(inner)
        for inner in [node.get("additionalProperties"), node.get("items"), *node.get("oneOf", [])]:
            if isinstance(inner, dict):
                yield from keys(inner)

    missing = sorted({key for key in keys(schema) if f"`{key}`" not in manual})
    assert missing == []


def test_every_method_entry_names_an_implementation(paper):
    assert {entry["implementation"] for entry in paper["methods"].values()} == set(METHODS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda c: c.update(devcie="cpu"),
            r"unknown configuration key 'devcie' at the top level, did you mean 'device'",
        ),
        (
            lambda c: c["datasets"]["mindboggle101"]["prepare"].update(spacng=2),
            r"'spacng' at datasets\.mindboggle101\.prepare, did you mean 'spacing'",
        ),
        (lambda c: c.pop("seeds"), "'seeds' is a required property"),
        (lambda c: c.update(pairs_per_chunk=0), "pairs_per_chunk: 0 is less than the minimum"),
        (lambda c: c.update(run="a/b"), "run: 'a/b' does not match"),
        (
            lambda c: c["experiments"]["mindboggle101"]["methods"].append("spnte"),
            "experiment 'mindboggle101' names the method 'spnte', which does not exist, did you mean 'spnet'",
        ),
        (lambda c: c["experiments"]["mindboggle101"].update(dataset="oai"), "names the dataset 'oai'"),
        (lambda c: c["tables"]["table1"].update(experiments=["x"]), "table 'table1' names the experiment 'x'"),
        (
            lambda c: c["datasets"]["mindboggle101"].update(virtual={"seed": 0, "noize": 1}),
            "unknown configuration key 'noize' at datasets.mindboggle101.virtual",
        ),
        (lambda c: c["datasets"]["mindboggle101"].update(label_set="dkt"), "no label set 'dkt'"),
        (lambda c: c["datasets"]["mindboggle101"].update(layout="table"), "layout 'table', and only it, needs a table"),
        (
            lambda c: c["tables"]["table1"]["columns"][0].update(structures=["Fronta"]),
            "names the structure 'Fronta', which does not exist, did you mean 'Frontal'",
        ),
        (lambda c: c.update(device="gpu"), "device: 'gpu' does not match"),
    ],
    ids=[
        "top",
        "nested",
        "missing",
        "range",
        "run",
        "method",
        "dataset",
        "experiment",
        "virtual",
        "labels",
        "table",
        "structure",
        "device",
    ],
)
def test_a_mistake_is_told_by_key_with_the_nearest_name(config, schema, change, message):
    change(config)
    with pytest.raises(ConfigError, match=message):
        check_config(config, schema)
