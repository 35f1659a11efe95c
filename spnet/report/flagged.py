"""Scans that the preparation flagged, for whoever reads the results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from spnet.report.preparation import read_preparation

_SHOWN = 5


def flagged_subjects(preparation: Sequence[str | Path]) -> dict[str, list[str]]:
    """Subjects that the preparation flagged, by dataset, which names the json files of `preparation`."""
    found = {Path(path).stem: read_preparation(path) for path in preparation}
    return {dataset: [subject.name for subject in each.doubtful] for dataset, each in found.items()}


def flag_sentences(preparation: Sequence[str | Path]) -> list[str]:
    """A sentence for each dataset with flagged scans, for the first lines of a report."""
    sentences = []
    for found in map(read_preparation, preparation):
        names = [f"{subject.name} ({subject.part})" for subject in found.doubtful]
        if names:
            sentences.append(
                f"{found.title}: {len(names)} of {len(found.subjects)} prepared scans are flagged, {listed(names)}:"
                " look at them under Preparation. Every table counts its pairs that hold one, and stands without them"
                " as well."
            )
    return sentences


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
