"""Which source files of this package a script runs, found by its imports: what is mended makes its results stale."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent

# Followed no further: what they do shows in no result, or, as networks and trainings, must not cost fifty trainings.
UNCOUNTED = ("config", "device", "errors", "files", "jobs", "methods", "provenance", "registry", "training", "weights")


def named_sources(name: str) -> list[Path]:
    """Every file of a folder of this package, or those of this name whatever their suffix: templates, for instance.

    Raises
    ------
    FileNotFoundError: there is none.
    """
    found = [*(PACKAGE / name).rglob("*.*"), *PACKAGE.glob(f"{name}.*")]
    found = sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts)
    if not found:
        raise FileNotFoundError(f"there are no source files {PACKAGE / name}")
    return found


def module_file(name: str) -> Path:
    """The source file of a module of this package, by its dotted name."""
    return PACKAGE.joinpath(*name.split(".")[1:]).with_suffix(".py")


def imported_sources(script: str | Path, uncounted: Sequence[str] = UNCOUNTED) -> set[Path]:
    """Source files of this package that a script imports, and those that these import.

    Parameters
    ----------
    uncounted: packages and modules that do not count, nor what is imported by way of them.

    Imports within functions count; those for type hints alone do not, nor do modules that are found by name.
    """
    found: set[Path] = set()
    waiting = list(_imports(Path(script)))
    while waiting:
        path = waiting.pop()
        dotted = ".".join(path.relative_to(PACKAGE).with_suffix("").parts) + "."
        if path not in found and not any(dotted.startswith(f"{part}.") for part in uncounted):
            found.add(path)
            waiting += _imports(path)
    return found


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    return tuple(file for name in _imported_names(ast.parse(path.read_text(encoding="utf-8"))) for file in _files(name))


def _imported_names(node: ast.AST) -> Iterator[str]:
    """Dotted names of modules, and of what is imported from them, which may be a module too."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import):
            yield from (each.name for each in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield from (f"{child.module}.{each.name}" for each in child.names)
        else:
            yield from _imported_names(child)


def _files(name: str) -> Iterator[Path]:
    """The modules of this package on the way to a dotted name."""
    package, *parts = name.split(".")
    for length in range(len(parts) * (package == PACKAGE.name)):
        path = PACKAGE.joinpath(*parts[: length + 1])
        yield from (file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file())
