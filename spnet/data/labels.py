"""Label sets: which ids a protocol defines, which are scored, and how they group into regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spnet.errors import ConfigError, DataError

AVERAGE = "Average"
LARGEST_LABEL = 2**24
_MOST_LABELS = 1000  # different ones; a picture has more
# Structure of metrics that concern the whole volume.
VOLUME = "volume"


@dataclass(frozen=True)
class Order:
    """How two groups of labels lie in every body, whoever it is: in a mirrored or turned scan they do not.

    Attributes
    ----------
    axis: of the world (0 to the right, 1 to the front, 2 up).
    low, high: ids; from the centre of `low` to that of `high` the way goes along this axis more than along others.
    meaning: where `high` lies, for the person who reads that it does not.
    """

    axis: int
    low: tuple[int, ...]
    high: tuple[int, ...]
    meaning: str


@dataclass(frozen=True)
class LabelSet:
    """Labels of one protocol.

    Attributes
    ----------
    scored: ids whose Dice is measured; the table's "Average" is the mean over them.
    regions: name -> scored ids; a region's Dice is the mean over its labels.
    known: ids that the protocol defines, scored or not; any other id in a volume is stray, reported and dropped.
    ignored: ids that raw files of the protocol hold and that are dropped without a word.
    merged: id -> scored id that a coarser protocol counts it to; Dice is then measured both ways.
    order: how the labels lie in space.
    names: id -> what the reader sees, of protocols with few labels; pictures then show each in a colour of its own.
    """

    scored: tuple[int, ...]
    regions: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    known: tuple[int, ...] = ()
    ignored: tuple[int, ...] = ()
    merged: Mapping[int, int] = field(default_factory=dict)
    order: tuple[Order, ...] = ()
    names: Mapping[int, str] = field(default_factory=dict)

    def groups(self) -> dict[str, tuple[int, ...]]:
        """Every region, and the average over all scored labels."""
        return {**self.regions, AVERAGE: self.scored}

    def parts(self) -> dict[str, tuple[int, ...]]:
        """What a picture colours: labels that have names, else the regions, else every scored label."""
        if self.names:
            return {name: (label,) for label, name in self.names.items()}
        return dict(self.regions) or {str(label): (label,) for label in self.scored}


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

# DKT25 from DKT31, by Mindboggle's own rules: cingulate, middle frontal and inferior frontal parts into one each.
_DKT25_MERGED = {10: 2, 23: 2, 26: 2, 27: 3, 19: 18, 20: 18}

# CMA (FreeSurfer) ids of the 16 structures of Fig. 5, left before right.
_CANDI = {
    "Cbl-WM": (2, 41),
    "Cbl-CX": (3, 42),
    "LV": (4, 43),
    "Cbm-WM": (7, 46),
    "Cbm-CX": (8, 47),
    "TP": (10, 49),
    "Hi": (17, 53),
    "Am": (18, 54),
    "Ca": (11, 50),
    "Pu": (12, 51),
    "Pa": (13, 52),
    "3V": (14,),
    "4V": (15,),
    "BS": (16,),
    "CSF": (24,),
    "VDC": (28, 60),
}
# Inferior lateral ventricle, 5th ventricle, accumbens, vessel, choroid plexus, hypointensities, optic chiasm, unknown.
_CANDI_IGNORED = (1, 5, 6, 26, 29, 30, 31, 40, 44, 45, 58, 61, 62, 63, 72, 77, 78, 79, 80, 81, 82, 85)
_PAIRED = [ids for ids in _CANDI.values() if len(ids) == 2]
_LEFT_TO_RIGHT = "the right labels do not lie right of the left ones"

LABEL_SETS: dict[str, LabelSet] = {
    "dkt50": LabelSet(
        scored=_both_hemispheres(sorted(number for numbers in _REGIONS_50.values() for number in numbers)),
        regions={name: _both_hemispheres(numbers) for name, numbers in _REGIONS_50.items()},
        known=_both_hemispheres(_DKT31),
        merged={1000 * side + part: 1000 * side + whole for side in (1, 2) for part, whole in _DKT25_MERGED.items()},
        # Of eight real brains, from one group's centre to the other's along the three axes, in mm: 57 to 64, 0 to 5,
        # 2 to 4; 0 to 4, 96 to 113, 13 to 48; 0 to 10, 0 to 24, 56 to 60.
        order=(
            Order(
                0, tuple(1000 + number for number in _DKT31), tuple(2000 + number for number in _DKT31), _LEFT_TO_RIGHT
            ),
            Order(
                1,
                _both_hemispheres([5, 11, 13, 21]),
                _both_hemispheres([3, 12, 14, 18, 19, 20, 27, 28]),
                "the frontal labels do not lie before the occipital ones",
            ),
            Order(
                2,
                _both_hemispheres([6, 7, 9, 15, 16]),
                _both_hemispheres([17, 22, 24, 29]),
                "the labels about the central sulcus do not lie above the temporal ones",
            ),
        ),
    ),
    "candi28": LabelSet(
        scored=tuple(sorted(label for ids in _CANDI.values() for label in ids)),
        regions=_CANDI,
        known=tuple(sorted(label for ids in _CANDI.values() for label in ids)),
        ignored=_CANDI_IGNORED,
        order=(
            Order(0, tuple(left for left, _ in _PAIRED), tuple(right for _, right in _PAIRED), _LEFT_TO_RIGHT),
            Order(1, _CANDI["TP"], _CANDI["Ca"], "the caudate does not lie before the thalamus"),
            Order(2, _CANDI["BS"], _CANDI["LV"], "the lateral ventricles do not lie above the brain stem"),
        ),
    ),
    # Grouped as Xu & Niethammer (2019).
    "oai4": LabelSet(
        scored=(1, 2, 3, 4),
        regions={"Bone": (1, 3), "Cartilage": (2, 4)},
        known=(1, 2, 3, 4),
        # What lies in front differs from knee to knee, and what lies right from side to side.
        order=(Order(2, (3, 4), (1, 2), "the femur does not lie above the tibia"),),
        names={1: "femoral bone", 2: "femoral cartilage", 3: "tibial bone", 4: "tibial cartilage"},
    ),
}


def check_segmentation(data: NDArray[np.integer], path: str | Path) -> NDArray[np.integer]:
    """The ids that occur, sorted; a DataError where there are more than any segmentation has."""
    ids = np.unique(data)
    if len(ids) > _MOST_LABELS:
        raise DataError(
            f"there are {len(ids)} different values: this looks like an image and not like labels",
            path=path,
            remedy="Give the segmentation",
        )
    return ids


def label_set(definition: str | Mapping[str, Any]) -> LabelSet:
    """A label set by name, or from a mapping with `scored` and, if wanted, `regions`, `known` and `merged`.

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
    merged = {int(part): whole for part, whole in definition.get("merged", {}).items()}
    known = tuple(sorted({*scored, *definition.get("known", ()), *merged}))
    if max(known, default=0) > LARGEST_LABEL:
        raise ConfigError(
            f"label {max(known)} is above {LARGEST_LABEL}: a study warps labels as 32-bit floats, which hold no more",
            remedy="Give the labels smaller numbers, in the volumes too",
        )
    for part, whole in merged.items():
        if whole not in scored:
            raise ConfigError(f"label {part} is merged into {whole}, which is not scored")
    for name, ids in regions.items():
        if not set(ids) <= set(scored):
            raise ConfigError(f"region '{name}' has labels that are not scored: {sorted(set(ids) - set(scored))}")
    return LabelSet(scored, regions, known, merged=merged)
