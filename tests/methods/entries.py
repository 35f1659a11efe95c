"""The entries of methods.yaml, for tests that run over those that are options of one implementation."""

from spnet.config.load import load_catalogue

ENTRIES = load_catalogue()["methods"]

# Names of the ablations and backbones of SPnet.
ABLATIONS = [
    name
    for name, entry in ENTRIES.items()
    if entry["implementation"] == "spnet" and entry["kind"] == "trained" and name != "spnet"
]
