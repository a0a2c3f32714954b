"""Whether anybody can be reached: an open inbox, unless an office's hours know better."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conversations import announce, reachability
from conversations.reachability import person_is_reachable, reachability_register
from core import tenancy
from core.redis import redis_client
from core.tenancy import TenantContext

Rule = Callable[[], bool | None]


@pytest.fixture(autouse=True)
def _no_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reachability, "_checks", {})


@pytest.fixture
def inbox(in_acme: TenantContext) -> Iterator[Any]:
    """Follow acme's inbox as the process of an open one does."""
    line = redis_client().pubsub()  # type: ignore[no-untyped-call]  # redis-py's
    line.subscribe(announce.inbox_group())
    line.get_message(timeout=2)
    yield line
    line.close()


def test_nobody_is_there_while_no_inbox_is_open(in_acme: TenantContext) -> None:
    assert person_is_reachable() is False


def test_an_open_inbox_reaches_its_own_workspace_alone(inbox: Any, globex: TenantContext) -> None:
    assert person_is_reachable() is True
    with tenancy.tenant_scope(globex):
        assert person_is_reachable() is False


@pytest.mark.parametrize(
    ("rules", "expected"),
    [((None,), True), ((False,), False), ((True, False), False), ((None, True), True)],
)
def test_hours_that_say_closed_count_more_than_an_open_inbox(
    inbox: Any, rules: tuple[bool | None, ...], expected: bool
) -> None:
    for number, said in enumerate(rules):
        reachability_register(str(number), lambda said=said: said)  # type: ignore[misc]  # a default
    assert person_is_reachable() is expected


def test_hours_that_say_open_need_no_inbox(in_acme: TenantContext) -> None:
    reachability_register("hours", lambda: True)
    assert person_is_reachable() is True
