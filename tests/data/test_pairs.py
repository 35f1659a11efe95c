from spnet.data.pairs import count_chunks, make_pairs, read_chunk, subjects_of_chunk, write_pairs


def test_twenty_subjects_make_the_papers_380_ordered_pairs():
    pairs = make_pairs([str(number) for number in range(20)])
    unordered = {frozenset(pair) for pair in pairs[["first", "second"]].itertuples(index=False)}
    assert len(pairs) == len(unordered) == 190
    assert not (pairs["first"] == pairs["second"]).any()


def test_chunks_are_full_but_the_last_and_as_many_as_counted(tmp_path):
    """Names that look like numbers stay names."""
    names = ["001", "NA", "c", "d", "e", "f"]
    write_pairs(names, tmp_path / "pairs.tsv")
    chunks = [read_chunk(tmp_path / "pairs.tsv", 4, chunk) for chunk in range(5)]
    assert [len(chunk) for chunk in chunks] == [4, 4, 4, 3, 0]
    assert [pair for chunk in chunks for pair in chunk] == list(make_pairs(names).itertuples(index=False, name=None))
    for number, chunk in enumerate(chunks):
        assert subjects_of_chunk(names, 4, number) == sorted({name for pair in chunk for name in pair})
    assert count_chunks(6, 4) == 4
    assert count_chunks(20, 10) == 19
