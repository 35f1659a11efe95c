"""A study is what its files say, laid over one another: what it does not name is not there."""

import pytest

from spnet.config.files import parse_values
from spnet.config.laying import lay_over
from spnet.config.load import read_study, unshown
from spnet.config.lookups import settings
from spnet.methods import METHODS
from spnet.methods.compute import Compute
from spnet.training import TrainingOptions

OWN = """
datasets:
  mine:
    layout: table
    table: subjects.tsv
    label_set: {scored: [1, 2], regions: {Left: [1]}}
    prepare: {target: mni152, spacing: 2, shape: [80, 96, 80]}
experiments:
  mine: {dataset: mine, methods: [identity, syn]}
"""


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "mine" / "study.yaml"
    path.parent.mkdir()
    path.write_text(OWN)
    return path


def test_a_study_of_its_own_has_what_it_names_alone_with_standard_tables_and_a_figure(own):
    config = read_study(str(own))
    assert (config["run"], config["study"]) == ("mine", str(own))
    assert list(config["datasets"]) == list(config["experiments"]) == ["mine"]
    assert config["experiments"]["mine"]["trained_on"] == "mine"
    assert config["datasets"]["mine"]["title"] == "mine"
    assert config["claims"] == {}
    assert config["significance"] is None
    assert list(config["tables"]) == ["mine_dice", "mine_regularity"]
    assert config["tables"]["mine_dice"]["columns"] == [{"metric": "dice", "structures": ["Left", "Average"]}]
    assert config["figures"] == {
        "mine_boxplot": {"title": "Average Dice on mine", "kind": "dice_boxplot", "experiments": ["mine"]}
    }
    assert unshown(config) == []


def test_a_table_of_scans_lies_beside_the_study_or_in_the_datasets_folder(own):
    assert read_study(str(own))["datasets"]["mine"]["table"] == "subjects.tsv"
    (own.parent / "subjects.tsv").write_text("")
    assert read_study(str(own))["datasets"]["mine"]["table"] == str(own.parent / "subjects.tsv")


def test_an_experiment_that_nothing_shows_is_noticed(own):
    own.write_text(OWN + "  again: {dataset: mindboggle101, methods: [syn]}\nfigures: {}\n")
    assert unshown(read_study(str(own))) == []
    table = "tables: {one: {title: One, experiments: [mine], columns: [{metric: jab, structures: [volume]}]}}\n"
    own.write_text(own.read_text() + table)
    assert unshown(read_study(str(own))) == ["again"]


def test_the_name_of_a_run_is_the_studys_own_and_never_that_of_one_it_extends(tmp_path):
    (tmp_path / "more.yaml").write_text("extends: demo\n")
    assert read_study(str(tmp_path / "more.yaml"))["run"] == "more"
    assert read_study("demo")["run"] == "demo"
    assert read_study("demo", values={"run": 7})["run"] == "7"
    (tmp_path / "named.yaml").write_text("extends: ./more.yaml\nrun: another\n")
    assert read_study(str(tmp_path / "named.yaml"))["run"] == "another"


def test_overlays_and_the_command_line_lie_over_a_study_in_this_order(tmp_path):
    for number in (1, 2):
        (tmp_path / f"{number}.yaml").write_text(f"seeds: [{number}]\npairs_per_chunk: {number}\n")
    overlays = [tmp_path / "1.yaml", tmp_path / "2.yaml"]
    config = read_study("demo", overlays, {"seeds": [9]})
    assert (config["seeds"], config["pairs_per_chunk"], config["device"]) == ([9], 2, "cpu")


def test_values_of_the_command_line_have_types():
    arguments = ["seeds=[0,1]", "threads={train: 2}", "download=yes", "data_root=~/scans", "run=2023"]
    config = read_study("demo", values=parse_values(arguments))
    assert config["seeds"] == [0, 1]
    assert config["threads"] == {"preprocess": 1, "train": 2, "evaluate": 1}
    assert config["download"] is True
    assert config["data_root"].startswith("/")
    assert config["run"] == "2023"


def test_mappings_merge_lists_and_values_replace_and_so_does_a_split():
    base = {"a": {"b": 1, "c": [1, 2]}, "split": {"file": "x", "seed": 1}}
    laid = lay_over(base, {"a": {"c": [3]}, "split": {"seed": 2}})
    assert laid == {"a": {"b": 1, "c": [3]}, "split": {"seed": 2}}
    assert base["a"]["c"] == [1, 2]


def test_what_a_dataset_is_run_without_leaves_experiments_tables_figures_and_the_comparison():
    config = read_study(values={"without": ["oai", "candi", "fig9"]})
    assert list(config["datasets"]) == ["mindboggle101"]
    assert list(config["experiments"]) == ["mindboggle101", "ablation"]
    assert list(config["tables"]) == ["table1", "table3", "table4", "table5", "table6", "further_metrics"]
    assert list(config["figures"]) == ["fig4", "fig7", "fig8", "fig10"]
    assert config["tables"]["table3"]["experiments"] == ["mindboggle101"]
    assert [row.get("trained_on") for row in config["tables"]["table6"]["rows"]] == [None, "mindboggle101"]
    assert config["significance"]["experiments"] == ["mindboggle101", "ablation"]


def test_a_whole_section_can_be_left_out():
    config = read_study(values={"without": ["tables", "figures", "claims", "significance"]})
    assert config["tables"] == config["figures"] == config["claims"] == {}
    assert config["significance"] is None


def test_fewer_methods_narrow_tables_figures_and_the_comparison_by_themselves():
    config = read_study(values={"experiments": {"mindboggle101": {"methods": ["identity", "symnet"]}}})
    assert config["significance"]["experiments"] == ["candi", "oai", "ablation"]
    fewer = {name: {"methods": ["identity", "syn", "symnet"]} for name in ("mindboggle101", "candi", "oai")}
    config = read_study(values={"experiments": fewer, "without": ["ablation"]})
    assert config["figures"]["fig5"]["methods"] == ["symnet"]
    assert config["figures"]["fig6"]["methods"] == ["syn", "symnet"]
    assert "fig9" not in config["figures"]  # of SPnet alone
    assert [row["method"] for row in config["tables"]["table6"]["rows"]] == ["identity", "spnet", "spnet"]
    assert config["significance"] is None


def test_another_reference_is_compared_where_it_is_tested():
    config = read_study(values={"significance": {"reference": "vm"}})
    assert config["significance"]["experiments"] == ["mindboggle101", "candi", "oai"]


def test_further_metrics_that_are_not_measured_leave_the_tables():
    measured = read_study(values={"further_metrics": ["hd95"]})
    assert [column["metric"] for column in measured["tables"]["further_metrics"]["columns"]] == ["hd95"]
    assert "further_metrics" not in read_study(values={"further_metrics": []})["tables"]


def test_published_weights_train_nothing_and_show_one_dataset():
    config = read_study("published_weights")
    assert list(config["experiments"]) == list(config["datasets"]) == ["mindboggle101"]
    assert list(config["tables"]) == ["table1", "table3", "further_metrics"]
    assert list(config["figures"]) == ["fig4", "fig7", "fig8", "fig9", "fig10"]
    methods = config["experiments"]["mindboggle101"]["methods"]
    assert "trained" not in {config["methods"][name]["kind"] for name in methods}


def test_the_demo_draws_its_split_anew_and_prepares_as_the_paper_but_for_its_grid():
    paper, demo = read_study(), read_study("demo")
    assert demo["datasets"]["candi"]["split"]["file"] is None
    for name, entry in demo["datasets"].items():
        grid = {key: entry["prepare"][key] for key in ("spacing", "shape")}
        assert entry["prepare"] == paper["datasets"][name]["prepare"] | grid
    assert demo["experiments"]["mindboggle101"] == paper["experiments"]["mindboggle101"]
    assert demo["claims"] == paper["claims"]


def test_settings_of_a_dataset_lie_over_the_methods_own():
    values = {"methods": {"icnet": {"per_dataset": {"oai": {"options": {"largest": 20.0}, "training": {"steps": 5}}}}}}
    entry = read_study(values=values)["methods"]["icnet"]
    assert settings(entry, "options", "oai") == {**entry["options"], "largest": 20.0}
    assert settings(entry, "training", "oai") == {**entry["training"], "steps": 5}
    assert settings(entry, "training", "candi") == entry["training"]


def test_a_base_is_taken_as_it_stands_where_the_entry_is_written():
    changed = {"methods": {"spnet": {"training": {"steps": 7}}, "mine": {"base": "spnet", "options": {"window": 3}}}}
    methods = read_study(values=changed)["methods"]
    assert methods["mine"]["training"]["steps"] == 7
    assert (methods["mine"]["implementation"], methods["mine"]["published_as"]) == ("spnet", "mine")
    assert methods["spnet-no_mie"]["training"]["steps"] == 30_000
    assert methods["spnet-published"]["published_as"] == "spnet"
    assert methods["spnet-published"]["training"] == {}


def test_every_implementation_has_an_entry():
    assert {entry["implementation"] for entry in read_study()["methods"].values()} == set(METHODS)


def test_defaults_are_those_of_the_program():
    config = read_study()
    assert TrainingOptions(**config["methods"]["spnet"]["training"]) == TrainingOptions()
    assert Compute(**config["compute"]) == Compute()


def test_no_shipped_study_says_null(repository):
    for path in (repository / "config" / "studies").rglob("*.yaml"):
        assert " null" not in path.read_text()
