"""Virtual subjects, written in the raw layout of the dataset that they stand in for: the very same rules read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from spnet.errors import ConfigError, did_you_mean
from spnet.virtual.brain import VirtualOptions, write_virtual_subject
from spnet.virtual.head import HeadOptions, write_virtual_head
from spnet.virtual.knee import KneeOptions, write_virtual_knee

__all__ = ["VIRTUAL", "virtual_options", "write_virtual"]

# Layout -> its options and the function that writes a subject's image and labels.
VIRTUAL: dict[str, tuple[type, Callable[..., None]]] = {
    "mindboggle101": (VirtualOptions, write_virtual_subject),
    "candi": (HeadOptions, write_virtual_head),
    "oai_zib": (KneeOptions, write_virtual_knee),
}


def virtual_options(layout: str, entry: Mapping[str, Any], user: str) -> Any:
    """The options of a dataset's `virtual` entry, its seed aside.

    Raises
    ------
    ConfigError: an option that virtual subjects of this layout do not have.
    """
    options, _ = VIRTUAL[layout]
    known = [field.name for field in fields(options)]
    for key in entry:
        if key not in (*known, "seed"):
            raise ConfigError(
                f"{user}: virtual scans of layout '{layout}' have no option '{key}'{did_you_mean(key, known)}",
                remedy=f"Known ones are: seed, {', '.join(known)}",
            )
    return options(**{key: value for key, value in entry.items() if key != "seed"})


def write_virtual(layout: str, subject: str, entry: Mapping[str, Any], image: str | Path, labels: str | Path) -> None:
    """Make a virtual subject as the dataset's `virtual` entry says, and write its raw files."""
    _, write = VIRTUAL[layout]
    write(subject, virtual_options(layout, entry, f"subject '{subject}'"), entry["seed"], image, labels)
