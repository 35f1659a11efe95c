import pytest

from spnet.data.labels import LABEL_SETS, label_set
from spnet.errors import ConfigError

DKT50 = LABEL_SETS["dkt50"]


def test_fifty_labels_in_five_regions_of_the_papers_sizes():
    assert {name: len(ids) for name, ids in DKT50.regions.items()} == {
        "Frontal": 14,
        "Parietal": 10,
        "Occipital": 8,
        "Temporal": 14,
        "Cingulate": 4,
    }
    assert sorted(label for ids in DKT50.regions.values() for label in ids) == sorted(DKT50.scored)
    assert len(set(DKT50.scored)) == 50


def test_dkt31_knows_62_labels_and_none_of_the_stray_ones():
    assert len(DKT50.known) == 62
    assert {1032, 1033, 2032, 2033}.isdisjoint(DKT50.known)
    assert set(DKT50.scored) < set(DKT50.known)


def test_candi_has_28_labels_in_the_16_structures_of_figure_5_and_oai_four_in_two():
    candi, oai = LABEL_SETS["candi28"], LABEL_SETS["oai4"]
    assert len(candi.scored) == len(set(candi.scored)) == 28
    assert sorted(label for ids in candi.regions.values() for label in ids) == sorted(candi.scored)
    assert len(candi.regions) == 16
    assert sorted(map(len, candi.regions.values())) == [1] * 4 + [2] * 12
    assert set(candi.ignored).isdisjoint(candi.scored)
    assert oai.groups() == {"Bone": (1, 3), "Cartilage": (2, 4), "Average": (1, 2, 3, 4)}


def test_dkt25_takes_up_the_six_parts_that_are_not_scored_in_both_hemispheres():
    assert set(DKT50.merged) == set(DKT50.known) - set(DKT50.scored)
    assert set(DKT50.merged.values()) == {1002, 1003, 1018, 2002, 2003, 2018}


def test_labels_of_ones_own_are_known_and_grouped():
    own = label_set({"scored": [1, 2, 3], "regions": {"left": [1, 2]}})
    assert own.known == (1, 2, 3)
    assert own.groups() == {"left": (1, 2), "Average": (1, 2, 3)}


def test_a_region_of_unscored_labels_and_an_unknown_name_are_refused():
    with pytest.raises(ConfigError, match=r"region 'left'.*\[4\]"):
        label_set({"scored": [1], "regions": {"left": [1, 4]}})
    with pytest.raises(ConfigError, match="label 2 is merged into 3, which is not scored"):
        label_set({"scored": [1], "merged": {"2": 3}})
    with pytest.raises(ConfigError, match="no label set 'dkt'"):
        label_set("dkt")
