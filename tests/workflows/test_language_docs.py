"""The reference of the language: each example on it loads, each key has one."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workflows.kinds import KINDS
from workflows.engine.step import kinds
from workflows.spec.bundles import Bundle, bundle_gather
from workflows.spec.fragments import fragment_read
from workflows.spec.kinds import StepKind
from workflows.spec.loading import load, load_bundle
from workflows.spec.models import StepSpec, WorkflowSpec

PAGE = (Path(__file__).parents[2] / "docs" / "workflow-language.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
HEAD = 'name: example\nversion: "1"\nsteps:\n'


def known_kinds() -> dict[str, StepKind]:
    return {**KINDS, **kinds()}


def fragments() -> dict[str, str]:
    found = [text for text in EXAMPLES if "parameters:" in text]
    return {re.match(r"name: (\w+)", text)[1]: text for text in found}  # type: ignore[index]


def workflows() -> Iterator[str]:
    for text in EXAMPLES:
        if text.startswith("- "):
            yield HEAD + text
        elif text.startswith("name:") and "parameters:" not in text:
            yield text


@pytest.mark.parametrize("source", list(workflows()))
def test_example_loads(source: str) -> None:
    assert load_bundle(bundle_gather(source, fragments()), known_kinds()).nodes


def test_example_of_a_fragment_is_used_as_the_page_says() -> None:
    assert fragment_read("confirm_order", fragments()["confirm_order"])
    [source] = [text for text in EXAMPLES if "use: [confirm_order]" in text]
    nodes = load_bundle(Bundle(source, fragments()), known_kinds()).nodes
    assert list(nodes) == ["order", "order_find", "order_sorry", "done"]
    assert nodes["order_find"].next == "done"


def test_example_of_an_overlay_fits_the_first_example() -> None:
    [overlay] = [text for text in EXAMPLES if text.startswith("overlay_of")]
    base = load(EXAMPLES[0], known_kinds())
    changed = load_bundle(Bundle(EXAMPLES[0], {}, overlay), known_kinds())
    assert set(base.nodes) - set(changed.nodes) == {"answer"}
    assert set(changed.nodes) - set(base.nodes) == {"note"}


@pytest.mark.parametrize("model", [WorkflowSpec, StepSpec])
def test_every_key_has_an_example(model: type[WorkflowSpec] | type[StepSpec]) -> None:
    written = "\n".join(EXAMPLES)
    for name, info in model.model_fields.items():
        key = info.alias or name
        assert re.search(rf"(^|[{{,\s]){key}:", written), key


def test_every_step_type_of_the_release_is_listed() -> None:
    listed = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert set(kinds()) <= listed
