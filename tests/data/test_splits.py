import pytest

from spnet.data.splits import draw_split, read_split, split_of, write_split
from spnet.errors import DataError

NAMES = [f"s{number}" for number in range(20)]
COUNTS = {"train": 10, "validation": 3, "test": 5}


def test_a_draw_has_the_counts_and_depends_on_names_and_seed_only():
    drawn = draw_split(NAMES, COUNTS, 0)
    assert {part: list(drawn.values()).count(part) for part in COUNTS} == COUNTS
    assert draw_split(NAMES[::-1], COUNTS, 0) == drawn
    assert draw_split(NAMES, COUNTS, 1) != drawn


def test_more_training_subjects_change_no_test_subject():
    few, many = (draw_split(NAMES, COUNTS | {"train": count}, 0) for count in (5, 12))
    assert {name for name, part in few.items() if part == "test"} == {
        name for name, part in many.items() if part == "test"
    }


def test_a_split_survives_its_file_and_the_file_rules(tmp_path):
    drawn = draw_split(NAMES, COUNTS, 7)
    write_split(drawn, tmp_path / "split.tsv")
    assert read_split(tmp_path / "split.tsv") == drawn
    assert split_of(NAMES, {"file": str(tmp_path / "split.tsv"), "seed": 0, "counts": COUNTS}) == drawn
    assert split_of(NAMES, {"file": None, "seed": 7, "counts": COUNTS}) == drawn


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subject\tsplit\na\ttrain\na\ttest\n", "'a' is there twice \\(in test and train\\)"),
        ("subject\tsplit\na\ttrian\n", "'trian' is not a part"),
        ("id,part\n", "columns are missing: subject, split"),
        ("subject\tsplit\na\ttrain\nb\ttest\n", "subject 'b' is not in the dataset"),
        ("subject\tsplit\na\ttrain\n", "split.counts are"),
    ],
    ids=["leakage", "part", "columns", "stranger", "counts"],
)
def test_a_split_file_that_cannot_be_used_is_named(tmp_path, text, message):
    path = tmp_path / "split.tsv"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        split_of(["a", "c"], {"file": str(path), "seed": 0, "counts": {"train": 1, "validation": 0, "test": 1}})
    assert caught.value.path == path


def test_a_split_file_that_is_not_there_is_told_rather_than_drawn_over(tmp_path):
    with pytest.raises(DataError, match="not a readable table"):
        split_of(NAMES, {"file": str(tmp_path / "typo.tsv"), "seed": 0, "counts": COUNTS})


def test_too_few_subjects_for_the_split_are_told():
    with pytest.raises(DataError, match="wants 18 subjects, the dataset has 2"):
        draw_split(["a", "b"], COUNTS, 0)


def test_the_committed_split_of_candi_is_the_papers_count_and_the_draw_of_seed_0(repository):
    split = read_split(repository / "config" / "splits" / "candi.tsv")
    counts = {"train": 66, "validation": 7, "test": 30}
    assert {part: list(split.values()).count(part) for part in counts} == counts
    assert draw_split(sorted(split), counts, 0) == split
