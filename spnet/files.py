"""Writing results so that a reader never meets half of one."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from spnet.errors import OutputError

_PARTIAL = ".partial-"


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds.

    The temporary name keeps the suffix, since writers such as nibabel choose the format by it, and is never the same:
    a job that outlived its workflow and the one that took its place may write the same result at once.

    Raises
    ------
    OutputError: the disk is full, or the folder cannot be written. Nothing is left behind.
    """
    path = Path(path)
    temporary = path.with_name(f"{_PARTIAL}{secrets.token_hex(4)}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise _explain(error, path) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def remove_partial(folder: str | Path) -> None:
    """Remove what killed writers have left in a folder in which nobody else writes now."""
    for left in Path(folder).glob(f"{_PARTIAL}*"):
        with suppress(OSError):
            left.unlink()


def make_folder(path: str | Path) -> Path:
    """Make a folder for results, if it is not there; before hours of work rather than after them.

    Raises
    ------
    OutputError: it is a file, or cannot be made.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"this folder for results cannot be made ({error.strerror or error})",
            path=path,
            remedy="Name one that is not a file, where you may write",
        ) from error
    return path


def write_text(path: str | Path, text: str) -> None:
    """Write `text` to `path` atomically, as UTF-8."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def append_line(path: str | Path, line: bytes) -> None:
    """Add a line to a file in one write: of a writer that is killed the next one finds whole lines, but for the last.

    Raises
    ------
    OutputError: the disk is full, or the file cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(line)
    except OSError as error:
        raise _explain(error, path) from error


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file's content, or of all in a folder; a file is read again only if it has changed."""
    if Path(path).is_dir():
        files = sorted(each for each in Path(path).rglob("*") if each.is_file())
        named = [f"{each.relative_to(path)} {sha256_of(each)}" for each in files]
        return hashlib.sha256("\n".join(named).encode()).hexdigest()
    state = Path(path).stat()
    return _sha256_of(Path(path), state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=1024)
def _sha256_of(path: Path, modified: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _explain(error: OSError, path: Path) -> OutputError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return OutputError(
            f"no space left to write this file ({_free_megabytes(path)} MB free)",
            path=path,
            remedy="Free some space or point the results folder to a larger disk, then start again:"
            " finished results are kept",
        )
    return OutputError(
        f"could not write this file ({error.strerror or error})",
        path=path,
        remedy="Check that the folder exists and that you may write to it",
    )


def _free_megabytes(path: Path) -> int:
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    return shutil.disk_usage(folder).free // 2**20
