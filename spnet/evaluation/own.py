"""Scores of one's own labels, whichever program warped them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spnet.data.labels import VOLUME, LabelSet, check_segmentation
from spnet.data.nifti import AFFINE_TOLERANCE_MM, Volume, read_labels
from spnet.errors import ConfigError, DataError
from spnet.metrics import DICE, METRICS
from spnet.metrics.measure import RegisteredPair, measure
from spnet.transforms import Grid, on_grid
from spnet.transforms.files import read_transform
from spnet.transforms.jacobian import unmirrored

COLUMNS = ["metric", "structure", "value"]
_SHOWN = 20
# Of volumes that do not tell their orientation: overlap and distance are the same for each.
_ANYHOW = "LAS"


@dataclass(frozen=True)
class OwnScores:
    """What two label volumes, and a field if there is one, have for scores.

    Attributes
    ----------
    table: columns metric, structure (label id, region, Average or volume), value.
    absent: labels asked for that neither volume has: without scores.
    one_sided: labels that one volume lacks: Dice 0, and no value of a metric that needs both.
    """

    table: pd.DataFrame
    absent: tuple[int, ...]
    one_sided: tuple[int, ...]


def evaluate_labels(
    warped: str | Path,
    fixed: str | Path,
    labels: LabelSet | None = None,
    transform: str | Path | None = None,
    moving: str | Path | None = None,
) -> OwnScores:
    """Score warped labels against fixed ones, both NIfTI on one grid.

    Every metric of :data:`spnet.metrics.METRICS` that labels suffice for, of every label, of regions and of all (means
    over the labels that have one); of a transform those that it suffices for.

    Parameters
    ----------
    labels: which count; every id above 0 in either volume unless given.
    transform: that warped them, in any form that :func:`spnet.transforms.files.read_transform` reads.
    moving: the moving image or labels as they were, where the transform does not know their grid (Learn2Reg's forms);
        the grid of the fixed ones unless given.

    Raises
    ------
    DataError: a file that cannot be used, volumes on different grids, or none of the labels there.
    """
    volumes = {Path(path): read_labels(path, orientation=_ANYHOW) for path in (warped, fixed)}
    first, second = _pair(Path(warped), Path(fixed), volumes)
    chosen = labels or LabelSet(scored=_ids_in(volumes))
    field = None if transform is None else _field(Path(transform), Path(fixed), second, moving)
    data = [torch.from_numpy(volume.data) for volume in (first, second)]
    pair = RegisteredPair(*data, chosen.scored, second.spacing, forward=field)
    found = {name: dict(measure(metric, pair)) for name, metric in METRICS.items()}
    dice = found[DICE]
    if not dice:
        there = _listed(_ids_in(volumes))
        raise DataError(f"neither volume has any of the labels {_listed(chosen.scored)}; there are {there}", path=fixed)
    rows = [row for name, values in found.items() for row in _rows(name, values, chosen)]
    one_sided = {label for name in found if METRICS[name].both_volumes for label in dice.keys() - found[name].keys()}
    return OwnScores(
        pd.DataFrame(sorted(rows, key=lambda row: row[1] == VOLUME), columns=COLUMNS),
        absent=tuple(label for label in chosen.scored if str(label) not in dice),
        one_sided=tuple(sorted(map(int, one_sided))),
    )


def parse_labels(text: str) -> LabelSet:
    """The labels of a list such as ``2,3,10-15``.

    Raises
    ------
    ConfigError: nothing in it, something else than whole numbers above 0, or a label twice.
    """
    ids: list[int] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 0 < first <= last:
            raise ConfigError(
                f"'{part}' is no label and no range of labels", remedy="Give whole numbers above 0, as in 2,3,10-15"
            )
        ids += range(first, last + 1)
    if not ids:
        raise ConfigError("the list of labels is empty", remedy="Give some, as in 2,3,10-15, or leave the option out")
    if len(set(ids)) < len(ids):
        raise ConfigError(f"the list of labels '{text}' has one twice", remedy="Name every label once")
    return LabelSet(scored=tuple(ids))


def _pair(warped: Path, fixed: Path, volumes: Mapping[Path, Volume]) -> tuple[Volume, Volume]:
    """Both volumes, on one grid, without values that no label has."""
    first, second = volumes[warped], volumes[fixed]
    for path, volume in volumes.items():
        if volume.data.min() < 0:
            raise DataError(
                f"labels are 0 (background) or above; the least here is {volume.data.min()}",
                path=path,
                remedy="Give the segmentation, not the image; set what counts as background to 0",
            )
    difference = None
    if first.data.shape != second.data.shape:
        difference = f"shape {first.data.shape} where {fixed.name} has {second.data.shape}"
    elif np.abs(first.affine - second.affine).max() > AFFINE_TOLERANCE_MM:
        difference = f"another position or orientation (affine) than {fixed.name}"
    if difference:
        raise DataError(
            f"the warped labels lie on another grid than the fixed ones: {difference}",
            path=warped,
            remedy="Warp the moving labels onto the grid of the fixed image, with nearest neighbour",
        )
    return first, second


def _field(path: Path, fixed: Path, labels: Volume, moving: str | Path | None) -> torch.Tensor:
    """A transform's displacement on the grid of the fixed labels, [1, 3, D, H, W] in voxels."""
    grid = Grid.of(labels)
    found = read_transform(path, grid, grid if moving is None else Grid.of(read_labels(moving)))
    made_for = found.fixed or grid
    if made_for.shape != grid.shape or np.abs(made_for.affine - grid.affine).max() > AFFINE_TOLERANCE_MM:
        raise DataError(
            f"the transform was made for another grid than that of {fixed.name}",
            path=path,
            remedy="Give the labels of the very image that it was made for, or the transform for these",
        )
    return torch.from_numpy(unmirrored(on_grid(found, grid).displacement))[None]


def _ids_in(volumes: Mapping[Path, Volume]) -> tuple[int, ...]:
    """Every id above 0 in one of the volumes.

    Raises
    ------
    DataError: more ids than a segmentation has, or none.
    """
    found = {path: check_segmentation(volume.data, path) for path, volume in volumes.items()}
    ids = tuple(int(label) for label in np.unique(np.concatenate(list(found.values()))) if label > 0)
    if not ids:
        raise DataError(
            "there is no label above 0 in either volume", path=list(volumes)[-1], remedy="Give the segmentations"
        )
    return ids


def _rows(metric: str, values: Mapping[str, float], labels: LabelSet) -> Iterator[tuple[str, str, float]]:
    """Every structure that has a value, then every region that has one."""
    for structure, value in values.items():
        yield metric, structure, value
    for name, ids in labels.groups().items():
        own = [values[str(label)] for label in ids if str(label) in values]
        if own:
            yield metric, name, float(np.mean(own))


def to_text(scores: OwnScores, names: Mapping[int, str] | None = None) -> str:
    """For reading: a line per structure, then what concerns the field, then what is missing.

    Parameters
    ----------
    names: of the labels, where they have any.
    """
    table = scores.table
    per_structure = table[table["structure"] != VOLUME]
    wide = per_structure.pivot(index="structure", columns="metric", values="value")[per_structure["metric"].unique()]
    shown = {str(label): f"{label} {name}" for label, name in (names or {}).items()}
    titles = [shown.get(structure, structure) for structure in dict.fromkeys(per_structure["structure"])]
    width = max(map(len, [*titles, "structure"]))
    headings = {name: f"{METRICS[name].full_title:>8}" for name in wide}
    lines = ["  ".join([f"{'structure':{width}}", *headings.values()])]
    for structure, title in zip(dict.fromkeys(per_structure["structure"]), titles, strict=True):
        values = [_number(wide.loc[structure, name], len(heading)) for name, heading in headings.items()]
        lines.append("  ".join([f"{title:{width}}", *values]))
    lines += _field_lines(table[table["structure"] == VOLUME].set_index("metric")["value"])
    if scores.one_sided:
        needing = " and ".join(metric.title for metric in METRICS.values() if metric.both_volumes)
        lines += ["", f"In one volume only, so Dice 0 and no {needing}: {_listed(scores.one_sided)}"]
    if scores.absent:
        lines += ["", f"In neither volume, so left out: {_listed(scores.absent)}"]
    return "\n".join(lines)


def _number(value: float, width: int) -> str:
    return f"{'-' if pd.isna(value) else f'{value:.4f}':>{width}}"


def _field_lines(field: pd.Series) -> list[str]:
    """A line per metric of the field, then what is to be known of them."""
    titles = {name: METRICS[name].full_title for name in field.index}
    width = max(map(len, titles.values()), default=0)
    values = [f"{title:{width}}  {field[name]:.4f}" for name, title in titles.items()]
    notes = [METRICS[name].note for name in titles if METRICS[name].note]
    return ["", *values, "", *notes] if values else []


def _listed(ids: Sequence[int]) -> str:
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return ", ".join(map(str, ids[:_SHOWN])) + more
