"""Whose change makes a rule's results stale, by what its script imports."""

import pytest

from spnet.sources import PACKAGE, UNCOUNTED, imported_sources, module_file, named_sources


@pytest.fixture
def sources(repository):
    """Function from a rule to the names of the modules that its script runs."""

    def names(rule, **settings):
        found = imported_sources(repository / "workflow" / "scripts" / f"{rule}.py", **settings)
        return {".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in found}

    return names


@pytest.mark.parametrize(
    ("rule", "modules"),
    [
        ("evaluate_chunk", {"metrics.overlap", "fields.warp", "evaluation.register", "data.labels"}),
        ("preprocess_subject", {"data.preprocess", "data.masks", "data.dicom", "data.quality", "figures.preparation"}),
        ("draw_figure", {"figures.draw", "figures.style", "analysis.collect"}),
        ("make_table", {"analysis.tables", "analysis.summarise"}),
    ],
)
def test_a_rule_hangs_on_what_its_script_imports_and_on_what_that_imports(sources, rule, modules):
    assert modules <= sources(rule)


def test_no_training_hangs_on_any_source_and_no_result_on_plumbing_or_methods(sources, repository):
    assert sources("train_method") == set()
    for script in (repository / "workflow" / "scripts").glob("*.py"):
        assert {name.partition(".")[0] for name in sources(script.stem)}.isdisjoint(UNCOUNTED)


def test_what_is_imported_by_way_of_an_uncounted_module_does_not_count(sources):
    assert "data.layouts.locate" in sources("preprocess_subject")
    assert not any(
        name.startswith("data.layouts") for name in sources("preprocess_subject", uncounted=["data.layouts"])
    )


def test_imports_in_functions_count_and_those_for_type_hints_do_not(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from spnet.data.nifti import Volume\n"
        "def later():\n    from spnet.data import pairs\n"
    )
    assert imported_sources(script) == {PACKAGE / "data" / "__init__.py", PACKAGE / "data" / "pairs.py"}


def test_a_package_counts_as_a_whole_and_one_that_is_not_there_is_told():
    assert module_file("spnet.methods.syn") in named_sources("methods")
    assert {path.name for path in named_sources("report/templates/document")} == {"document.md", "document.tex"}
    with pytest.raises(FileNotFoundError, match="no source files"):
        named_sources("nothing")
