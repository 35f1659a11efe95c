"""The files of the configuration: where they are, and what each says."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from spnet.errors import ConfigError, did_you_mean, first_line

STUDY = "study.yaml"
# The study that runs unless another is asked for.
PAPER = "paper"
COMMAND_LINE = "--config"
CATALOGUE = ("datasets.yaml", "methods.yaml")

# Ten times as fast as the other, where PyYAML was built with it: every job reads the configuration.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Layer:
    """What one file, or the command line, says.

    Attributes
    ----------
    source: the file's name, for messages.
    """

    source: str
    values: Mapping[str, Any]


def find_config(folder: str | Path | None = None) -> Path:
    """The folder with the catalogue: the given one, ./config, or that of the checkout that this package runs from.

    Raises
    ------
    ConfigError: datasets.yaml and methods.yaml are in none of them.
    """
    places = [Path(folder)] if folder else [Path.cwd() / "config", Path(__file__).parents[2] / "config"]
    for place in places:
        if all((place / name).is_file() for name in CATALOGUE):
            return place
    raise ConfigError(
        f"no {' and '.join(CATALOGUE)} in {places[0]}", remedy="Run in a checkout, or name it with --config"
    )


def find_published_numbers() -> Path:
    """The table of the paper's numbers."""
    return find_config() / "studies" / PAPER / "published.tsv"


def find_study(name: str, beside: Path | None = None) -> Path:
    """A study's file, by its name in config/studies, or by the path of its folder or file.

    Parameters
    ----------
    beside: the folder that a relative path starts from; unless given, the one that one stands in.

    Raises
    ------
    ConfigError: there is none.
    """
    if "/" in name or name.endswith(".yaml"):
        path = (beside or Path.cwd()) / os.path.expanduser(name)
        path = path / STUDY if path.is_dir() else path
        if path.is_file():
            return path
        raise ConfigError("there is no such study", path=path, remedy=f"Name a folder with a {STUDY}, or a file")
    studies = find_config() / "studies"
    known = sorted(path.parent.name for path in studies.glob(f"*/{STUDY}"))
    if name not in known:
        raise ConfigError(
            f"there is no study '{name}'{did_you_mean(name, known)}",
            remedy=f"Known ones are: {', '.join(known)}; or give the path of a file, such as ./{name}/{STUDY}",
        )
    return studies / name / STUDY


def name_study(path: Path) -> str:
    """A study's one name, however it was asked for: its folder's in config/studies, or its file, from here if below."""
    path, studies = path.resolve(), find_config().resolve() / "studies"
    if path.name == STUDY and path.parent.parent == studies:
        return path.parent.name
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def read_catalogue(folder: str | Path | None = None) -> list[Layer]:
    """The datasets and methods that every study may use."""
    config = find_config(folder)
    return [read_layer(config / name) for name in CATALOGUE]


def read_with_extended(path: Path, above: Sequence[Path] = ()) -> list[Layer]:
    """A study's layers: those of the studies or files that it extends, and its own.

    Raises
    ------
    ConfigError: a study that is not there, or one that extends itself.
    """
    path = path.resolve()
    if path in above:
        chain = " extends ".join(str(each) for each in (*above[above.index(path) :], path))
        raise ConfigError(f"this study extends itself: {chain}", path=path, remedy="Take one `extends` out")
    layer = read_layer(path)
    extended = layer.values.get("extends", [])
    names = [extended] if isinstance(extended, str) else extended
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"extends is {extended!r}, but should be a study's name or path, or a list", path=path)
    below = [each for name in names for each in read_with_extended(find_study(name, path.parent), (*above, path))]
    return [*below, Layer(layer.source, {key: value for key, value in layer.values.items() if key != "extends"})]


def read_layer(path: Path) -> Layer:
    """What a file says; a table of scans that lies beside it by its whole path.

    Raises
    ------
    ConfigError: it is not there, or no YAML with keys and values.
    """
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        told = str(getattr(error, "problem_mark", "") or "").strip().rpartition('"')[2]
        raise ConfigError(f"this file cannot be read ({first_line(error)}{told})", path=path) from error
    values = {} if values is None else values
    if not isinstance(values, dict):
        raise ConfigError("this file holds no keys with values", path=path, remedy="Write lines such as `run: mine`")
    source = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return Layer(str(source), _tables_found(values, path.parent))


def _tables_found(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    datasets = values.get("datasets")
    for entry in datasets.values() if isinstance(datasets, dict) else ():
        table = entry.get("table") if isinstance(entry, dict) else None
        if isinstance(table, str) and (folder / table).is_file():
            entry["table"] = str((folder / table).resolve())
    return values


def parse_values(arguments: Sequence[str]) -> dict[str, Any]:
    """Values of the command line, ``key=value``, each read as YAML: ``seeds=[0, 1]``, ``threads={train: 2}``.

    Raises
    ------
    ConfigError: a value that is no YAML.
    """
    values = {}
    for argument in arguments:
        key, _, text = argument.partition("=")
        try:
            values[key] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"{COMMAND_LINE} {argument}: this value cannot be read ({first_line(error)})") from error
    return values
