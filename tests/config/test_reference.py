"""What is generated from the models is what is committed, and the worked example is what is shipped."""

import json
import re

import yaml
from jsonschema import Draft202012Validator

from spnet.config.files import CATALOGUE
from spnet.config.models import StudyEntry
from spnet.config.reference import editor_schema, schema_text, with_reference
from spnet.figures import FIGURES

GENERATE = "run: python -m spnet.config.reference"


def test_the_manual_and_the_schema_are_those_of_the_models(repository):
    manual = (repository / "config" / "README.md").read_text()
    assert manual == with_reference(manual), GENERATE
    assert (repository / "config" / "schema.json").read_text() == schema_text(), GENERATE


def test_every_key_is_explained(repository):
    manual = (repository / "config" / "README.md").read_text()
    schema = StudyEntry.model_json_schema(by_alias=True)
    keys = {key for node in [schema, *schema["$defs"].values()] for key in node.get("properties", {})} - {"study"}
    assert [key for key in sorted(keys) if f"| `{key}` |" not in manual] == []
    assert all(f"| `{kind}` |" in manual for kind in FIGURES)


def shipped(repository):
    config = repository / "config"
    return [*(config / name for name in CATALOGUE), config / "tuned_syn.yaml", *config.glob("studies/*/*.yaml")]


def test_editors_find_the_schema_from_every_file_and_no_mistake_in_it(repository):
    validator = Draft202012Validator(editor_schema())
    for path in shipped(repository):
        first, *_ = path.read_text().splitlines()
        schema = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)[1]
        assert (path.parent / schema).resolve() == repository / "config" / "schema.json"
        values = json.loads(json.dumps(yaml.safe_load(path.read_text())))
        assert [error.message for error in validator.iter_errors(values)] == [], path
    assert list(validator.iter_errors({"methods": {"vm": {"opitons": {}}}}))


def test_the_worked_example_is_the_one_that_is_shipped_and_has_twelve_lines_at_most(repository):
    text = (repository / "config" / "studies" / "own" / "study.yaml").read_text()
    assert len(text.splitlines()) <= 12
    (shown,) = re.findall(r"```yaml\n(.*?)```", (repository / "config" / "README.md").read_text(), re.DOTALL)
    assert shown.splitlines() == [line for line in text.splitlines() if not line.startswith("#")]
    sheet = (repository / "config" / "studies" / "own" / "subjects.tsv").read_text()
    assert sheet in (repository / "config" / "README.md").read_text()
