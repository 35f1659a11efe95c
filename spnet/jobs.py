"""What every job of the workflow has around it: its log, and errors told to people."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spnet.errors import SpnetError

FORMAT = "%(asctime)s %(levelname)s %(message)s"


@contextmanager
def job(log: str | Path, threads: int = 1) -> Iterator[None]:
    """Log the block to the file `log` and let it use `threads` threads.

    A :class:`SpnetError` ends the process with its message alone, any other exception with a traceback; both are in
    the log as well as on the terminal.
    """
    # Before torch and ITK are imported, which read these once.
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(threads)
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(log, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter(FORMAT))
    root = logging.getLogger()
    root.addHandler(handler)
    logging.getLogger("spnet").setLevel(logging.INFO)
    try:
        yield
    except SpnetError as error:
        logging.getLogger(__name__).error("%s", error)
        sys.exit(f"\nError: {error}\n")
    except Exception:
        logging.getLogger(__name__).error("%s", traceback.format_exc())
        raise
    finally:
        root.removeHandler(handler)
        handler.close()


def device_of(resources: Mapping[str, Any], configured: str) -> str:
    """The `configured` device where a job was given a GPU, else ``cpu``.

    ``--resources gpu=0`` is how a user says "not on the GPU"; clusters that know no ``gpu`` give one as ``gres``.
    """
    return configured if resources.get("gpu") or "gpu" in str(resources.get("gres")) else "cpu"
