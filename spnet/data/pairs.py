"""The pairs of test subjects, and how they are dealt out to jobs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, islice
from pathlib import Path

import pandas as pd

from spnet.files import atomic_path


def count_chunks(subjects: int, pairs_per_chunk: int) -> int:
    """Number of jobs that the unordered pairs of so many subjects make."""
    return -(-(subjects * (subjects - 1) // 2) // pairs_per_chunk)


def make_pairs(subjects: Sequence[str], pairs_per_chunk: int) -> pd.DataFrame:
    """All unordered pairs, one row each with columns first, second, chunk.

    Every pair is evaluated in both directions, since the paper counts ordered pairs (20 test subjects: 380); the two
    directions stay together because the inverse consistency error needs both.
    """
    rows = [
        {"first": first, "second": second, "chunk": index // pairs_per_chunk}
        for index, (first, second) in enumerate(combinations(subjects, 2))
    ]
    return pd.DataFrame(rows, columns=["first", "second", "chunk"])


def subjects_of_chunk(subjects: Sequence[str], pairs_per_chunk: int, chunk: int) -> list[str]:
    """The subjects that one chunk's pairs are of: its job waits for no other."""
    pairs = islice(combinations(subjects, 2), chunk * pairs_per_chunk, (chunk + 1) * pairs_per_chunk)
    return sorted({name for pair in pairs for name in pair})


def write_pairs(subjects: Sequence[str], pairs_per_chunk: int, path: str | Path) -> None:
    """Write :func:`make_pairs` as a tab-separated table."""
    with atomic_path(path) as temporary:
        make_pairs(subjects, pairs_per_chunk).to_csv(temporary, sep="\t", index=False)
