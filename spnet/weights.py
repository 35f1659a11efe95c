"""Weights of networks: the authors' published files, and reading any file into a method."""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from spnet.errors import WeightsError, first_line
from spnet.files import atomic_path, sha256_of

log = logging.getLogger(__name__)

SHARED_VARIABLE = "SPNET_SHARED"


@dataclass(frozen=True)
class PublishedWeights:
    """A file that a method's authors published."""

    file: str
    url: str
    sha256: str
    size_bytes: int
    trained_on: str
    licence: str


PUBLISHED: dict[str, PublishedWeights] = {
    "spnet": PublishedWeights(
        file="spnet_mindboggle101.ckpt",
        url="https://github.com/zhangliutong/SPnet/raw/dd4c77ed7a0b8fa290e4b2d0b8fa2fc19af67ba0/model/final_model.ckpt",
        sha256="43d80e480606d8a5058d3ed8ad19988164cfe678428cb313cacf7e0aafd31689",
        size_bytes=1_725_827,
        trained_on="mindboggle101",
        licence="none stated: for your own use, never redistribute",
    ),
    "lapirn-diff": PublishedWeights(
        file="lapirn_oasis_diff.pth",
        url="https://github.com/cwmok/LapIRN/raw/c17fb7564ca752d37e97baf12cafff44e01da668/Model/LapIRN_diff_fea7.pth",
        sha256="1f37ca274dfbe9f44b5b66722401aa179d4b8b572ad6a73d3b1094d98b10737a",
        size_bytes=3_717_503,
        trained_on="oasis",
        licence="MIT",
    ),
    "lapirn-disp": PublishedWeights(
        file="lapirn_oasis_disp.pth",
        url="https://github.com/cwmok/LapIRN/raw/c17fb7564ca752d37e97baf12cafff44e01da668/Model/LapIRN_disp_fea7.pth",
        sha256="9485191cb215e69b6b43ec4d64eb4fd4be4dcec6fce9f59209d8510378cdc2c0",
        size_bytes=3_717_631,
        trained_on="oasis",
        licence="MIT",
    ),
    "symnet": PublishedWeights(
        file="symnet_oasis.pth",
        url="https://github.com/cwmok/Fast-Symmetric-Diffeomorphic-Image-Registration-with-Convolutional-Neural-Networks"
        "/raw/e59968b103503f7b3c307bd4fd93648d0f8980c1/Model/SYMNet_neurite_oasis_smo30_update_80000.pth",
        sha256="e27a7eebedf6c0dd9a6823e5f65986ec2b11998f60eef68b45ff978c3efa3f79",
        size_bytes=3_464_633,
        trained_on="oasis",
        licence="MIT",
    ),
}


def find_published(name: str, weights_root: str | Path | None = None) -> Path:
    """Path of a published file, downloaded to the user's cache if it is nowhere on this machine.

    Looked for in ``$SPNET_SHARED/weights``, then in `weights_root`; its SHA-256 is checked wherever it comes from.

    Raises
    ------
    WeightsError: unknown name, a file with another checksum, or no way to download it.
    """
    entry = _published(name)
    return _look_for(entry, _folders(weights_root)) or _download(entry)


def locate_published(name: str, weights_root: str | Path | None = None) -> Path | None:
    """Path of a published file that is on this machine, the user's cache included; None if it would be downloaded.

    Raises
    ------
    WeightsError: unknown name, or a file with another checksum.
    """
    return _look_for(_published(name), [*_folders(weights_root), _cache()])


def _folders(weights_root: str | Path | None) -> list[Path]:
    shared = os.environ.get(SHARED_VARIABLE)
    return ([Path(shared) / "weights"] if shared else []) + ([Path(weights_root)] if weights_root else [])


def _look_for(entry: PublishedWeights, folders: Iterable[Path]) -> Path | None:
    for folder in folders:
        path = folder / entry.file
        if path.is_file():
            _check_sha256(path, entry)
            return path
    return None


def _cache() -> Path:
    import pooch

    return Path(pooch.os_cache("spnet-reproduced"))


def check_published(name: str, trained_on: str, user: str) -> None:
    """Raise a WeightsError unless published weights `name` exist and come from the dataset that `user` says."""
    entry = _published(name)
    if entry.trained_on != trained_on:
        raise WeightsError(
            f"the published weights '{name}' were trained on {entry.trained_on}, but {user} says {trained_on}",
            remedy=f"Set its trained_on to {entry.trained_on}",
        )


def _published(name: str) -> PublishedWeights:
    if name not in PUBLISHED:
        raise WeightsError(f"no published weights '{name}'", remedy=f"Known ones are: {', '.join(PUBLISHED)}")
    return PUBLISHED[name]


def copy_published(name: str, destination: str | Path, weights_root: str | Path | None = None) -> Path:
    """Copy a published file, byte for byte, to `destination`; raises as :func:`find_published`."""
    content = find_published(name, weights_root).read_bytes()
    with atomic_path(destination) as temporary:
        temporary.write_bytes(content)
    return Path(destination)


def load_weights(network: nn.Module, path: str | Path) -> None:
    """Fill `network` with the state dict in `path`.

    Raises
    ------
    WeightsError: no such file, not a state dict, or one of another architecture (with the first differences).
    """
    path = Path(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise WeightsError("there is no such weights file", path=path, remedy="Check the name") from error
    except pickle.UnpicklingError as error:
        # What PyTorch says here invites to load it without any care.
        raise WeightsError(
            "this is not a readable PyTorch file of weights",
            path=path,
            remedy="Give a state dict that torch.save wrote",
        ) from error
    except (OSError, EOFError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"this is not a readable PyTorch file ({first_line(error)})",
            path=path,
            remedy="It may be truncated: copy or download it again",
        ) from error
    differences = _differences(network.state_dict(), state) if isinstance(state, dict) else ["it holds no state dict"]
    if differences:
        shown = "; ".join(differences[:3]) + (f"; and {len(differences) - 3} more" if len(differences) > 3 else "")
        raise WeightsError(
            f"these weights are of another architecture than {type(network).__name__}: {shown}",
            path=path,
            remedy="Check the method's name and options against those the file was trained with",
        )
    network.load_state_dict(state)


def _differences(wanted: dict, given: dict) -> list[str]:
    shapes = [
        f"'{name}' is {tuple(getattr(given[name], 'shape', ()))}, not {tuple(wanted[name].shape)}"
        for name in wanted
        if name in given and getattr(given[name], "shape", None) != wanted[name].shape
    ]
    missing = [f"'{name}' is missing" for name in wanted if name not in given]
    unexpected = [f"'{name}' is not expected" for name in given if name not in wanted]
    return shapes + missing + unexpected


def _check_sha256(path: Path, entry: PublishedWeights) -> None:
    found = sha256_of(path)
    if found != entry.sha256:
        raise WeightsError(
            f"the SHA-256 is {found}, not {entry.sha256}",
            path=path,
            remedy="The file is damaged or another version: delete it, it will be downloaded again",
        )


def _download(entry: PublishedWeights) -> Path:
    import pooch

    log.info("downloading %s (%.1f MB; licence: %s)", entry.url, entry.size_bytes / 1e6, entry.licence)
    try:
        path = pooch.retrieve(entry.url, f"sha256:{entry.sha256}", fname=entry.file, path=_cache(), progressbar=False)
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"could not download {entry.url} ({first_line(error)})",
            remedy=f"Download it by hand and save it as {entry.file} in weights_root",
        ) from error
    return Path(path)
