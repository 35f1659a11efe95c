"""The rolling checkpoint: everything that a training needs to go on as if it had never stopped."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from spnet import provenance
from spnet.errors import first_line
from spnet.files import atomic_path

log = logging.getLogger(__name__)

NAME = "last.ckpt"

# Parts of this package that a training runs through; if they change, a half-done one is begun again.
_CODE = ("fields", "kernels", "losses", "methods", "device", "together", "training")


@dataclass
class Progress:
    """How far a training has come.

    Attributes
    ----------
    stage, step: the stage under way, and the steps of it that are done.
    history: one row of numbers per step done, over all stages.
    resumed: how many times the training was taken up again.
    """

    stage: int = 0
    step: int = 0
    history: list[dict[str, float | str]] = field(default_factory=list)
    resumed: int = 0


def fingerprint(definition: Mapping[str, Any], files: Sequence[Path]) -> str:
    """Hash of all that decides what a training ends in: its definition, its input files, and the code it runs."""
    return provenance.fingerprint(definition, files, _CODE)


def save(
    folder: Path,
    identity: str,
    progress: Progress,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
) -> None:
    """Write the checkpoint atomically, behind its SHA-256: a reader finds the former or this one, never half of one."""
    device = next(network.parameters()).device
    state = {
        "identity": identity,
        "progress": vars(progress),
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "pairs_rng": generator.get_state(),
        "torch_rng": torch.get_rng_state(),
        "cuda_rng": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
    }
    stored = _stored(state)
    _write(folder / NAME, hashlib.sha256(stored).digest(), stored)


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write `state` as torch does, atomically."""
    _write(path, _stored(state))


def _stored(state: Mapping[str, Any]) -> memoryview:
    # By way of memory: torch tells a full disk as an internal error of its own, a plain write as what it is.
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getbuffer()


def _write(path: Path, *parts: bytes | memoryview) -> None:
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.writelines(parts)


def load(folder: Path, identity: str) -> dict[str, Any] | None:
    """The checkpoint in `folder`, or None (saying why) if there is none that belongs to this training."""
    path = folder / NAME
    if not path.exists():
        return None
    try:
        state = read(path)
    except Exception as error:  # torch's own are of many kinds, such as those of another version
        log.warning("%s cannot be read (%s): training starts again", path, first_line(error))
        return None
    if state.get("identity") != identity:
        log.warning("%s is of another configuration, data or version: training starts again", path)
        return None
    return state


def read(path: Path) -> dict[str, Any]:
    """What :func:`save` wrote to `path`.

    Raises
    ------
    OSError: it cannot be read.
    ValueError: a byte of it is not as it was written; torch would not notice.
    """
    content = memoryview(path.read_bytes())
    size = hashlib.sha256().digest_size
    if hashlib.sha256(content[size:]).digest() != content[:size]:
        raise ValueError("it is truncated or damaged")
    return torch.load(io.BytesIO(content[size:]), map_location="cpu", weights_only=True)


def restore(
    state: dict[str, Any], network: nn.Module, optimiser: torch.optim.Optimizer, generator: torch.Generator
) -> None:
    """Put network, optimiser and all random generators back to where `save` found them."""
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    generator.set_state(state["pairs_rng"])
    torch.set_rng_state(state["torch_rng"])
    device = next(network.parameters()).device
    if state["cuda_rng"] is not None and device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda_rng"], device)


def remove_finished(models: Path) -> None:
    """Delete the checkpoints of all trainings under `models` that have ended in weights."""
    for path in models.rglob(NAME):
        if (path.parent / "weights.pt").exists():
            path.unlink(missing_ok=True)
