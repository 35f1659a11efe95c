"""Tab-separated sheets that people write: subjects, splits and pairs, every line with the fields of its header."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from spnet.errors import DataError, first_line


def read_sheet(
    path: str | Path, needed: Sequence[str], *, comments: bool = False, separator: str = "\t"
) -> list[tuple[int, dict[str, str]]]:
    """Read a sheet: for every line that is not empty its number and its fields by column.

    Parameters
    ----------
    needed: columns that must be there.
    comments: whether what follows a ``#`` is one.

    Raises
    ------
    DataError: no such file, no text, a column is missing or there twice, or a line has more or fewer fields than the
        header, so that they would belong to other columns.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig").splitlines()
        lines = [line.split("#")[0].rstrip(" ") if comments else line for line in text]
        fields = list(csv.reader(lines, delimiter=separator, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"this is not a readable table ({first_line(error)})",
            path=path,
            remedy=f"Give a text file with the columns {', '.join(needed)}"
            if needed
            else "Give a text file with named columns",
        ) from error
    rows = [(number, row) for number, row in enumerate(fields, start=1) if any(row)]
    kind = "tabs" if separator == "\t" else "commas"
    header = rows[0][1] if rows else []
    absent = [column for column in needed if column not in header]
    if absent or "" in header or len(set(header)) < len(header):
        problem = f"columns are missing: {', '.join(absent)}" if absent else "a column has no name, or that of another"
        raise DataError(
            f"{problem}; the header is '{'|'.join(header)}'", path=path, remedy=f"Separate columns by {kind}"
        )
    for number, row in rows[1:]:
        if len(row) != len(header):
            raise DataError(
                f"line {number} has {len(row)} fields, the header has {len(header)}",
                path=path,
                remedy=f"Separate fields by one of the {kind} each, with none at the end of a line",
            )
    return [(number, dict(zip(header, row, strict=True))) for number, row in rows[1:]]
