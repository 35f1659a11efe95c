"""A run disturbed in every way that one machine knows, started again each time; `pytest -rP` shows a table of it."""

import signal

import pandas as pd
import pytest
import torch
import yaml
from faults import MODEL, RUN, SYN
from story import NO_SPACE, tell

from spnet.training import checkpoint

pytestmark = pytest.mark.slow

MEASURED = ("seconds", "peak_mb")  # of the metrics, what no two runs have in common


@pytest.fixture(scope="module")
def whole(finished):
    return finished[0].folder / RUN


@pytest.fixture(scope="module")
def story(finished, tmp_path_factory):
    return tell(*finished, tmp_path_factory.mktemp("survival"))


def test_a_killed_evaluation_is_named_leaves_no_scores_and_goes_on_after_its_last_pair(story):
    assert "died with <Signals.SIGKILL: 9>" in story.run.printed("first.txt")
    assert str(SYN) in story.run.said("first.txt", "Error in rule evaluate_chunk", lines=12)
    assert not story.chunk_left
    assert story.pairs_at_kill in (1, 2)
    assert story.pairs_kept == (
        f"{story.pairs_at_kill} of 3 pairs were scored when this job was last stopped: going on"
    )


def test_a_second_run_on_the_folder_is_refused_and_the_first_goes_on(story):
    assert story.second_run_ended == 1
    assert "Directory cannot be locked" in story.run.printed("refused.txt")
    assert "Traceback" not in story.run.printed("refused.txt")
    assert story.steps_meanwhile[1] > story.steps_meanwhile[0]


def test_killed_with_all_its_jobs_a_run_leaves_a_checkpoint_and_no_weights(story):
    assert story.processes_killed >= 2
    assert story.step_at_kill > 2
    assert not story.weights_at_kill


def test_a_checkpoint_of_another_configuration_or_cut_in_half_is_named_and_not_used(story):
    assert "is of another configuration" in story.other_rate[0]
    assert "it is truncated or damaged" in story.truncated[0]
    assert story.sizes[1] == story.sizes[0] // 2
    for told, then in (story.other_rate, story.truncated):
        assert f"{MODEL / checkpoint.NAME} " in told
        assert told.endswith("training starts again")
        assert "step 1 of" in then


def test_a_killed_training_is_named_the_other_jobs_end_and_its_last_checkpoint_is_used(story):
    assert story.second_ended == 1
    assert story.run.said("second.txt", "Error in rule train_method")
    assert "died with <Signals.SIGKILL: 9>" in story.run.printed("second.txt")
    assert "Traceback" not in story.run.printed("second.txt")
    for method in ("identity", "syn"):
        assert (story.run.folder / RUN / f"evaluation/none/{method}/seed-0/mindboggle101/chunk-0.csv").exists()
    assert f"step {story.step_of_training}" in story.resumed_on_full_disk


def test_a_full_disk_is_told_plainly_and_the_last_checkpoint_stays(story):
    before, after = story.files_on_full_disk
    assert story.third_ended == 1
    assert NO_SPACE in story.no_space
    assert NO_SPACE in story.run.printed("third.txt")
    assert "Traceback" not in story.run.printed("third.txt")
    assert after == {checkpoint.NAME: before[checkpoint.NAME]}
    assert story.resumed_after_kill == story.resumed_on_full_disk


def test_a_training_that_outlives_its_workflow_is_waited_for_by_the_next(story):
    assert story.fourth_ended == -signal.SIGKILL
    assert story.orphan_lives
    assert f"process {story.orphan} on" in story.waited
    assert f"step {story.step_of_orphan}" in story.resumed_after_orphan


def test_after_all_of_it_weights_scores_and_tables_are_those_of_the_undisturbed_run(story, whole):
    assert story.fifth_ended == 0, story.run.printed("fifth.txt")[-5000:]
    run = story.run.folder / RUN
    first, second = (torch.load(folder / "models/mindboggle101/spnet/seed-0/weights.pt") for folder in (whole, run))
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    scores = [pd.read_parquet(folder / "metrics.parquet") for folder in (whole, run)]
    assert len(scores[0]) == len(scores[1])
    one, other = (table[~table["metric"].isin(MEASURED)].reset_index(drop=True) for table in scores)
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    tables = sorted(path.name for path in whole.glob("tables/*.csv"))
    assert len(tables) == 4
    for name in tables:
        assert (run / "tables" / name).read_bytes() == (whole / "tables" / name).read_bytes()
    record = yaml.safe_load((story.run.folder / MODEL / "run.yaml").read_text())
    assert record["outcome"]["times_resumed"] == 2
    assert {path.name for path in (story.run.folder / MODEL).iterdir()} == {"weights.pt", "history.csv", "run.yaml"}
    assert [*run.rglob(".partial-*"), *run.rglob("*.journal")] == []
    print_table(story, len(one), len(tables))


def print_table(story, scores, tables):
    """Markdown, every figure and every quoted word as it was seen."""
    refused = quoted(story.run.said("refused.txt", "Directory cannot be locked"))
    same = f"finished: weights, {scores} scores and {tables} tables are those of an undisturbed run"
    rows = [
        ("fault", "what happened", "afterwards"),
        ("---", "---", "---"),
        ("a checkpoint of another configuration", quoted(story.other_rate[0]), quoted(story.other_rate[1])),
        (
            "kill -9 of an evaluation chunk",
            f"{of_job(story.run, 'first.txt')}, no file of scores",
            f"next start: {quoted(story.pairs_kept)}; {same}",
        ),
        (
            "a second run started in the same folder",
            f"ended with {story.second_run_ended}: {refused}",
            f"the first went on, from step {story.steps_meanwhile[0]} to {story.steps_meanwhile[1]}",
        ),
        (
            "kill -9 of Snakemake and all its jobs, in training",
            f"{story.processes_killed} processes gone, a checkpoint of step {story.step_at_kill} left, no weights",
            "the next row cuts that checkpoint",
        ),
        (
            f"that checkpoint cut from {story.sizes[0]:,} to {story.sizes[1]:,} bytes",
            quoted(story.truncated[0]),
            quoted(story.truncated[1]),
        ),
        (
            "kill -9 of the training alone",
            f"{of_job(story.run, 'second.txt')}, other jobs ended; a checkpoint of step {story.step_of_training} left",
            f"next start: {quoted(story.resumed_on_full_disk)}",
        ),
        (
            f"a full disk ({story.disk})",
            f"Snakemake ended with {story.third_ended}: {quoted(story.no_space)}; the checkpoint as it was",
            f"next start: {quoted(story.resumed_after_kill)}",
        ),
        (
            "kill -9 of Snakemake alone, its training left at work",
            f"next start: {quoted(story.waited)}",
            f"once that was ended: {quoted(story.resumed_after_orphan)}; {same}",
        ),
    ]
    for row in rows:
        print(f"| {' | '.join(row)} |".replace(f"{RUN}/", ""))


def of_job(run, name):
    """What Snakemake said of the job that was killed."""
    return f"{quoted(run.said(name, 'died with'))}, {quoted(run.said(name, 'Error in rule'))}"


def quoted(words):
    return f'"{words.strip()}"'
