"""The usage page, its CSVs and its API show the same numbers, to those who may see them."""

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

from billing import services
from core import tenancy
from core.events import StoredEvent, catalogue
from core.tenancy import TenantContext

SignIn = Callable[..., Client]
ApiKey = Callable[..., str]
PATHS = ["/billing/usage/", "/billing/usage.csv", "/billing/usage/entries.csv"]
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def use(tenant: TenantContext, messages: int) -> None:
    with tenancy.tenant_scope(tenant):
        for _ in range(messages):
            event = catalogue.MessageReceived(
                conversation_id=uuid.uuid4(), message_id=uuid.uuid4(), seq=1, characters=5
            )
            services.usage_meter(stored=StoredEvent(uuid.uuid4(), tenant.id, event, AT))


@pytest.fixture
def used(acme: TenantContext, globex: TenantContext) -> None:
    use(acme, 3)
    use(globex, 7)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("role", "status"), [("owner", 200), ("admin", 200), ("agent", 403), ("viewer", 403)]
)
def test_usage_is_for_those_who_see_billing(
    sign_in: SignIn, path: str, role: str, status: int
) -> None:
    assert sign_in(role=role).get(path).status_code == status


@pytest.mark.parametrize("path", PATHS)
def test_usage_sends_strangers_to_sign_in(sign_in: SignIn, path: str) -> None:
    assert sign_in(role=None).get(path).status_code == 302


@pytest.mark.usefixtures("used")
def test_card_table_csv_and_api_agree(sign_in: SignIn, api_key: ApiKey) -> None:
    client = sign_in()
    page = client.get("/billing/usage/?period=2026-11&meter=messages").content.decode()
    card = re.search(r'data-meter="messages">([\d,]+)<', page)
    assert card is not None
    assert card[1] == "3"
    assert re.search(r'<time datetime="2026-11-20">[^<]+</time></td><td[^>]*>3</td>', page)

    rows = list(
        csv.DictReader(io.StringIO(client.get(f"{PATHS[1]}?period=2026-11").content.decode()))
    )
    assert {row["day"]: row["messages"] for row in rows}["2026-11-20"] == "3"
    assert rows[-1]["day"] == "total"
    assert rows[-1]["messages"] == "3"

    bearer = {"Authorization": f"Bearer {api_key('acme', 'billing:read')}"}
    anonymous = Client(headers={"host": "acme.localhost"})
    body = anonymous.get("/api/v1/usage?period=2026-11", headers=bearer).json()
    assert body["period"] == "2026-11"
    assert {found["meter"]: found["quantity"] for found in body["totals"]}["messages"] == 3
    assert {day["day"]: day["quantities"]["messages"] for day in body["days"]}["2026-11-20"] == 3


@pytest.mark.usefixtures("used")
def test_entries_are_listed_for_their_tenant_only(sign_in: SignIn, api_key: ApiKey) -> None:
    lines = sign_in().get(f"{PATHS[2]}?period=2026-11").content.decode().splitlines()
    assert len(lines) == 1 + 3
    bearer = {"Authorization": f"Bearer {api_key('acme', 'billing:read')}"}
    client = Client(headers={"host": "acme.localhost"})
    listed = client.get("/api/v1/usage/entries?period=2026-11", headers=bearer).json()
    assert len(listed["results"]) == 3


@pytest.mark.parametrize("period", ["2026-13", "2026", "soon", "9999-99"])
def test_period_that_is_no_month_is_refused(sign_in: SignIn, api_key: ApiKey, period: str) -> None:
    assert sign_in().get(f"/billing/usage/?period={period}").status_code == 400
    bearer = {"Authorization": f"Bearer {api_key('acme', 'billing:read')}"}
    client = Client(headers={"host": "acme.localhost"})
    answer = client.get(f"/api/v1/usage?period={period}", headers=bearer)
    assert answer.status_code == 400
    assert answer.json()["code"] == "period_invalid"


def test_unknown_meter_is_refused(sign_in: SignIn) -> None:
    assert sign_in().get("/billing/usage/?meter=unicorns").status_code == 400


def test_api_needs_its_scope(api_key: ApiKey, acme: TenantContext) -> None:
    client = Client(headers={"host": "acme.localhost"})
    bearer = {"Authorization": f"Bearer {api_key('acme', 'analytics:read')}"}
    assert client.get("/api/v1/usage", headers=bearer).status_code == 403
    assert client.get("/api/v1/usage").status_code == 401


def test_page_has_no_inline_script_or_style(sign_in: SignIn, acme: TenantContext) -> None:
    use(acme, 1)
    page = sign_in().get("/billing/usage/?period=2026-11").content.decode()
    assert "<style" not in page
    assert " style=" not in page
    assert "<rect" in page


def test_page_costs_the_same_queries_for_one_entry_and_three(
    sign_in: SignIn, acme: TenantContext
) -> None:
    client = sign_in()
    counts = []
    for _ in range(3):
        use(acme, 1)
        with CaptureQueriesContext(connection) as queries:
            client.get("/billing/usage/?period=2026-11")
        counts.append(len(queries))
    assert counts[1] == counts[2] <= counts[0]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("period", ["0001-01", "9999-12"])
def test_period_at_the_calendars_end_is_refused(sign_in: SignIn, path: str, period: str) -> None:
    assert sign_in().get(path, {"period": period}).status_code == 400


@pytest.mark.parametrize("path", PATHS)
def test_usage_is_only_read(sign_in: SignIn, path: str) -> None:
    assert sign_in().put(path).status_code == 405
