"""Every mistake in a study is told by its key, with the nearest known name and the remedy, before any job runs."""

import re
from contextlib import suppress

import pytest
import yaml

from spnet.config.files import find_study, parse_values
from spnet.config.load import read_study
from spnet.config.readiness import check_readiness
from spnet.errors import ConfigError, SpnetError
from spnet.runs import check_study, keep_configuration


@pytest.fixture
def study(tmp_path):
    """Function from a study's keys and values to its file."""

    def write(values, name="mine"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(values if isinstance(values, str) else yaml.safe_dump(values))
        return path

    return write


def claim(statistic, **parameters):
    return {"claims": {"mine": {"text": "x", "where": "y", "statistic": statistic, **parameters}}}


SCORED = {"experiments": ["mindboggle101"], "metric": "dice"}


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ({"devcie": "cpu"}, "unknown configuration key 'devcie' at the top level, did you mean 'device'?"),
        (
            {"datasets": {"mindboggle101": {"prepare": {"spacng": 2}}}},
            "'spacng' at datasets.mindboggle101.prepare, did you mean 'spacing'?",
        ),
        (
            {"methods": {"vm": {"per_dataset": {"oai": {"training": {"step": 2}}}}}},
            "'step' at methods.vm.per_dataset.oai.training, did you mean 'steps'?",
        ),
        (
            {"tables": {"table1": {"columns": [{"metric": "dice", "structures": ["Average"], "experiment": []}]}}},
            "'experiment' at tables.table1.columns.0, did you mean 'experiments'?",
        ),
        ({"datasets": {"mine": {"layout": "candi"}}}, "configuration key 'prepare' is missing at datasets.mine"),
        ({"pairs_per_chunk": 0}, "configuration key pairs_per_chunk is 0, but should be greater than or equal to 1"),
        ({"run": "a/b"}, "configuration key run is 'a/b', but should be letters, digits"),
        (
            {"run": ".."},
            "configuration key run is '..', but should be letters, digits, '_', '-' and, but at the start, '.'",
        ),
        ({"device": "gpu"}, "configuration key device is 'gpu', but should be auto, cpu, cuda or cuda:N"),
        ({"seeds": "0"}, "configuration key seeds is '0', but should be a valid list"),
        ({"seeds": [1, 1]}, "configuration key seeds: names 1 twice"),
        ({"evaluate_on": "tset"}, "evaluate_on is 'tset', but should be one of test, validation, did you mean 'test'?"),
        (
            {"experiments": {"mindboggle101": {"methods": ["identity", "spnte"]}}},
            "experiment 'mindboggle101' names the method 'spnte', which does not exist, did you mean 'spnet'?",
        ),
        ({"experiments": {"mindboggle101": {"dataset": "oia"}}}, "names the dataset 'oia', which does not exist"),
        ({"tables": {"table1": {"experiments": ["x"]}}}, "table 'table1' names the experiment 'x'"),
        ({"tables": {"table1": None}}, "tables.table1 is empty; to leave it out, write without: [table1]"),
        ({"datasets": {"mindboggle101": {"virtual": {"noise": 1}}}}, "virtual scans need a seed"),
        ({"datasets": {"mindboggle101": {"label_set": "dkt"}}}, "no label set 'dkt'"),
        (
            {"datasets": {"mindboggle101": {"label_set": {"scored": []}}}},
            "datasets.mindboggle101.label_set.scored is [], but list should have at least 1 item",
        ),
        ({"datasets": {"mindboggle101": {"layout": "table"}}}, "layout 'table', and only it, needs a table"),
        ({"datasets": {"mindboggle101": {"layout": "mindbogle101"}}}, "did you mean 'mindboggle101'?"),
        (
            {"tables": {"table1": {"columns": [{"metric": "dice", "structures": ["Fronta"]}]}}},
            "names the structure 'Fronta', which does not exist, did you mean 'Frontal'?",
        ),
        (
            {"datasets": {"oai": {"cohorts": {"OAI-ZIB": {"split": "test"}}}}},
            "from every cohort's split or from the dataset's, not both",
        ),
        (
            {"datasets": {"oai": {"prepare": {"mask_placement": "xyz"}}}},
            "mask_placement is 'xyz', but should be three array axes with their signs",
        ),
        ({"datasets": {"candi": {"leave_out": {"HC_001": ""}}}}, "leave_out.HC_001 is '', but string should have"),
        (
            {
                "tables": {
                    "table2": {"columns": [{"metric": "dice", "structures": ["Average"], "experiments": ["ablation"]}]}
                }
            },
            "table 'table2', dice, names the experiment 'ablation', which its table does not show",
        ),
        (
            {"tables": {"table2": {"columns": [{"metric": "dice_merged", "structures": ["Average"]}]}}},
            "the label set of experiment 'candi' merges no labels",
        ),
        ({"methods": {"vm": {"per_dataset": {"oia": {}}}}}, "names the dataset 'oia'"),
        ({"figures": {"fig8": {"methods": ["spnte"]}}}, "figure 'fig8' names the method 'spnte'"),
        ({"figures": {"fig8": {"kind": "levls"}}}, "figures.fig8.kind is 'levls', but should be one of"),
        (
            {"tables": {"table4": {"rows": [{"method": "vm"}]}}},
            "table 'table4' names the method 'vm', which its experiments do not test",
        ),
        (
            {"figures": {"fig4": {"experiments": ["mindboggle101", "candi_to_mindboggle101"]}}},
            "figure 'fig4' shows method 'spnet' trained on several datasets",
        ),
        (
            {"significance": {"quantities": [{"metric": "dice", "structure": "Avrage"}]}},
            "significance, dice, names the structure 'Avrage', which does not exist, did you mean 'Average'?",
        ),
        (
            {"significance": {"reference": "vm", "experiments": ["ablation"]}},
            "significance, experiment 'ablation', names the method 'vm', which it does not test",
        ),
        (
            {"tables": {"table6": {"rows": [{"method": "spnet"}]}}},
            "'table6' shows method 'spnet' trained on several datasets",
        ),
        (
            {"tables": {"table6": {"rows": [{"method": "spnet", "trained_on": "oai"}]}}},
            "table 'table6', row 'spnet', names the dataset trained on 'oai'",
        ),
        ({"further_metrics": ["hausdorff"]}, "further_metrics.0 is 'hausdorff', but should be one of"),
        (
            claim("equals_within", method="spnte", value=1, tolerance=1, **SCORED),
            "claim 'mine' names the method 'spnte'",
        ),
        ({"without": ["oia"]}, "without names 'oia', which does not exist, did you mean 'oai'?"),
        ({"methods": {"mine": {"base": "spnte"}}}, "method 'mine' names the base 'spnte', which does not exist, did"),
        ({"methods": {"a": {"base": "b"}, "b": {"base": "a"}}}, "names the base 'a', which is based on it"),
    ],
)
def test_a_mistake_is_told_by_key_with_the_nearest_name(overlay, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        read_study(values=overlay)


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
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
        (claim("bettr"), "claim 'mine': there is no statistic 'bettr', did you mean 'better'?"),
        (
            claim("better", methods=["spnet"], than=["vm"], alhpa=0.1, **SCORED),
            "claim 'mine': statistic 'better' has no parameter 'alhpa', did you mean 'alpha'?",
        ),
        (
            claim("better_on_most", method="spnet", than=["vm"], alpha=0.1, **SCORED),
            "statistic 'better_on_most' has no parameter 'alpha'",
        ),
        (
            claim("equals_within", method="spnet", value=1, tolerance=1, like=["vm"], **SCORED),
            "statistic 'equals_within' needs one of value and like, and one only",
        ),
        (claim("difference_at_least", method="spnet", **SCORED), "'difference_at_least' needs the parameter 'over'"),
        (claim("better", methods=3, than=["vm"], **SCORED), "claim 'mine': statistic 'better': methods cannot be 3"),
        (claim("better", methods=["spnet"], than=3, **SCORED), "claim 'mine': statistic 'better': than cannot be 3"),
        (claim("better", methods=["spnet"], than=[["vm"]], **SCORED), "statistic 'better': than cannot be [['vm']]"),
        (claim("better", methods=["spnet"], than={"vm": 1}, **SCORED), "statistic 'better': than cannot be {'vm': 1}"),
        ({"datasets": {"oai": {"virtual": {"spacing": 2}}}}, "virtual scans of layout 'oai_zib' have no option"),
    ],
)
def test_a_mistake_is_found_before_any_job_and_named(overlay, message):
    with pytest.raises(SpnetError, match=re.escape(message)):
        check_readiness(read_study("demo", values=overlay))


LONE = {"experiments": {"mine": {"dataset": "mindboggle101", "methods": ["syn", "vm"]}}}
PAPER = {"extends": "paper"}
QUANTITIES = [{"metric": "dice", "structure": "Average"}]


def table(**changes):
    columns = [{"metric": "dice", "structures": ["Average"]}]
    return {"tables": {"t": {"title": "T", "experiments": ["mine"], "columns": columns, **changes}}}


def figure(**changes):
    return {"figures": {"f": {"title": "F", "kind": "dice_boxplot", "experiments": ["mine"], **changes}}}


def significance(**changes):
    return {"significance": {"reference": "syn", "experiments": ["mine"], "quantities": QUANTITIES, **changes}}


@pytest.mark.parametrize(
    ("below", "values", "message"),
    [
        (LONE, table(experiments=["min"]), "table 't' names the experiment 'min', which does not exist, did you mean"),
        (LONE, table(experiments=["mine", "min"]), "table 't' names the experiment 'min'"),
        (LONE, table(experiments="mine"), "tables.t.experiments is 'mine', but should be a valid list"),
        (LONE, table(experiments=[]), "tables.t.experiments is [], but list should have at least 1 item"),
        (LONE, table(rows=[{"method": "syn"}, {"method": "vmm"}]), "table 't' names the method 'vmm'"),
        (LONE, table(rows=[{"method": "vm", "trained_on": "oia"}]), "row 'vm', names the dataset trained on 'oia'"),
        (LONE, table(rows=["syn"]), "tables.t.rows.0 is 'syn', but should be"),
        (LONE, table(rows=[]), "tables.t.rows is [], but list should have at least 1 item"),
        (LONE, table(columns=[{"metric": "jab", "structures": ["volume"], "experiments": ["min"]}]), "'min'"),
        (LONE, table(columns=[{}]), "'metric' is missing at tables.t.columns.0"),
        (LONE, figure(experiments=["min"]), "figure 'f' names the experiment 'min'"),
        (LONE, figure(methods=["syn", "vmm"]), "figure 'f' names the method 'vmm'"),
        (LONE, significance(reference="synn"), "names the method 'synn', which it does not test, did you mean 'syn'?"),
        (LONE, significance(experiments=["min"]), "significance names the experiment 'min'"),
        (
            LONE,
            {"significance": {"reference": "syn", "quantities": QUANTITIES}},
            "'experiments' is missing at significance",
        ),
        (LONE, {"tables": [1]}, "tables is [1], but should be a valid dictionary"),
        (LONE, {"figures": [1]}, "figures is [1], but should be a valid dictionary"),
        (LONE, {"claims": [1]}, "claims is [1], but should be a valid dictionary"),
        (LONE, {"experiments": [1]}, "experiments is [1], but should be a valid dictionary"),
        (PAPER, {"tables": {"table1": {"experiments": ["mindbogle101"]}}}, "'mindbogle101', which does not exist, did"),
        (PAPER, {"tables": {"table1": {"experiments": "oai"}}}, "tables.table1.experiments is 'oai', but should be"),
        (PAPER, {"figures": {"fig8": {"experiments": ["mindbogle101"]}}}, "figure 'fig8' names the experiment"),
        (PAPER, {"significance": {"reference": "spnte"}}, "names the method 'spnte', which it does not test, did you"),
        (PAPER, {"significance": {"experiments": ["oia"]}}, "significance names the experiment 'oia'"),
    ],
)
def test_a_mistake_in_a_studys_file_takes_nothing_away_without_a_word(study, below, values, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        read_study(str(study({**below, **values})))


def test_the_file_that_has_the_mistake_is_named(study):
    path = study({"extends": "demo", "methods": {"vm": {"training": {"steps": "many"}}}})
    with pytest.raises(ConfigError, match=rf"methods\.vm\.training\.steps is 'many', .*\(in .*{path.name}\)"):
        read_study(str(path))
    overlay = study({"devcie": "cpu"}, "overlay")
    with pytest.raises(ConfigError, match=r"did you mean 'device'\?.*\(in .*overlay.yaml\)"):
        read_study("demo", [overlay])


def test_a_study_that_is_not_there_is_told_with_the_nearest_name_and_the_known_ones(tmp_path):
    with pytest.raises(
        ConfigError, match=r"no study 'dmeo', did you mean 'demo'\? Known ones are: demo, half_resolution, own, paper"
    ):
        read_study("dmeo")
    with pytest.raises(ConfigError, match=r"there is no such study\. Name a folder with a study.yaml"):
        read_study(str(tmp_path / "study.yaml"))
    with pytest.raises(ConfigError, match=r"~no-such-user/study.yaml: there is no such study"):
        read_study("~no-such-user/study.yaml")


def test_a_study_that_extends_itself_is_told_with_its_way_there(study):
    first = study({"extends": "./second.yaml"}, "first")
    study({"extends": "./first.yaml"}, "second")
    with pytest.raises(ConfigError, match=r"extends itself: .*first.yaml extends .*second.yaml extends .*first.yaml"):
        read_study(str(first))


def test_a_study_that_extends_nothing_has_nothing_of_the_paper(study):
    path = study({"experiments": {"mine": {"dataset": "mindboggle101", "methods": ["syn"]}}, "tables": {"table1": {}}})
    with pytest.raises(ConfigError, match=r"'title' is missing at tables\.table1"):
        read_study(str(path))
    with pytest.raises(ConfigError, match="'experiments' is missing at the top level"):
        read_study(str(study("seeds: [0]\n")))


@pytest.mark.parametrize("text", ["a: [1", "- a\n", "a: 1\n b: 2\n"])
def test_a_file_that_is_no_configuration_is_named(study, text):
    with pytest.raises(ConfigError, match=r"mine\.yaml"):
        read_study(str(study(text)))


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("seeds=one", r"seeds is 'one', but should be a valid list \(in --config\)"),
        ("threads={train: two}", r"threads\.train is 'two', but should be a valid integer \(in --config\)"),
        ("download=perhaps", r"download is 'perhaps', but should be a valid boolean \(in --config\)"),
        ("threads={train", r"--config threads={train: this value cannot be read"),
    ],
)
def test_a_wrong_type_on_the_command_line_is_told(argument, message):
    with pytest.raises(ConfigError, match=message):
        read_study("demo", values=parse_values([argument]))


def test_two_studies_that_write_one_run_are_told_apart(study, tmp_path):
    keep_configuration(read_study("demo"), tmp_path)
    check_study(read_study("demo", values={"device": "auto"}), tmp_path)
    with pytest.raises(
        ConfigError, match=r"the results of study 'demo', so study '.*mine.yaml' must not.*--config run="
    ):
        check_study(read_study(str(study({"extends": "demo"}))), tmp_path)


def test_one_study_is_the_same_however_it_is_spelt(study, tmp_path, monkeypatch):
    demo = find_study("demo")
    keep_configuration(read_study("demo"), tmp_path)
    for spelling in (demo, demo.parent, f"{demo.parent}/../demo/"):
        check_study(read_study(str(spelling)), tmp_path)
    path = study({"extends": "demo"})
    monkeypatch.chdir(tmp_path)
    spellings = ("mine.yaml", "./mine.yaml", str(path))
    assert {read_study(spelling)["study"] for spelling in spellings} == {"mine.yaml"}


@pytest.mark.parametrize("value", [None, 5, "x", [None], [{}], {"a": None}], ids=str)
@pytest.mark.parametrize(
    "path",
    [
        "without",
        "datasets",
        "datasets.oai",
        "datasets.oai.table",
        "methods.vm",
        "methods.vm.base",
        "experiments",
        "experiments.oai",
        "experiments.oai.methods",
        "experiments.oai.trained_on",
        "tables.table1",
        "tables.table1.experiments",
        "tables.table6.rows",
        "tables.table1.columns",
        "figures.fig5.methods",
        "significance",
        "claims.candi_average",
    ],
)
def test_whatever_stands_in_a_place_it_is_a_configuration_or_a_mistake_that_is_told(path, value):
    for key in reversed(path.split(".")):
        value = {key: value}
    with suppress(SpnetError):
        read_study("demo", values=value)
