"""What the workflow would do, and what it refuses, before any job runs."""

import re
from pathlib import Path

import pytest

FILES = ("t1weighted_brain.nii.gz", "labels.DKT31.manual.nii.gz")


OWN_DATASET = Path(__file__).with_name("own_dataset.yaml").read_text()
PUBLISHED_METHOD = "experiments: {mindboggle101: {methods: [spnet-published]}}"
PUBLISHED_ELSEWHERE = "methods: {spnet-published: {trained_on: mine}}"


def fake_raw_tree(checkout, cohorts):
    for cohort, count in cohorts.items():
        for number in range(1, count + 1):
            for name in FILES:
                checkout.write(f"data/mindboggle101/{cohort}_volumes/{cohort}-{number}/{name}", "")


def job_counts(output):
    (table,) = set(re.findall(r"Job stats:\n(.*?)\n\n", output, re.DOTALL))
    return {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)$", table, re.MULTILINE)}


def test_lint_is_clean(checkout):
    done = checkout.run("--lint")
    assert done.returncode == 0, done.stdout
    assert "good condition" in done.stdout


def test_the_paper_is_62_subjects_ten_trainings_and_380_ordered_pairs_per_method(checkout):
    fake_raw_tree(checkout, {"NKI-RS-22": 22, "NKI-TRT-20": 20, "OASIS-TRT-20": 20})
    done = checkout.run("--dry-run")
    assert done.returncode == 0, done.stdout
    assert job_counts(done.stdout) == {
        "preprocess_subject": 62,
        "list_pairs": 1,
        "train_method": 10,
        "evaluate_chunk": 13 * 19,
        "collect_metrics": 1,
        "make_table": 2,
        "draw_figure": 1,
        "all": 1,
        "total": 325,
    }


def test_the_demo_makes_its_raw_scans_and_runs_the_same_rules(checkout):
    done = checkout.run("--dry-run", "--configfile", "config/demo/config.yaml")
    assert done.returncode == 0, done.stdout
    counts = job_counts(done.stdout)
    assert counts["make_virtual_subject"] == counts["preprocess_subject"] == 10
    assert counts["train_method"] == 10


def test_published_weights_run_on_whatever_subjects_are_there_without_training(checkout):
    fake_raw_tree(checkout, {"OASIS-TRT-20": 5})
    done = checkout.run("--dry-run", "--configfile", "config/published_weights/config.yaml")
    assert done.returncode == 0, done.stdout
    counts = job_counts(done.stdout)
    assert counts["preprocess_subject"] == 5
    assert counts["fetch_weights"] == 3
    assert counts["evaluate_chunk"] == 5 * 3
    assert "train_method" not in counts


def test_several_seeds_train_and_evaluate_learned_methods_only(checkout):
    overlay = checkout.write("seeds.yaml", "seeds: [0, 1, 2]\n")
    done = checkout.run("--dry-run", "--configfile", "config/demo/config.yaml", overlay)
    assert done.returncode == 0, done.stdout
    counts = job_counts(done.stdout)
    assert counts["train_method"] == 10 * 3
    assert counts["evaluate_chunk"] == 2 + 10 * 3


def test_without_raw_scans_the_paper_stops_at_once_and_says_what_to_get_and_where_to_put_it(checkout):
    done = checkout.run()
    assert done.returncode != 0
    assert "NKI-RS-22_volumes has 0 of 22 subjects" in done.stdout
    assert "Download the volume archives" in done.stdout
    assert "data/mindboggle101/NKI-RS-22_volumes/<subject>/t1weighted_brain.nii.gz" in done.stdout
    assert not (checkout.folder / "results").exists()


def test_one_test_subject_is_not_enough(checkout):
    fake_raw_tree(checkout, {"OASIS-TRT-20": 1})
    done = checkout.run("--configfile", "config/published_weights/config.yaml")
    assert done.returncode != 0
    assert "has 1 subjects to test on, but a pair needs two" in done.stdout


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ("devcie: cpu", "unknown configuration key 'devcie' at the top level, did you mean 'device'?"),
        (
            "experiments: {mindboggle101: {methods: [identity, spnte]}}",
            "experiment 'mindboggle101' names the method 'spnte', which does not exist, did you mean 'spnet'?",
        ),
        ("methods: {spnet: {implementation: spnte}}", "there is no method implementation 'spnte'"),
        ("methods: {spnet: {options: {stepps: 7}}}", "method 'spnet' has no option 'stepps'"),
        ("methods: {spnet: {kind: published}}", "method 'spnet' is published but names no weights"),
        ("methods: {spnet: {kind: untrained}}", "is of kind 'untrained', but its implementation 'spnet' learns"),
        ("methods: {syn: {kind: trained}}", "its implementation 'syn' has nothing to learn"),
        ("methods: {spnet-published: {weights: spnt}}\n" + PUBLISHED_METHOD, "no published weights 'spnt'"),
        (PUBLISHED_ELSEWHERE, "were trained on mindboggle101, but method 'spnet-published' says mine"),
        ("methods: {spnet-published: {trained_on: null}}", "is published but names no trained_on"),
        ("methods: {lapirn: {training: {steps: 10}}}", "LapIRN's stages would have 2, 2, 6 of 10 steps, too few"),
        ("datasets: {mindboggle101: {prepare: {target: mni125}}}", "the target 'mni125' is neither"),
    ],
    ids=[
        "key",
        "method",
        "implementation",
        "option",
        "weights",
        "untrained",
        "trained",
        "name",
        "elsewhere",
        "nowhere",
        "stages",
        "target",
    ],
)
def test_a_mistake_in_the_configuration_stops_at_once_by_name(checkout, overlay, message):
    path = checkout.write("mistake.yaml", overlay + "\n")
    done = checkout.run("--dry-run", "--configfile", "config/demo/config.yaml", path)
    assert done.returncode != 0
    assert message in done.stdout


def test_a_subject_in_both_parts_stops_at_once(checkout):
    for name in ("a.nii.gz", "al.nii.gz"):
        checkout.write(f"data/mine/{name}", "")
    checkout.write(
        "data/mine/subjects.tsv",
        "subject\timage\tlabels\tsplit\na\ta.nii.gz\tal.nii.gz\ttrain\na\ta.nii.gz\tal.nii.gz\ttest\n",
    )
    done = checkout.run("--dry-run", "--configfile", checkout.write("mine.yaml", OWN_DATASET))
    assert done.returncode != 0
    assert "subject 'a' is listed in both test and train" in done.stdout


def test_evaluation_depends_on_the_metrics_source_and_training_on_no_source(checkout):
    done = checkout.run("--dry-run", "--configfile", "config/demo/config.yaml")
    inputs = re.findall(r"rule (\w+):\n    input: (.*)", done.stdout)
    evaluations = [files for rule, files in inputs if rule == "evaluate_chunk"]
    assert len(evaluations) == 12
    for files in evaluations:
        assert "metrics/overlap.py" in files
        assert "data/labels.py" in files
    trainings = [files for rule, files in inputs if rule == "train_method"]
    assert len(trainings) == 10
    assert not any(".py" in files for files in trainings)
