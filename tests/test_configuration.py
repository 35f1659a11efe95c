import copy
import json
import re

import pytest
import yaml

from spnet.config.lookups import check_config, fill_defaults, settings
from spnet.errors import ConfigError, SpnetError
from spnet.methods import METHODS
from spnet.readiness import check_readiness

FILES = ("datasets", "methods", "experiments", "claims", "config")


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


def check(config, schema):
    fill_defaults(config)
    check_config(config, schema)


def lay_over(base, overlay):
    for key, value in overlay.items():
        base[key] = lay_over(base.get(key) or {}, value) if isinstance(value, dict) else value
    return base


@pytest.mark.parametrize("name", ["demo", "published_weights"])
def test_configurations_have_the_papers_keys_and_pass(repository, schema, config, name):
    overlay = yaml.safe_load((repository / "config" / name / "config.yaml").read_text())
    plain = yaml.safe_load((repository / "config" / "config.yaml").read_text())
    assert set(plain) <= set(overlay)
    check(copy.deepcopy(config), schema)
    check(lay_over(config, overlay), schema)


def test_every_key_is_explained_in_the_manual(repository, schema):
    manual = (repository / "config" / "README.md").read_text()

    def keys(node):
        for name, inner in node.get("properties", {}).items():
            yield name
            yield from keys(inner if isinstance(inner, dict) else {})
        for inner in [node.get("additionalProperties"), node.get("items"), *node.get("oneOf", [])]:
            if isinstance(inner, dict):
                yield from keys(inner)
        for branch in node.get("allOf", []):
            yield from keys(branch["then"])

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
        (lambda c: c["experiments"]["mindboggle101"].update(dataset="oia"), "names the dataset 'oia'"),
        (lambda c: c["tables"]["table1"].update(experiments=["x"]), "table 'table1' names the experiment 'x'"),
        (
            lambda c: c["datasets"]["mindboggle101"].update(virtual={"noise": 1}),
            "datasets.mindboggle101.virtual: 'seed' is a required property",
        ),
        (lambda c: c["datasets"]["mindboggle101"].update(label_set="dkt"), "no label set 'dkt'"),
        (lambda c: c["datasets"]["mindboggle101"].update(layout="table"), "layout 'table', and only it, needs a table"),
        (
            lambda c: c["tables"]["table1"]["columns"][0].update(structures=["Fronta"]),
            "names the structure 'Fronta', which does not exist, did you mean 'Frontal'",
        ),
        (lambda c: c.update(device="gpu"), "device: 'gpu' does not match"),
        (lambda c: c["datasets"]["candi"].update(split=None), "from every cohort's split or from the dataset's"),
        (lambda c: c["datasets"]["oai"]["cohorts"]["OAI-ZIB"].update(split="test"), "or from the dataset's, not both"),
        (
            lambda c: c["datasets"]["oai"]["prepare"].update(mask_placement="xyz"),
            "mask_placement: 'xyz' does not match",
        ),
        (lambda c: c["datasets"]["candi"].update(leave_out={"HC_001": ""}), "leave_out.HC_001: '' should be non-empty"),
        (
            lambda c: c["tables"]["table2"]["columns"][0].update(experiments=["mindboggle101"]),
            "table 'table2', dice, names the experiment 'mindboggle101', which its table does not show",
        ),
        (
            lambda c: c["tables"]["table2"]["columns"][0].update(metric="dice_merged"),
            "the label set of experiment 'candi' merges no labels",
        ),
        (lambda c: c["methods"]["vm"].update(per_dataset={"oia": {}}), "names the dataset 'oia'"),
        (lambda c: c["figures"]["fig8"].update(methods=["spnte"]), "figure 'fig8' names the method 'spnte'"),
        (
            lambda c: c["tables"]["table4"]["rows"][0].update(method="vm"),
            "table 'table4' names the method 'vm', which its experiments do not test",
        ),
        (
            lambda c: c["figures"]["fig4"]["experiments"].append("candi_to_mindboggle101"),
            "figure 'fig4' shows method 'spnet' trained on several datasets",
        ),
        (
            lambda c: c["significance"]["quantities"][0].update(structure="Avrage"),
            "significance, dice, names the structure 'Avrage', which does not exist, did you mean 'Average'",
        ),
        (
            lambda c: c["significance"].update(reference="vm"),
            "significance, experiment 'ablation', names the method 'vm', which it does not test",
        ),
        (lambda c: c["tables"]["table6"].pop("rows"), "'table6' shows method 'spnet' trained on several datasets"),
        (
            lambda c: c["tables"]["table6"]["rows"][1].update(trained_on="oai"),
            "table 'table6', row 'spnet', names the dataset trained on 'oai'",
        ),
        (lambda c: c["claims"]["best_consistency"].update(statistic="bettr"), "'bettr' is not one of"),
        (
            lambda c: c["claims"]["best_consistency"].update(thn=[]),
            "unknown configuration key 'thn' at claims.best_consistency, did you mean 'than'",
        ),
        (lambda c: c["claims"]["candi_average"].update({"as": ["vm"]}), "claims.candi_average"),
        (lambda c: c["claims"]["warping_gain"].pop("over"), "claims.warping_gain: 'over' is a required property"),
        (
            lambda c: c["claims"]["candi_average"].update(method="spnte"),
            "claim .candi_average. names the method .spnte.",
        ),
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
        "parts",
        "both",
        "placement",
        "reason",
        "column",
        "merged",
        "per_dataset",
        "figure",
        "row",
        "trainings",
        "quantity",
        "reference",
        "no_rows",
        "row_training",
        "statistic",
        "parameter",
        "both_as_and_value",
        "no_parameter",
        "claim_method",
    ],
)
def test_a_mistake_is_told_by_key_with_the_nearest_name(config, schema, change, message):
    change(config)
    with pytest.raises(ConfigError, match=message):
        check(config, schema)


def test_an_entry_that_is_set_to_null_is_gone(config, schema):
    config["tables"]["table2"] = None
    check(config, schema)
    assert "table2" not in config["tables"]


def test_what_shows_nothing_but_experiments_that_are_set_to_null_is_gone_too(config, schema):
    for name in config["experiments"]:
        if name not in ("mindboggle101", "candi_to_mindboggle101"):
            config["experiments"][name] = None
    check(config, schema)
    assert list(config["experiments"]) == ["mindboggle101", "candi_to_mindboggle101"]
    assert list(config["tables"]) == ["table1", "table3", "table6", "further_metrics"]
    assert list(config["figures"]) == ["fig4", "fig7", "fig8", "fig9", "fig10"]
    assert config["tables"]["table3"]["experiments"] == ["mindboggle101"]
    assert config["significance"]["experiments"] == ["mindboggle101"]
    assert {row.get("trained_on") for row in config["tables"]["table6"]["rows"]} == {None, "mindboggle101", "candi"}


def test_further_metrics_that_are_not_measured_leave_the_tables(config, schema):
    measured = copy.deepcopy(config) | {"further_metrics": ["hd95"]}
    check(measured, schema)
    assert [column["metric"] for column in measured["tables"]["further_metrics"]["columns"]] == ["hd95"]
    config["further_metrics"] = []
    check(config, schema)
    assert list(config["tables"]) == [f"table{number}" for number in range(1, 7)]


def test_an_unknown_further_metric_is_refused_by_name(config, schema):
    config["further_metrics"] = ["hausdorff"]
    with pytest.raises(ConfigError, match=r"further_metrics.*'hausdorff' is not one of"):
        check(config, schema)


def test_a_whole_section_can_be_set_to_null(config, schema):
    config.update(figures=None, tables=None, claims=None, significance=None)
    check(config, schema)
    assert config["figures"] == config["tables"] == config["claims"] == {}
    assert config["significance"] is None


def test_settings_of_a_dataset_lie_over_the_methods_own(config, schema):
    config["methods"]["icnet"]["per_dataset"] = {"oai": {"options": {"largest": 20.0}, "training": {"steps": 5}}}
    check(config, schema)
    entry = config["methods"]["icnet"]
    assert settings(entry, "options", "oai") == {**entry["options"], "largest": 20.0}
    assert settings(entry, "training", "oai") == {**entry["training"], "steps": 5}
    assert settings(entry, "options", "candi") == entry["options"]


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        (
            {"experiments": {"mindboggle101": {"methods": ["identity", "spnte"]}}},
            "experiment 'mindboggle101' names the method 'spnte', which does not exist, did you mean 'spnet'?",
        ),
        ({"methods": {"spnet": {"implementation": "spnte"}}}, "there is no method implementation 'spnte'"),
        ({"methods": {"spnet": {"options": {"stepps": 7}}}}, "method 'spnet' has no option 'stepps'"),
        ({"methods": {"spnet": {"kind": "published"}}}, "method 'spnet' is published but names no weights"),
        (
            {"methods": {"spnet": {"kind": "untrained"}}},
            "is of kind 'untrained', but its implementation 'spnet' learns",
        ),
        ({"methods": {"syn": {"kind": "trained"}}}, "its implementation 'syn' has nothing to learn"),
        ({"methods": {"spnet-published": {"weights": "spnt"}}}, "no published weights 'spnt'"),
        (
            {"methods": {"spnet-published": {"trained_on": "mine"}}},
            "were trained on mindboggle101, but method 'spnet-published' says mine",
        ),
        ({"methods": {"spnet-published": {"trained_on": None}}}, "is published but names no trained_on"),
        (
            {"methods": {"lapirn": {"training": {"steps": 10}}}},
            "LapIRN's stages would have 2, 2, 6 of 10 steps, too few",
        ),
        ({"datasets": {"mindboggle101": {"prepare": {"target": "mni125"}}}}, "the target 'mni125' is neither"),
    ],
)
def test_a_mistake_is_found_before_any_job_and_named(repository, schema, config, overlay, message):
    demo = yaml.safe_load((repository / "config" / "demo" / "config.yaml").read_text())
    with pytest.raises(SpnetError, match=re.escape(message)):
        check(lay_over(lay_over(config, demo), overlay), schema)
        check_readiness(config)
