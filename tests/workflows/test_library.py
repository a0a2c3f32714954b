"""The workflows of the release are right, and every way through them ends well."""

import pytest

from workflows.engine.step import kinds
from workflows.library import library
from workflows.spec.kinds import END
from workflows.spec.loading import load
from workflows.types import DEFAULT_WORKFLOW


def test_library_holds_what_it_promises() -> None:
    assert {"customer_support", "faq_handling"} <= set(library())
    assert DEFAULT_WORKFLOW in library()


@pytest.mark.parametrize("name", ["customer_support", "faq_handling"])
def test_library_file_compiles_under_its_own_name(name: str) -> None:
    graph = library()[name]
    assert graph.name == name
    assert load(graph.source, kinds()).content_hash == graph.content_hash


@pytest.mark.parametrize("name", ["customer_support", "faq_handling"])
def test_every_way_ends_with_a_reply_or_a_person(name: str) -> None:
    nodes = library()[name].nodes
    last = [node.kind.name for node in nodes.values() if any(e.target == END for e in node.edges)]
    assert set(last) <= {"reply", "escalation"}


def test_step_types_of_the_first_form_are_registered() -> None:
    assert {"router", "knowledge", "llm", "reply", "branch", "escalation"} <= set(kinds())
