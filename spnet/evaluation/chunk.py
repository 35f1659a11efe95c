"""One job's share of an evaluation: a method, a chunk of pairs, one table of scores."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from spnet.device import choose_device, prepare_process, to_device
from spnet.errors import ConfigError
from spnet.evaluation.evaluate import COLUMNS, Pair, Scoring, prepared_reader, score_pairs
from spnet.evaluation.journal import Journal
from spnet.files import atomic_path
from spnet.methods import build_method
from spnet.methods.base import Method
from spnet.methods.compute import Compute
from spnet.provenance import fingerprint
from spnet.training.record import collapse_behind
from spnet.weights import load_weights

log = logging.getLogger(__name__)

# Suffix of what a job has scored so far, beside its table.
JOURNAL = ".journal"

# Parts of this package that scores hang on; if they change, a half-done job is begun again.
_CODE = ("evaluation", "fields", "kernels", "methods", "metrics", "device", "together", "data/labels", "data/nifti")

# What an evaluation row belongs to; the first columns of the project's metrics table.
IDENTITY = ["trained_on", "dataset", "method", "seed"]


@dataclass(frozen=True)
class MethodSpec:
    """A method as the configuration names it; `weights` is None for methods that are not trained."""

    implementation: str
    options: Mapping[str, Any] = field(default_factory=dict)
    weights: str | Path | None = None
    compute: Compute = field(default_factory=Compute)

    def build(self, device: str) -> Method:
        """The method with its weights, ready to register on `device`, and this process with it.

        Raises
        ------
        ConfigError: a learned method without weights, a device that is not there or that lacks the precision.
        """
        target = choose_device(device)
        method = build_method(self.implementation, self.options)
        if self.weights is not None:
            load_weights(method, self.weights)
        elif method.count_parameters():
            raise ConfigError(f"method '{self.implementation}' is learned, but no weights were given for it")
        if method.count_parameters():
            method.compute = self.compute.on(target)
            prepare_process(method.compute.convolutions, target)
        else:
            prepare_process()
        return to_device(method, target).eval()


def evaluate_chunk(
    spec: MethodSpec,
    pairs: Sequence[Pair],
    prepared: str | Path,
    scoring: Scoring,
    identity: Mapping[str, str | int],
    output: str | Path,
    device: str = "auto",
) -> None:
    """Evaluate some of a dataset's pairs and write their tidy table (CSV).

    Every pair's scores are kept beside the output as soon as it is done. Whatever ends the job, calling again with the
    same arguments goes on from there, to the same table; only the seconds and memory of a registration differ from one
    run to another.

    Parameters
    ----------
    prepared: folder with a folder per prepared subject.
    identity: values of the columns trained_on, dataset, method and seed.
    """
    journal = Journal(Path(output).with_suffix(JOURNAL), _fingerprint(spec, pairs, prepared, scoring, identity, device))
    done = journal.read()
    left = [pair for pair in pairs if pair not in done]
    if done:
        log.info("%d of %d pairs were scored when this job was last stopped: going on", len(done), len(pairs))
    reader = prepared_reader(prepared, choose_device(device))
    for pair, rows in score_pairs(spec.build(device), left, reader, scoring):
        journal.add(pair, rows)
        done[pair] = rows
    scores = pd.DataFrame([row for pair in pairs for row in done[pair]], columns=COLUMNS)
    for position, column in enumerate(IDENTITY):
        scores.insert(position, column, identity[column])
    scores["collapsed"] = collapse_behind(spec.weights)
    with atomic_path(output) as temporary:
        scores.to_csv(temporary, index=False)
    journal.remove()


def _fingerprint(
    spec: MethodSpec,
    pairs: Sequence[Pair],
    prepared: str | Path,
    scoring: Scoring,
    identity: Mapping[str, str | int],
    device: str,
) -> str:
    """Hash of all that a job's scores hang on."""
    definition = {
        "implementation": spec.implementation,
        "options": spec.options,
        "compute": repr(spec.compute.on(choose_device(device)) if spec.weights else spec.compute),
        "pairs": pairs,
        "scoring": repr(scoring),
        "identity": dict(identity),
        "device": choose_device(device).type,
    }
    subjects = sorted({name for pair in pairs for name in pair})
    scans = [Path(prepared) / name / file for name in subjects for file in ("image.nii.gz", "labels.nii.gz")]
    return fingerprint(definition, [*([spec.weights] if spec.weights else []), *scans], _CODE)
