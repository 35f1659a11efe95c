"""A training that collapsed is marked wherever it is shown, and graded nowhere."""

import numpy as np
import pandas as pd
import pytest
import yaml

from spnet.analysis.collapsed import collapses
from spnet.analysis.collect import collect
from spnet.analysis.cost import Sources
from spnet.analysis.study import Study
from spnet.config.files import find_published_numbers
from spnet.report.claims import write_claims
from spnet.report.cost import write_cost
from spnet.report.page import ReportFiles, write_report
from spnet.report.significance import write_significance
from spnet.report.tables import write_table

HOW = "the network moves nothing"
NOTE = f"† SYMnet & co, trained on d: this training collapsed ({HOW}), so its values are neither ranked"
SUBJECTS = ["a", "b", "c", "d"]
# Dice and ICE; the collapsed one would win by the latter.
LEVELS = {"spnet": (0.6, 0.05), "vm": (0.5, 0.4), "symnet": (0.3, 0.0)}
TITLES = {"spnet": "SPnet", "vm": "VM", "symnet": "SYMnet & co"}
METHODS = {
    name: {"title": TITLES[name], "kind": "trained", "implementation": name, "published_as": name, "recreated": False}
    | {"trained_on": None, "options": {}, "per_dataset": {}}
    for name in LEVELS
}
EXPERIMENT = {"trained_on": "d", "dataset": "d", "methods": list(LEVELS)}
QUANTITIES = [{"metric": "dice", "structure": "Average"}, {"metric": "ice", "structure": "volume"}]
COLUMNS = [{"metric": "dice", "structures": ["Average"]}, {"metric": "ice", "structures": ["volume"]}]


def scores_of(collapsed):
    random = np.random.default_rng(0)
    rows = []
    for method, (dice, ice) in LEVELS.items():
        place = {"trained_on": "d", "dataset": "d", "method": method, "seed": 0}
        for moving, fixed in ((a, b) for a in SUBJECTS for b in SUBJECTS if a != b):
            pair = {**place, "moving": moving, "fixed": fixed, "collapsed": HOW if method in collapsed else ""}
            rows += [
                pair | {"metric": "dice", "structure": "1", "value": dice + random.normal(0, 0.01)},
                pair | {"metric": "ice", "structure": "volume", "value": ice},
                pair | {"metric": "seconds", "structure": "volume", "value": 2.0},
                pair | {"metric": "peak_mb", "structure": "volume", "value": 90.0},
            ]
    return pd.DataFrame(rows)


@pytest.fixture
def run(tmp_path):
    """Function that makes the results of a run whose trainings of some methods collapsed; returns its folder."""

    def make(*collapsed):
        study = Study({"here": EXPERIMENT}, METHODS, {"d": {"scored": [1]}})
        (tmp_path / "p.tsv").write_text(
            "table\trow\ttrained_on\tdataset\tmethod\tmetric\tstructure\tmean\tstd\tnote\n"
            "table3\tx\td\td\tsymnet\tice\tvolume\t0.046\t0.002\t\n"
        )
        scores_of(collapsed).to_csv(tmp_path / "chunk.csv", index=False)
        metrics = tmp_path / "m.parquet"
        collect([tmp_path / "chunk.csv"], metrics)
        outputs = {"csv": tmp_path / "t.csv", "markdown": tmp_path / "t.md", "latex": tmp_path / "t.tex"}
        specification = {"title": "T", "experiments": ["here"], "columns": COLUMNS, "notes": []}
        write_table("table3", specification, study, metrics, tmp_path / "p.tsv", outputs)
        compared = {"reference": "spnet", "experiments": ["here"], "quantities": QUANTITIES}
        write_significance(metrics, compared, study, {"csv": tmp_path / "s.csv", "markdown": tmp_path / "s.md"})
        records = [write_training(tmp_path, method, HOW if method in collapsed else None) for method in LEVELS]
        (tmp_path / "benchmarks").mkdir()
        sources = Sources(metrics, records, tmp_path / "benchmarks", [], "cpu")
        write_cost(sources, TITLES, {"csv": tmp_path / "cost.csv", "markdown": tmp_path / "cost.md"})
        inputs = {"metrics": metrics, "cost": tmp_path / "cost.csv", "published": find_published_numbers()}
        write_claims(CLAIMS, study, study, {}, inputs, {"csv": tmp_path / "c.csv", "markdown": tmp_path / "c.md"})
        write_report(
            CONFIG, ReportFiles(trainings=[path.with_name("history.csv") for path in records]), report(tmp_path)
        )
        return tmp_path

    return make


def report(folder):
    return folder / "report.html"


CONFIG = {
    "run": "tried",
    "notes": [],
    "seeds": [0],
    "evaluate_on": "test",
    "datasets": {"d": {"title": "Brains"}},
    "methods": METHODS,
    "experiments": {"here": EXPERIMENT},
    "tables": {"table3": {"title": "T", "experiments": ["here"]}},
    "figures": {},
    "significance": None,
    "claims": {},
}
SAID = {"text": "t", "where": "w", "experiments": ["here"]}
HERE = SAID | {"metric": "ice", "structures": ["volume"]}
CLAIMS = {
    "sound": HERE | {"statistic": "better", "methods": ["spnet"], "than": ["vm"]},
    "rival": HERE | {"statistic": "better", "methods": ["spnet"], "than": ["vm", "symnet"]},
    "own": HERE | {"statistic": "at_most", "methods": ["symnet"], "bound": 0.01},
    "fast": SAID | {"statistic": "cost_ratio", "method": "symnet", "than": ["vm"], "quantity": "seconds_per_pair"},
}


def write_training(folder, method, collapsed):
    model = folder / "models" / "d" / method / "seed-0"
    model.mkdir(parents=True)
    history = pd.DataFrame({"stage": "all", "step": range(1, 41), "loss": np.linspace(-0.1, -0.5, 40), "seconds": 1.5})
    history.to_csv(model / "history.csv", index=False)
    record = {"device": "cpu", "device_type": "cpu", "outcome": {"peak_mb": 10.0, "collapsed": collapsed}}
    (model / "run.yaml").write_text(yaml.safe_dump(record))
    return model / "run.yaml"


def test_a_collapsed_training_is_marked_in_a_table_and_neither_best_nor_set_against_the_paper(run):
    folder = run("symnet")
    text = (folder / "t.md").read_text()
    assert "| SYMnet & co † | 0.299(0.006) † | 0.000(0.000) † | 0.046(0.002) |" in text
    assert f"- {NOTE}" in text
    assert "| SPnet | **0.600(0.007)** | **0.050(0.000)** | - |" in text
    assert "SYMnet \\& co \\dag{} & 0.299(0.006) \\dag{} &" in (folder / "t.tex").read_text()
    assert "\\dag{} SYMnet \\& co, trained on d: this training collapsed" in (folder / "t.tex").read_text()
    cells = pd.read_csv(folder / "t.csv", keep_default_na=False).set_index(["method", "metric"])
    assert cells.loc["symnet", "collapsed"].tolist() == [HOW, HOW]
    assert not cells.loc["symnet", "best"].any()
    assert cells.loc[("symnet", "ice"), "difference"] == ""
    assert set(cells.loc[["spnet", "vm"], "collapsed"]) == {""}


def test_it_is_not_compared_and_the_others_are(run):
    folder = run("symnet")
    assert set(pd.read_csv(folder / "s.csv")["method"]) == {"vm"}
    assert f"- {NOTE}" in (folder / "s.md").read_text()


def test_no_claim_that_needs_it_is_graded_and_others_are(run):
    claims = pd.read_csv(run("symnet") / "c.csv").set_index("claim")
    assert claims["verdict"].to_dict() == {"sound": "reproduced"} | dict.fromkeys(
        ["rival", "own", "fast"], "not tested"
    )
    for name in ("rival", "own", "fast"):
        assert f"the training of symnet on d collapsed ({HOW})" in claims.loc[name, "figures"]


def test_the_report_and_the_cost_say_so(run):
    folder = run("symnet")
    assert f"† The training of SYMnet &amp; co on Brains, seed 0, collapsed: {HOW}." in report(folder).read_text()
    assert ">SYMnet &amp; co †<" in report(folder).read_text()
    assert "| SYMnet & co † | d | cpu | - | 40 | 1.5 |" in (folder / "cost.md").read_text()
    assert f"- {NOTE}" in (folder / "cost.md").read_text()


def test_where_the_reference_collapsed_nothing_is_compared_and_the_page_says_why(run):
    folder = run("spnet")
    assert pd.read_csv(folder / "s.csv").empty
    assert "† SPnet, trained on d: this training collapsed" in (folder / "s.md").read_text()
    assert "| VM | **0.497(0.010)** | 0.400(0.000) |" in (folder / "t.md").read_text()


def test_without_a_collapse_nothing_is_marked(run):
    folder = run()
    for name in ("t.md", "t.tex", "s.md", "c.md", "cost.md", "report.html"):
        text = (folder / name).read_text()
        assert "†" not in text, name
        assert "\\dag" not in text, name


def test_of_several_seeds_the_one_that_collapsed_is_named_and_older_scores_know_of_none():
    scores = scores_of(["symnet"])
    seeds = pd.concat([scores, scores.assign(seed=1, collapsed="")])
    assert collapses(seeds) == {("d", "symnet"): f"seed 0: {HOW}"}
    assert collapses(scores.drop(columns="collapsed")) == {}
