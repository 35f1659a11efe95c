"""What hangs on what, and what comes first, by the configurations as they are shipped."""

from math import comb

import pytest

from spnet.config.load import read_study
from spnet.config.lookups import trained_on
from spnet.errors import ConfigError
from spnet.planning import (
    all_scores,
    control,
    core_hours,
    pairs_per_job,
    scores_of,
    shown_alone,
    training_hours,
    training_order,
)

# Unordered pairs of the paper's test subjects.
PAIRS = {"mindboggle101": comb(20, 2), "candi": comb(30, 2), "oai": comb(50, 2)}
RIVALS = ("vm", "difvm", "pmrnet", "lapirn", "rcnet", "cfwnet", "sccnet", "icnet", "symnet")


@pytest.fixture
def paper():
    return read_study()


def methods_in(scores):
    return {score.method for score in scores}


def test_a_table_hangs_on_the_methods_of_its_rows_alone(paper):
    tables = paper["tables"]
    assert methods_in(scores_of(paper, tables["table5"])) == {
        "identity",
        "spnet",
        "spnet-no_mie",
        "spnet-resnet",
        "spnet-inception",
    }
    assert set(scores_of(paper, tables["table6"])) == {
        ("none", "mindboggle101", "identity"),
        ("none", "candi", "identity"),
        ("mindboggle101", "mindboggle101", "spnet"),
        ("candi", "mindboggle101", "spnet"),
        ("candi", "candi", "spnet"),
        ("mindboggle101", "candi", "spnet"),
    }
    assert methods_in(scores_of(paper, tables["table1"])) == {"identity", "syn", *RIVALS, "spnet"}


def test_a_figure_hangs_on_the_methods_that_it_names_or_on_all(paper):
    assert [score.method for score in scores_of(paper, paper["figures"]["fig5"])] == [
        "sccnet",
        "icnet",
        "symnet",
        "spnet",
    ]
    assert len(scores_of(paper, paper["figures"]["fig7"])) == 10 * 3


def test_what_shows_one_experiment_goes_by_its_name(paper):
    assert shown_alone(paper, "ablation", "tables") == ["table4", "table5"]
    assert shown_alone(paper, "candi", "figures") == ["fig5"]
    assert shown_alone(paper, "mindboggle101_to_candi", "tables") == []


def test_spnet_and_its_ablations_train_first_then_rivals_from_the_cheapest_on_dataset_by_dataset(paper):
    order = training_order(paper)
    assert len(order) == 40
    assert order[:3] == [(dataset, "spnet") for dataset in PAIRS]
    ablations = paper["experiments"]["ablation"]["methods"][2:]
    assert order[3:13] == [("mindboggle101", method) for method in ablations]
    for place, dataset in enumerate(PAIRS):
        rivals = order[13 + 9 * place : 22 + 9 * place]
        assert {each for each, _ in rivals} == {dataset}
        hours = [training_hours(paper["methods"][method], dataset) for _, method in rivals]
        assert hours == sorted(hours)
        assert (rivals[0][1], rivals[-1][1]) == ("icnet", "sccnet")


def test_without_a_reference_trainings_are_ordered_by_dataset_and_cost_and_scored_ones_alone_are_there(paper):
    paper["significance"] = None
    order = training_order(paper)
    assert [dataset for dataset, _ in order] == ["mindboggle101"] * 20 + ["candi"] * 10 + ["oai"] * 10
    assert ("candi", "vm") in order
    paper["tables"] = {"table1": paper["tables"]["table1"]}
    paper["figures"] = {}
    assert {dataset for dataset, _ in training_order(paper)} == {"mindboggle101"}


def test_no_evaluation_job_of_the_paper_lasts_over_an_hour_by_its_methods_entry(paper):
    most = paper["pairs_per_chunk"]
    for score in all_scores(paper):
        entry = paper["methods"][score.method]
        assert 1 <= pairs_per_job(entry, most) <= most
        assert pairs_per_job(entry, most) * entry["minutes_per_pair"] <= 60
    assert pairs_per_job({"minutes_per_pair": 1}, 200) == 60
    assert pairs_per_job({"minutes_per_pair": 1}, 20) == 20
    assert pairs_per_job({"minutes_per_pair": 125}, 200) == 1  # a pair is not split


def test_the_paper_has_no_tuned_syn_and_takes_sixty_core_hours_at_most_which_one_line_changes(paper, repository):
    tuned = read_study(overlays=[repository / "config" / "tuned_syn.yaml"])
    assert "syn-tuned" not in {name for entry in paper["experiments"].values() for name in entry["methods"]}
    # Networks' pairs as well, although a GPU does those.
    every = sum(
        PAIRS[each.dataset] * paper["methods"][each.method]["minutes_per_pair"] / 60 for each in all_scores(paper)
    )
    hours, with_tuned = core_hours(paper, PAIRS), core_hours(tuned, PAIRS)
    print(f"by entries: {hours:.1f} core hours without networks, {every:.1f} with; {with_tuned:.0f} with tuned SyN")
    assert hours <= every <= 60
    assert 3800 < with_tuned < 3950
    (line,) = [line for line in (repository / "config/tuned_syn.yaml").read_text().splitlines() if line[0] != "#"]
    assert line.startswith("experiments: ")
    for name in PAIRS:
        methods = list(paper["experiments"][name]["methods"])
        methods.insert(methods.index("syn") + 1, "syn-tuned")
        assert tuned["experiments"][name] == paper["experiments"][name] | {"methods": methods}


def test_scores_are_told_apart_by_where_weights_come_from(paper):
    for score in all_scores(paper):
        experiments = [entry for entry in paper["experiments"].values() if score.method in entry["methods"]]
        assert any(score.trained_on == trained_on(entry, paper["methods"][score.method]) for entry in experiments)
    assert len(all_scores(paper)) == len(set(all_scores(paper))) == 12 * 3 + 10 + 2


def test_figures_of_pairs_need_a_method_that_registers_nothing(paper):
    assert control(paper["methods"]) == "identity"
    with pytest.raises(ConfigError, match=r"no method has implementation 'identity'.*leave these figures out"):
        control({"syn": paper["methods"]["syn"]})
