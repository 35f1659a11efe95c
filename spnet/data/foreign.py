"""Files that are no NIfTI, or not what their names say: what they are, and what to do with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

_GZIP, _NIFTI = b"\x1f\x8b", (b"n+1\0", b"n+2\0", b"ni1\0")
_AS_NIFTI = "Convert it to NIfTI (3D Slicer and ITK-SNAP save as such)"


def explain_file(path: Path) -> tuple[str, str] | None:
    """What a file is that could not be read as its name says, and the remedy; None where nothing tells."""
    try:
        with path.open("rb") as file:
            head = file.read(348)
    except PermissionError:
        return "you have no permission to read this file", "Ask its owner, or change it with chmod"
    except OSError:
        return None
    return next(((problem, remedy) for test, problem, remedy in _KINDS if test(path.name.lower(), head)), None)


def _is_nifti(head: bytes) -> bool:
    return head[344:348] in _NIFTI or head[4:8] in _NIFTI


_KINDS: tuple[tuple[Callable[[str, bytes], bool], str, str], ...] = (
    (
        lambda name, head: name.endswith(".gz") and _is_nifti(head),
        "this file is not compressed, though its name ends in .gz",
        "Rename it to .nii",
    ),
    (
        lambda name, head: not name.endswith(".gz") and head.startswith(_GZIP),
        "this file is compressed by gzip, though its name does not end in .gz",
        "Rename it to .nii.gz",
    ),
    (lambda _, head: head.startswith(b"NRRD"), "this is an NRRD file", _AS_NIFTI),
    (lambda _, head: b"ObjectType" in head[:100], "this is a MetaImage file", _AS_NIFTI),
    (
        lambda _, head: head[128:132] == b"DICM",
        "this is a single DICOM file",
        "Give the folder with all files of its series",
    ),
)
