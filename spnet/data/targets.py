"""Names of target spaces: the MNI152 brain, a file, or a subject of the dataset. Imports nothing that takes long."""

from __future__ import annotations

from collections.abc import Sequence

from spnet.errors import ConfigError

MNI152 = "mni152"
REFERENCE = "reference"


def is_reference(target: str) -> bool:
    """Whether a configured `target` means a subject: ``reference`` or ``reference:<subject>``."""
    return target.partition(":")[0] == REFERENCE


def reference_subject(target: str, training: Sequence[str]) -> str:
    """The subject that such a `target` means; ``reference`` alone is the first of those that train.

    Raises
    ------
    ConfigError: it names a subject that does not train.
    """
    name = target.partition(":")[2] or min(training)
    if name not in training:
        raise ConfigError(
            f"the target '{target}' names a subject that is not in the training part",
            remedy="Name one that is, or set prepare.target to reference",
        )
    return name
