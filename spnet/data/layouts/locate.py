"""Finding a dataset's folder when a path is one level too high or too low."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

log = logging.getLogger(__name__)


def locate(root: Path, is_root: Callable[[Path], bool]) -> Path | None:
    """The folder that `is_root` accepts: `root`, a folder in it, or, if `root` does not exist, one near it.

    ``data_root/<dataset>`` is expected. Where ``data_root`` is one folder too low it is the dataset itself, and `root`
    its child that is not there; where it is one too high, the dataset is a grandchild of it.
    """
    for folder in _candidates(root):
        if folder.is_dir() and is_root(folder):
            if folder != root:
                log.warning("%s is taken for %s, which holds the dataset", folder, root)
            return folder
    return None


def _candidates(root: Path) -> Iterator[Path]:
    yield root
    yield from _children(root)
    if not root.exists():
        yield root.parent
        yield from (child / root.name for child in _children(root.parent))


def _children(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
