"""The pairs of test subjects, and how they are dealt out to jobs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, islice
from pathlib import Path

import pandas as pd

from spnet.files import atomic_path


def count_chunks(subjects: int, pairs_per_chunk: int) -> int:
    """Number of jobs that the unordered pairs of so many subjects make."""
    return -(-count_pairs(subjects) // pairs_per_chunk)


def count_pairs(subjects: int) -> int:
    """Number of unordered pairs of so many subjects."""
    return subjects * (subjects - 1) // 2


def make_pairs(subjects: Sequence[str]) -> pd.DataFrame:
    """All unordered pairs, one row each with columns first, second.

    Every pair is evaluated in both directions, since the paper counts ordered pairs (20 test subjects: 380); the two
    directions stay together because the inverse consistency error needs both.
    """
    return pd.DataFrame(combinations(subjects, 2), columns=["first", "second"])


def subjects_of_chunk(subjects: Sequence[str], pairs_per_chunk: int, chunk: int) -> list[str]:
    """The subjects that one chunk's pairs are of: its job waits for no other."""
    pairs = islice(combinations(subjects, 2), chunk * pairs_per_chunk, (chunk + 1) * pairs_per_chunk)
    return sorted({name for pair in pairs for name in pair})


def write_pairs(subjects: Sequence[str], path: str | Path) -> None:
    """Write :func:`make_pairs` as a tab-separated table."""
    with atomic_path(path) as temporary:
        make_pairs(subjects).to_csv(temporary, sep="\t", index=False)


def read_chunk(path: str | Path, pairs_per_chunk: int, chunk: int) -> list[tuple[str, str]]:
    """One chunk of the pairs in such a table."""
    pairs = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    rows = pairs[chunk * pairs_per_chunk : (chunk + 1) * pairs_per_chunk]
    return list(rows[["first", "second"]].itertuples(index=False, name=None))
