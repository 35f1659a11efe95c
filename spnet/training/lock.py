"""One training at a time in a folder.

Whoever kills a workflow may leave its jobs at work, on this machine or on a cluster's, and the next run starts them
again: two trainings would then write one checkpoint.
"""

from __future__ import annotations

import fcntl
import logging
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from spnet.files import make_folder

log = logging.getLogger(__name__)

NAME = "training.lock"

_SECONDS_BETWEEN_LOOKS = 1.0


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process; as long as another holds it, say so in the log and wait.

    The system frees it when a process ends, however it ends. Where it knows no such locks (some network file systems),
    a warning is logged and nothing is held.

    Raises
    ------
    OutputError: the folder cannot be made.
    """
    path = make_folder(folder) / NAME
    file = _wait_for(path)
    try:
        yield
    finally:
        if file is not None:
            # Before it is free: whoever waits would hold a file that is no longer there.
            path.unlink(missing_ok=True)
            file.close()


def _wait_for(path: Path) -> TextIO | None:
    told = False
    while True:
        file = None
        try:
            file = path.open("a+", encoding="utf-8")
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not told:
                log.warning("%s: %s trains here already; waiting for it to end", path.parent, _holder(file))
                told = True
            file.close()
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            continue
        except OSError as error:
            if file is not None:
                file.close()
            log.warning("%s cannot be locked (%s): start no second training there", path, error.strerror or error)
            return None
        if _is_at(path, file):
            _sign(file)
            return file
        file.close()


def _holder(file: TextIO) -> str:
    file.seek(0)
    return file.read() or "another process"


def _is_at(path: Path, file: TextIO) -> bool:
    """Whether the locked file is still the one of that name: its former holder removes it."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False


def _sign(file: TextIO) -> None:
    with suppress(OSError):  # a full disk: the lock holds unsigned
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}")
        file.flush()
