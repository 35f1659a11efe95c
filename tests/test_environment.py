"""The places that name versions say the same."""

import re
import shlex
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


def sections(repository):
    """The container recipe's head and sections, by name, as lines without comments."""
    found = {"head": []}
    current = "head"
    for line in (repository / "spnet.def").read_text().splitlines():
        if line.startswith("%"):
            current = line[1:]
            found[current] = []
        elif line.strip() and not line.strip().startswith("#"):
            found[current].append(line.strip())
    return found


def copies(repository):
    """What the container recipe takes out of the checkout, and where it puts it: [(source, target)]."""
    return [tuple(shlex.split(line)) for line in sections(repository)["files"]]


def test_the_container_has_the_python_of_conda_users(repository):
    base = dict(line.split(": ") for line in sections(repository)["head"])
    assert base["Bootstrap"] == "docker"
    python = re.fullmatch(r"python:(\d+\.\d+\.\d+)-slim-bookworm", base["From"])[1]
    environment = yaml.safe_load((repository / "environment.yml").read_text())
    (minor,) = [entry.split("=")[1] for entry in environment["dependencies"] if str(entry).startswith("python=")]
    assert python.startswith(f"{minor}.")
    required = tomllib.loads((repository / "pyproject.toml").read_text())["project"]["requires-python"]
    oldest = re.fullmatch(r">=([\d.]+)", required)[1]
    assert [int(part) for part in python.split(".")] >= [int(part) for part in oldest.split(".")]


def test_the_container_takes_its_packages_from_constraints_alone(repository):
    (install,) = [line for line in sections(repository)["post"] if "pip" in line]
    words = shlex.split(install)
    assert words[:4] == ["python", "-m", "pip", "install"]
    constraints = words[words.index("--constraint") + 1]
    # The project is all that is asked for, so nothing else can come in, and no version is named a second time.
    assert [word for word in words[4:] if not word.startswith("-")] == [constraints, "."]
    folder = next(shlex.split(line)[1] for line in sections(repository)["post"] if line.startswith("cd "))
    assert ("constraints.txt", f"{folder}/{constraints}") in copies(repository)
    assert not any("==" in line for lines in sections(repository).values() for line in lines)


def test_what_the_container_copies_is_enough_to_build_and_run_the_package(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())
    packages = [pattern.rstrip("*") for pattern in project["tool"]["setuptools"]["packages"]["find"]["include"]]
    # config and constraints.txt are looked for beside the package, by spnet methods, register and doctor.
    needed = {"pyproject.toml", project["project"]["readme"], *packages, "config", "constraints.txt"}
    assert {source for source, _ in copies(repository)} == needed
    (folder,) = [shlex.split(line)[1] for line in sections(repository)["post"] if line.startswith("cd ")]
    for source, target in copies(repository):
        assert (repository / source).exists()
        assert target == f"{folder}/{source}"
