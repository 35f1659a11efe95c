"""The entries of methods.yaml, for tests that run over those that are options of one implementation."""

from pathlib import Path

import yaml

ENTRIES = yaml.safe_load((Path(__file__).parents[2] / "config" / "methods.yaml").read_text())["methods"]

# Names of the ablations and backbones of SPnet.
ABLATIONS = [
    name
    for name, entry in ENTRIES.items()
    if entry["implementation"] == "spnet" and entry["kind"] == "trained" and name != "spnet"
]
