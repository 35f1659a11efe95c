"""From label scores to tables, on numbers small enough to check by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from spnet.analysis.collect import collect
from spnet.analysis.published import read_published
from spnet.analysis.study import Study
from spnet.analysis.summarise import count_absent_labels, count_one_sided_labels, per_pair, subject_interval, summarise
from spnet.analysis.tables import Column, Row, Source, build_table
from spnet.data.labels import LABEL_SETS, LabelSet
from spnet.errors import DataError
from spnet.report.tables import write_table

LABELS = {"d": LabelSet(scored=(1, 2, 3), regions={"low": (1, 2), "high": (3,)})}
PAIR_AB = {"trained_on": "none", "dataset": "d", "method": "m", "seed": 0, "moving": "a", "fixed": "b"}
METHOD = {"title": "M", "kind": "untrained", "published_as": "spnet", "recreated": False, "trained_on": None}
ROW = Row("m", "M", None)
HD95 = Column("d", "hd95", "Average", (Source("d", {"m": "none"}),))
PUBLISHED = ["table", "trained_on", "dataset", "method", "metric", "structure", "mean", "std"]
PAIR_BA = PAIR_AB | {"moving": "b", "fixed": "a"}


def rows(pair, **dice):
    labels = [{**pair, "metric": "dice", "structure": name[1:], "value": value} for name, value in dice.items()]
    return [*labels, {**pair, "metric": "ice", "structure": "volume", "value": 0.5}]


@pytest.fixture
def scores():
    return pd.DataFrame(rows(PAIR_AB, _1=0.2, _2=0.4, _3=0.9) + rows(PAIR_BA, _1=0.4, _2=0.6, _3=0.8))


def cell(table, structure, column="value", **where):
    chosen = table[table["structure"] == structure]
    for key, value in where.items():
        chosen = chosen[chosen[key] == value]
    (value,) = chosen[column]
    return value


def test_a_region_is_the_mean_of_its_labels_and_the_average_that_of_all_labels(scores):
    values = per_pair(scores, LABELS)
    assert cell(values, "low", moving="a") == pytest.approx(0.3)
    assert cell(values, "Average", moving="a") == pytest.approx(0.5)
    assert cell(values, "volume", moving="b") == 0.5


def test_mean_and_spread_are_over_pairs(scores):
    summary = summarise(per_pair(scores, LABELS))
    assert cell(summary, "Average", "mean") == pytest.approx(0.55)
    assert cell(summary, "Average", "std") == pytest.approx(np.std([0.5, 0.6]))
    assert cell(summary, "Average", "pairs") == 2


def test_seeds_are_averaged_before_pairs(scores):
    other = scores.assign(seed=1, value=scores["value"] + 0.1)
    summary = summarise(per_pair(pd.concat([scores, other]), LABELS))
    assert cell(summary, "Average", "mean") == pytest.approx(0.6)
    assert cell(summary, "Average", "pairs") == 2


def test_a_label_that_is_nowhere_does_not_count_and_is_counted(scores):
    without = scores[~((scores["structure"] == "3") & (scores["moving"] == "a"))]
    assert cell(per_pair(without, LABELS), "Average", moving="a") == pytest.approx(0.3)
    assert count_absent_labels(without, LABELS) == {"d": 1}
    assert count_absent_labels(scores, LABELS) == {"d": 0}


def with_hd95(scores, *values):
    """Scores and the HD95 of labels 1, 2, ... of the pair ab, of as many as there are values."""
    distances = [
        {**PAIR_AB, "metric": "hd95", "structure": str(label), "value": value}
        for label, value in enumerate(values, start=1)
    ]
    return pd.concat([scores, pd.DataFrame(distances)], ignore_index=True)


def test_hd95_groups_as_dice_does_and_a_label_without_it_is_left_out_and_counted(scores):
    further = with_hd95(scores, 2.0, 5.0)
    values = per_pair(further, LABELS)
    distances = values[values["metric"] == "hd95"].set_index("structure")["value"]
    assert distances.to_dict() == {"low": 3.5, "Average": 3.5}
    assert count_one_sided_labels(further, "hd95") == {"d": (4, 6)}
    assert count_one_sided_labels(scores, "hd95") == {}


def test_the_interval_resamples_subjects_and_not_pairs(random):
    """With effects of subjects only, the mean's standard error is that of subject means, far above that of pairs."""
    names = [f"s{number}" for number in range(20)]
    effect = dict(zip(names, random.normal(0, 1, 20), strict=True))
    pairs = pd.DataFrame(
        [{"moving": a, "fixed": b, "value": effect[a] + effect[b]} for a in names for b in names if a != b]
    )
    low, high = subject_interval(pairs)
    expected = 2 * np.std(list(effect.values())) / np.sqrt(20) * 2 * 1.96
    assert high - low == pytest.approx(expected, rel=0.15)
    assert low < pairs["value"].mean() < high


def write_chunks(tmp_path, *parts):
    paths = []
    for index, part in enumerate(parts):
        paths.append(tmp_path / f"chunk-{index}.csv")
        part.to_csv(paths[-1], index=False)
    return paths


def test_chunks_are_joined_in_one_order_whatever_order_they_come_in(scores, tmp_path):
    first, second = scores[scores["moving"] == "a"], scores[scores["moving"] == "b"]
    there = collect(write_chunks(tmp_path, first, second), tmp_path / "m.parquet")
    back = collect(write_chunks(tmp_path, second, first), tmp_path / "n.parquet")
    assert there.equals(back)
    assert (tmp_path / "m.parquet").read_bytes() == (tmp_path / "n.parquet").read_bytes()


def test_names_that_look_like_numbers_stay_names(scores, tmp_path):
    named = scores.replace({"a": "001", "b": "NA"})
    joined = collect(write_chunks(tmp_path, named), tmp_path / "m.parquet")
    assert set(joined["moving"]) == {"001", "NA"}


def test_a_score_that_is_no_number_or_there_twice_is_refused(scores, tmp_path):
    with pytest.raises(DataError, match=r"chunk-0\.csv: 1 scores are not finite.*'structure': '1'"):
        spoiled = scores.assign(value=[np.nan, *scores["value"][1:]])
        collect(write_chunks(tmp_path, spoiled), tmp_path / "m.parquet")
    with pytest.raises(DataError, match="8 scores are there twice"):
        collect(write_chunks(tmp_path, scores, scores), tmp_path / "m.parquet")
    assert not (tmp_path / "m.parquet").exists()


@pytest.fixture(scope="module")
def published(repository):
    return read_published(repository / "config" / "studies" / "paper" / "published.tsv")


def test_published_averages_follow_from_the_regions_weighted_by_their_labels(published):
    """The paper's Average is the mean over 50 labels; recomputed from the rounded regions it agrees to rounding."""
    sizes = {name: len(ids) for name, ids in LABEL_SETS["dkt50"].regions.items()}
    assert list(sizes.values()) == [14, 10, 8, 14, 4]
    chosen = published[published["table"].isin(["table1", "table4", "table5"]) & (published["metric"] == "dice")]
    table = chosen.pivot(index=["table", "row"], columns="structure", values="mean")
    assert table.groupby("table").size().to_dict() == {"table1": 11, "table4": 11, "table5": 4}
    off = (sum(table[name] * size for name, size in sizes.items()) / 50 - table["Average"]).abs()
    # Two rows do not add up in the paper either; the file says so beside their Average.
    slips = published[published["note"].str.contains("weighted by") & (published["structure"] == "Average")]
    marked = list(slips[["table", "row"]].itertuples(index=False, name=None))
    assert marked == [("table1", "RCnet (Zhao et al., 2019)"), ("table4", "n=3")]
    assert off.drop(marked).max() < 0.00101
    assert (off[marked] > 0.0011).all()


COUNTS = {
    "table1": (11, 6),
    "table2": (11, 4),
    "table3": (10, 6),
    "table4": (11, 8),
    "table5": (4, 8),
    "table6": (2, 6),
}


def test_published_numbers_are_all_there(published):
    for table, (rows, columns) in COUNTS.items():
        own = published[published["table"] == table]
        per_row = own.groupby("row").size()
        assert (len(per_row), set(per_row)) == (rows, {columns}), table
    assert len(published) == 302
    assert not published.duplicated(["table", "row", "dataset", "metric", "structure"]).any()
    # Corners of every table, read from the paper a second time.
    cells = published.set_index(["table", "row", "dataset", "metric", "structure"])[["mean", "std"]]
    for table, row, dataset, metric, structure, mean, std in (
        ("table1", "SyN (Avants et al., 2008)", "mindboggle101", "dice", "Frontal", 0.520, 0.022),
        ("table1", "Ours", "mindboggle101", "dice", "Average", 0.587, 0.014),
        ("table2", "SyN (Avants et al., 2008)", "candi", "dice", "Average", 0.720, 0.023),
        ("table2", "Ours", "oai", "dice", "Average", 0.815, 0.027),
        ("table3", "VM (Balakrishnan et al., 2018)", "mindboggle101", "jab", "volume", 1.086, 0.117),
        ("table3", "Ours", "oai", "ice", "volume", 0.120, 0.027),
        ("table4", "w/o SVF", "mindboggle101", "dice", "Frontal", 0.599, 0.024),
        ("table4", "SS", "mindboggle101", "ice", "volume", 0.787, 0.016),
        ("table4", "n=2", "mindboggle101", "jab", "volume", 0.003, 0.001),
        ("table5", "ResNet", "mindboggle101", "dice", "Occipital", 0.474, 0.043),
        ("table5", "MIE", "mindboggle101", "ice", "volume", 0.046, 0.002),
        ("table6", "Mindboggle101", "candi", "dice", "Average", 0.752, 0.022),
        ("table6", "CANDI", "mindboggle101", "jab", "volume", 0.006, 0.002),
    ):
        assert tuple(cells.loc[(table, row, dataset, metric, structure)]) == (mean, std)


def test_rows_that_tables_share_agree(published):
    """Ours of Table 1, Table 4 (thrice), MIE of Table 5; w/o MIE and Baseline; the diagonal of Table 6."""
    for _, same in published.groupby(["trained_on", "dataset", "method", "metric", "structure"]):
        assert same["mean"].nunique() == 1, same
    candi = published[(published["table"] == "table3") & (published["dataset"] == "candi")]
    twice = candi[candi["method"].isin(["rcnet", "pmrnet"])]
    assert twice["note"].ne("").all()
    assert twice[twice["metric"] == "ice"]["mean"].tolist() == [0.504, 0.504]


def test_the_papers_oai_averages_are_the_means_of_its_bone_and_cartilage(published):
    printed = published[(published["table"] == "table2") & (published["dataset"] == "oai")]
    values = printed.pivot(index="method", columns="structure", values="mean")
    assert len(values) == 11
    # Three decimals are printed, so that the mean of two may differ from the third by .001.
    assert ((values["Bone"] + values["Cartilage"]) / 2 - values["Average"]).abs().max() < 0.00101


def study():
    method = METHOD | {"title": "A & B"}
    experiment = {"trained_on": "d", "dataset": "d", "methods": ["m"]}
    label_sets = {"d": {"scored": [1, 2, 3], "regions": {"low": [1, 2], "high": [3]}}}
    return Study({"e": experiment}, {"m": method}, label_sets)


def test_a_table_shows_measured_and_published_side_by_side_in_three_formats(scores, tmp_path):
    scores.to_parquet(tmp_path / "m.parquet")
    (tmp_path / "p.tsv").write_text(
        "table\trow\ttrained_on\tdataset\tmethod\tmetric\tstructure\tmean\tstd\tnote\n"
        "table1\tOurs\td\td\tspnet\tdice\tAverage\t0.587\t0.014\t\n"
    )
    specification = {
        "title": "Dice",
        "experiments": ["e"],
        "columns": [{"metric": "dice", "structures": ["low", "Average"]}],
        "notes": ["Said once."],
    }
    outputs = {name: tmp_path / f"table1.{name}" for name in ("csv", "markdown", "latex")}
    write_table("table1", specification, study(), tmp_path / "m.parquet", tmp_path / "p.tsv", outputs)
    assert "| A & B | **0.400(0.100)** | **0.550(0.050)** | 0.587(0.014), -0.037 |" in outputs["markdown"].read_text()
    assert "| Method | low | Average | paper |" in outputs["markdown"].read_text()
    assert (
        "A \\& B & \\textbf{0.400(0.100)} & \\textbf{0.550(0.050)} & 0.587(0.014), -0.037 \\\\"
        in outputs["latex"].read_text()
    )
    table = pd.read_csv(outputs["csv"]).set_index("structure")
    assert table.loc["Average", "difference"] == pytest.approx(0.55 - 0.587)
    assert pd.isna(table.loc["low", "published_mean"])


def test_a_method_is_shown_with_each_experiments_own_training(tmp_path):
    """As in the paper's Table 3: every dataset's column has the method trained on that dataset."""
    rows = [
        {**PAIR_AB, "trained_on": name, "dataset": name, "metric": "ice", "structure": "volume", "value": value}
        for name, value in (("d", 0.25), ("e", 0.75))
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "m.parquet")
    (tmp_path / "p.tsv").write_text(
        "table\trow\ttrained_on\tdataset\tmethod\tmetric\tstructure\tmean\tstd\tnote\n"
        "table3\tOurs\td\td\tspnet\tice\tvolume\t0.046\t0.002\t\ntable3\tx\te\td\tspnet\tice\tvolume\t9\t9\t\n"
    )
    methods = {"m": METHOD | {"kind": "trained"}}
    experiments = {name: {"trained_on": name, "dataset": name, "methods": ["m"]} for name in "de"}
    study = Study(experiments, methods, {name: {"scored": [1]} for name in "de"})
    outputs = {name: tmp_path / name for name in ("csv", "markdown", "latex")}
    columns = [{"metric": "ice", "structures": ["volume"]}]
    specification = {"title": "T", "experiments": ["d", "e"], "columns": columns, "notes": []}
    write_table("table3", specification, study, tmp_path / "m.parquet", tmp_path / "p.tsv", outputs)
    assert "| M | **0.250(0.000)** | 0.046(0.002), +0.204 | **0.750(0.000)** |" in outputs["markdown"].read_text()
    assert "| Method | d: ICE | paper | e: ICE |" in outputs["markdown"].read_text()
    write_table("table3", specification, study, tmp_path / "m.parquet", None, outputs)  # a study of virtual scans
    assert "| M | **0.250(0.000)** | **0.750(0.000)** |" in outputs["markdown"].read_text()
    assert "paper" not in outputs["markdown"].read_text()


def test_weights_of_another_dataset_have_no_value_of_the_paper_beside_them(tmp_path):
    rows = [
        {**PAIR_AB, "method": name, "trained_on": name, "metric": "ice", "structure": "volume", "value": 0.25}
        for name in ("d", "elsewhere")
    ]
    methods = {name: METHOD | {"title": name, "kind": "published", "trained_on": name} for name in ("d", "elsewhere")}
    text = table_of(rows, methods, tmp_path)
    assert "| d | **0.250(0.000)** | 0.046(0.002), +0.204 |" in text
    assert "| elsewhere | **0.250(0.000)** | - |" in text


def test_a_method_that_was_re_created_from_its_description_says_so_in_its_row(tmp_path):
    row = {**PAIR_AB, "trained_on": "d", "metric": "ice", "structure": "volume", "value": 0.25}
    text = table_of([row], {"m": METHOD | {"kind": "trained", "recreated": True}}, tmp_path)
    assert "| M, re-created from the description | **0.250(0.000)** |" in text


def test_the_methods_of_several_seeds_are_named_unless_all_have_as_many(tmp_path):
    row = {**PAIR_AB, "trained_on": "d", "metric": "ice", "structure": "volume", "value": 0.25}
    methods = {name: METHOD | {"title": name.upper(), "kind": "trained"} for name in ("m", "n")}
    methods["syn"] = METHOD | {"title": "SyN"}
    rows = [row, row | {"seed": 1}, row | {"method": "n"}, row | {"method": "syn", "trained_on": "none"}]
    some = table_of(rows, methods, tmp_path)
    assert "first averaged over the trainings of methods that have several (M: 2 seeds)." in some
    every = table_of([*rows, row | {"method": "n", "seed": 1}], methods, tmp_path)
    assert "Every pair's score is first averaged over the trainings, 2 seeds." in every
    assert "averaged" not in table_of(rows[:1] + rows[2:], methods, tmp_path)


def table_of(rows, methods, folder):
    """Markdown of a table of ICE, all methods tested on dataset d in an experiment trained on d."""
    pd.DataFrame(rows).to_parquet(folder / "m.parquet")
    (folder / "p.tsv").write_text(
        "table\trow\ttrained_on\tdataset\tmethod\tmetric\tstructure\tmean\tstd\tnote\n"
        "table3\tOurs\td\td\tspnet\tice\tvolume\t0.046\t0.002\t\n"
    )
    experiments = {"e": {"trained_on": "d", "dataset": "d", "methods": list(methods)}}
    outputs = {name: folder / name for name in ("csv", "markdown", "latex")}
    columns = [{"metric": "ice", "structures": ["volume"]}]
    specification = {"title": "T", "experiments": ["e"], "columns": columns, "notes": []}
    study = Study(experiments, methods, {"d": {"scored": [1]}})
    write_table("table3", specification, study, folder / "m.parquet", folder / "p.tsv", outputs)
    return outputs["markdown"].read_text()


def ablation(folder, rows, values, dataset="d", experiments=None, methods=None):
    """Markdown and csv of a table with the given rows; `values`: (trained on, method) -> ICE on its dataset."""
    scores = [
        {**PAIR_AB, "trained_on": source, "dataset": on, "method": method, "metric": "ice", "structure": "volume"}
        | {"value": value}
        for (source, on, method), value in values.items()
    ]
    pd.DataFrame(scores).to_parquet(folder / "m.parquet")
    (folder / "p.tsv").write_text(
        "table\trow\ttrained_on\tdataset\tmethod\tmetric\tstructure\tmean\tstd\tnote\n"
        "table6\tD\td\te\tspnet\tice\tvolume\t0.031\t0.002\t\n"
    )
    outputs = {name: folder / name for name in ("csv", "markdown", "latex")}
    specification = {
        "title": "T",
        "experiments": list(experiments),
        "columns": [{"metric": "ice", "structures": ["volume"]}],
        "rows": rows,
        "notes": [],
    }
    study = Study(experiments, methods, {name: {"scored": [1]} for name in "de"}, notes=["First of all."])
    write_table("table6", specification, study, folder / "m.parquet", folder / "p.tsv", outputs)
    return outputs["markdown"].read_text(), pd.read_csv(outputs["csv"])


CONTROL = METHOD | {"title": "Affine only", "published_as": None, "implementation": "identity"}


def test_a_transfer_table_has_a_row_per_training_and_a_column_per_dataset(tmp_path):
    experiments = {
        f"{source}_to_{on}": {"trained_on": source, "dataset": on, "methods": ["identity", "m"]}
        for on in "de"
        for source in "de"
    }
    values = {("none", on, "identity"): 0.0 for on in "de"}
    values |= {("d", "d", "m"): 0.1, ("e", "d", "m"): 0.2, ("d", "e", "m"): 0.3, ("e", "e", "m"): 0.25}
    rows = [{"method": "identity"}]
    rows += [{"method": "m", "title": f"from {source}", "trained_on": source} for source in "de"]
    methods = {"identity": CONTROL, "m": METHOD | {"kind": "trained"}}
    text, table = ablation(tmp_path, rows, values, experiments=experiments, methods=methods)
    assert "| Method | d: ICE | e: ICE | paper |" in text
    assert "| Affine only | 0.000(0.000) | 0.000(0.000) | - |" in text
    assert "| from d | **0.100(0.000)** | 0.300(0.000) | 0.031(0.002), +0.269 |" in text
    assert "| from e | 0.200(0.000) | **0.250(0.000)** | - |" in text
    assert "- First of all." in text
    assert table["trained_on"].tolist() == ["none", "none", "d", "d", "e", "e"]


def test_a_method_may_be_shown_in_several_rows_and_ties_share_the_bold(tmp_path):
    experiments = {"a": {"trained_on": "d", "dataset": "d", "methods": ["m", "n"]}}
    methods = {name: METHOD | {"kind": "trained"} for name in "mn"}
    rows = [{"method": "m", "title": "Ours"}, {"method": "n", "title": "n=2"}, {"method": "m", "title": "n=4"}]
    values = {("d", "d", "m"): 0.1001, ("d", "d", "n"): 0.1003}
    text, table = ablation(tmp_path, rows, values, experiments=experiments, methods=methods)
    for title in ("Ours", "n=2", "n=4"):
        assert f"| {title} | **0.100(0.000)** |" in text
    assert table["best"].all()


def test_a_cell_that_was_not_measured_stops_the_table(scores, tmp_path, repository):
    scores[scores["metric"] == "dice"].to_parquet(tmp_path / "m.parquet")
    specification = {
        "title": "T",
        "experiments": ["e"],
        "columns": [{"metric": "ice", "structures": ["volume"]}],
        "notes": [],
    }
    outputs = {name: tmp_path / name for name in ("csv", "markdown", "latex")}
    with pytest.raises(DataError, match="no score for"):
        write_table(
            "table3",
            specification,
            study(),
            tmp_path / "m.parquet",
            repository / "config" / "studies" / "paper" / "published.tsv",
            outputs,
        )
    assert not outputs["csv"].exists()


def further_table(folder, scores):
    """Markdown and csv of a table of HD95 and ICE on dataset d."""
    scores.to_parquet(folder / "m.parquet")
    (folder / "p.tsv").write_text("table\trow\ttrained_on\tdataset\tmethod\tmetric\tstructure\tmean\tstd\tnote\n")
    outputs = {name: folder / name for name in ("csv", "markdown", "latex")}
    columns = [
        {"metric": "hd95", "structures": ["low", "high", "Average"]},
        {"metric": "ice", "structures": ["volume"]},
    ]
    specification = {"title": "T", "experiments": ["e"], "columns": columns, "notes": []}
    experiments = {"e": {"trained_on": "d", "dataset": "d", "methods": ["m"]}}
    study = Study(experiments, {"m": METHOD}, {"d": {"scored": [1, 2, 3], "regions": {"low": [1, 2], "high": [3]}}})
    write_table("further_metrics", specification, study, folder / "m.parquet", folder / "p.tsv", outputs)
    return outputs["markdown"].read_text(), pd.read_csv(outputs["csv"])


def test_a_table_of_hd95_says_what_it_is_and_how_many_labels_have_none(scores, tmp_path):
    text, table = further_table(tmp_path, with_hd95(scores, 2.0, 5.0))
    assert "| Method | HD95 (mm), low | HD95 (mm) | ICE |" in text
    assert "| M | **3.500(0.000)** | **3.500(0.000)** |" in text
    assert "- HD95: 95th percentile" in text
    assert "- d: in 4 of 6 (method, pair, label) cases one of the two volumes lacks the label" in text
    assert "1 to 2 on d" in text
    assert table["mean"].notna().all()


def test_the_lowest_hd95_is_the_best_and_a_full_table_counts_no_absent_labels(scores, tmp_path):
    both = pd.concat([with_hd95(scores, 2.0, 5.0, 1.0), with_hd95(scores, 2.0, 5.0, 1.0)[-3:].assign(**PAIR_BA)])
    text, table = further_table(tmp_path, both)
    assert "HD95 (mm), high" in text
    assert "lacks the label: Dice" not in text
    assert table["best"].all()


PAIR_AC = PAIR_AB | {"fixed": "c"}
WITHOUT = "Without the pairs that hold a flagged scan"


def flagged_table(folder, scores, flags):
    """Markdown, csv and json of a table of Dice on dataset d, its subjects prepared with such flags."""
    scores.to_parquet(folder / "m.parquet")
    (folder / "p.tsv").write_text("table\trow\ttrained_on\tdataset\tmethod\tmetric\tstructure\tmean\tstd\tnote\n")
    subjects = [{"name": name, "part": "test", "values": {}, "flags": found} for name, found in flags.items()]
    record = {"title": "D", "folder": ".", "subjects": subjects, "left_out": {}, "notes": []}
    (folder / "d.json").write_text(json.dumps(record))
    outputs = {name: folder / name for name in ("csv", "markdown", "latex", "json")}
    columns = [{"metric": "dice", "structures": ["Average"]}]
    specification = {"title": "T", "experiments": ["e"], "columns": columns, "notes": []}
    study = Study(
        {"e": {"trained_on": "d", "dataset": "d", "methods": ["m"]}}, {"m": METHOD}, {"d": {"scored": [1, 2, 3]}}
    )
    files = folder / "m.parquet", folder / "p.tsv"
    write_table("t", specification, study, *files, outputs, [folder / "d.json"])
    return {name: path.read_text() for name, path in outputs.items()}


def test_a_table_counts_the_pairs_with_a_flagged_scan_and_stands_without_them_as_well(scores, tmp_path):
    scores = pd.concat([scores, pd.DataFrame(rows(PAIR_AC, _1=0.0, _2=0.1, _3=0.2))])
    plain = flagged_table(tmp_path, scores, {"a": [], "b": [], "c": []})
    assert "flagged" not in plain["markdown"]
    told = flagged_table(tmp_path, scores, {"a": [], "b": [], "c": ["looks odd"], "d": ["not scored"]})
    assert "- d: 1 of 3 pairs hold a scan that the preparation flagged (c)." in told["markdown"]
    everything, without = told["markdown"].split(f"## {WITHOUT}")
    assert "| M | **0.400(0.216)** |" in everything
    assert "| M | **0.550(0.050)** |" in without
    assert "- mean(std) over ordered pairs: 2 on d." in without
    assert told["csv"] == plain["csv"]
    assert [table["title"] for table in json.loads(told["json"])["tables"]] == ["All pairs", WITHOUT]


def test_a_table_of_which_every_pair_holds_a_flagged_scan_says_so(scores, tmp_path):
    text = flagged_table(tmp_path, scores, {"a": ["looks odd"], "b": []})["markdown"]
    assert "- d: 2 of 2 pairs hold a scan that the preparation flagged (a)." in text
    assert "- No pair is without one." in text


def test_a_table_of_nothing_that_was_measured_is_refused(scores, tmp_path):
    summary = summarise(per_pair(scores, LABELS))
    with pytest.raises(DataError, match="nothing that further_metrics shows was measured"):
        build_table(summary, pd.DataFrame(columns=PUBLISHED), "further_metrics", [ROW], [HD95])
