"""Which network registers, and how its scans are prepared: from a training's record or from the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from spnet.config.load import load_catalogue
from spnet.data.nifti import read_image
from spnet.data.options import PreprocessOptions
from spnet.data.targets import is_reference
from spnet.errors import ConfigError, WeightsError, did_you_mean
from spnet.evaluation.chunk import MethodSpec
from spnet.files import sha256_of
from spnet.methods import build_method
from spnet.weights import find_published


@dataclass(frozen=True)
class Choice:
    """A method, its weights and its preparation.

    Attributes
    ----------
    method: its name in methods.yaml; of a training outside its run, the implementation's.
    dataset: whose preparation it is.
    """

    method: str
    spec: MethodSpec
    dataset: str
    preparation: PreprocessOptions

    def weights_sha256(self) -> str | None:
        """Checksum of the weights; None for a method without any."""
        if self.spec.weights is None:
            return None
        return sha256_of(self.spec.weights)


def choose_named(
    method: str,
    weights: str | Path | None = None,
    dataset: str | None = None,
    config: str | Path | None = None,
    weights_root: str | Path | None = None,
) -> Choice:
    """A method by its name in methods.yaml, with the given weights or those that its authors published.

    Parameters
    ----------
    dataset: whose preparation; None is the one the published weights come from, else mindboggle101.

    Raises
    ------
    ConfigError, WeightsError: an unknown name, or weights that are nowhere.
    """
    if weights is not None and not Path(weights).is_file():
        raise WeightsError("there is no such weights file", path=weights, remedy="Check the name")
    catalogue = load_catalogue(config)
    methods, datasets = catalogue["methods"], catalogue["datasets"]
    entry = _entry(methods, method, "method")
    if weights is None and entry["kind"] != "published":
        entry = _published_of(methods, entry["implementation"]) or entry
    if weights is None and entry["weights"]:
        weights = find_published(entry["weights"], weights_root)
    spec = MethodSpec(entry["implementation"], entry["options"], weights)
    if weights is None and build_method(spec.implementation, spec.options).count_parameters():
        raise ConfigError(
            f"method '{method}' is learned and its authors published no weights",
            remedy="Name a file with --weights, or a training of yours with --model",
        )
    wanted = dataset or (entry["trained_on"] if entry["trained_on"] in datasets else "mindboggle101")
    return Choice(method, spec, wanted, _preparation(datasets, wanted))


def choose_trained(model: str | Path, dataset: str | None = None, config: str | Path | None = None) -> Choice:
    """A training of a run: results/RUN/models/DATASET/METHOD/seed-N, or its weights.pt.

    The common grid is that of the run's own prepared scans where they are still there, else the configuration's.

    Parameters
    ----------
    dataset: whose preparation; None is the one that the training's place in its run tells.

    Raises
    ------
    ConfigError: no training's record there, or its dataset is not told or not in datasets.yaml.
    """
    folder = Path(model) if Path(model).is_dir() else Path(model).parent
    record = folder / "run.yaml"
    if not record.is_file() or not (folder / "weights.pt").is_file():
        raise ConfigError(
            "a finished training is a folder with weights.pt and run.yaml",
            path=model,
            remedy="Name results/RUN/models/DATASET/METHOD/seed-N, or use --method with --weights",
        )
    try:
        definition = yaml.safe_load(record.read_text(encoding="utf-8"))["definition"]
        spec = MethodSpec(definition["implementation"], definition["method_options"], folder / "weights.pt")
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError) as error:
        raise ConfigError("this record does not name a method and its options", path=record) from error
    run, trained_on, method = _place_in_run(folder.absolute())
    wanted = dataset or trained_on
    if wanted is None:
        raise ConfigError(
            "this training lies outside its run, so nothing tells what it was trained on",
            path=model,
            remedy="Say with --dataset whose preparation the scans need",
        )
    options = _preparation(load_catalogue(config)["datasets"], wanted, run)
    if run is not None:
        options = _as_in_run(options, run / "preprocessed" / wanted)
    return Choice(method or spec.implementation, spec, wanted, options)


def _place_in_run(folder: Path) -> tuple[Path, str, str] | tuple[None, None, None]:
    """The run, the dataset and the method of RUN/models/DATASET/METHOD/seed-N; nothing of any other folder."""
    *_, above, dataset, method, _seed = ("", "", "", *folder.parts)
    return (folder.parents[3], dataset, method) if above == "models" else (None, None, None)


def _entry(entries: Mapping[str, Any], name: str, kind: str) -> dict[str, Any]:
    if name not in entries:
        raise ConfigError(
            f"there is no {kind} '{name}'{did_you_mean(name, entries)}", remedy=f"Known ones are: {', '.join(entries)}"
        )
    return entries[name]


def _published_of(methods: Mapping[str, Any], implementation: str) -> dict[str, Any] | None:
    """The first entry that runs what the authors of `implementation` published."""
    return next(
        (
            entry
            for entry in methods.values()
            if entry["kind"] == "published" and entry["implementation"] == implementation
        ),
        None,
    )


def _preparation(datasets: Mapping[str, Any], name: str, run: Path | None = None) -> PreprocessOptions:
    given = _entry(datasets, name, "dataset")["prepare"]
    options = PreprocessOptions(**given | {"shape": tuple(given["shape"])})
    if not is_reference(options.target):
        return options
    target = run / "reference" / f"{name}.nii.gz" if run else None
    if target is None or not target.is_file():
        raise ConfigError(
            f"the target of '{name}' is one of its own scans, which a run writes to reference/{name}.nii.gz",
            remedy="Name a training of a finished run with --model",
        )
    return replace(options, target=str(target))


def _as_in_run(options: PreprocessOptions, prepared: Path) -> PreprocessOptions:
    scan = next(iter(sorted(prepared.glob("*/image.nii.gz"))), None)
    if scan is None:
        return options
    image = read_image(scan)
    return replace(options, spacing=round(float(image.spacing[0]), 6), shape=tuple(image.data.shape))
