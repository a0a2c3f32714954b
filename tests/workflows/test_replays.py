"""Replays: a run walked again from its record, by which nothing outside is touched."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from core.audit.models import AuditEntry
from core.events.models import OutboxEvent
from core.tenancy import TenantContext, tenant_scope
from routing.types import Tier
from tests.workflows.conftest import Say
from tests.workflows.engine_steps import new_run
from tests.workflows.engine_tools import Shop, shop_open
from workflows import selectors, steps, versions
from workflows.engine import journal
from workflows.engine.dumping import state_digest, state_dump
from workflows.engine.execution import run_drive
from workflows.engine.folding import fold
from workflows.errors import ReplayImpossible, RunNotFound, VersionNotFound
from workflows.hosting import RunHost
from workflows.models import Run, RunEvent, WorkflowVersion
from workflows.replaying.rows import Difference, Replay, ReplayedStep, Way
from workflows.replays import _read_only, run_replay
from workflows.services import run_cancel

pytestmark = pytest.mark.django_db(transaction=True)
ORDER = """\
name: order
version: "{version}"
steps:
  - {{id: begin, type: set, config: {{item: "${{ input.item }}"}}}}
  - {{id: keep, type: tool, tool: reserve, config: {{item: "${{ {item} }}"}}}}
  - id: which
    type: switch
    config: {{on: steps.keep.item, cases: [{{is: gold, next: pay}}], default: post}}
  - {{id: pay, type: tool, tool: charge, config: {{item: "${{ item }}"}}, next: {after}}}
  - {{id: post, type: tool, tool: mail, config: {{item: "${{ item }}"}}}}
"""
BODIES = """\
name: order
version: "1"
steps:
  - id: both
    type: parallel
    config:
      branches:
        left:
          - {id: l1, type: tool, tool: reserve, config: {item: l}}
          - {id: l2, type: set, config: {left: "${ steps.l1.item }"}}
        right:
          - {id: r1, type: tool, tool: charge, config: {item: r}, catch: [{on: [any], next: r2}]}
          - {id: r2, type: set, config: {right: done}}
  - id: each
    type: foreach
    config:
      in: input.items
      as: thing
      max: 5
      concurrency: 2
      steps:
        - {id: send, type: tool, tool: mail, config: {item: "${ thing }"}}
  - id: again
    type: loop
    config:
      until: index >= 1
      max: 5
      steps:
        - {id: round, type: set, config: {at: "${ index }"}}
  - {id: last, type: tool, tool: reserve, if: left == 'nobody', config: {item: x}}
"""


def order(version: str = "1", *, item: str = "item", after: str = "post") -> str:
    return ORDER.format(version=version, item=item, after=after)


@pytest.fixture
def shop(in_acme: TenantContext) -> Iterator[Shop]:
    steps.load()
    with shop_open() as shop:
        yield shop


def driven(source: str, **values: Any) -> UUID:
    """Publish a text, carry a run of it as far as it goes, and return the run."""
    version = versions.workflow_publish(source=source, published_by=None)
    graph = selectors.graph_get(workflow=version.name, content_hash=version.content_hash)
    run_id = new_run(graph, **values)
    run_drive(run_id, RunHost())
    return run_id


def told(replay: Replay) -> list[tuple[str, str, str]]:
    return [(step.step_id, step.way.value, step.difference.value) for step in replay.steps]


def step_of(replay: Replay, step_id: str) -> ReplayedStep:
    return next(step for step in replay.steps if step.step_id == step_id)


def test_a_run_replayed_takes_the_same_way_and_calls_nothing(shop: Shop) -> None:
    run_id = driven(order(), item="gold")
    before = (list(shop.calls), RunEvent.objects.count(), OutboxEvent.objects.count())
    replay = run_replay(run_id=run_id)
    assert told(replay) == [
        ("begin", "evaluated", "same"),
        ("keep", "recorded", "same"),
        ("which", "evaluated", "same"),
        ("pay", "recorded", "same"),
        ("post", "recorded", "same"),
    ]
    assert replay.is_same
    assert (replay.recorded_status, replay.replayed_status) == ("completed", "completed")
    assert (shop.calls, RunEvent.objects.count(), OutboxEvent.objects.count()) == before


def test_bodies_skips_and_caught_failures_are_replayed(shop: Shop) -> None:
    shop.fails["charge"] = 1
    run_id = driven(BODIES, items=["a", "b", "c"])
    replay = run_replay(run_id=run_id)
    assert [step for step in replay.steps if step.difference is not Difference.SAME] == []
    visited = {(step.scope, step.step_id, step.visit) for step in replay.steps}
    assert {("each/2", "send", 1), ("both/right", "r1", 1), ("", "last", 1)} <= visited
    assert replay.replayed_status == "completed"


def test_the_dump_of_the_state_is_the_same_bytes_in_any_process(shop: Shop) -> None:
    run_id = driven(order(), item="gold")
    first, again = run_replay(run_id=run_id), run_replay(run_id=run_id)
    assert first == again
    events = journal.events(run_id)
    assert state_dump(fold(events)) == state_dump(fold(journal.events(run_id)))
    shown = [(e.seq, e.type.value, e.step_id, e.payload, e.at.isoformat()) for e in events]
    code = (
        "import json, sys; from datetime import datetime\n"
        "from workflows.engine.dumping import state_digest\n"
        "from workflows.engine.events import EventType, RunEvent\n"
        "from workflows.engine.folding import fold\n"
        "rows = json.load(sys.stdin)\n"
        "events = [RunEvent(s, EventType(t), i, p, datetime.fromisoformat(a))"
        " for s, t, i, p, a in rows]\n"
        "print(state_digest(fold(events)))"
    )
    other = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(shown),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert other.stdout.strip() == first.state_hash == state_digest(fold(events))


def test_another_version_is_told_apart_step_by_step(shop: Shop) -> None:
    run_id = driven(order(), item="gold")
    versions.workflow_publish(source=order("2", item="item + '!'"), published_by=None)
    calls = list(shop.calls)
    replay = run_replay(run_id=run_id, version="2")
    assert told(replay) == [
        ("begin", "evaluated", "same"),
        ("keep", "would_run", "changed_input"),
        ("which", "evaluated", "same"),
        ("pay", "recorded", "same"),
        ("post", "recorded", "same"),
    ]
    changed = step_of(replay, "keep")
    assert changed.before == {"config": {"item": "gold"}}
    assert changed.after == {"config": {"item": "gold!"}}
    assert shop.calls == calls


def test_a_way_that_was_not_taken_before_would_run_and_the_old_one_is_only_recorded(
    shop: Shop,
) -> None:
    run_id = driven(order(), item="silver")
    other = order("2").replace("is: gold", "is: silver").replace("next: post}", "next: end}")
    versions.workflow_publish(source=other, published_by=None)
    replay = run_replay(run_id=run_id, version="2")
    assert told(replay)[2:] == [
        ("which", "evaluated", "changed_output"),
        ("pay", "would_run", "only_new"),
        ("post", "not_reached", "only_recorded"),
    ]
    assert step_of(replay, "which").after == {"taken": "pay", "because": "silver"}
    assert shop.done == ["reserve silver", "mail silver"]


def test_what_depends_on_an_unknown_result_is_unknown(shop: Shop) -> None:
    run_id = driven(order(), item="gold")
    other = order("2").replace("id: keep", "id: hold").replace("steps.keep", "steps.hold")
    versions.workflow_publish(source=other, published_by=None)
    replay = run_replay(run_id=run_id, version="2")
    assert told(replay)[1:3] == [
        ("hold", "would_run", "only_new"),
        ("which", "unknown", "only_new"),
    ]
    assert step_of(replay, "which").detail
    assert replay.replayed_status == "running"


def test_a_run_that_failed_fails_again_and_says_what_it_would_undo(shop: Shop) -> None:
    shop.fails["mail"] = 9
    source = order().replace(
        "tool: reserve,", "tool: reserve, compensate: {tool: release, input: {item: x}},"
    )
    run_id = driven(source, item="silver")
    done = list(shop.calls)
    replay = run_replay(run_id=run_id)
    assert told(replay)[-1] == ("post", "recorded", "same")
    assert (replay.recorded_status, replay.replayed_status) == ("compensated", "compensating")
    assert replay.would_undo == ["release"]
    assert shop.calls == done


def test_a_run_that_waits_is_replayed_as_far_as_it_went(shop: Shop) -> None:
    source = (
        order()
        .replace("tool: charge", "tool: charge")
        .replace("  - {id: post,", "  - {id: nap, type: wait, config: {for: 1h}}\n  - {id: post,")
    )
    run_id = driven(source.replace("next: post}", "next: nap}"), item="gold")
    assert Run.objects.get(pk=run_id).status == "waiting"
    replay = run_replay(run_id=run_id)
    assert told(replay)[-1] == ("nap", "open", "same")
    assert replay.is_same
    assert replay.replayed_status == "running"


def test_the_librarys_answer_is_replayed_alike(in_acme: TenantContext, say: Say) -> None:
    say("How long is the warranty?")
    run = Run.objects.get()
    replay = run_replay(run_id=run.pk)
    assert {step.kind for step in replay.steps} >= {"router", "knowledge", "branch"}
    assert [step for step in replay.steps if step.difference is not Difference.SAME] == []
    assert replay.recorded_status == replay.replayed_status == run.status


def test_a_sub_workflow_is_replayed_on_the_text_it_was_pinned_to(shop: Shop) -> None:
    inner = """\
name: packing
version: "1"
steps:
  - {id: pack, type: tool, tool: reserve, config: {item: "${ input.item }"}}
result: {packed: "${ steps.pack.item }"}
"""
    outer = """\
name: order
version: "1"
steps:
  - {id: sub, type: workflow, config: {workflow: packing, input: {item: box}}}
  - {id: post, type: tool, tool: mail, config: {item: "${ steps.sub.packed }"}}
"""
    versions.workflow_publish(source=inner, published_by=None)
    run_id = driven(outer)
    changed = inner.replace("${ input.item }", "other").replace('"1"', '"2"')
    versions.workflow_publish(source=changed, published_by=None)
    replay = run_replay(run_id=run_id)
    assert [(step.scope, step.step_id) for step in replay.steps] == [
        ("sub/@", "pack"),
        ("", "sub"),
        ("", "post"),
    ]
    assert replay.is_same


def test_a_run_cut_short_because_it_led_nowhere_is_replayed_as_far(shop: Shop) -> None:
    circle = """\
name: order
version: "1"
steps:
  - {id: a, type: set, config: {x: 1}}
  - {id: b, type: switch, config: {on: x, cases: [{is: 1, next: a}], default: end}, max_visits: 50}
"""
    replay = run_replay(run_id=driven(circle))
    assert replay.is_same
    assert (replay.recorded_status, replay.replayed_status) == ("failed", "failing")


def test_a_cancelled_run_is_replayed_as_far_as_it_went(shop: Shop) -> None:
    source = order().replace("next: post}", "next: nap}")
    source += "  - {id: nap, type: wait, config: {for: 1h}}\n"
    run_id = driven(source, item="gold")
    run_cancel(run_id=run_id)
    run_drive(run_id, RunHost())
    replay = run_replay(run_id=run_id)
    assert replay.recorded_status == "cancelled"
    assert told(replay)[-1] == ("nap", "open", "same")
    assert replay.is_same


def test_the_database_refuses_to_write_during_a_replay_and_not_afterwards(
    in_acme: TenantContext,
) -> None:
    with pytest.raises(DatabaseError, match="read-only"), _read_only():
        WorkflowVersion.objects.update(note="x")
    assert WorkflowVersion.objects.update(note="x") >= 0


def test_models_are_asked_again_at_a_tier_and_nothing_else_is(
    use_workflow: Callable[[str], None], say: Say
) -> None:
    use_workflow(
        "  - {id: route, type: router}\n  - {id: find, type: knowledge}\n"
        "  - {id: write, type: llm}\n"
        "  - {id: answer, type: reply, config: {text: Hello}}\n"
    )
    say("How long is the warranty?")
    run = Run.objects.get()
    before = (RunEvent.objects.count(), OutboxEvent.objects.count())
    replay = run_replay(run_id=run.pk, tier=Tier.LLM)
    asked = step_of(replay, "write")
    assert (asked.way, asked.difference) == (Way.ASKED, Difference.CHANGED_OUTPUT)
    assert asked.after["tier"] == "LLM"
    assert (step_of(replay, "answer").way, replay.tier) == (Way.RECORDED, "LLM")
    assert (RunEvent.objects.count(), OutboxEvent.objects.count()) == before
    assert replay.tokens > 0
    entry = AuditEntry.objects.get(act="run.replayed")
    assert (entry.target_id, json.loads(entry.data)["tier"]) == (str(run.pk), "LLM")


def test_no_other_workspaces_run_is_found(shop: Shop, globex: TenantContext) -> None:
    run_id = driven(order(), item="gold")
    with tenant_scope(globex), pytest.raises(RunNotFound):
        run_replay(run_id=run_id)


def test_what_cannot_be_replayed_says_so(shop: Shop) -> None:
    run_id = driven(order(), item="gold")
    with pytest.raises(VersionNotFound):
        run_replay(run_id=run_id, version="77")
    with pytest.raises(RunNotFound):
        run_replay(run_id=uuid4())
    RunEvent.objects.filter(run_id=run_id, seq=2).delete()
    with pytest.raises(ReplayImpossible):
        run_replay(run_id=run_id)


def test_the_command_prints_each_step_and_fails_when_one_differs(shop: Shop) -> None:
    run_id = driven(order(), item="gold")
    out = StringIO()
    call_command("episode_replay", str(run_id), "--tenant", "acme", stdout=out)
    digest = state_digest(fold(journal.events(run_id)))
    assert f"state  {digest} after event" in out.getvalue()
    assert "same            recorded     keep (tool) #1" in out.getvalue()
    versions.workflow_publish(source=order("2", item="item + '!'"), published_by=None)
    with pytest.raises(CommandError, match="1 steps differ"):
        call_command("episode_replay", str(run_id), "--workflow", "2", stdout=out)
    assert '+ {"config": {"item": "gold!"}}' in out.getvalue()
    with pytest.raises(CommandError, match="No workspace has"):
        call_command("episode_replay", str(run_id), "--tenant", "globex", stdout=out)
