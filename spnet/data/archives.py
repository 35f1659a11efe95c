"""Unpacking what a dataset's owners publish, all of it or nothing."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from tqdm import tqdm

from spnet.errors import DataError, first_line

DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError, zipfile.BadZipFile, struct.error, ValueError)
CHUNK_BYTES = 2**20
AGAIN = "Delete it and download it again"


def unpack(archive: str | Path, folder: str | Path) -> list[Path]:
    """Unpack a tar, gzipped tar or zip archive into `folder`, merging it with what is there.

    The kind is told by the content, not by the name. A file that is there already with the same size is left alone,
    and what an archive does not hold stays. Junk of macOS is left out.

    Returns
    -------
    The archive's top-level files and folders, in `folder`, sorted.

    Raises
    ------
    DataError: no such archive, not an archive, empty, damaged, with a member that leads outside `folder`, with a folder
        where a file is or a file where another is, no space, or no permission to write. Nothing is left behind then.
    """
    archive, folder = Path(archive), Path(folder)
    created = [place for place in (folder, *folder.parents) if not place.exists()]
    # Inside the folder, since beside it may be another disk; the same name each time, so that what a killed run left
    # is removed by the next.
    temporary = folder / f".partial-{archive.name}"
    try:
        kind = _kind(archive)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        with archive.open("rb") as file, _progress(archive) as bar:
            if kind == "zip":
                _unpack_zip(file, temporary, bar, archive)
            else:
                _unpack_tar(file, temporary, bar, archive, gzipped=kind == "gzip")
        top = sorted(folder / entry.name for entry in temporary.iterdir())
        if not top:
            raise DataError("this archive is empty", path=archive, remedy=AGAIN)
        _refuse_conflicts(temporary, folder, archive)
        _merge(temporary, folder)
    except DAMAGE as error:
        raise DataError(
            f"this archive is truncated or damaged ({first_line(error)})", path=archive, remedy=AGAIN
        ) from error
    except OSError as error:
        raise _explain(error, archive, folder) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        for place in created:
            _remove_if_empty(place)
    return top


def _kind(archive: Path) -> str:
    """'zip', 'gzip' or 'tar', by the first bytes."""
    try:
        with archive.open("rb") as file:
            head = file.read(1024)
    except FileNotFoundError as error:
        raise DataError("there is no such archive", path=archive, remedy="Download it first") from error
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    try:
        # Not by its magic word, which tars of the oldest kind lack.
        tarfile.TarInfo.frombuf(head[:512], "utf-8", "surrogateescape")
    except tarfile.EOFHeaderError:
        return "tar"
    except tarfile.HeaderError as error:
        raise _not_an_archive(archive, head) from error
    return "tar"


def _not_an_archive(archive: Path, head: bytes) -> DataError:
    if b"<html" in head.lower() or b"<!doctype" in head.lower():
        return DataError(
            "this is a web page saved under an archive's name, probably one that asks to log in",
            path=archive,
            remedy="Delete it, log in with a browser and download the archive there",
        )
    problem = "this is not a tar, tar.gz or zip archive" if head else "this file is empty"
    return DataError(problem, path=archive, remedy=AGAIN)


class _StrictHeader(tarfile.TarInfo):
    """Tells a damaged header from the end: past the first member, tarfile takes both for the end of the archive."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> tarfile.TarInfo:
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:
            raise
        except tarfile.EmptyHeaderError as error:
            # Some writers leave out the end mark; where gzip has its own, nothing can be missing.
            if isinstance(tarfile_.fileobj, gzip.GzipFile):
                raise
            raise tarfile.ReadError("it ends without an end mark") from error
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(first_line(error)) from error


def _unpack_tar(file: BinaryIO, folder: Path, bar: tqdm, archive: Path, gzipped: bool) -> None:
    stream = gzip.GzipFile(fileobj=file) if gzipped else file
    try:
        tar = tarfile.open(fileobj=stream, mode="r:", tarinfo=_StrictHeader)  # noqa: SIM115
    except tarfile.ReadError as error:
        raise DataError("this file is gzipped but holds no tar archive", path=archive, remedy=AGAIN) from error
    with tar:
        for member in tar:
            bar.update(file.tell() - bar.n)
            if _is_wanted(member.name, archive):
                try:
                    tar.extract(member, folder, filter="data")
                except (tarfile.FilterError, KeyError) as error:
                    raise _unsafe(member.name, archive) from error
        # The sum that gzip keeps at its end is compared only by reading so far.
        while stream.read(CHUNK_BYTES):
            pass
        bar.update(file.tell() - bar.n)


def _unpack_zip(file: BinaryIO, folder: Path, bar: tqdm, archive: Path) -> None:
    with zipfile.ZipFile(file) as zipped:
        for member in zipped.infolist():
            # Some writers on Windows put backslashes where the format asks for slashes.
            name = member.filename.replace("\\", "/")
            if stat.S_ISLNK(member.external_attr >> 16):
                raise _unsafe(name, archive)
            if _is_wanted(name, archive):
                place = folder / name
                (place if name.endswith("/") else place.parent).mkdir(parents=True, exist_ok=True)
                if not name.endswith("/"):
                    _copy(zipped, member, place, archive)
            bar.update(member.compress_size)


def _copy(zipped: zipfile.ZipFile, member: zipfile.ZipInfo, place: Path, archive: Path) -> None:
    try:
        with zipped.open(member) as source, place.open("wb") as sink:
            shutil.copyfileobj(source, sink, CHUNK_BYTES)
    except RuntimeError as error:
        # An encrypted member, or a compression that Python does not know.
        raise DataError(
            f"the member '{member.filename}' cannot be unpacked here ({first_line(error)})",
            path=archive,
            remedy="Unpack the archive by hand, with the program that its owners suggest",
        ) from error


def _is_wanted(name: str, archive: Path) -> bool:
    """Whether a member is more than macOS's junk; raises a DataError for a name that leads outside."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise _unsafe(name, archive)
    return not any(part in ("__MACOSX", ".DS_Store") or part.startswith("._") for part in path.parts)


def _unsafe(name: str, archive: Path) -> DataError:
    return DataError(
        f"the member '{name}' is a device, a link or a path that leads outside the archive's own folder",
        path=archive,
        remedy="Nothing was unpacked: make sure that the archive comes from its owners",
    )


def _refuse_conflicts(source: Path, target: Path, archive: Path) -> None:
    for entry in source.rglob("*"):
        place = target / entry.relative_to(source)
        if not entry.is_symlink() and os.path.lexists(place) and entry.is_dir() != place.is_dir():
            kinds = ("folder", "file") if entry.is_dir() else ("file", "folder")
            raise DataError(
                f"the archive holds a {kinds[0]} where there is a {kinds[1]} at {place}",
                path=archive,
                remedy=f"Move that {kinds[1]} away and start again",
            )
        # A scan that its owner has mended must not be put back as it came.
        if entry.is_file() and place.is_file() and entry.stat().st_size != place.stat().st_size:
            raise DataError(
                f"the archive holds another file than the one that is there, {place}",
                path=archive,
                remedy="If yours is the right one, move the archive out of the folder; if not, delete yours",
            )


def _merge(source: Path, target: Path) -> None:
    for entry in sorted(source.iterdir()):
        place = target / entry.name
        if not os.path.lexists(place):
            shutil.move(entry, place)
        elif entry.is_dir() and not entry.is_symlink():
            _merge(entry, place)


def _progress(archive: Path) -> tqdm:
    return tqdm(total=archive.stat().st_size, unit="B", unit_scale=True, desc=f"unpacking {archive.name}", disable=None)


def _remove_if_empty(place: Path) -> None:
    if place.is_dir() and not any(place.iterdir()):
        place.rmdir()


def _explain(error: OSError, archive: Path, folder: Path) -> DataError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        existing = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
        free = shutil.disk_usage(existing).free // 2**20
        return DataError(
            f"no space left to unpack this archive into {folder} ({free} MB free)",
            path=archive,
            remedy="Free some space or choose a folder on a larger disk, then start again",
        )
    return DataError(
        f"could not unpack this archive into {folder} ({error.strerror or first_line(error)})",
        path=archive,
        remedy="Check that you may read the archive and write to the folder",
    )
