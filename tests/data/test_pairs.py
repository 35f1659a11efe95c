from spnet.data.pairs import count_chunks, make_pairs


def test_twenty_subjects_make_the_papers_380_ordered_pairs():
    pairs = make_pairs([str(number) for number in range(20)], 10)
    unordered = {frozenset(pair) for pair in pairs[["first", "second"]].itertuples(index=False)}
    assert len(pairs) == len(unordered) == 190
    assert not (pairs["first"] == pairs["second"]).any()


def test_chunks_are_full_but_the_last_and_as_many_as_counted():
    pairs = make_pairs(list("abcdef"), 4)
    assert pairs.groupby("chunk").size().tolist() == [4, 4, 4, 3]
    assert count_chunks(6, 4) == 4
    assert count_chunks(20, 10) == 19
