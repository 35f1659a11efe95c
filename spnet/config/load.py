"""Reading a study: its files found, laid over one another, completed and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spnet.config.complaints import checked
from spnet.config.files import (
    COMMAND_LINE,
    PAPER,
    STUDY,
    Layer,
    find_study,
    name_study,
    read_catalogue,
    read_layer,
    read_with_extended,
)
from spnet.config.laying import add_layer
from spnet.config.lookups import shown_names
from spnet.config.models import CatalogueEntry, StudyEntry
from spnet.config.references import check_entries, check_references
from spnet.data.labels import VOLUME, label_set
from spnet.metrics import FURTHER_METRICS

Config = dict[str, Any]


def read_study(
    study: str = PAPER, overlays: Sequence[str | Path] = (), values: Mapping[str, Any] | None = None
) -> Config:
    """All that a study says, as plain values, checked and with defaults filled in.

    Parameters
    ----------
    study: its name in config/studies, or the path of its file or folder.
    overlays: files that are laid over it, in order.
    values: keys and values of the command line, laid over those.

    Raises
    ------
    ConfigError: a file that cannot be read, an unknown key, a wrong value, a name of something that is not there.
    """
    path = find_study(study)
    layers = [*read_with_extended(path), *(read_layer(Path(overlay)) for overlay in overlays)]
    layers.append(Layer(COMMAND_LINE, values or {}))
    catalogue = read_catalogue()
    config: Config = {}
    for layer in [*catalogue, *layers]:
        config = add_layer(config, layer)
    config = _complete(config) | {"study": name_study(path), "run": _run_of(path, layers)}
    standard = [kind for kind in ("tables", "figures") if kind not in config]
    config = checked(StudyEntry, config, lambda place: _written_in(place, [*catalogue, *layers]))
    _add_standard(config, standard)
    _forget_metrics(config)
    check_references(config)
    used = {experiment[key] for experiment in config["experiments"].values() for key in ("dataset", "trained_on")}
    config["datasets"] = {name: entry for name, entry in config["datasets"].items() if name in used}
    return config


def load_catalogue(folder: str | Path | None = None) -> Config:
    """The `datasets` and `methods` that every study may use, checked and with defaults filled in.

    Parameters
    ----------
    folder: of datasets.yaml and methods.yaml; unless given, ./config or that of this checkout.

    Raises
    ------
    ConfigError: they are not there, or one cannot be used.
    """
    layers = read_catalogue(folder)
    config: Config = {}
    for layer in layers:
        config = add_layer(config, layer)
    config = checked(CatalogueEntry, _complete(config), lambda place: _written_in(place, layers))
    check_entries(config)
    return config


def unshown(config: Mapping[str, Any]) -> list[str]:
    """Experiments that no table, figure or comparison shows, of which nothing is run."""
    shown = shown_names(config)
    return [name for name in config["experiments"] if name not in shown]


def _run_of(path: Path, layers: Sequence[Layer]) -> Any:
    """The run's name: what the study itself or anything over it says, else the study's own; never an extended one's."""
    own = str(path.resolve())
    for layer in reversed(layers):
        if "run" in layer.values:
            return layer.values["run"]
        if str(Path(layer.source).resolve()) == own:
            break
    return path.parent.name if path.name == STUDY else path.stem


def _complete(config: Config) -> Config:
    """The configuration with what an entry's name or its other keys say."""
    methods = {name: _method(name, entry) for name, entry in _entries(config, "methods")}
    datasets = {name: {"title": name, **entry} for name, entry in _entries(config, "datasets")}
    experiments = {
        name: {"trained_on": entry["dataset"], **entry} if "dataset" in entry else entry
        for name, entry in _entries(config, "experiments")
    }
    found = {"methods": methods, "datasets": datasets, "experiments": experiments}
    return config | {kind: {**config[kind], **entries} for kind, entries in found.items() if entries}


def _method(name: str, entry: Mapping[str, Any]) -> Config:
    kind, implementation = entry.get("kind", "trained"), entry.get("implementation", name)
    published_as = implementation if kind == "published" else name
    known = {"title": name, "implementation": implementation, "published_as": published_as, **entry}
    if kind == "trained":
        return {"training": {}, **known}
    return {key: value for key, value in known.items() if key != "training"}  # one that a base has


def _entries(config: Mapping[str, Any], kind: str) -> Iterable[tuple[str, Config]]:
    entries = config.get(kind)
    found = entries.items() if isinstance(entries, dict) else ()
    return [(name, entry) for name, entry in found if isinstance(entry, dict)]


def _written_in(place: Sequence[Any], layers: Sequence[Layer]) -> str:
    """The last layer that writes a key, or the entry around it."""
    for length in range(len(place), 0, -1):
        for layer in reversed(layers):
            values: Any = layer.values
            for part in place[:length]:
                values = values.get(part, KeyError) if isinstance(values, dict) else KeyError
            if values is not KeyError:
                return f" (in {layer.source})"
    return ""


def _add_standard(config: Config, kinds: Sequence[str]) -> None:
    """Dice, regularity and a boxplot of every experiment, of the kinds (tables, figures) that a study names none of."""
    for name, experiment in config["experiments"].items():
        dataset = config["datasets"].get(experiment["dataset"])
        if dataset is None:  # told by name later
            continue
        title, shown = dataset["title"], {"experiments": [name]}
        groups = list(label_set(dataset["label_set"]).groups())
        regularity = [{"metric": metric, "structures": [VOLUME]} for metric in ("jab", "ice")]
        if "tables" in kinds:
            dice = [{"metric": "dice", "structures": groups}]
            config["tables"] |= {
                f"{name}_dice": {"title": f"Dice on {title}", **shown, "columns": dice, "notes": []},
                f"{name}_regularity": {
                    "title": f"Folding and inverse consistency on {title}",
                    **shown,
                    "columns": regularity,
                    "notes": [],
                },
            }
        if "figures" in kinds:
            config["figures"][f"{name}_boxplot"] = {
                "title": f"Average Dice on {title}",
                "kind": "dice_boxplot",
                **shown,
            }


def _forget_metrics(config: Config) -> None:
    """Take further metrics that are not measured out of the tables; a table of nothing else goes as well."""
    gone = {*FURTHER_METRICS} - {*config["further_metrics"]}
    for name, entry in list(config["tables"].items()):
        kept = [column for column in entry["columns"] if column["metric"] not in gone]
        if kept:
            config["tables"][name] = {**entry, "columns": kept}
        else:
            del config["tables"][name]
