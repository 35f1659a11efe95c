"""The comparison of methods and the grading of claims, on scores whose verdicts are known beforehand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wilcoxon

from spnet.analysis.claims import CONTRADICTS, HOLDS, NOT_PRINTED, STATISTICS, check_claims, grade_claims
from spnet.analysis.cost import COLUMNS
from spnet.analysis.differences import holm, paired, signed_rank
from spnet.analysis.evidence import Evidence
from spnet.analysis.findings import VERDICTS
from spnet.analysis.printed import PrintedEvidence
from spnet.analysis.published import COLUMNS as COLUMNS_PUBLISHED
from spnet.analysis.published import read_published
from spnet.analysis.significance import better, compare_methods
from spnet.analysis.study import Study
from spnet.analysis.summarise import CELL, subject_interval
from spnet.config.files import find_published_numbers
from spnet.config.load import read_study
from spnet.errors import ConfigError, DataError
from spnet.report.claims import write_claims
from spnet.report.significance import write_significance
from spnet.report.tables import write_table

PUBLISHED = find_published_numbers()
SUBJECTS = [f"s{number}" for number in range(8)]
QUANTITIES = [{"metric": "dice", "structure": "Average"}, {"metric": "ice", "structure": "volume"}]
# Mean Dice of both labels, mean ICE.
LEVELS = {
    "identity": (0.30, 0.0),
    "syn": (0.50, 0.50),
    "good": (0.60, 0.05),
    "as_good": (0.60, 0.05),
    "vm": (0.55, 0.40),
}


def entry(method, **more):
    kind = "untrained" if method in ("identity", "syn") else "trained"
    implementation = {"good": "spnet", "as_good": "vm"}.get(method, method)
    plain = {"title": method, "kind": kind, "implementation": implementation, "published_as": None, "options": {}}
    return plain | {"recreated": False, "trained_on": None, "per_dataset": {}} | more


def scores_of(levels, trained_on="d", dataset="d", seed=0):
    """Every ordered pair; a shared pair effect, and noise of each method that is far smaller than the levels' steps."""
    random = np.random.default_rng(seed)
    shared = {(a, b): random.normal(0, 0.03) for a in SUBJECTS for b in SUBJECTS if a != b}
    rows = []
    for method, (dice, ice) in levels.items():
        source = "none" if method in ("identity", "syn") else trained_on
        for (a, b), effect in shared.items():
            pair = {"trained_on": source, "dataset": dataset, "method": method, "seed": 0, "moving": a, "fixed": b}
            noise = random.normal(0, 0.004, 3)
            rows += [
                pair | {"metric": "dice", "structure": "1", "value": dice + effect + 0.1 + noise[0]},
                pair | {"metric": "dice", "structure": "2", "value": dice + effect - 0.1 + noise[1]},
                pair | {"metric": "ice", "structure": "volume", "value": ice * (1 + noise[2])},
            ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def scores():
    moved = {"good": (0.595, 0.05)}
    return pd.concat([scores_of(LEVELS), scores_of(moved, trained_on="e", seed=1)], ignore_index=True)


@pytest.fixture(scope="module")
def study():
    methods = {name: entry(name) for name in LEVELS}
    methods |= {name: entry(name) for name in ("rcnet", "symnet")}
    methods["elsewhere"] = entry("good", kind="published", published_as="paper", trained_on="d")
    experiments = {
        "here": {"trained_on": "d", "dataset": "d", "methods": list(LEVELS)},
        "transfer": {"trained_on": "e", "dataset": "d", "methods": ["good"]},
    }
    label_sets = {"d": {"scored": [1, 2], "regions": {"one": [1], "two": [2]}}}
    return Study(experiments, methods, label_sets, notes=["Said above."])


@pytest.fixture(scope="module")
def evidence(scores, study):
    cost = pd.DataFrame(
        [
            ("registration", "none", "d", "syn", "seconds_per_pair", 40.0, "s", "cpu"),
            ("registration", "d", "d", "good", "seconds_per_pair", 2.0, "s", "cuda"),
            ("training", "d", "", "good", "training_peak_mb", 200.0, "MiB", "cuda"),
            ("training", "d", "", "vm", "training_peak_mb", 100.0, "MiB", "cuda"),
            ("training", "d", "", "as_good", "training_peak_mb", 100.0, "MiB", "cpu"),
        ],
        columns=COLUMNS,
    )
    return Evidence(study, scores, cost, {"fig9": "Levels"})


def grade(evidence, statistic, **parameters):
    claim = {"text": "t", "where": "w", "statistic": statistic, **parameters}
    (row,) = grade_claims({"c": claim}, evidence).to_dict("records")
    return row["verdict"], row["figures"]


DICE = {"experiments": ["here"], "metric": "dice", "structures": ["Average"]}
ICE = {"experiments": ["here"], "metric": "ice", "structures": ["volume"]}
BOTH = ["syn", "vm"]
METRICS_OF_ALL = {"experiments": ["here"], "metrics": {"dice": "Average", "ice": "volume"}}


@pytest.mark.parametrize(
    ("verdict", "statistic", "parameters"),
    [
        ("reproduced", "better", {"methods": ["good"], "than": BOTH, **DICE}),
        ("reproduced", "better", {"methods": ["good"], "than": BOTH, **ICE}),
        ("reproduced", "better", {"methods": ["good"], "than": BOTH, "alpha": 0.05, **DICE}),
        ("not reproduced", "better", {"methods": ["vm"], "than": ["good"], **DICE}),
        ("not reproduced", "better", {"methods": ["vm"], "than": ["good", "nobody"], **DICE}),
        ("undecided", "better", {"methods": ["good"], "than": ["as_good", "vm"], **DICE}),
        ("not tested", "better", {"methods": ["good"], "than": ["vm", "nobody"], **DICE}),
        ("not tested", "better", {"methods": ["good"], "than": BOTH, **DICE, "experiments": ["here", "gone"]}),
        ("reproduced", "better_on_most", {"method": "good", "than": BOTH, "experiments": ["here"], "metric": "dice"}),
        (
            "not reproduced",
            "better_on_most",
            {"method": "syn", "than": ["vm"], "experiments": ["here"], "metric": "dice"},
        ),
        (
            "not tested",
            "better_on_most",
            {"method": "good", "than": [*BOTH, "nobody"], "experiments": ["here"], "metric": "dice"},
        ),
        (
            "reproduced",
            "better_than_several",
            {
                "method": "good",
                "than": BOTH,
                "at_least": 2,
                "as_experiment": "here",
                **DICE,
                "experiments": ["transfer"],
            },
        ),
        ("not reproduced", "better_than_several", {"method": "vm", "than": ["syn", "good"], "at_least": 2, **DICE}),
        ("reproduced", "difference_at_least", {"method": "good", "over": {"vm": 0.04, "syn": 0.09}, **DICE}),
        ("not reproduced", "difference_at_least", {"method": "good", "over": {"vm": 0.04, "syn": 0.11}, **DICE}),
        ("undecided", "difference_at_least", {"method": "good", "over": {"vm": 0.05}, **DICE}),
        ("reproduced", "difference_at_least", {"method": "good", "over": {"vm": 0.05}, "tolerance": 0.005, **DICE}),
        ("reproduced", "difference_at_most", {"methods": ["good"], "over": {"vm": 0.06, "syn": 0.11}, **DICE}),
        ("reproduced", "difference_at_most", {"methods": ["vm", "syn"], "over": {"good": 0.0}, **DICE}),
        ("not reproduced", "difference_at_most", {"methods": ["vm", "good"], "over": {"syn": 0.06}, **DICE}),
        ("reproduced", "lower_by_factor", {"method": "good", "than": BOTH, "factor": 7, **ICE}),
        ("not reproduced", "lower_by_factor", {"method": "good", "than": BOTH, "factor": 9, **ICE}),
        ("reproduced", "equals_within", {"method": "good", "like": ["as_good"], "tolerance": 0.005, **DICE}),
        ("not reproduced", "equals_within", {"method": "good", "like": ["vm"], "tolerance": 0.04, **DICE}),
        ("reproduced", "equals_within", {"method": "good", "value": 0.6, "tolerance": 0.05, **DICE}),
        ("reproduced", "equals_within", {"method": "good", "value": 0.6, "tolerance": 0.005, **DICE}),  # by the mean
        ("not reproduced", "equals_within", {"method": "good", "value": 0.62, "tolerance": 0.005, **DICE}),
        (
            "reproduced",
            "equals_within",
            {"method": "good", "like": ["good"], "as_experiment": "here", "tolerance": 0.05, **DICE}
            | {"experiments": ["transfer"]},
        ),
        ("reproduced", "at_most", {"methods": ["good", "as_good"], "bound": 0.06, **ICE}),
        ("not reproduced", "at_most", {"methods": ["good", "vm"], "bound": 0.06, **ICE}),
        ("reproduced", "parameters", {"method": "good", "value": 426_732, "tolerance": 0}),
        ("not reproduced", "parameters", {"method": "good", "value": 410_000, "tolerance": 10_000}),
        ("reproduced", "parameters", {"method": "vm", "like": "good", "tolerance": 40_000}),
        ("not tested", "parameters", {"method": "nobody", "value": 1, "tolerance": 0}),
        ("reproduced", "fewer_parameters", {"methods": ["vm"], "than": ["good"]}),
        ("not reproduced", "fewer_parameters", {"methods": ["vm"], "than": ["vm"]}),
        ("not reproduced", "fewer_parameters", {"methods": ["vm"], "than": ["good"], "ratio": 2}),
        (
            "reproduced",
            "cost_ratio",
            {
                "method": "syn",
                "than": ["good"],
                "experiments": ["here"],
                "quantity": "seconds_per_pair",
                "at_least": 10,
            },
        ),
        (
            "not reproduced",
            "cost_ratio",
            {"method": "good", "than": ["vm"], "experiments": ["here"], "quantity": "training_peak_mb", "at_most": 1.5},
        ),
        (
            "not tested",
            "cost_ratio",
            {"method": "good", "than": ["as_good"], "experiments": ["here"], "quantity": "training_peak_mb"}
            | {"device": "cuda"},
        ),
        ("reproduced", "order_independent", {"method": "good", "tolerance": 1e-4, "expected": True}),
        ("not tested", "order_independent", {"method": "vm", "tolerance": 1e-4, "expected": True}),
        ("not tested", "shown_in_figure", {"figure": "fig9"}),
        ("reproduced", "better_in_every_metric", {"methods": ["good"], "than": BOTH, **METRICS_OF_ALL}),
        ("not reproduced", "better_in_every_metric", {"methods": ["vm"], "than": ["good"], **METRICS_OF_ALL}),
        ("reproduced", "better_in_some_metric", {"method": "good", "than": BOTH, **METRICS_OF_ALL}),
        ("not reproduced", "better_in_some_metric", {"method": "syn", "than": ["good"], **METRICS_OF_ALL}),
        ("not tested", "better_in_some_metric", {"method": "good", "than": ["nobody"], **METRICS_OF_ALL}),
        (
            "reproduced",
            "parameters_grow_linearly",
            {"method": "rcnet", "option": "cascades", "values": [1, 2, 4]},
        ),
        (
            "not reproduced",  # with its square
            "parameters_grow_linearly",
            {"method": "symnet", "option": "start_channel", "values": [4, 6, 8]},
        ),
        ("not tested", "parameters_grow_linearly", {"method": "rcnet", "option": "cascade", "values": [1, 2, 4]}),
        ("not tested", "parameters_grow_linearly", {"method": "rcnet", "option": "cascades", "values": [0, 1, 2]}),
    ],
)
def test_a_claim_gets_the_verdict_that_its_scores_call_for(evidence, verdict, statistic, parameters):
    found, figures = grade(evidence, statistic, **parameters)
    assert found == verdict, figures
    assert figures


@pytest.mark.parametrize(("dice", "verdict"), [(0.58, "reproduced"), (0.5, "not reproduced"), (0.62, "not reproduced")])
def test_a_drop_is_neither_a_gain_nor_a_fall(study, dice, verdict):
    scores = pd.concat([scores_of(LEVELS), scores_of({"good": (dice, 0.05)}, trained_on="e")], ignore_index=True)
    evidence = Evidence(study, scores, pd.DataFrame(columns=COLUMNS))
    claim = {"method": "good", "amount": 0.03, "as_experiment": "here", **DICE, "experiments": ["transfer"]}
    assert grade(evidence, "drops_by_at_most", **claim)[0] == verdict


def test_what_is_missing_is_told(evidence):
    assert (
        "experiment gone is not in the run"
        in grade(evidence, "better", methods=["good"], than=["vm"], **DICE | {"experiments": ["gone"]})[1]
    )
    told = grade(evidence, "better", methods=["good"], than=["nobody"], **DICE)[1]
    assert "nobody is not in experiment here" in told
    unknown = {"method": "rcnet", "option": "cascade", "values": [1, 2, 4]}
    assert "has no option 'cascade'" in grade(evidence, "parameters_grow_linearly", **unknown)[1]
    on_cpu = {"method": "as_good", "than": ["vm"], "experiments": ["here"], "quantity": "training_peak_mb"}
    assert "measured on cpu, not on cuda" in grade(evidence, "cost_ratio", device="cuda", **on_cpu)[1]


def test_published_weights_stand_for_the_papers_row_where_they_were_trained_on_its_dataset(scores, study):
    named = scores[scores["trained_on"] == "d"].replace({"method": {"good": "elsewhere"}})
    experiments = {"here": {"trained_on": "d", "dataset": "d", "methods": ["elsewhere", "vm"]}}
    claim = {"methods": ["paper"], "than": ["vm"], **DICE}
    for trained_on, verdict in (("d", "reproduced"), ("other", "not tested")):
        methods = study.methods | {"elsewhere": study.methods["elsewhere"] | {"trained_on": trained_on}}
        own = Study(experiments, methods, study.label_sets)
        assert grade(Evidence(own, named, pd.DataFrame(columns=COLUMNS)), "better", **claim)[0] == verdict


def test_nothing_is_graded_by_the_validation_subjects(scores, study):
    own = Study(study.experiments, study.methods, study.label_sets, part="validation")
    found = grade(Evidence(own, scores, pd.DataFrame(columns=COLUMNS)), "at_most", methods=["good"], bound=1, **ICE)
    assert found == ("not tested", "the validation subjects were scored")


def test_the_papers_claims_are_of_known_methods_experiments_and_statistics():
    paper = read_study()
    claims, experiments = paper["claims"], paper["experiments"]
    assert len(claims) >= 25
    check_claims(claims)
    for claim in claims.values():
        named = {*claim.get("experiments", ()), *([claim["as_experiment"]] if "as_experiment" in claim else [])}
        assert named <= set(experiments)
        for experiment in claim.get("experiments", ()):
            subjects = claim.get("methods", [claim.get("method")])
            assert set(subjects) <= set(experiments[experiment]["methods"]), claim


SAID = {"text": "t", "where": "w"}


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        ({"statistic": "beter"}, "there is no statistic 'beter', did you mean 'better'"),
        (
            {"statistic": "better", "methods": ["good"], "then": BOTH, **DICE},
            "statistic 'better' has no parameter 'then', did you mean 'than'.*Its parameters are: methods, than, exp",
        ),
        ({"statistic": "better", "methods": ["good"], **DICE}, "statistic 'better' needs the parameter 'than'"),
        ({"statistic": "parameters", "method": "good", "tolerance": 0}, "needs one of value and like, and one only"),
        (
            {"statistic": "parameters", "method": "good", "tolerance": 0, "value": 1, "like": "vm"},
            "needs one of value and like, and one only",
        ),
        (
            {"statistic": "better", "methods": "good", "than": BOTH, **DICE},
            "statistic 'better': methods cannot be 'good' .*list",
        ),
        (
            {"statistic": "at_most", "methods": ["good"], "bound": "low", **ICE},
            "statistic 'at_most': bound cannot be 'low' .*number",
        ),
        (
            {"statistic": "at_most", "methods": ["good"], "bound": 1, **ICE, "metric": "icee"},
            "metric cannot be 'icee' .*no such metric, did you mean 'ice'",
        ),
        ({"statistic": "cost_ratio", "quantity": "hours"}, "needs the parameter 'method'"),
    ],
)
def test_a_claim_that_its_statistic_cannot_be_called_with_is_refused(claim, told):
    with pytest.raises(ConfigError, match=f"claim 'mine': .*{told}"):
        check_claims({"mine": {**SAID, **claim}})


def test_every_statistic_says_what_holds_and_takes_its_parameters_by_keyword():
    for statistic in STATISTICS.values():
        assert statistic.grade.__doc__
        assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in statistic.parameters.values())
        assert set(statistic.one_of) <= set(statistic.parameters)


def test_claims_are_written_with_their_counts_and_the_runs_notes(evidence, scores, study, tmp_path):
    scores.to_parquet(tmp_path / "m.parquet")
    evidence.cost.to_csv(tmp_path / "cost.csv", index=False)
    claims = {"a": {"text": "ours | theirs", "where": "Abstract", "statistic": "shown_in_figure", "figure": "fig1"}}
    claims["b"] = {"text": "t", "where": "w", "statistic": "better", "methods": ["good"], "than": BOTH, **DICE}
    outputs = {"csv": tmp_path / "c.csv", "markdown": tmp_path / "c.md"}
    inputs = {"metrics": tmp_path / "m.parquet", "cost": tmp_path / "cost.csv", "published": PUBLISHED}
    write_claims(claims, study, study, {}, inputs, outputs)
    text = outputs["markdown"].read_text()
    counts = "1 reproduced, 0 not reproduced, 0 undecided, 1 not tested; 0 contradicted by the paper's own tables"
    assert f"- {counts}.\n- Said above.\n" in text
    assert "| ours \\| theirs | Abstract | **not tested** | not printed | fig1 is not in the run |" in text
    assert set(pd.read_csv(outputs["csv"])["verdict"]) <= set(VERDICTS)


@pytest.fixture(scope="module")
def paper():
    """The paper's claims, and its printed means as evidence."""
    study = read_study("paper")
    own = Study(study["experiments"], study["methods"], {n: d["label_set"] for n, d in study["datasets"].items()})
    printed = read_published(PUBLISHED)
    none = pd.DataFrame(columns=[*CELL, "seed", "value"])
    return study["claims"], lambda table=printed: PrintedEvidence(own, none, none, published=table), printed


def test_the_paper_against_itself(paper):
    claims, evidence, _ = paper
    found = grade_claims(claims, evidence(), evidence()).set_index("claim")["on_printed_numbers"]
    assert set(found[found == CONTRADICTS].index) == {
        "significantly_better",  # CANDI: RCnet has .758 as well
        "consistently_better",
        "consistent_methods_reduce_ice",  # OAI: ICnet .570, VM .565
        "less_folding",  # OAI: PMRnet .001, RCnet and CFWnet .002, SPnet .005
        "superior_on_multiple_metrics",
        "significant_on_multiple_metrics",
    }
    assert (found == HOLDS).sum() >= 30


def test_every_claim_about_printed_numbers_changes_its_verdict_with_them(paper):
    claims, evidence, printed = paper
    own = grade_claims(claims, evidence(), evidence()).set_index("claim")["on_printed_numbers"]
    for name in own[own != NOT_PRINTED].index:
        claim = claims[name]
        subjects = claim.get("methods", [claim.get("method")])
        there = printed["method"].isin(subjects)
        transferred = printed["trained_on"] != printed["dataset"]
        tables = (
            printed.assign(mean=printed["mean"].mask(rows, value))
            for value in (0.0, 1.0, 0.5, 50.0)
            for rows in (there, ~there, transferred)
        )
        graded = (grade_claims({name: claim}, evidence(), evidence(table)) for table in tables)
        found = (frame["on_printed_numbers"].iloc[0] for frame in graded)
        assert any(verdict != own[name] for verdict in found), f"{name} is {own[name]} whatever is printed"


def test_a_printed_mean_is_graded_by_every_seeds_mean(study):
    claim = {"method": "good", "value": 0.595, "tolerance": 0.02, **DICE}
    level = {"good": (0.6, 0.05)}
    for shift, verdict in ((0.0, "reproduced"), (0.1, "undecided")):
        second = scores_of({"good": (0.6 + shift, 0.05)}).assign(seed=1)
        scores = pd.concat([scores_of(level), second], ignore_index=True)
        found, figures = grade(Evidence(study, scores, pd.DataFrame(columns=COLUMNS)), "equals_within", **claim)
        assert found == verdict, figures
        assert "2 seeds" in figures


def test_the_exact_samplers_verdict_stands_beside_that_of_the_official_one(study):
    scores = scores_of(LEVELS)
    turned = scores[scores["metric"] == "ice"].assign(metric="ice_exact")
    turned["value"] = 1 - turned["value"]
    both = Evidence(study, pd.concat([scores, turned], ignore_index=True), pd.DataFrame(columns=COLUMNS))
    claim = {"text": "t", "where": "w", "statistic": "better", "methods": ["good"], "than": BOTH, **ICE}
    (row,) = grade_claims({"c": claim}, both).to_dict("records")
    assert (row["verdict"], row["with_exact_sampler"]) == ("reproduced", "not reproduced")


def test_five_cells_of_a_table_agree_with_a_computation_of_their_own(scores, study, tmp_path):
    scores.to_parquet(tmp_path / "m.parquet")
    (tmp_path / "p.tsv").write_text("\t".join(COLUMNS_PUBLISHED) + "\n")
    outputs = {name: tmp_path / name for name in ("csv", "markdown", "latex")}
    columns = [
        {"metric": "dice", "structures": ["one", "two", "Average"]},
        {"metric": "ice", "structures": ["volume"]},
    ]
    table = {"title": "T", "experiments": ["here"], "columns": columns, "notes": []}
    write_table("t", table, study, tmp_path / "m.parquet", tmp_path / "p.tsv", outputs)
    cells = pd.read_csv(outputs["csv"]).set_index(["method", "metric", "structure"])
    raw = {}
    for row in scores.to_dict("records"):
        if row["trained_on"] in ("d", "none"):
            raw.setdefault((row["method"], row["metric"], row["structure"]), {})[row["moving"], row["fixed"]] = row[
                "value"
            ]
    for method, structure, labels in (
        ("good", "one", ["1"]),
        ("vm", "two", ["2"]),
        ("good", "Average", ["1", "2"]),
        ("identity", "Average", ["1", "2"]),
    ):
        pairs = [
            sum(raw[method, "dice", label][pair] for label in labels) / len(labels) for pair in raw[method, "dice", "1"]
        ]
        check_cell(cells.loc[(method, "dice", structure)], pairs)
    check_cell(cells.loc[("syn", "ice", "volume")], list(raw["syn", "ice", "volume"].values()))
    # Affine only has the lowest ICE of all, and is best at nothing.
    best = cells[cells["best"]].reset_index()
    assert set(best[best["metric"] == "ice"]["method"]) == {"good", "as_good"}


def check_cell(cell, pairs):
    mean = sum(pairs) / len(pairs)
    assert cell["mean"] == pytest.approx(mean)
    assert cell["std"] == pytest.approx((sum((value - mean) ** 2 for value in pairs) / len(pairs)) ** 0.5)
    assert cell["pairs"] == len(pairs) == 56


def test_holm_by_hand():
    """Sorted .01 .02 .03 .04: times 4, 3, 2, 1 is .04 .06 .06 .04, and never less than the one before."""
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1, 1])
    assert holm([]).size == 0


def test_the_signed_ranks_by_hand():
    """Ranks 1, 2, 3, 4 with signs + - + +: (1 + 3 + 4 - 2) / 10."""
    p, effect = signed_rank([0.1, -0.2, 0.3, 0.4, 0.0])
    assert effect == pytest.approx(0.6)
    assert p == pytest.approx(wilcoxon([0.1, -0.2, 0.3, 0.4]).pvalue)
    assert signed_rank([0.0, 0.0]) == (1.0, 0.0)
    assert signed_rank([1, 2, 3, 4, 5, 6])[1] == 1


def test_values_are_paired_in_one_order_where_both_methods_have_one():
    index = pd.MultiIndex.from_tuples([("a", "b"), ("b", "a"), ("a", "c")], names=["moving", "fixed"])
    values = pd.Series([1.0, 2.0, 3.0], index=index)
    scored = frozenset(index)
    assert paired(values, values[::-1], (scored, scored))[1].tolist() == [1.0, 2.0, 3.0]
    first, second = paired(values[:2], 10 * values[:0:-1], (scored, scored))
    assert first.to_dict() == {("b", "a"): 2.0}
    assert second.to_dict() == {("b", "a"): 20.0}
    with pytest.raises(DataError, match=r"not scored on the same pairs \(3 and 2\)"):
        paired(values, values[:2], (scored, frozenset(index[:2])))


def without(scores, method, kept=(), structures=("2",)):
    """The scores without those of a method's structures where s0 is fixed, or where all are but those `kept`."""
    there = ~scores["fixed"].isin(kept) if kept else scores["fixed"] == "s0"
    gone = (scores["method"] == method) & (scores["trained_on"] != "e") & there
    return scores[~(gone & scores["structure"].isin(structures))]


REGION = {**DICE, "structures": ["two"]}


def test_a_label_that_one_method_warped_away_costs_its_pairs_and_no_claim(scores, study, evidence, tmp_path):
    """s0 lacks label 2; `good` warped it away there, `vm` has a Dice."""
    lost = without(scores, "good")
    claims = {
        name: {"text": "t", "where": "w", "statistic": "better", "methods": ["good"], "than": ["vm"], **about}
        for name, about in {"region": REGION, "average": DICE}.items()
    }
    graded = grade_claims(claims, replace(evidence, scores=lost)).set_index("claim")
    assert graded["verdict"].tolist() == ["reproduced", "reproduced"]
    assert "(on 49 of 56 pairs)" in graded.loc["region", "figures"]
    assert "pairs" not in graded.loc["average", "figures"]
    about = specification() | {"quantities": [{"metric": "dice", "structure": "two"}]}
    lost = without(lost, "syn", kept=["s0"])
    found = compare_methods(lost, about, study).set_index("method")
    assert found["pairs"].to_dict() == {"identity": 49, "as_good": 49, "vm": 49}
    lost = without(scores, "vm")
    assert compare_methods(lost, about, study).set_index("method")["pairs"].to_dict() == {
        "identity": 56, "syn": 56, "as_good": 56, "vm": 49,
    }  # fmt: skip
    lost.to_parquet(tmp_path / "m.parquet")
    write_significance(tmp_path / "m.parquet", about, study, {"csv": tmp_path / "s.csv", "markdown": tmp_path / "s.md"})
    assert "56 ordered pairs of 8 subjects." in (tmp_path / "s.md").read_text()
    assert "no value for both methods: vm 49." in (tmp_path / "s.md").read_text()


def test_methods_without_a_pair_in_common_or_scored_on_other_pairs_leave_a_claim_untested(scores, study, evidence):
    claim = {"methods": ["good"], "than": ["vm"]}
    apart = replace(evidence, scores=without(without(scores, "good"), "vm", kept=["s0"]))
    verdict, figures = grade(apart, "better", **claim, **REGION)
    assert verdict == "not tested"
    assert "here two: good and vm have no pair in common with dice" in figures
    others = without(scores, "vm", structures=("1", "2", "volume"))
    verdict, figures = grade(replace(evidence, scores=others), "better", **claim, **REGION)
    assert verdict == "not tested"
    assert "two methods were not scored on the same pairs (56 and 49)" in figures
    with pytest.raises(DataError, match=r"not scored on the same pairs \(49 and 56\)"):
        compare_methods(others, specification(), study)


@pytest.fixture(scope="module")
def comparison(scores, study):
    return compare_methods(scores, specification(), study)


def specification():
    return {"reference": "good", "experiments": ["here"], "quantities": QUANTITIES}


def test_every_method_is_compared_with_the_reference_pair_by_pair(comparison, scores):
    dice = comparison[comparison["metric"] == "dice"].set_index("method")
    assert list(dice.index) == ["identity", "syn", "as_good", "vm"]
    assert (dice["pairs"] == 56).all()
    assert (dice["subjects"] == 8).all()
    # An independent computation of one row from the label scores.
    wide = scores[(scores["metric"] == "dice") & scores["trained_on"].isin(["d", "none"])]
    wide = wide.groupby(["moving", "fixed", "method"])["value"].mean().unstack()
    difference = (wide["vm"] - wide["good"]).rename("value").reset_index()
    row = dice.loc["vm"]
    assert row["difference"] == pytest.approx(difference["value"].mean())
    assert (row["low"], row["high"]) == pytest.approx(subject_interval(difference))
    assert row["p"] == pytest.approx(wilcoxon(difference["value"]).pvalue)
    assert row["rank_biserial"] == -1
    assert dice["p_holm"].tolist() == pytest.approx(holm(dice["p"]))


def test_affine_only_is_not_compared_where_doing_nothing_wins(comparison):
    assert "identity" not in set(comparison[comparison["metric"] == "ice"]["method"])


def test_only_a_clear_difference_names_the_better(comparison):
    named = {(row["metric"], row["method"]): better(row) for row in comparison.to_dict("records")}
    assert named[("dice", "vm")] == named[("ice", "vm")] == "good"
    assert named[("dice", "as_good")] is None


def test_significance_is_written_with_the_caution_about_shared_subjects(scores, study, tmp_path):
    scores.to_parquet(tmp_path / "m.parquet")
    outputs = {"csv": tmp_path / "s.csv", "markdown": tmp_path / "s.md"}
    write_significance(tmp_path / "m.parquet", specification(), study, outputs)
    text = outputs["markdown"].read_text()
    assert "## d: Dice, Average" in text
    assert "56 ordered pairs of 8 subjects." in text
    assert "p is optimistic" in text
    assert "Said above." in text
    assert len(pd.read_csv(outputs["csv"])) == 4 + 3
