"""One job's share of an evaluation: a method, a chunk of pairs, one table of scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from spnet.data.labels import LabelSet
from spnet.device import choose_device, prepare_process, to_device
from spnet.errors import ConfigError
from spnet.evaluation.evaluate import evaluate_pairs, prepared_reader
from spnet.evaluation.further import NO_FURTHER_METRICS, FurtherMetrics
from spnet.files import atomic_path
from spnet.methods import build_method
from spnet.methods.base import Method
from spnet.methods.compute import Compute
from spnet.weights import load_weights

# What an evaluation row belongs to; the first columns of the project's metrics table.
IDENTITY = ["trained_on", "dataset", "method", "seed"]


@dataclass(frozen=True)
class Scoring:
    """What is scored: the labels of a protocol, and metrics beyond the paper's."""

    labels: LabelSet
    further: FurtherMetrics = NO_FURTHER_METRICS


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
        prepare_process()
        if method.count_parameters():
            method.compute = self.compute.on(target)
            prepare_process(method.compute.convolutions)
        return to_device(method, target).eval()


def evaluate_chunk(
    spec: MethodSpec,
    pairs_file: str | Path,
    chunk: int,
    prepared: str | Path,
    scoring: Scoring,
    identity: Mapping[str, str | int],
    output: str | Path,
    device: str = "auto",
) -> None:
    """Evaluate one chunk of a dataset's pairs and write its tidy table (CSV).

    Parameters
    ----------
    pairs_file: from :func:`spnet.data.pairs.make_pairs`, tab-separated.
    prepared: folder with a folder per prepared subject.
    identity: values of the columns trained_on, dataset, method and seed.
    """
    method = spec.build(device)
    pairs = pd.read_csv(pairs_file, sep="\t", dtype=str, keep_default_na=False)
    reader = prepared_reader(prepared, choose_device(device))
    wanted = pairs[pairs["chunk"] == str(chunk)]
    scores = evaluate_pairs(method, wanted, reader, scoring.labels, scoring.further)
    for position, column in enumerate(IDENTITY):
        scores.insert(position, column, identity[column])
    with atomic_path(output) as temporary:
        scores.to_csv(temporary, index=False)
