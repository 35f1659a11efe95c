"""The folder of a run: the configuration that it keeps, from which its state can be told without Snakemake."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from spnet.errors import ConfigError, DataError, first_line
from spnet.files import write_text
from spnet.provenance import plain

CONFIGURATION = "config.yaml"

_NEEDED = {"run", "datasets", "methods", "experiments", "tables", "figures", "seeds", "notes"}
_NEEDED |= {"significance", "claims", "evaluate_on", "pairs_per_chunk"}


def keep_configuration(config: Mapping[str, Any], run: str | Path) -> None:
    """Write the whole configuration, defaults filled in, into the run's folder."""
    write_text(Path(run) / CONFIGURATION, yaml.safe_dump(plain(config), sort_keys=False, allow_unicode=True))


def read_configuration(run: str | Path) -> dict[str, Any]:
    """What :func:`keep_configuration` wrote.

    Raises
    ------
    DataError: this is no folder of a run, or its configuration is damaged.
    """
    path = Path(run) / CONFIGURATION
    if not path.is_file():
        raise DataError(
            f"this is no folder of a run that was started: it has no {CONFIGURATION}",
            path=run,
            remedy="Name a folder such as results/paper; start a run of an older version once more, and it has one",
        )
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise _damaged(path, first_line(error)) from error
    absent = _NEEDED - {*(config if isinstance(config, dict) else ())}
    if absent:
        raise _damaged(path, f"it lacks {', '.join(sorted(absent))}")
    return config


def check_study(config: Mapping[str, Any], run: str | Path) -> None:
    """Check that no other study has written into the run's folder.

    Raises
    ------
    ConfigError: one has.
    """
    path = Path(run) / CONFIGURATION
    try:
        before = yaml.safe_load(path.read_text(encoding="utf-8"))["study"] if path.is_file() else config["study"]
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError):  # of an older version, or damaged: written anew
        return
    if before != config["study"]:
        raise ConfigError(
            f"this folder holds the results of study '{before}', so study '{config['study']}' must not write into it",
            path=run,
            remedy="Give the study another name for its results: run: NAME in its file, or --config run=NAME",
        )


def _damaged(path: Path, why: str) -> DataError:
    return DataError(
        f"the run's configuration is damaged ({why})",
        path=path,
        remedy="Start the run again, if only for a second: it is then written anew",
    )
