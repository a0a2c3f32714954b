"""How workflows do: counted from runs and events, per tenant, and no more than the period holds."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from prometheus_client import REGISTRY

from analytics.types import DateRange
from core.observability import metrics
from core.tenancy import TenantContext, tenant_scope
from tests.workflows.engine_steps import new_run
from tests.workflows.engine_tools import Shop, shop_open
from workflows import measuring, selectors, steps, versions
from workflows.engine.execution import run_drive
from workflows.hosting import RunHost
from workflows.measuring import StepFigures, step_figures, workflow_figures
from workflows.models import Run, RunEvent

pytestmark = pytest.mark.django_db(transaction=True)
ORDER = """\
name: order
version: "1"
steps:
  - {id: keep, type: tool, tool: reserve, config: {item: a}}
  - {id: gift, type: set, if: input.gift, config: {wrapped: true}}
  - {id: nap, type: wait, if: input.nap, config: {for: 1h}}
  - {id: post, type: tool, tool: mail, config: {item: a}, retry: {max: 2, backoff: 10ms}}
"""


@pytest.fixture
def shop(in_acme: TenantContext) -> Iterator[Shop]:
    steps.load()
    with shop_open() as shop:
        yield shop


def ordered(**given: Any) -> UUID:
    version = versions.workflow_publish(source=ORDER, published_by=None)
    graph = selectors.graph_get(workflow="order", content_hash=version.content_hash)
    run_id = new_run(graph, **{"gift": False, "nap": False, **given})
    run_drive(run_id, RunHost())
    return run_id


def today() -> DateRange:
    day = timezone.now().date()
    return DateRange(day, day)


def by_step() -> dict[str, StepFigures]:
    return {each.step_id: each for each in step_figures(within=today(), workflow="order")}


@pytest.fixture
def orders(shop: Shop) -> list[UUID]:
    """Return four runs: two came through, one of them with a gift, one failed, one waits."""
    through = [ordered(), ordered(gift=True)]
    shop.fails["mail"] = 9
    failed = ordered()
    shop.fails.clear()
    return [*through, failed, ordered(nap=True)]


def test_runs_are_counted_by_workflow_and_outcome(orders: list[UUID]) -> None:
    (found,) = workflow_figures(within=today())
    assert (found.workflow, found.runs) == ("order", 4)
    assert (found.completed, found.failed, found.active, found.handed_over) == (2, 1, 1, 0)
    assert found.failure_rate == 0.25
    assert found.p50_ms is not None
    assert found.p95_ms is not None
    assert 0 < found.p50_ms <= found.p95_ms
    assert workflow_figures(within=today(), workflow="another") == []


def test_steps_tell_how_far_runs_came_and_where_they_were_left(orders: list[UUID]) -> None:
    found = by_step()
    assert list(found) == ["keep", "gift", "nap", "post"]
    assert [(each.reached, each.left) for each in found.values()] == [
        (4, 0),
        (1, 0),
        (1, 0),
        (3, 1),
    ]
    assert (found["gift"].skipped, found["gift"].completed) == (3, 1)
    post = found["post"]
    assert (post.completed, post.failed, post.retried, post.kind) == (2, 1, 1, "tool")
    assert post.drop_off == pytest.approx(1 / 3)
    assert post.p50_ms is not None
    assert post.p95_ms is not None
    assert post.p50_ms <= post.p95_ms
    assert found["nap"].p50_ms is None


def test_costs_are_kept_apart_by_currency(orders: list[UUID]) -> None:
    Run.objects.filter(pk=orders[0]).update(cost_micro=5, currency="EUR")
    Run.objects.filter(pk__in=orders[1:3]).update(cost_micro=7, currency="USD")
    (found,) = workflow_figures(within=today())
    assert found.costs == {"EUR": 5, "USD": 14}
    event = RunEvent.objects.get(run_id=orders[0], step_id="keep", type="step.completed")
    paid = {**event.payload, "cost_micro": 5, "currency": "EUR"}
    RunEvent.objects.filter(run_id=event.run_id, seq=event.seq).update(payload=paid)
    assert by_step()["keep"].costs == {"EUR": 5}
    assert by_step()["post"].costs == {}


def test_only_the_runs_that_began_in_the_period_count(orders: list[UUID]) -> None:
    long_ago = timezone.now() - timedelta(days=9)
    Run.objects.filter(pk=orders[0]).update(started_at=long_ago)
    assert workflow_figures(within=today())[0].runs == 3
    day = long_ago.date()
    assert workflow_figures(within=DateRange(day, day))[0].runs == 1
    assert (
        step_figures(within=DateRange(date(2020, 1, 1), date(2020, 1, 2)), workflow="order") == []
    )


def test_of_very_many_runs_the_newest_are_read(
    orders: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "MOST_RUNS", 2)
    assert by_step()["keep"].reached == 2


def test_another_workspaces_runs_are_never_counted(
    orders: list[UUID], globex: TenantContext
) -> None:
    with tenant_scope(globex):
        ordered()
        assert [each.runs for each in workflow_figures(within=today())] == [1]
        assert by_step()["keep"].reached == 1
    assert [each.runs for each in workflow_figures(within=today())] == [4]


def test_runs_are_found_by_the_index_on_their_start(orders: list[UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM workflows_run WHERE workflow = 'order'"
            " AND started_at >= now() - interval '1 day' AND started_at < now()"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute("RESET enable_seqscan")
    assert "workflows_run_recent" in plan


def test_pages_and_rest_show_the_same_numbers(
    orders: list[UUID], sign_in: Callable[..., Client], api_key: Callable[..., str]
) -> None:
    client = sign_in("acme", "viewer")
    overview = client.get(reverse("workflows:figures")).content.decode()
    assert reverse("workflows:steps", args=["order"]) in overview
    page = client.get(reverse("workflows:steps", args=["order"])).content.decode()
    assert "post: went on 2, left here 1" in page
    assert client.get(reverse("workflows:steps", args=["nope"])).status_code == 404
    stranger = sign_in("globex", "owner")
    assert stranger.get(reverse("workflows:steps", args=["order"])).status_code == 404
    key = api_key("acme", "workflows:read")
    rest = Client(headers={"host": "acme.localhost", "authorization": f"Bearer {key}"})
    whole = rest.get("/api/v1/workflows/analytics").json()
    assert [(each["workflow"], each["runs"], each["failed"]) for each in whole] == [("order", 4, 1)]
    told = rest.get("/api/v1/workflows/order/analytics").json()
    assert told[3]["drop_off"] == pytest.approx(1 / 3)
    assert rest.get("/api/v1/workflows/analytics?first=x").status_code == 400


def progress() -> float:
    """Return how many tool steps have brought a run further, in this process."""
    return REGISTRY.get_sample_value("progress_events_total", {"step_type": "tool"}) or 0.0


def violations() -> float:
    """Return how many runs were cut because they went to and fro."""
    return REGISTRY.get_sample_value("safety_violations_total", {"limit": "oscillation"}) or 0.0


def test_metrics_count_progress_and_broken_limits(shop: Shop) -> None:
    before = progress(), violations()
    ordered()
    circle = """\
name: circle
version: "1"
steps:
  - {id: a, type: set, config: {x: 1}}
  - {id: b, type: switch, config: {on: x, cases: [{is: 1, next: a}], default: end}, max_visits: 50}
"""
    version = versions.workflow_publish(source=circle, published_by=None)
    run_drive(
        new_run(selectors.graph_get(workflow="circle", content_hash=version.content_hash)),
        RunHost(),
    )
    assert (progress(), violations()) == (before[0] + 2, before[1] + 1)
    shown = metrics.metrics_render()[0].decode()
    assert 'progress_events_total{step_type="tool"}' in shown


def test_the_share_of_each_tier_is_derived_from_the_decisions() -> None:
    metrics.router_decisions_total.clear()
    metrics.router_decisions_total.labels(tier="SLM_A", intent="faq").inc(3)
    metrics.router_decisions_total.labels(tier="LLM", intent="faq").inc()
    shown = metrics.metrics_render()[0].decode()
    assert 'tier_distribution{tier="SLM_A"} 0.75' in shown
    assert 'tier_distribution{tier="LLM"} 0.25' in shown
