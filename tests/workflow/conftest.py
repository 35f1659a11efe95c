"""A copy of the checkout for one test, and a small run that several compare with."""

from pathlib import Path

import pytest
from checkouts import DEMO, Checkout

SMALL = Path(__file__).with_name("small.yaml")


@pytest.fixture
def checkout(repository, tmp_path):
    return Checkout(repository, tmp_path)


@pytest.fixture(scope="session")
def finished(repository, tmp_path_factory):
    """A checkout with a finished small run, and the arguments that made it; what tests add goes to other runs."""
    checkout = Checkout(repository, tmp_path_factory.mktemp("checkout"))
    arguments = (*DEMO, "--configfile", checkout.write("small.yaml", SMALL.read_text()), "--config", "run=whole")
    done = checkout.run(*arguments)
    assert done.returncode == 0, done.stdout[-5000:]
    return checkout, arguments
