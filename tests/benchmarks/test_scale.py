"""How long the paper takes on so many GPUs: the schedule, the jobs, their costs, the table. Never a real time."""

from collections import Counter

import pytest

from benchmarks import scale
from benchmarks.costs import FULL, START, Costs, Figures, read_figures
from benchmarks.gpu import COLUMNS
from benchmarks.jobs import make_tasks
from benchmarks.paper import count_work, read_paper
from benchmarks.schedule import Machine, Task, longest_chain, run
from benchmarks.storage import count_bytes
from benchmarks.submissions import Groups, count_submissions
from spnet.errors import ConfigError

PAPER = read_paper()
HOUR = 3600.0


def flat_costs(step=0.1, pair=1.0, speed=1.0):
    figures = Figures("a card", FULL, dict.fromkeys(PAPER["methods"], step), dict.fromkeys(PAPER["methods"], pair))
    return Costs(figures, figures, speed)


def write_figures(path, mode="float32", left_out=()):
    rows = [
        f"{name}\t{mode}\t{2.0 if entry['kind'] == 'trained' else '-'}\t4.0\t-\t-\t-"
        for name, entry in PAPER["methods"].items()
        if name not in left_out
    ]
    path.write_text("\n".join(["# some card; torch", "# images of 160x192x160", "\t".join(COLUMNS), *rows]) + "\n")
    return path


def test_two_jobs_take_turns_on_one_gpu_and_run_at_once_on_two():
    tasks = [Task("long", "train", 3, 4, 1), Task("short", "train", 2, 4, 1)]
    assert run(tasks, Machine(1, 8)) == {"long": 3, "short": 5}
    assert run(tasks, Machine(2, 8)) == {"long": 3, "short": 2}


def test_work_of_the_cpu_fills_the_cores_that_a_gpus_job_leaves():
    tasks = [Task("train", "train", 10, 2, 1), *(Task(f"syn-{index}", "syn", 4) for index in range(4))]
    assert run(tasks, Machine(1, 4)) == {"train": 10, "syn-0": 4, "syn-1": 4, "syn-2": 8, "syn-3": 8}


def test_a_job_waits_for_those_it_is_made_from_and_nothing_runs_before_its_turn_comes():
    tasks = [
        Task("evaluate", "evaluate", 1, 1, 1, after=("train", "prepare")),
        Task("train", "train", 5, 1, 1, after=("prepare",)),
        Task("prepare", "prepare", 2),
        Task("other", "train", 4, 1, 1),
    ]
    # When the scan is prepared, the GPU is taken.
    assert run(tasks, Machine(1, 4)) == {"prepare": 2, "other": 4, "train": 9, "evaluate": 10}
    assert longest_chain(tasks) == 8


def test_small_jobs_keep_a_training_from_its_cores_unless_they_are_kept_for_it():
    prepare = [Task("prepare", "prepare", 1), Task("label", "prepare", 2)]
    train = Task("train", "train", 10, 2, 1, after=("prepare",))
    tasks = [*prepare, train, *(Task(f"syn-{index}", "syn", 4 + index) for index in range(2))]
    assert run(tasks, Machine(1, 2))["train"] == 7 + 10
    assert run([*prepare, train], Machine(1, 2))["train"] == 2 + 10
    # With a third core, kept for it, it starts at once: the others share the one that is left.
    assert run(tasks, Machine(1, 3, kept=2)) == {"prepare": 1, "train": 11, "label": 3, "syn-0": 7, "syn-1": 12}


def test_what_is_free_goes_to_the_first_in_order_that_fits():
    tasks = [Task("wide", "r", 1, 3), Task("narrow", "r", 1, 1), Task("last", "r", 1, 2)]
    assert run(tasks, Machine(0, 3)) == {"wide": 1, "narrow": 2, "last": 2}


@pytest.mark.parametrize(
    ("tasks", "told"),
    [
        ([Task("train", "train", 1, 4, 2)], "train does not fit"),
        ([Task("wide", "r", 1, 9)], "wide does not fit"),
        ([Task("a", "r", 1, after=("b",)), Task("b", "r", 1, after=("a",))], "a waits for ever"),
        ([Task("a", "r", 1, after=("lost",))], "a waits for ever"),
    ],
)
def test_what_can_never_run_is_told(tasks, told):
    with pytest.raises(ConfigError, match=told):
        run(tasks, Machine(1, 8))


def test_jobs_cost_what_the_papers_trainings_and_pairs_do():
    trainings, evaluations = count_work(PAPER)
    tasks = make_tasks(PAPER, flat_costs())
    in_steps = sum(task.seconds - START for task in tasks if task.rule == "train_method")
    assert in_steps == pytest.approx(sum(0.1 * each.steps * each.voxels / FULL for each in trainings))
    in_pairs = sum(task.seconds - START for task in tasks if task.rule == "evaluate_chunk" and task.gpus)
    learned = [each for each in evaluations if each.source != "none"]
    assert in_pairs == pytest.approx(sum(each.pairs * each.voxels / FULL for each in learned))
    assert Counter(task.rule for task in tasks)["train_method"] == len(trainings) == 40


def test_what_is_connected_within_a_group_is_one_part_of_it_and_so_many_parts_share_a_submission():
    chain = [Task("choose/a", "choose", 1), *(Task(f"show/{name}/a", "show", 1, after=("choose/a",)) for name in "xy")]
    other = Task("choose/b", "choose", 1)
    single = [Task(f"table/{name}", "table", 1) for name in "xyz"]
    chunks = [Task(f"evaluate/vm/{number}", "evaluate_chunk", 1, 2, 1) for number in range(5)]
    classical = [Task(f"evaluate/syn/{number}", "evaluate_chunk", 1) for number in range(5)]
    groups = Groups(
        {"choose": "shown-{dataset}", "show": "shown-{dataset}", "table": "tables"}, {"tables": 2, "evaluate_chunk": 3}
    )
    assert count_submissions([*chain, other], groups) == 2
    assert count_submissions(single, groups) == 2
    assert count_submissions([*chunks, *classical], groups) == 2 + 5
    assert count_submissions([Task("prepare", "prepare", 1), Task("all", "all", 0)], groups) == 1


def test_tuned_syn_takes_the_core_hours_that_are_told_and_only_cores():
    tasks = [task for task in make_tasks(PAPER, flat_costs()) if "/syn-tuned/0/mindboggle101/" in task.name]
    assert {(task.cores, task.gpus) for task in tasks} == {(1, 0)}
    assert sum(task.seconds for task in tasks) / HOUR == pytest.approx(400, rel=0.02)


def test_more_gpus_never_take_longer_and_none_beats_the_gpu_hours_or_the_longest_chain():
    tasks = make_tasks(PAPER, flat_costs())
    rows = [scale.simulate(tasks, tasks, Machine(gpus, 8 * gpus), "a card") for gpus in (1, 8, 64)]
    assert rows[0].wall >= rows[1].wall >= rows[2].wall
    for row in rows:
        assert min(row.wall, row.kept) >= max(row.gpu / row.gpus, row.chain)
        assert row.wall >= scale.core_hours(tasks) / (8 * row.gpus)
    longest = max(task.seconds for task in tasks if task.rule == "train_method")
    assert rows[2].wall >= longest / HOUR


def test_a_card_twice_as_fast_halves_the_work_of_networks_and_no_other():
    slow, fast = flat_costs(speed=50), flat_costs(speed=100)
    assert slow.step("vm", FULL) == pytest.approx(2 * fast.step("vm", FULL))
    assert slow.pair("vm", FULL // 2) == pytest.approx(fast.pair("vm", FULL))
    for method in ("identity", "syn", "syn-tuned"):
        assert slow.pair_on_core(method, FULL) == fast.pair_on_core(method, FULL)


def test_another_seed_doubles_weights_and_histories_and_no_scans():
    one, two = (count_bytes({**PAPER, "seeds": seeds}, jobs=1) for seeds in ([0], [0, 1]))
    for what in ("weights", "histories of trainings"):
        assert two[what] == 2 * one[what]
    assert one["prepared scans"] == two["prepared scans"]
    assert one["scores"] < two["scores"] < 2 * one["scores"]


def test_a_table_without_a_measured_card_says_assumed_in_every_row(tmp_path, capsys):
    output = tmp_path / "scale.md"
    figures = write_figures(tmp_path / "cpu.tsv")
    scale.main(["--cpu-costs", str(figures), "--card-speed", "50", "200", "--gpus", "8", "--output", str(output)])
    assert output.read_text() == capsys.readouterr().out
    head, _, *rows = [line for line in output.read_text().splitlines() if line.startswith("|")]
    assert head.startswith("| one card (ASSUMED) |")
    assert len(rows) == 2
    assert all("ASSUMED" in row for row in rows)
    assert "no card was measured" in output.read_text()


def test_a_measured_card_is_used_as_it_is_and_nothing_is_assumed(tmp_path, capsys):
    cpu, card = write_figures(tmp_path / "cpu.tsv"), write_figures(tmp_path / "gpu.tsv", "tf32")
    scale.main(["--cpu-costs", str(cpu), "--costs", str(card), "--mode", "tf32", "--gpus", "8"])
    printed = capsys.readouterr().out
    assert "ASSUMED" not in printed
    assert "| measured, tf32 | 8 | 64 |" in printed
    assert "some card; torch" in printed


def test_a_method_that_nobody_measured_is_told_with_the_remedy(tmp_path):
    figures = write_figures(tmp_path / "cpu.tsv", left_out=["icnet"])
    with pytest.raises(SystemExit, match=r"nothing was measured for method 'icnet' .*benchmarks\.gpu"):
        scale.main(["--cpu-costs", str(figures)])


@pytest.mark.parametrize(
    "text", [None, "", "# a comment\nx\ty\n1\t2\n", "# images of 2x2\nmethod\tmode\nvm\tfloat32\n"]
)
def test_a_file_that_is_no_table_of_costs_is_told(tmp_path, text):
    path = tmp_path / "costs.tsv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=r"costs\.tsv: .*Write one with"):
        read_figures(path, "float32")


@pytest.mark.parametrize("given", [["--card-speed", "0"], ["--card-speed", "fast"], ["--apart", "syn-tund"]])
def test_an_argument_that_means_nothing_is_refused(tmp_path, given):
    with pytest.raises(SystemExit):
        scale.main(["--cpu-costs", str(write_figures(tmp_path / "cpu.tsv")), *given])


def test_the_committed_costs_cover_every_network_of_the_paper():
    figures = read_figures(scale.CPU_COSTS, "float32")
    trainings, evaluations = count_work(PAPER)
    assert {each.method for each in trainings} <= figures.step.keys()
    assert {each.method for each in evaluations} <= {*figures.pair, "syn", "syn-tuned"}
