"""OAI-ZIB (Ambellan et al. 2019): MetaImage masks of 507 knees, and the OAI's own DICOM series that they were drawn on.

``segmentation/doc/oai_mri_paths.txt`` tells, knee by knee, where below the OAI's folder ``00m`` (baseline) its series
lies; ``segmentation/segmentation_masks/<ID>.segmentation_masks.{mhd,raw}`` are the masks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from spnet.data.layouts.layout import Release
from spnet.data.layouts.subject import Subject, find_folders
from spnet.errors import DataError, first_line
from spnet.files import write_text

_PATHS = Path("segmentation") / "doc" / "oai_mri_paths.txt"
# Packages of the OAI that a baseline series can lie in.
_PACKAGES = ("0.C.2", "0.E.1")
# The archives unpack into folders of changing names, and packages of the OAI into results/00m.
_DEPTH = 3
# The OAI's table of MRI scans says "1: Right" or "2: Left" and identifies a scan by its bar code, whose last digits
# are the name of the series' folder.
_TABLE, _BARCODE, _SIDE = "mri00", "V00MRBARCD", "V00MRSIDE"
_SIDES: dict[str, Literal["left", "right"]] = {"1": "right", "2": "left"}


def is_root(folder: Path, dataset: Mapping[str, Any]) -> bool:
    """Whether the segmentation archive is unpacked into this folder, or one in it."""
    return _archive(folder) is not None


def names(dataset: Mapping[str, Any], root: Path) -> dict[str, str]:
    """Every knee that the archive's list names, and where its series lies below ``00m``.

    Raises
    ------
    DataError: a line cannot be read, or a knee is listed twice.
    """
    archive = _archive(root)
    if archive is None and dataset["virtual"]:
        return _virtual(dataset["cohorts"])
    if archive is None:
        raise DataError(
            "the list of knees, doc/oai_mri_paths.txt, is not there yet",
            path=root,
            remedy="If the archive of masks lies there, unpack it first: snakemake --cores 1 unpack",
        )
    path = archive / _PATHS
    listed: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        name, colon, series = (part.strip() for part in line.partition(":"))
        if not line.strip():
            continue
        if not (name and colon and series):
            raise DataError(
                f"line {number} is not '<id>: <folder of the series>'", path=path, remedy="Unpack the archive again"
            )
        if name in listed:
            raise DataError(f"line {number}: knee '{name}' is listed twice", path=path, remedy="Correct the list")
        listed[name] = series
    return listed


def scan(root: Path, dataset: Mapping[str, Any]) -> list[Subject]:
    """List the knees of which mask and series lie in `root`."""
    listed = names(dataset, root)
    archive = _archive(root) or root
    baselines = list(find_folders(root, _DEPTH, _is_baseline))
    sides = knee_sides(root)
    subjects = []
    for name, series in listed.items():
        mask = _mask(archive, name)
        folder = next((base / series for base in baselines if (base / series).is_dir()), None)
        if mask.exists() and folder is not None:
            subjects.append(Subject(name, "", folder, mask, side=sides.get(Path(series).name), patient=name))
    return subjects


def expected(root: Path, dataset: Mapping[str, Any]) -> list[Subject]:
    """List where every knee of the release, or of a virtual cohort, has its files."""
    archive = _archive(root) or root
    listed = names(dataset, root)
    return [
        Subject(name, "", root / "00m" / series, _mask(archive, name), patient=name) for name, series in listed.items()
    ]


def write_paths(cohorts: Mapping[str, Any], path: str | Path) -> None:
    """Write the list of a virtual cohort's series, as the archive has it, to ``doc/oai_mri_paths.txt``."""
    lines = [f"{name}: {series}" for name, series in _virtual(cohorts).items()]
    write_text(path, "\n".join(lines) + "\n")


def knee_sides(root: Path) -> dict[str, Literal["left", "right"]]:
    """Side by name of the series' folder, from the OAI's table ``mri00`` (txt or csv) where it lies in `root`.

    Raises
    ------
    DataError: the table has not the columns of the OAI's.
    """
    tables = [path for path in sorted(root.glob("*")) if path.stem.lower() == _TABLE and path.is_file()]
    if not tables:
        return {}
    try:
        with tables[0].open(encoding="latin-1") as file:
            header = file.readline()
        delimiter = max("|,;\t", key=header.count)
        table = pd.read_csv(tables[0], sep=delimiter, dtype=str, keep_default_na=False, encoding="latin-1")
    except (OSError, ValueError) as error:
        raise DataError(f"this table cannot be read ({first_line(error)})", path=tables[0]) from error
    columns = {column.strip().upper(): column for column in table.columns}
    if _BARCODE not in columns or _SIDE not in columns:
        raise DataError(
            f"columns {_BARCODE} and {_SIDE} are not there",
            path=tables[0],
            remedy="Use the OAI's own table, or remove it",
        )
    rows = zip(table[columns[_BARCODE]], table[columns[_SIDE]], strict=True)
    told = {code.strip()[-8:]: _SIDES.get(side.strip()[:1]) for code, side in rows}
    return {series: side for series, side in told.items() if side}


def _is_baseline(folder: Path) -> bool:
    return any((folder / package).is_dir() for package in _PACKAGES)


def _archive(root: Path) -> Path | None:
    return next(find_folders(root, _DEPTH, lambda folder: (folder / _PATHS).is_file()), None)


def _mask(archive: Path, name: str) -> Path:
    return archive / "segmentation" / "segmentation_masks" / f"{name}.segmentation_masks.mhd"


def _virtual(cohorts: Mapping[str, Any]) -> dict[str, str]:
    """Names like the OAI's, seven digits from 9000001 on, and folders like its own."""
    count = sum(entry["subjects"] for entry in cohorts.values())
    return {name: f"0.C.2/{name}/20040101/1{name}" for name in (str(9000000 + n) for n in range(1, count + 1))}


LAYOUT = Release(
    scan=scan,
    is_root=is_root,
    names=names,
    expected=expected,
    place=str(_PATHS),
    files={
        "image": "00m/0.C.2/{subject}/20040101/1{subject}",
        "labels": "segmentation/segmentation_masks/{subject}.segmentation_masks.mhd",
        "voxels": "segmentation/segmentation_masks/{subject}.segmentation_masks.raw",
    },
    listing=(str(_PATHS), write_paths),
)
