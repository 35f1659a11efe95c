"""What a result tells of the software that made it."""

from spnet.provenance import dependency_versions, git_commit, installed_version, plain


def test_every_dependency_is_told_with_its_version_and_tools_for_developers_are_not():
    versions = dependency_versions()
    assert {"spnet-reproduced", "torch", "numpy", "snakemake"} <= set(versions)
    assert "ruff" not in versions
    assert "not installed" not in versions.values()


def test_a_package_that_is_not_there_is_told_as_such():
    assert installed_version("no-such-package-of-any-name") == "not installed"


def test_a_commit_is_told_or_unknown():
    assert git_commit() == "unknown" or len(git_commit().removesuffix("-dirty")) == 40


def test_nested_mappings_and_tuples_become_plain():
    assert plain({"a": ({"b": (1, 2)},)}) == {"a": [{"b": [1, 2]}]}
