"""What the workflow would do, and what it refuses, before any job runs."""

import re
from collections import Counter

import pytest
from checkouts import DEMO, WEIGHTS, Checkout

FILES = ("t1weighted_brain.nii.gz", "labels.DKT31.manual.nii.gz")
MINDBOGGLE101 = {"NKI-RS-22": 22, "NKI-TRT-20": 20, "OASIS-TRT-20": 20, "MMRR-21": 21, "Extra-18": 18}
CANDI = (("HC", "HC", 29), ("BPDwithoutPsy", "BPDwoPsy", 35), ("BPDwithPsy", "BPDwPsy", 19), ("SS", "SS", 20))


def fake_mindboggle101(checkout, cohorts=MINDBOGGLE101):
    for cohort, count in cohorts.items():
        for number in range(1, count + 1):
            for name in FILES:
                checkout.write(f"data/mindboggle101/{cohort}_volumes/{cohort}-{number}/{name}", "")


def fake_candi(checkout):
    number = 0
    for folder, group, count in CANDI:
        for _ in range(count):
            number += 1
            name = f"{group}_{number:03}"
            for what in ("procimg", "seg"):
                checkout.write(f"data/candi/SchizBull_2008/{folder}/{name}/{name}_{what}.nii.gz", "")


def fake_oai(checkout, knees=507):
    names = [str(9001104 + 7 * number) for number in range(knees)]
    series = {name: f"0.C.2/{name}/20040801/1{name}" for name in names}
    root = "data/oai/segmentation"
    checkout.write(f"{root}/doc/oai_mri_paths.txt", "".join(f"{name}: {path}\n" for name, path in series.items()))
    for name, path in series.items():
        checkout.write(f"{root}/segmentation_masks/{name}.segmentation_masks.mhd", "")
        checkout.write(f"data/oai/00m/{path}/001", "")


OWN = ("--config", "study=own")


def fake_own(checkout, subjects):
    """The example of scans of one's own, with other scans in its table."""
    rows = ["subject\timage\tlabels\tsplit"]
    for name, part in subjects:
        files = [f"scans/{name}.nii.gz", f"scans/{name}-labels.nii.gz"]
        for file in files:
            checkout.write(f"config/studies/own/{file}", "")
        rows.append("\t".join([name, *files, part]))
    checkout.write("config/studies/own/subjects.tsv", "\n".join(rows) + "\n")


def test_lint_is_clean(checkout):
    """But for one wish: software comes from one environment, which the Snakefile itself needs, and not by rule."""
    done = checkout.run("--lint")
    titles = set(re.findall(r"^    \* (.*):$", done.stdout, re.MULTILINE))
    assert titles == {"Specify a conda environment or container for each rule."}, done.stdout


def test_the_paper_is_three_datasets_forty_trainings_and_380_870_and_2450_ordered_pairs(checkout):
    """Of 101, 103 and 507 raw subjects, 62, 96 and 140 are used."""
    fake_mindboggle101(checkout)
    fake_candi(checkout)
    fake_oai(checkout)
    lines = checkout.stamped("--dry-run", "--workflow-profile", "workflow/profiles/slurm")
    told = "".join(line for _, line in lines)
    # 1722 = 42 * 41; the paper prints 1742 (config/datasets.yaml says so, and with it the QC page).
    assert "Mindboggle101: 42 train (1722 ordered pairs), 20 test (380 ordered pairs)." in told
    assert re.search(r"CANDI: 66 train .*, 7 validation .*, 30 test \(870 ordered pairs\)\.", told)
    assert re.search(r"OAI: 90 train .*, 10 validation .*, 50 test \(2450 ordered pairs\)\.", told)
    counts = checkout.job_counts(told)
    assert counts == {
        "prepare_reference": 1,
        "preprocess_subject": 62 + 96 + 140,
        "describe_preparation": 3,
        "write_split": 3,
        "list_pairs": 3,
        "train_method": 10 * 3 + 10,
        # Networks and affine only, SyN of a minute a pair; ablations, transfer both ways.
        "evaluate_chunk": 11 * (1 + 3 + 7) + (4 + 8 + 21) + 10 * 1 + 3 + 1,
        "collect_scores": 12 * 3 + 10 + 2,
        "collect_metrics": 1,
        "make_table": 7,
        "compare_methods": 1,
        "summarise_cost": 1,
        "grade_claims": 1,
        "choose_pair": 3,
        "register_shown": 4 * 3 + 7,
        "draw_figure": 7,
        "write_report": 1,
        "all": 1,
        "total": 606,
    }
    assert "Evaluating methods without a network: 32.4 core hours by their minutes_per_pair." in told
    submissions = check_groups(told)
    begun, built = (next(seconds for seconds, line in lines if text in line) for text in ("Building DAG", "Job stats"))
    print(f"{counts['total']} jobs, {submissions} submissions to a cluster, told in {lines[-1][0]:.1f} s:")
    print(f"{begun:.1f} s to start and to check, {built - begun:.1f} s to build the graph, the others to print it")


def check_groups(output):
    """Number of submissions to a cluster: groups, which hold nothing that may take hours, and jobs that are in none."""
    groups = Counter(re.findall(r"Group job ([a-z]+)", output))
    assert groups == {"evaluate": 10 * 3 + 10 + 2, "judge": 1}
    alone = Counter(re.findall(r"^rule (\w+):", output, re.MULTILINE))
    assert alone["train_method"] == 40
    assert alone["evaluate_chunk"] == (1 + 3 + 7) + (4 + 8 + 21)
    # A table or figure in a group would wait for all that any other in it needs.
    assert (alone["make_table"], alone["draw_figure"], alone["register_shown"]) == (7, 7, 19)
    beside = sum(alone.pop(rule) for rule in ("all", "list_pairs", "write_split", "collect_scores"))
    assert beside == 55
    return groups.total() + alone.total()


def test_validation_subjects_are_scored_instead_of_test_subjects_when_asked(checkout):
    fake_candi(checkout)
    overlay = checkout.write(
        "candi.yaml",
        "without: [mindboggle101, oai]\nexperiments: {candi: {methods: [identity]}}\n",
    )
    done = checkout.run("--dry-run", "--configfile", overlay, "--config", "evaluate_on=validation")
    assert done.returncode == 0, done.stdout
    counts = checkout.job_counts(done.stdout)
    assert counts["preprocess_subject"] == 7
    assert counts["evaluate_chunk"] == 1


def planned(repository, folder, *overlays, targets=()):
    """What a dry-run of the demo prints."""
    checkout = Checkout(repository, folder)
    files = [checkout.write(f"{number}.yaml", overlay) for number, overlay in enumerate(overlays)]
    done = checkout.run("--dry-run", *targets, *DEMO, "--configfile", *files)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def demo(repository, tmp_path_factory):
    return planned(repository, tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def demo_of_two_seeds(repository, tmp_path_factory):
    return planned(repository, tmp_path_factory.mktemp("seeds"), "seeds: [3, 1]")


def test_the_demo_makes_its_raw_scans_and_runs_the_same_rules(demo):
    counts = Checkout.job_counts(demo)
    for layout, subjects in (("mindboggle101", 10), ("candi", 8), ("oai_zib", 8)):
        assert counts[f"make_virtual_{layout}"] == subjects
    assert counts["preprocess_subject"] == 10 + 8 + 8
    assert counts["train_method"] == 10 + 1 + 1 + 10  # adults, children, knees, ablations


def trained(output):
    return Counter(re.findall(r"output: results/\w+/models/(\w+)/([\w-]+)/seed-0/weights.pt", output))


def test_table_4_of_the_demo_waits_for_the_trainings_of_its_rows_and_for_no_knee_or_child(repository, tmp_path):
    output = planned(repository, tmp_path, targets=["table4"])
    parts = ("no_svf", "no_mie", "no_feature_warping", "no_symmetry", "ss", "ss_be", "2_levels", "3_levels")
    assert trained(output) == dict.fromkeys(
        [("mindboggle101", method) for method in ("spnet", *(f"spnet-{part}" for part in parts))], 1
    )
    assert Checkout.job_counts(output)["make_table"] == 1
    assert not re.search("results/demo/[^ ]*(candi|oai)", output)


def test_table_1_of_the_demo_waits_for_its_ten_trainings(repository, tmp_path):
    output = planned(repository, tmp_path, targets=["table1"])
    methods = ("vm", "difvm", "pmrnet", "lapirn", "rcnet", "cfwnet", "sccnet", "icnet", "symnet", "spnet")
    assert trained(output) == {("mindboggle101", method): 1 for method in methods}


def test_ablations_of_the_paper_need_none_of_the_other_datasets_scans(checkout):
    """An experiment's name: its scores, and tables 4 and 5, which show it alone."""
    fake_mindboggle101(checkout)
    done = checkout.run("--dry-run", "ablation")
    assert done.returncode == 0, done.stdout
    assert Checkout.job_counts(done.stdout) == {
        "preprocess_subject": 62,
        "describe_preparation": 1,
        "list_pairs": 1,
        "train_method": 11,
        "evaluate_chunk": 12,
        "collect_scores": 12,
        "make_table": 2,
        "ablation": 1,
        "total": 102,
    }


def test_published_weights_run_on_whatever_subjects_are_there_without_training(checkout):
    fake_mindboggle101(checkout, {"OASIS-TRT-20": 5})
    done = checkout.run("--dry-run", *WEIGHTS)
    assert done.returncode == 0, done.stdout
    counts = checkout.job_counts(done.stdout)
    assert counts["preprocess_subject"] == 5
    assert counts["fetch_weights"] == 3
    assert counts["evaluate_chunk"] == 5 * 3
    assert "train_method" not in counts


def test_several_seeds_train_and_evaluate_learned_methods_only(demo_of_two_seeds):
    counts = Checkout.job_counts(demo_of_two_seeds)
    assert counts["train_method"] == 22 * 2
    assert counts["evaluate_chunk"] == 3 * 2 + (22 + 2) * 2  # the transfers train nothing


@pytest.mark.parametrize(
    ("there", "told"),
    [
        (
            [],
            [
                r"all 62 subjects \(NKI-RS-22-1,",
                r"mindboggle\.info/data",
                "no account needed",
                "CC BY-NC-SA",
                r"nitrc\.org/projects/candi_share",
                r"nda\.nih\.gov/oai",
            ],
        ),
        (
            [fake_mindboggle101],
            [
                r"all 103 subjects \(",
                r"nitrc\.org/projects/candi_share",
                "free registration",
                "_HC_segimg",
                r"run without them: --config without=\[candi,oai\]",
            ],
        ),
        (
            [fake_mindboggle101, fake_candi],
            [
                r"nda\.nih\.gov/oai",
                "data use",
                "Ambellan",
                "segmentation/doc/oai_mri_paths.txt exists",
                r"run without them: --config without=\[oai\]",
            ],
        ),
    ],
    ids=["mindboggle101", "candi", "oai"],
)
def test_without_raw_scans_the_paper_stops_at_once_and_says_what_to_get_and_where_to_put_it(checkout, there, told):
    for make in there:
        make(checkout)
    done = checkout.run()
    assert done.returncode != 0
    for words in told:
        assert re.search(words, done.stdout), done.stdout
    assert not (checkout.folder / "results").exists()


def test_archives_that_lie_in_the_dataset_are_unpacked_before_anything_else_is_planned(checkout):
    checkout.write("data/mindboggle101/OASIS-TRT-20_volumes.tar.gz", "")
    done = checkout.run("--dry-run", *WEIGHTS)
    assert done.returncode == 0, done.stdout
    assert checkout.job_counts(done.stdout) == {"unpack_archives": 1, "all": 1, "total": 2}
    only = checkout.run("--dry-run", "unpack", *WEIGHTS)
    assert checkout.job_counts(only.stdout) == {"unpack_archives": 1, "unpack": 1, "total": 2}


def test_archives_that_need_no_account_are_fetched_when_asked_and_only_then(checkout):
    done = checkout.run("--dry-run", *WEIGHTS, "--config", "download=true")
    assert done.returncode == 0, done.stdout
    assert checkout.job_counts(done.stdout) == {"fetch_archive": 3, "unpack_archives": 1, "all": 1, "total": 5}
    assert "raw scans are missing" in checkout.run("--dry-run", *WEIGHTS).stdout


def test_an_archive_beside_a_table_of_ones_own_is_left_alone(checkout):
    fake_own(checkout, [("a", "train"), ("b", "train"), ("c", "test"), ("d", "test")])
    checkout.write("data/mine/backup.tar.gz", "")
    done = checkout.run("--dry-run", *OWN)
    assert done.returncode == 0, done.stdout
    assert "unpack_archives" not in checkout.job_counts(done.stdout)


def test_one_test_subject_is_not_enough(checkout):
    fake_mindboggle101(checkout, {"OASIS-TRT-20": 1})
    done = checkout.run(*WEIGHTS)
    assert done.returncode != 0
    assert "has 1 subjects in its test part, but a pair needs two" in done.stdout


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ("devcie: cpu", "unknown configuration key 'devcie' at the top level, did you mean 'device'?"),
        (
            "datasets: {oai: {prepare: {target: 'reference:nobody'}}}",
            "names a subject that is not in the training part",
        ),
        ("datasets: {oai: {virtual: {spacing: 2}}}", "virtual scans of layout 'oai_zib' have no option 'spacing'"),
        (
            "experiments: {unpack: {trained_on: oai, dataset: oai, methods: [identity]}}",
            "'unpack' is the name of a rule, so `snakemake unpack` would mean two things. Give the experiment",
        ),
    ],
    ids=["models", "rules", "readiness", "names"],
)
def test_a_mistake_in_the_configuration_stops_at_once_by_name(checkout, overlay, message):
    """Whichever of four places finds it; what each finds, tests/config asks without Snakemake."""
    path = checkout.write("mistake.yaml", overlay + "\n")
    done = checkout.run("--dry-run", *DEMO, "--configfile", path)
    assert done.returncode != 0
    assert message in done.stdout


def test_a_subject_in_both_parts_stops_at_once(checkout):
    fake_own(checkout, [("a", "train"), ("a", "test")])
    done = checkout.run("--dry-run", *OWN)
    assert done.returncode != 0
    assert "subject 'a' is listed in both test and train" in done.stdout


def test_evaluation_depends_on_the_metrics_source_and_training_on_no_source(demo):
    inputs = re.findall(r"rule (\w+):\n    input: (.*)", demo)
    evaluations = [files for rule, files in inputs if rule == "evaluate_chunk"]
    assert len(evaluations) == 3 * 2 + 22 + 2
    for files in evaluations:
        assert "metrics/overlap.py" in files
        assert "data/labels.py" in files
        assert "kernels/correlation.py" in files
    assert sum("methods/syn.py" in files for files in evaluations) == 3  # of no network, whose weights are inputs
    trainings = [files for rule, files in inputs if rule == "train_method"]
    assert len(trainings) == 22
    assert not any(".py" in files for files in trainings)


def test_a_figures_source_draws_it_again_and_registers_nothing(demo):
    inputs = re.findall(r"rule (\w+):\n    input: (.*)", demo)
    drawn = [files for rule, files in inputs if rule == "draw_figure"]
    assert len(drawn) == 7
    assert all("figures/style.py" in files for files in drawn)
    assert sum("fields.npz" in files for files in drawn) == 5
    assert not any("metrics.parquet" in files for files in drawn)
    # Nor prepares scans, whose new images every training would follow.
    scans, fields = {"prepare_reference", "preprocess_subject"}, {"evaluate_chunk", "choose_pair", "register_shown"}
    made = [files for rule, files in inputs if rule in scans | fields | {"train_method"}]
    assert not any("spnet/figures/" in files for files in made)
    prepared = [files for rule, files in inputs if rule == "preprocess_subject"]
    assert all("data/affine.py" in files and "data/quality.py" not in files for files in prepared)


def test_a_template_is_an_input_of_what_is_written_with_it(demo):
    inputs = re.findall(r"rule (\w+):\n    input: (.*)", demo)
    judged = {"compare_methods": 1, "grade_claims": 1, "summarise_cost": 1}
    by_template = {
        "page.css": {"write_report": 1, "describe_preparation": 3},
        "document.md": {"make_table": 7, "write_report": 1} | judged,
    }
    for template, rules in by_template.items():
        assert Counter(rule for rule, files in inputs if f"templates/{template}" in files) == rules, template


def test_pairs_are_registered_once_for_all_figures_by_the_first_seed(demo_of_two_seeds):
    counts = Checkout.job_counts(demo_of_two_seeds)
    assert counts["choose_pair"] == 3
    # SyN and SPnet on three datasets, which five figures show.
    assert counts["register_shown"] == 2 * 3
    shown = re.findall(r"output: (results/demo/shown/\S+fields.npz)", demo_of_two_seeds)
    assert {path.split("/")[5] for path in shown} == {"seed-0", "seed-3"}
