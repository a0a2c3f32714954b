"""A version is kept with the fragments it uses: a release that changes them changes no version."""

import pytest

from core.tenancy import TenantContext
from tests.workflows.conftest import HEAD
from tests.workflows.engine_tools import shop_open
from workflows import selectors, texts, versions
from workflows.models import WorkflowVersion

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "customer_support"
SOURCE = HEAD.replace("steps:", "use: [greet]\nsteps:") + "  - {id: hello, fragment: greet}\n"
GREET = "name: greet\nsteps:\n  - {id: say, type: reply, config: {text: %s}}\n"


def release_has(monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    monkeypatch.setattr(texts, "fragments", lambda: {"greet": GREET % says})
    selectors._graphs.clear()


def said(version: WorkflowVersion) -> str:
    graph = selectors.graph_get(workflow=NAME, content_hash=version.content_hash)
    return str(next(iter(graph.nodes.values())).config)


def test_published_text_keeps_the_fragments_of_its_time(
    in_acme: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    release_has(monkeypatch, "Hello")
    first = versions.workflow_publish(source=SOURCE, published_by=None)
    assert "Hello" in said(first)
    assert first.yaml == SOURCE
    release_has(monkeypatch, "Goodbye")
    assert "Hello" in said(first)
    second = versions.workflow_publish(source=SOURCE, published_by=None)
    assert second.content_hash != first.content_hash
    assert "Goodbye" in said(second)


def test_text_without_fragments_is_kept_as_it_is(in_acme: TenantContext) -> None:
    plain = HEAD + "  - {id: hello, type: reply, config: {text: Hi}}\n"
    assert versions.workflow_publish(source=plain, published_by=None).source == plain


def test_what_is_kept_already_is_not_gathered_again(
    in_acme: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    release_has(monkeypatch, "Hello")
    kept = texts.stored_of(SOURCE)
    release_has(monkeypatch, "Goodbye")
    assert texts.stored_of(kept) == kept


def test_fragment_that_is_not_there_is_told_where_it_is_used(in_acme: TenantContext) -> None:
    problems = versions.version_problems(workflow=NAME, source=SOURCE)
    assert ["greet" in problem.message for problem in problems] == [True, True]
    assert {problem.pointer for problem in problems} == {"/use/0", "/steps/0/fragment"}


def test_tool_that_is_not_there_keeps_a_text_from_answering(in_acme: TenantContext) -> None:
    source = HEAD + "  - {id: pay, type: tool, tool: nobody_has_it}\n"
    [problem] = versions.version_problems(workflow=NAME, source=source)
    assert "There is no tool 'nobody_has_it'" in problem.message
    with shop_open():
        given = HEAD + "  - {id: pay, type: tool, tool: charge, config: {item: 7}}\n"
        [problem] = versions.version_problems(workflow=NAME, source=given)
    assert "For the tool 'charge'" in problem.message
