"""Fetching files of gigabytes over connections that break: what has arrived is never fetched twice."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import requests
from tqdm import tqdm

# What requests itself reads through: its own iter_content would unpack a .tar.gz sent with Content-Encoding: gzip, and
# neither the sum nor the place to go on from would then be those of the file.
from urllib3.exceptions import HTTPError

from spnet.errors import DataError, first_line

log = logging.getLogger(__name__)

PAUSES_S = (2.0, 5.0, 15.0, 40.0)
CHUNK_BYTES = 2**17
BUSY = (408, 425, 429)
HINTS = {
    401: ": it may want you to log in first",
    403: ": it may want you to log in first",
    404: ": the file may have moved",
    410: ": the file was withdrawn",
}


def download(
    url: str,
    target: str | Path,
    *,
    sha256: str | None,
    size_bytes: int | None = None,
    timeout: float = 60,
    pauses: Sequence[float] = PAUSES_S,
) -> Path:
    """Fetch `url` to `target`, going on from what an earlier call left in ``target.part``.

    Nothing is fetched if `target` is there already with the right size and sum. Without a sum, a file that was changed
    on the server between two calls goes unnoticed unless its size changed too.

    Parameters
    ----------
    sha256: the file's SHA-256 in hexadecimal digits, or None where none is known.
    size_bytes: the file's exact size in bytes, or None where it is not known.
    timeout: seconds of silence after which the connection counts as broken.
    pauses: seconds to wait before each further try; a try that brought new bytes starts the row again.

    Returns
    -------
    `target`.

    Raises
    ------
    DataError: no connection, a refusal or a web page instead of the file, no space, another size or sum than expected,
        or a `target` that is there but is another file. The message names the URL and the way by hand.
    """
    job = _Download(url, Path(target), size_bytes, timeout)
    try:
        if job.target.exists():
            job.check(job.target, sha256, "Delete it, it will then be downloaded again")
            return job.target
        job.target.parent.mkdir(parents=True, exist_ok=True)
        _fetch_patiently(job, pauses)
        try:
            job.check(job.part, sha256, f"It was removed: start again, or {job.by_hand}")
        except DataError:
            job.part.unlink()
            raise
        os.replace(job.part, job.target)
    except OSError as error:
        raise _explain(error, job) from error
    return job.target


class _BrokenError(Exception):
    """The connection broke in a way that another try may mend."""


def download_any(urls: Sequence[str], target: str | Path, *, sha256: str | None) -> Path:
    """Fetch the same file from the first address that gives it; see :func:`download`.

    Raises
    ------
    DataError: none does; it tells what went wrong with each.
    """
    problems = []
    for url in urls:
        try:
            return download(url, target, sha256=sha256)
        except DataError as error:
            log.warning("%s", error)
            problems.append(error)
    raise DataError("; ".join(error.problem for error in problems), path=target, remedy=problems[-1].remedy)


@dataclass(frozen=True)
class _Download:
    """One file on its way: where from, where to, and how to speak of it."""

    url: str
    target: Path
    size_bytes: int | None
    timeout: float

    @property
    def part(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part")

    @property
    def arrived(self) -> int:
        """Bytes in the part."""
        return self.part.stat().st_size if self.part.exists() else 0

    @property
    def by_hand(self) -> str:
        return f"download {self.url} by hand with a browser and save it as {self.target}"

    def error(self, reason: str, remedy: str | None = None) -> DataError:
        first = f"{remedy}, or {self.by_hand}" if remedy else self.by_hand[0].upper() + self.by_hand[1:]
        again = f"; started again, the download goes on from {_megabytes(self.arrived)}" if self.arrived else ""
        return DataError(f"could not download {self.url} ({reason})", path=self.target, remedy=first + again)

    def check(self, path: Path, sha256: str | None, remedy: str) -> None:
        """Raise a DataError unless the file at `path` has the size and the sum that are known of it."""
        size = path.stat().st_size
        if self.size_bytes is not None and size != self.size_bytes:
            problem = f"{self.url} should hold {self.size_bytes} bytes, but this file holds {size}"
            raise DataError(problem, path=path, remedy=remedy)
        if sha256 is None:
            return
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256.lower():
            problem = f"the SHA-256 of {self.url} should be {sha256.lower()}, but that of this file is {found}"
            raise DataError(problem, path=path, remedy=remedy)


def _fetch_patiently(job: _Download, pauses: Sequence[float]) -> None:
    failures, furthest = 0, job.arrived
    while True:
        try:
            return _fetch(job)
        except _BrokenError as error:
            # Only bytes never reached before count, or a server that cannot go on would be asked for ever.
            if job.arrived > furthest:
                failures, furthest = 0, job.arrived
            if failures == len(pauses):
                raise job.error(str(error), "Check the network and start again later") from error
            pause = pauses[failures]
            failures += 1
            log.warning("%s: %s after %s; trying again in %g s", job.url, error, _megabytes(job.arrived), pause)
        time.sleep(pause)


def _fetch(job: _Download) -> None:
    """Ask once for what is still missing; returns when the part is whole."""
    start = job.arrived
    if start and start == job.size_bytes:
        return
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        with requests.get(job.url, headers=headers, stream=True, timeout=job.timeout) as answer:
            offset, total = _offered(job, answer, start)
            if offset != total:
                _receive(job, answer, offset, total)
    except requests.Timeout as error:
        raise _BrokenError(f"no answer within {job.timeout:g} s") from error
    except requests.ConnectionError as error:
        raise _BrokenError("no connection to the server") from error
    except requests.RequestException as error:
        raise job.error(first_line(error)) from error


def _offered(job: _Download, answer: requests.Response, start: int) -> tuple[int, int | None]:
    """Where the bytes of `answer` belong in the file, and the size of the whole file if the server tells it."""
    status, span = answer.status_code, answer.headers.get("Content-Range", "")
    if start and status in (206, 416):
        ends = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", span.strip())
        total = int(ends[2]) if ends and ends[2] != "*" else None
        if ends is None or int(ends[1] or total or 0) != start:
            # Longer than the server's file, or the server sends other bytes than were asked for: this part is no use.
            job.part.unlink()
            raise _BrokenError("the part on disk does not belong to the server's file, beginning again")
        offset = start
    elif status == 200:
        length = answer.headers.get("Content-Length", "")
        offset, total = 0, int(length) if length.isdigit() else None
    elif status in BUSY or status >= 500:
        raise _BrokenError(f"the server answered {status} {answer.reason}")
    else:
        raise job.error(f"the server answered {status} {answer.reason}{HINTS.get(status, '')}")
    _refuse_another_file(job, answer, total)
    return offset, total if total is not None else job.size_bytes


def _refuse_another_file(job: _Download, answer: requests.Response, total: int | None) -> None:
    """Tell a web page or a file of another size before it replaces what has arrived."""
    is_page = answer.headers.get("Content-Type", "").lower().startswith(("text/html", "application/xhtml"))
    # A page with the error 416 says nothing of the file's own kind.
    if is_page and answer.status_code != 416 and job.target.suffix.lower() not in (".html", ".htm"):
        raise job.error("the server sent a web page instead of the file: it may want you to log in first")
    if None not in (total, job.size_bytes) and total != job.size_bytes:
        raise job.error(
            f"the server's file holds {total} bytes instead of {job.size_bytes}: it was replaced there",
            "Look on its owners' page for the former version",
        )


def _receive(job: _Download, answer: requests.Response, offset: int, total: int | None) -> None:
    missing, free = (total or 0) - offset, shutil.disk_usage(job.target.parent).free
    if missing > free:
        raise job.error(
            f"no space left: {_megabytes(missing)} are still missing, {_megabytes(free)} are free",
            "Free some space and start again",
        )
    bar = tqdm(
        total=total, initial=offset, unit="B", unit_scale=True, unit_divisor=1024, desc=job.target.name, disable=None
    )
    with job.part.open("ab" if offset else "wb") as file, bar:
        try:
            for chunk in answer.raw.stream(CHUNK_BYTES, decode_content=False):
                file.write(chunk)
                bar.update(len(chunk))
        except HTTPError as error:
            raise _BrokenError("the connection broke") from error
    if total is not None and job.arrived < total:
        raise _BrokenError("the server stopped before the end")


def _explain(error: OSError, job: _Download) -> DataError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return job.error("no space left", "Free some space and start again")
    return job.error(
        f"could not write: {error.strerror or first_line(error)}",
        "Check that you may write to its folder and start again",
    )


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.0f} MB" if size_bytes >= 2**20 else f"{size_bytes} bytes"
