"""The command line as a whole: what every command must do."""

from __future__ import annotations

import subprocess
import sys

import pytest

from spnet.cli import COMMANDS, main
from spnet.weights import PUBLISHED


def names() -> list[str]:
    return [command.__name__.rpartition(".")[2] for command in COMMANDS]


@pytest.mark.parametrize("name", names())
def test_every_command_describes_itself_like_a_manual_page(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert f"usage: spnet {name}" in text
    assert len(text.split("options:")[0].split()) > 25, "a description, not only a list of options"


def test_every_published_file_is_named_in_the_help(capsys):
    with pytest.raises(SystemExit):
        main(["weights", "--help"])
    text = capsys.readouterr().out
    assert all(f"\n  {name} " in text for name in PUBLISHED)


def test_the_package_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "spnet", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("spnet ")


def test_a_reader_that_closes_early_ends_a_command_quietly():
    """As `spnet methods | head -1` does."""
    command = [sys.executable, "-m", "spnet", "methods"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        told = process.stderr.read()
    assert process.returncode == 1
    assert told == ""
