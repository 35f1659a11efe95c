"""What an evaluation job has scored so far, in a file that outlives the job."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from spnet.files import append_line

log = logging.getLogger(__name__)

Values = dict[str, str | float]


class Journal:
    """Scores by pair, each a line added when its pair is done.

    Every line begins with a hash of itself and of `identity`, so one that is damaged, cut off or of other inputs is not
    taken for a score.

    Parameters
    ----------
    identity: fingerprint of all that the scores hang on.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self._path = path
        self._identity = identity.encode()

    def read(self) -> dict[tuple[str, str], list[Values]]:
        """Rows of every pair that is done, up to the first line that cannot be used; from there on all is cut off."""
        done: dict[tuple[str, str], list[Values]] = {}
        if not self._path.exists():
            return done
        used = 0
        with self._path.open("rb") as file:
            for line in file:
                sign, _, text = line.partition(b" ")
                if sign != self._sign(text):
                    log.warning("%s: %s", self._path, _cut_off(len(done)))
                    break
                first, second, rows = json.loads(text)
                done[first, second] = rows
                used += len(line)
        os.truncate(self._path, used)
        return done

    def add(self, pair: tuple[str, str], rows: Sequence[Mapping[str, str | float]]) -> None:
        """Keep the rows of a pair that is done."""
        text = json.dumps([*pair, rows]).encode() + b"\n"
        append_line(self._path, self._sign(text) + b" " + text)

    def remove(self) -> None:
        """Delete the file, once its scores are where they belong."""
        self._path.unlink(missing_ok=True)

    def _sign(self, text: bytes) -> bytes:
        return hashlib.sha256(self._identity + text).hexdigest().encode()


def _cut_off(pairs: int) -> str:
    if pairs == 0:
        return "its scores are of other inputs, options or code, or damaged: all pairs are scored anew"
    return f"it is damaged or cut off after {pairs} pairs: those behind them are scored anew"
