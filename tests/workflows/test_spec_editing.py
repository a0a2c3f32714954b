"""The schema that editors get accepts what loads and refuses what does not."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.workflows.kinds import KINDS
from tests.workflows.test_spec_bodies import SOURCE as BODIES
from tests.workflows.test_spec_header import EXAMPLE
from tests.workflows.test_spec_states import MACHINE
from workflows.engine.step import kinds
from workflows.library import library
from workflows.spec.editing import language_schema
from workflows.spec.source import read

COMMITTED = Path(__file__).parents[2] / "docs" / "workflow.schema.json"
HEAD = 'name: shop\nversion: "1"\n'


def mistakes(source: str) -> list[str]:
    validator = Draft202012Validator(language_schema({**KINDS}))
    return [error.message for error in validator.iter_errors(read(source).data)]


def test_committed_copy_is_that_of_this_release() -> None:
    """Renew it with ``manage.py workflow_schema > docs/workflow.schema.json``."""
    assert json.loads(COMMITTED.read_text()) == language_schema(kinds())


def test_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(language_schema(kinds()))


def test_library_and_example_match() -> None:
    validator = Draft202012Validator(language_schema({**KINDS, **kinds()}))
    texts = [graph.source for graph in library().values()]
    for text in (*texts, EXAMPLE.read_text()):
        assert [error.message for error in validator.iter_errors(read(text).data)] == []


@pytest.mark.parametrize(
    "source",
    [
        BODIES,
        MACHINE,
        HEAD + "use: [a]\nsteps: [{id: a, fragment: a, with: {b: 1}}]\n",
        HEAD + "steps: [{id: a, type: reply, retry: {on: timeout, max: 2}}]\n",
        HEAD + "steps: [{id: a, type: reply, if: true, timeout: 500ms}]\n",
        HEAD + "steps: [{id: a, type: reply}]\nerror_handling: [{type: fallback, action: b}]\n",
    ],
)
def test_good_file_matches(source: str) -> None:
    assert mistakes(source) == []


@pytest.mark.parametrize(
    "source",
    [
        HEAD,
        HEAD + "steps: []\n",
        HEAD + "steps: [{id: a}]\n",
        HEAD + "steps: [{id: a, type: magic}]\n",
        HEAD + "steps: [{id: a, type: tool}]\n",
        HEAD + "steps: [{id: a, type: reply, retries: 1}]\n",
        HEAD + "steps: [{id: a, type: reply, timeout: soon}]\n",
        HEAD + "steps: [{id: a, type: knowledge, config: {limit: 99}}]\n",
        HEAD + "steps: [{id: a, type: branch}]\n",
        HEAD + "steps: [{id: a, type: loop, config: {until: 'true', max: 3, steps: [{id: 1}]}}]\n",
        HEAD + "steps: [{id: a, type: parallel, config: {branches: {b: [{id: c}]}}}]\n",
        HEAD + "steps: [{id: a, type: reply}]\nerror_handling: [{type: panic}]\n",
        HEAD + "steps: [{id: a, fragment: b, if: 'true'}]\n",
        HEAD + "states: {a: {final: true}}\n",
    ],
)
def test_bad_file_does_not_match(source: str) -> None:
    assert mistakes(source)


def test_every_key_is_described_or_typed() -> None:
    def bare(schema: Any, path: str) -> list[str]:
        found = []
        for key, value in schema.get("properties", {}).items():
            if not value and key not in ("default",):
                found.append(f"{path}/{key}")
        return found

    schema = language_schema(kinds())
    assert bare(schema, "") == []
    assert bare(schema["$defs"]["step"]["else"], "step") == []
