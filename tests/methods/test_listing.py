"""What `spnet methods` prints."""

import pytest
import yaml

from spnet.cli import main
from spnet.config.load import load_catalogue
from spnet.errors import ConfigError
from spnet.methods import METHODS
from spnet.methods.listing import TSV_HEADER, list_methods


def test_every_method_is_one_line_with_its_facts(capsys):
    assert main(["methods", "--tsv"]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert tuple(header.split("\t")) == TSV_HEADER
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in lines}
    entries = load_catalogue()["methods"]
    assert list(rows) == [name for name, entry in entries.items() if entry["kind"] != "published"]
    assert set(METHODS) <= set(rows)
    assert rows["lapirn"][:3] == ["LapIRN", "923748", "yes"]
    assert rows["vm"][:3] == ["VM", "396451", "no"]
    assert rows["spnet-no_mie"][:3] == ["SPnet w/o MIE", "377676", "no"]
    assert "No code and no text" in rows["sccnet"][3]


def test_for_reading_every_deviation_has_a_line_of_its_own(capsys):
    assert main(["methods"]) == 0
    printed = capsys.readouterr().out
    entries = list_methods()
    assert printed.count("\n  - ") == sum(len(entry.deviations) for entry in entries)
    assert "923,748" in printed


def test_a_file_that_lacks_a_method_is_named(coarse_config, tmp_path, capsys):
    for path in coarse_config.iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    path = tmp_path / "methods.yaml"
    methods = yaml.safe_load(path.read_text())
    del methods["methods"]["icnet"]
    path.write_text(yaml.safe_dump(methods))
    with pytest.raises(ConfigError, match="no entry for icnet"):
        list_methods(tmp_path)
    path.write_text("methods:\n")
    assert main(["methods", "--config", str(tmp_path)]) == 1
    assert "methods.yaml" in capsys.readouterr().err
