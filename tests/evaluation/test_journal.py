"""What an evaluation job has scored survives its death, and nothing else is taken for it."""

import json
import logging
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from spnet.data.labels import LabelSet
from spnet.errors import OutputError
from spnet.evaluation.chunk import JOURNAL, MethodSpec, evaluate_chunk
from spnet.evaluation.evaluate import Scoring
from spnet.evaluation.journal import Journal

SHAPE = (12, 14, 10)
SUBJECTS = ("a", "b", "c", "d")
PAIRS = [(first, second) for index, first in enumerate(SUBJECTS) for second in SUBJECTS[index + 1 :]]
IDENTITY = {"trained_on": "none", "dataset": "d", "method": "identity", "seed": 0}
COSTS = {"seconds", "peak_mb"}
# The job in a process of its own, killed in the middle of writing the line of pair number {dies_at}.
DYING = """
import os, signal
from spnet.evaluation import journal
from tests.evaluation.test_journal import evaluate

whole, lines = journal.append_line, []

def append_line(path, line):
    lines.append(line)
    if len(lines) < {dies_at}:
        return whole(path, line)
    whole(path, line[: len(line) // 2])
    os.kill(os.getpid(), signal.SIGKILL)

journal.append_line = append_line
evaluate({folder!r})
"""


@pytest.fixture
def folder(tmp_path, write_image):
    """Four subjects with a box of two labels, each elsewhere."""
    for start, name in enumerate(SUBJECTS):
        labels = np.zeros(SHAPE)
        labels[start : start + 4, 4:10, 3:7] = 1
        labels[start + 4 : start + 7, 4:10, 3:7] = 2
        (tmp_path / name).mkdir()
        write_image(f"{name}/labels.nii.gz", labels, dtype=np.int32)
        write_image(f"{name}/image.nii.gz", labels / 2)
    return tmp_path


def evaluate(folder, output="chunk-0.csv", spec=None, pairs=PAIRS, scored=(1, 2)):
    spec = spec or MethodSpec("identity")
    evaluate_chunk(spec, pairs, folder, Scoring(LabelSet(scored)), IDENTITY, os.path.join(folder, output), "cpu")


def die(folder, repository, dies_at=4):
    """Run the job in a process that is killed; what it leaves."""
    code = DYING.format(folder=str(folder), dies_at=dies_at)
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, env=os.environ | {"PYTHONPATH": "."})
    assert done.returncode == -signal.SIGKILL
    assert not (folder / "chunk-0.csv").exists()
    return folder / f"chunk-0{JOURNAL}"


def without_costs(path):
    lines = path.read_bytes().splitlines(keepends=True)
    return b"".join(line for line in lines if not COSTS & set(line.decode().split(",")))


def test_a_job_killed_after_some_pairs_goes_on_and_its_table_is_the_same_byte_for_byte(folder, repository, caplog):
    journal = die(folder, repository)
    kept = journal.read_bytes().splitlines(keepends=True)
    assert [line.endswith(b"\n") for line in kept] == [True, True, True, False]  # the last was cut off
    with caplog.at_level(logging.INFO, "spnet"):
        evaluate(folder)
        evaluate(folder, "undisturbed.csv")
    assert "damaged or cut off after 3 pairs" in caplog.text
    assert caplog.text.count("3 of 6 pairs were scored when this job was last stopped: going on") == 1
    table, undisturbed = folder / "chunk-0.csv", folder / "undisturbed.csv"
    assert without_costs(table) == without_costs(undisturbed)
    assert len(without_costs(table)) > 2000
    # Seconds and memory that were measured before stay as they were.
    *_, rows = json.loads(kept[0].partition(b" ")[2])
    costs = [f"{row['metric']},volume,{row['value']!r}" for row in rows if row["metric"] in COSTS]
    assert len(costs) == 4
    assert all(cost in table.read_text() for cost in costs)
    assert {path.suffix for path in folder.iterdir() if path.is_file()} == {".csv"}


@pytest.mark.parametrize(
    "changed",
    [{"pairs": PAIRS[1:]}, {"scored": (1,)}, {"spec": MethodSpec("syn", {"reg_iterations": [1, 0, 0]})}],
    ids=["pairs", "labels", "method"],
)
def test_scores_of_other_inputs_are_not_used_and_that_is_said(folder, repository, caplog, changed):
    die(folder, repository, dies_at=2)
    evaluate(folder, **changed)
    assert "its scores are of other inputs, options or code" in caplog.text
    evaluate(folder, "undisturbed.csv", **changed)
    assert without_costs(folder / "chunk-0.csv") == without_costs(folder / "undisturbed.csv")


def test_a_scan_prepared_anew_or_changed_code_makes_other_inputs(folder, repository, monkeypatch, caplog):
    journal = die(folder, repository, dies_at=2)
    left = journal.read_bytes()
    monkeypatch.setattr("spnet.evaluation.chunk._CODE", ("metrics",))
    evaluate(folder)
    assert "other inputs, options or code" in caplog.text
    monkeypatch.undo()
    caplog.clear()
    journal.write_bytes(left)
    (folder / "a" / "image.nii.gz").write_bytes((folder / "b" / "image.nii.gz").read_bytes())
    evaluate(folder)
    assert "other inputs, options or code" in caplog.text


def test_a_damaged_byte_costs_its_pair_and_those_behind_it_and_no_score(tmp_path):
    path = tmp_path / "j"
    rows = [{"moving": "a", "value": 0.1 + 0.2}, {"moving": "b", "value": float("nan")}]
    for pair in (("a", "b"), ("a", "c"), ("b", "c")):
        Journal(path, "this").add(pair, rows)
    read = Journal(path, "this").read()
    assert list(read) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert read["a", "b"][0] == rows[0]  # to the last bit
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert list(Journal(path, "this").read()) == [("a", "b")]
    assert list(Journal(path, "this").read()) == [("a", "b")]
    assert Journal(path, "that").read() == {}
    assert path.read_bytes() == b""


def test_a_journal_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "j").mkdir()
    with pytest.raises(OutputError, match=r"j: could not write this file"):
        Journal(tmp_path / "j", "this").add(("a", "b"), [])
