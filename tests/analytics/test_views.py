"""Card = table = CSV = API, for those who may see them, of this tenant only."""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from analytics import services
from analytics.types import Metric
from core import tenancy
from core.events import StoredEvent, catalogue
from core.tenancy import TenantContext

SignIn = Callable[..., Client]
ApiKey = Callable[..., str]
PAGE = "/analytics/"
CSV = "/analytics/activity.csv"
API = "/api/v1/analytics/daily"
RANGE = "first=2026-11-01&last=2026-11-30"
DAY = "2026-11-20"


def happen(tenant: TenantContext, messages: int) -> None:
    with tenancy.tenant_scope(tenant):
        for _ in range(messages):
            conversation = uuid.uuid4()
            events: list[catalogue.Event] = [
                catalogue.MessageReceived(
                    conversation_id=conversation, message_id=uuid.uuid4(), seq=1, characters=5
                ),
                catalogue.HandoverRequested(
                    conversation_id=conversation, reason="asked", queue="main"
                ),
            ]
            at = datetime(2026, 11, 20, 12, tzinfo=UTC)
            for event in events:
                services.activity_project(stored=StoredEvent(uuid.uuid4(), tenant.id, event, at))


@pytest.fixture
def happened(acme: TenantContext, globex: TenantContext) -> None:
    happen(acme, 3)
    happen(globex, 7)


@pytest.mark.parametrize("path", [PAGE, CSV])
@pytest.mark.parametrize("role", ["owner", "admin", "agent", "viewer"])
def test_activity_is_seen_by_every_role(sign_in: SignIn, path: str, role: str) -> None:
    assert sign_in(role=role).get(path).status_code == 200


@pytest.mark.parametrize("path", [PAGE, CSV])
def test_activity_sends_strangers_to_sign_in(sign_in: SignIn, path: str) -> None:
    assert sign_in(role=None).get(path).status_code == 302


@pytest.mark.usefixtures("happened")
def test_card_table_csv_and_api_agree(sign_in: SignIn, api_key: ApiKey) -> None:
    client = sign_in()
    page = client.get(f"{PAGE}?{RANGE}").content.decode()
    cards = dict(re.findall(r'data-metric="(\w+)">.*?stat-value">([\d,]+)<', page, flags=re.DOTALL))
    row = re.search(rf'<time datetime="{DAY}">.*?</tr>', page, flags=re.DOTALL)
    assert row is not None
    table = re.findall(r"<td[^>]*>([\d,]+)</td>", row[0])

    rows = list(csv.DictReader(io.StringIO(client.get(f"{CSV}?{RANGE}").content.decode())))
    by_day = {found["day"]: found for found in rows}
    bearer = {"Authorization": f"Bearer {api_key('acme', 'analytics:read')}"}
    body = Client(headers={"host": "acme.localhost"}).get(f"{API}?{RANGE}", headers=bearer).json()
    day = next(found for found in body["days"] if found["day"] == DAY)

    expected = {str(metric): 0 for metric in Metric}
    expected |= {"conversations": 3, "visitor_messages": 3, "handovers": 3}
    assert {name: int(value) for name, value in cards.items()} == expected
    assert dict(zip(expected, map(int, table), strict=True)) == expected
    assert {name: int(by_day[DAY][name]) for name in expected} == expected
    assert {name: int(by_day["total"][name]) for name in expected} == expected
    assert {name: day[name] for name in expected} == expected
    assert body["totals"] == expected
    assert len(body["days"]) == 30


@pytest.mark.parametrize(
    "query", ["first=soon", "first=2026-11-02&last=2026-11-01", "first=2020-01-01&last=2026-01-01"]
)
def test_range_that_cannot_be_shown_is_refused(
    sign_in: SignIn, api_key: ApiKey, query: str
) -> None:
    assert sign_in().get(f"{PAGE}?{query}").status_code == 400
    bearer = {"Authorization": f"Bearer {api_key('acme', 'analytics:read')}"}
    answer = Client(headers={"host": "acme.localhost"}).get(f"{API}?{query}", headers=bearer)
    assert answer.status_code == 400
    assert answer.json()["code"] == "range_invalid"


def test_api_needs_its_scope(api_key: ApiKey, acme: TenantContext) -> None:
    client = Client(headers={"host": "acme.localhost"})
    bearer = {"Authorization": f"Bearer {api_key('acme', 'billing:read')}"}
    assert client.get(API, headers=bearer).status_code == 403
    assert client.get(API).status_code == 401


def test_empty_range_says_why(sign_in: SignIn) -> None:
    page = sign_in().get(f"{PAGE}?first=2020-01-01&last=2020-01-31").content.decode()
    assert "Nothing happened in these days" in page


@pytest.mark.usefixtures("happened")
def test_page_has_no_inline_script_or_style(sign_in: SignIn) -> None:
    page = sign_in().get(f"{PAGE}?{RANGE}").content.decode()
    assert "<style" not in page
    assert " style=" not in page


def test_page_costs_the_same_queries_whatever_happened(
    sign_in: SignIn, acme: TenantContext
) -> None:
    client = sign_in()
    counts = []
    for _ in range(3):
        happen(acme, 1)
        with CaptureQueriesContext(connection) as queries:
            client.get(f"{PAGE}?{RANGE}")
        counts.append(len(queries))
    assert counts[1] == counts[2] <= counts[0]


@pytest.mark.parametrize("asked", [{"last": "0001-01-01"}, {"first": "0001-01-01"}])
@pytest.mark.parametrize("extra", [{}, {"last": "0001-01-02"}])
def test_range_at_the_calendars_beginning_is_refused(
    sign_in: SignIn, asked: dict[str, str], extra: dict[str, str]
) -> None:
    assert sign_in().get(PAGE, {**asked, **extra}).status_code == 400
