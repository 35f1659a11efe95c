"""The three places that name versions say the same."""

import re
import tomllib

import yaml


def pins(lines):
    return {name.lower(): version for name, version in (line.split("==") for line in lines if "==" in line)}


def test_conda_users_get_the_versions_of_pip_users(repository):
    constraints = pins((repository / "constraints.txt").read_text().splitlines())
    environment = yaml.safe_load((repository / "environment.yml").read_text())
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert pins(pip).items() <= constraints.items()
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    assert set(pins(pip)) == {re.split("[<>=]", entry)[0] for entry in project["dependencies"]}


def test_every_dependency_is_pinned_and_nothing_names_a_build(repository):
    lines = (repository / "constraints.txt").read_text().splitlines()[1:]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert {re.split("[<>=]", entry)[0].lower() for entry in wanted} <= set(pins(lines))


def test_packages_that_speed_is_compared_with_are_pinned_apart(repository):
    lines = (repository / "benchmarks" / "constraints.txt").read_text().splitlines()[1:]
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    peers = set(project["optional-dependencies"]["bench"])
    assert peers <= set(pins(lines))
    assert not peers & {re.split("[<>=]", entry)[0] for entry in project["dependencies"]}
    assert set(re.search(r"PEERS\s*:=(.*)", (repository / "Makefile").read_text())[1].split()) == peers
