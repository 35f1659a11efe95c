"""The manual's reference of all keys, and a schema by which editors complete and check them, from the models.

``python -m spnet.config.reference`` writes both into config/; a test holds them equal to the models.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from spnet.analysis.claims import STATISTICS
from spnet.config.files import find_config
from spnet.config.models import StudyEntry
from spnet.config.models.fields import PATTERNS
from spnet.figures import FIGURES
from spnet.files import write_text
from spnet.metrics import METRICS

BEGIN, END = "<!-- generated: python -m spnet.config.reference -->", "<!-- end of what is generated -->"

_NAMES = {"type": "array", "items": {"type": "string"}}
# Keys that are used up when a study is read, and so are in no model.
_READING: dict[str, dict[str, Any]] = {
    "extends": {
        "anyOf": [{"type": "string"}, _NAMES],
        "description": "The study, or studies, that this one is laid over: a name in config/studies, or a path.",
    },
    "without": {
        **_NAMES,
        "description": "Datasets, experiments, tables, figures and claims that are left out, with all that hangs on"
        " them; or `tables`, `figures`, `claims`, `significance`.",
    },
}
_BASE = {"type": "string", "description": "The method that this one is like, but for what is written here."}
# Written by the program, not by hand.
_UNWRITTEN = ("study",)


def editor_schema() -> dict[str, Any]:
    """JSON Schema of one file: any key may be missing, since other files may have it."""
    schema = _plain(StudyEntry.model_json_schema(by_alias=True))
    schema["properties"] = _READING | {
        key: value for key, value in schema["properties"].items() if key not in _UNWRITTEN
    }
    schema["$defs"]["MethodEntry"]["properties"] = {"base": _BASE, **schema["$defs"]["MethodEntry"]["properties"]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _plain(node: Any) -> Any:
    """The schema without required keys, and without the titles that pydantic makes of names."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    left = {key: _plain(value) for key, value in node.items() if key != "required"}
    return {key: value for key, value in left.items() if key != "title" or not isinstance(value, str)}


def manual() -> str:
    """Markdown: every model with its keys, then figures and statistics."""
    schema = _explained(StudyEntry.model_json_schema(by_alias=True))
    models = {name: node for name, node in schema["$defs"].items() if "properties" in node}
    parts = ["### A study", _keys(schema, StudyEntry)]
    for name in _in_order(schema, models):
        parts += [f"### {_words(name)}", models[name]["description"].split("\n")[0], _keys(models[name])]
    return "\n\n".join([*parts, *_metrics(), *_figures(), *_statistics()]) + "\n"


def _explained(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with a description at every key: pydantic leaves out those that a model's docstring repeats."""
    for node in [schema, *schema["$defs"].values()]:
        for each in node.get("properties", {}).values():
            if "description" not in each:
                each["description"] = schema["$defs"][each["$ref"].rpartition("/")[2]]["description"]
    return schema


def _in_order(schema: Mapping[str, Any], models: Mapping[str, Any]) -> list[str]:
    """Names of models, each after the one whose key it explains."""
    found: dict[str, None] = {}

    def visit(node: Any) -> None:
        if isinstance(node, dict):
            name = str(node.get("$ref", "")).rpartition("/")[2]
            if name in models and name not in found:
                found[name] = None
                visit(models[name]["properties"])
            for value in node.values():
                visit(value)
        elif isinstance(node, list):
            for value in node:
                visit(value)

    visit(schema["properties"])
    return list(found)


def _keys(node: Mapping[str, Any], model: type[BaseModel] | None = None) -> str:
    rows = ["| key | value | unless given | meaning |", "|---|---|---|---|"]
    if model is StudyEntry:
        rows += [f"| `{key}` | {_value(each)} | | {each['description']} |" for key, each in _READING.items()]
    if node.get("title") == "MethodEntry":
        rows.append(f"| `base` | {_value(_BASE)} | | {_BASE['description']} |")
    for key, each in node["properties"].items():
        if key not in _UNWRITTEN:
            needed = "needed" if key in node.get("required", ()) and "unless given" not in each["description"] else ""
            default = _default(each) if "default" in each else needed
            rows.append(f"| `{key}` | {_value(each)} | {default} | {each['description']} |")
    return "\n".join(rows)


def _default(node: Mapping[str, Any]) -> str:
    default = node["default"]
    if default is None or (isinstance(default, (dict, list)) and not default) or "$ref" in node:
        return ""
    return f"`{json.dumps(default) if not isinstance(default, str) else default}`"


def _value(node: Mapping[str, Any]) -> str:
    """What may be written, in words."""
    if "$ref" in node:
        return f"[{(name := _words(node['$ref'].rpartition('/')[2]))}](#{name.replace(' ', '-')})"
    if "anyOf" in node:
        kinds = [_value(each) for each in node["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds)).replace("whole number or number", "number")
    if "enum" in node:
        return ", ".join(f"`{json.dumps(each) if not isinstance(each, str) else each}`" for each in node["enum"])
    match node.get("type"):
        case "array":
            return f"list of {_value(node['items'])}" if "maxItems" not in node else f"{node['maxItems']} numbers"
        case "object":
            inner = node.get("additionalProperties") or next(iter(node.get("patternProperties", {}).values()), None)
            return f"name: {_value(inner)}" if isinstance(inner, dict) else "name: value"
        case "integer" | "number" as kind:
            return ("whole number" if kind == "integer" else "number") + _range(node)
        case "boolean":
            return "`true`, `false`"
    return PATTERNS.get(node.get("pattern", ""), "text")


def _range(node: Mapping[str, Any]) -> str:
    words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most"}
    return "".join(f", {word} {node[key]:g}" for key, word in words.items() if key in node)


def _words(name: str) -> str:
    """What a model describes, in words: ``PerDatasetEntry`` is `per dataset`."""
    words = (f" {letter.lower()}" if letter.isupper() else letter for letter in name.removesuffix("Entry"))
    return "".join(words).strip()


def _figures() -> Iterator[str]:
    yield "### Kinds of figures"
    rows = ["| kind | draws |", "|---|---|"]
    rows += [f"| `{name}` | {kind.what_is_shown} |" for name, kind in FIGURES.items()]
    yield "\n".join(rows)


def _metrics() -> Iterator[str]:
    yield "### Metrics"
    rows = ["| metric | title | of | better | measured |", "|---|---|---|---|---|"]
    for name, metric in METRICS.items():
        of = "every label" if metric.by_label else "the volume"
        better, measured = (
            ("higher" if metric.higher_is_better else "lower"),
            ("if asked for" if metric.further else "always"),
        )
        rows.append(f"| `{name}` | {metric.full_title} | {of} | {better} | {measured} |")
    yield "\n".join(rows)


def _statistics() -> Iterator[str]:
    yield "### Statistics of claims"
    rows = ["| statistic | holds if | parameters | may have |", "|---|---|---|---|"]
    for name, entry in STATISTICS.items():
        holds = _first_paragraph(inspect.getdoc(entry.grade) or "")
        optional = [key for key, each in entry.parameters.items() if each.default is not each.empty]
        needed = [key for key in entry.parameters if key not in optional]
        either = [" or ".join(f"`{key}`" for key in entry.one_of)] if entry.one_of else []
        further = [f"`{key}`" for key in optional if key not in entry.one_of]
        rows.append(
            f"| `{name}` | {holds} | {', '.join([*map('`{}`'.format, needed), *either])} | {', '.join(further)} |"
        )
    yield "\n".join(rows)


def _first_paragraph(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split()).replace("|", "\\|")


def with_reference(readme: str) -> str:
    """The manual's text with its reference as the models have it."""
    before, _, rest = readme.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{manual()}\n{END}{rest.partition(END)[2]}"


def write_reference(config: Path) -> None:
    """Write config/schema.json and the reference in config/README.md."""
    write_text(config / "schema.json", schema_text())
    readme = config / "README.md"
    write_text(readme, with_reference(readme.read_text(encoding="utf-8")))


def schema_text() -> str:
    """What schema.json holds: each model and each key of a study in a line."""
    lines = []
    for key, value in editor_schema().items():
        if key in ("$defs", "properties"):
            inner = ",\n".join(f'  "{name}": {json.dumps(node)}' for name, node in value.items())
            lines.append(f'"{key}": {{\n{inner}\n }}')
        else:
            lines.append(f'"{key}": {json.dumps(value)}')
    return "{\n " + ",\n ".join(lines) + "\n}\n"


if __name__ == "__main__":
    write_reference(find_config())
