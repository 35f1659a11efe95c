"""Label sets: which ids a protocol defines, which are scored, and how they group into regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spnet.errors import ConfigError

AVERAGE = "Average"
# Structure of metrics that concern the whole volume.
VOLUME = "volume"


@dataclass(frozen=True)
class LabelSet:
    """Labels of one protocol.

    Attributes
    ----------
    scored: ids whose Dice is measured; the table's "Average" is the mean over them.
    regions: name -> scored ids; a region's Dice is the mean over its labels.
    known: ids that the protocol defines, scored or not; any other id in a volume is stray, reported and dropped.
    """

    scored: tuple[int, ...]
    regions: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    known: tuple[int, ...] = ()

    def groups(self) -> dict[str, tuple[int, ...]]:
        """Every region, and the average over all scored labels."""
        return {**self.regions, AVERAGE: self.scored}


def _both_hemispheres(numbers: list[int]) -> tuple[int, ...]:
    return tuple(1000 * side + number for side in (1, 2) for number in numbers)


# DKT31 cortical labels, without the hemisphere's 1000 or 2000 (Klein & Tourville 2012).
_DKT31 = [2, 3, *range(5, 32), 34, 35]
# The ids that the authors' test program scores. The paper's "50 cortical regions" are these, read from DKT31 volumes as
# they are: cingulate and frontal parts 10, 19, 20, 23, 26 and 27 are dropped, not merged into their DKT25 parents.
_REGIONS_50 = {
    "Frontal": [3, 12, 14, 17, 18, 24, 28],
    "Parietal": [8, 22, 25, 29, 31],
    "Occipital": [5, 11, 13, 21],
    "Temporal": [6, 7, 9, 15, 16, 30, 34],
    "Cingulate": [2, 35],
}

LABEL_SETS: dict[str, LabelSet] = {
    "dkt50": LabelSet(
        scored=_both_hemispheres(sorted(number for numbers in _REGIONS_50.values() for number in numbers)),
        regions={name: _both_hemispheres(numbers) for name, numbers in _REGIONS_50.items()},
        known=_both_hemispheres(_DKT31),
    ),
}


def label_set(definition: str | Mapping[str, Any]) -> LabelSet:
    """A label set by name, or from a mapping with `scored` and, if wanted, `regions` and `known`.

    Raises
    ------
    ConfigError: no such name, or a region with a label that is not scored.
    """
    if isinstance(definition, str):
        if definition not in LABEL_SETS:
            raise ConfigError(
                f"there is no label set '{definition}'",
                remedy=f"Known ones are: {', '.join(LABEL_SETS)}; or give the ids as 'scored: [...]'",
            )
        return LABEL_SETS[definition]
    scored = tuple(definition["scored"])
    regions = {name: tuple(ids) for name, ids in definition.get("regions", {}).items()}
    known = tuple(sorted({*scored, *definition.get("known", ())}))
    for name, ids in regions.items():
        if not set(ids) <= set(scored):
            raise ConfigError(f"region '{name}' has labels that are not scored: {sorted(set(ids) - set(scored))}")
    return LabelSet(scored, regions, known)
