"""A run that is half-way: what is done, what is missing, what is left."""

import pandas as pd
import pytest
import torch
import yaml
from test_page import Page, open_in_browser

from spnet.analysis.progress import find_progress, hours_left
from spnet.cli import main
from spnet.report.document import TEXT, Cell, Column, Document, Table, write_document
from spnet.report.so_far import NAME, write_report_so_far
from spnet.runs import CONFIGURATION, keep_configuration, read_configuration
from spnet.training import checkpoint

METHOD = {"published_as": None, "recreated": False, "trained_on": None, "options": {}, "per_dataset": {}}
METHOD |= {"minutes_per_pair": 1, "seconds_per_step": 1.0}


def entry(title, **more):
    return (
        METHOD | {"title": title, "implementation": title.lower(), "training": {"steps": 40}, "kind": "trained"} | more
    )


def dataset(title, voxels):
    return {"title": title, "prepare": {"shape": [voxels, 1, 1]}, "label_set": {"scored": [1]}}


CONFIG = {
    "run": "half",
    "notes": ["Said above."],
    "seeds": [0],
    "evaluate_on": "test",
    "paper_values": True,
    "pairs_per_chunk": 2,
    "datasets": {"brains": dataset("Brains", 100), "knees": dataset("Knees", 200)},
    "methods": {
        "identity": entry("Identity", kind="untrained"),
        "spnet": entry("SPnet"),
        "vm": entry("VM", per_dataset={"knees": {"training": {"steps": 80}}}),
        "rcnet": entry("RCnet"),
    },
    "experiments": {
        "brains": {"dataset": "brains", "trained_on": "brains", "methods": ["identity", "spnet", "vm", "rcnet"]},
        "knees": {"dataset": "knees", "trained_on": "knees", "methods": ["vm"]},
    },
    "tables": {
        name: {
            "title": f"Table {name[-1]}",
            "experiments": experiments,
            "columns": [{"metric": "dice", "structures": ["Average"]}],
            "notes": [],
        }
        for name, experiments in {"table1": ["brains"], "table2": ["knees"]}.items()
    },
    "figures": {},
    "significance": {"reference": "spnet", "experiments": ["brains", "knees"]},
    "claims": {},
}
HISTORY = {"stage": "all", "loss": 0.5, "seconds": 0.25}


@pytest.fixture
def run(tmp_path):
    """SPnet and affine only are done, VM's training on brains is half-way, nothing else has begun."""
    folder = tmp_path / "half"
    keep_configuration(CONFIG, folder)
    finish_training(folder, "spnet")
    stop_training(folder, "vm", 20)
    write(folder / "pairs" / "brains.tsv", "first\tsecond\na\tb\na\tc\nb\tc\n")
    for source, method in (("none", "identity"), ("brains", "spnet")):
        for chunk in (0, 1):
            place = f"{source}/{method}/seed-0/brains/chunk-{chunk}"
            write(folder / "evaluation" / f"{place}.csv", "scores")
            write(folder / "benchmarks" / "evaluate_chunk" / f"{place}.tsv", f"s\th:m:s\n{40 - 20 * chunk}\t-\n")
        score(folder, source, method)
    return folder


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def model(folder, method):
    path = folder / "models" / "brains" / method / "seed-0"
    path.mkdir(parents=True)
    return path


def finish_training(folder, method):
    path = model(folder, method)
    pd.DataFrame([HISTORY | {"step": step} for step in range(1, 41)]).to_csv(path / "history.csv", index=False)
    (path / "run.yaml").write_text(yaml.safe_dump({"device_type": "cpu", "outcome": {"collapsed": None}}))
    (path / "weights.pt").write_bytes(b"weights")


def stop_training(folder, method, steps):
    network = torch.nn.Linear(2, 2)
    progress = checkpoint.Progress(step=steps, history=[HISTORY | {"step": step + 1} for step in range(steps)])
    checkpoint.save(
        model(folder, method), "this", progress, network, torch.optim.Adam(network.parameters()), torch.Generator()
    )


def score(folder, source, method):
    path = folder / "metrics" / source / "brains" / f"{method}.parquet"
    path.parent.mkdir(parents=True)
    pairs = [{"moving": a, "fixed": b} for a in "abc" for b in "abc" if a != b]
    place = {"trained_on": source, "dataset": "brains", "method": method, "seed": 0, "collapsed": ""}
    values = {"metric": "dice", "structure": "1", "value": 0.5 if method == "spnet" else 0.25}
    pd.DataFrame([place | pair | values for pair in pairs]).to_parquet(path)


def by_name(works):
    return {(work.trained_on, work.method): work for work in works}


def test_trainings_are_done_under_way_or_not_begun_with_step_rate_and_hours_left(run):
    found = by_name(find_progress(run, CONFIG).trainings)
    assert list(found) == [("brains", "spnet"), ("brains", "vm"), ("brains", "rcnet"), ("knees", "vm")]
    assert {key: work.state for key, work in found.items()} == {
        ("brains", "spnet"): "done",
        ("brains", "vm"): "under way",
        ("brains", "rcnet"): "not begun",
        ("knees", "vm"): "not begun",
    }
    under_way = found["brains", "vm"]
    assert (under_way.done, under_way.total, under_way.seconds) == (20, 40, 0.25)
    assert under_way.hours_left == pytest.approx(20 * 0.25 / 3600)
    assert under_way.saved is not None
    # Of the same method, with as many times the seconds as there are voxels, and steps of its own.
    assert found["knees", "vm"].hours_left == pytest.approx(80 * 0.5 / 3600)
    assert found["brains", "rcnet"].hours_left is None
    assert hours_left(found.values()) == (pytest.approx((5 + 40) / 3600), 1)


def test_evaluations_count_the_pairs_of_finished_jobs_and_of_those_under_way(run):
    write(run / "evaluation/brains/vm/seed-0/brains/chunk-0.journal", "one pair\nhalf a li")
    found = by_name(find_progress(run, CONFIG).evaluations)
    assert (found["none", "identity"].state, found["none", "identity"].done) == ("done", 3)
    assert found["none", "identity"].seconds == pytest.approx(20)
    assert (found["brains", "vm"].state, found["brains", "vm"].done, found["brains", "vm"].total) == ("under way", 1, 3)
    assert (found["knees", "vm"].state, found["knees", "vm"].total) == ("not begun", None)


def test_a_damaged_checkpoint_counts_as_none_as_the_training_itself_will_say(run):
    path = run / "models/brains/vm/seed-0" / checkpoint.NAME
    path.write_bytes(path.read_bytes()[:100])
    assert by_name(find_progress(run, CONFIG).trainings)["brains", "vm"].state == "not begun"


def test_the_page_shows_tables_with_gaps_and_what_is_missing(run, capsys):
    assert main(["report", str(run)]) == 0
    printed = capsys.readouterr().out
    assert "Trainings: 1 done, 1 under way, 2 not begun." in printed
    assert "Evaluations: 2 done, 0 under way, 3 not begun." in printed
    assert "Not there yet: table1, table2, cost, significance." in printed
    assert printed.endswith(f"{run / NAME}\n")
    text = (run / NAME).read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert page.ids.index("progress") < page.ids.index("tables")
    assert page.rows["SPnet"] == ["0.500(0.000)"]
    assert page.rows["VM"] == ["not yet"]
    assert page.best == ["0.500(0.000)"]
    assert "Not finished: 2 of 4 sets of scores are missing; bold is the best so far." in text
    assert "Nothing that this table shows has been scored yet." in text
    assert ">under way</td>" in text
    missing = page.text.partition("What is missing")[2].partition("How far it is")[0]
    assert "Not there yet: table1, table2, cost, significance." in missing


def test_a_table_that_is_finished_is_shown_as_it_was_written(run):
    rows = [[Cell("SPnet"), Cell("0.987(0.000)", value=0.987)]]
    table = Table([Column("Method", kind=TEXT), Column("Average")], rows)
    write_document(Document("Table 1", [table]), {"json": run / "tables/table1.json"})
    write_report_so_far(run, published(run))
    page = Page((run / NAME).read_text(encoding="utf-8"))
    assert page.rows["SPnet"] == ["0.987(0.000)"]
    assert "not yet" not in page.text


def published(run):
    path = run.parent / "published.tsv"
    path.write_text("table\trow\ttrained_on\tdataset\tmethod\tmetric\tstructure\tmean\tstd\tnote\n")
    return path


def test_a_run_that_has_only_just_begun_has_a_report_too(tmp_path):
    keep_configuration(CONFIG, tmp_path)
    lines = write_report_so_far(tmp_path, published(tmp_path))
    assert lines[0] == "Trainings: 0 done, 0 under way, 4 not begun."
    assert "without 4 trainings and 5 evaluations of which nothing was measured yet" in lines[2]


def test_the_report_of_snakemake_is_left_alone(run):
    write_report_so_far(run, published(run))
    assert not (run / "report.html").exists()


def test_a_folder_that_is_no_run_is_told_in_one_sentence_with_the_remedy(tmp_path, capsys):
    for folder in (tmp_path, tmp_path / "gone"):
        assert main(["report", str(folder)]) == 1
        told = capsys.readouterr().err
        assert told.startswith(f"spnet: {folder}: this is no folder of a run that was started: it has no config.yaml")
        assert "Name a folder such as results/paper" in told
        assert "Traceback" not in told


@pytest.mark.parametrize("content", ["a: [", "- 1", "run: x", "\xff"])
def test_a_damaged_configuration_is_named(tmp_path, content, capsys):
    (tmp_path / CONFIGURATION).write_bytes(content.encode("latin-1"))
    assert main(["report", str(tmp_path)]) == 1
    assert "config.yaml: the run's configuration is damaged (" in capsys.readouterr().err


def test_the_configuration_that_a_run_keeps_is_read_back_as_it_was(tmp_path):
    keep_configuration(CONFIG, tmp_path)
    assert read_configuration(tmp_path) == CONFIG


def test_a_browser_shows_it_without_complaint(run, tmp_path):
    write_report_so_far(run, published(run))
    shown, complaints = open_in_browser(run / NAME, tmp_path / "profile")
    assert "Run half" in shown
    assert not complaints
