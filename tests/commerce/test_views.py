"""Pages and REST of commerce: staff see their own orders, everyone sees a demo's shop."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.safestring import SafeString

from commerce import services
from commerce.models import Order, Product
from core import fragments, tenancy
from core.tenancy import TenantContext
from tenants.models import Tenant
from tests.commerce.test_services import PRODUCT, order_of

SignIn = Callable[..., Client]
ApiKey = Callable[..., str]


def sell(tenant: TenantContext, *numbers: str) -> None:
    with tenancy.tenant_scope(tenant):
        services.product_upsert(**PRODUCT)
        for number in numbers:
            services.order_import(order=order_of(number))


@pytest.fixture
def sold(acme: TenantContext, globex: TenantContext) -> None:
    sell(acme, "AC-1", "AC-2")
    sell(globex, "GX-1")


@pytest.mark.parametrize("role", ["owner", "admin", "agent", "viewer"])
@pytest.mark.usefixtures("sold")
def test_orders_are_seen_by_every_role(sign_in: SignIn, role: str) -> None:
    client = sign_in(role=role)
    assert client.get("/orders/").status_code == 200
    assert client.get("/orders/AC-1/").status_code == 200


@pytest.mark.parametrize("path", ["/orders/", "/orders/AC-1/"])
def test_orders_send_strangers_to_sign_in(sign_in: SignIn, path: str) -> None:
    assert sign_in(role=None).get(path).status_code == 302


@pytest.mark.usefixtures("sold")
def test_list_shows_this_tenants_orders_only(sign_in: SignIn) -> None:
    page = sign_in().get("/orders/").content.decode()
    assert "AC-1" in page
    assert "GX-1" not in page
    assert "€\u00a0378.00" in page


@pytest.mark.usefixtures("sold")
def test_order_of_another_tenant_is_not_found(sign_in: SignIn) -> None:
    assert sign_in().get("/orders/GX-1/").status_code == 404


@pytest.mark.usefixtures("sold")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=AC-2", {"AC-2"}),
        ("q=larkin", {"AC-1", "AC-2"}),
        ("status=shipped", {"AC-1", "AC-2"}),
        ("status=delivered", set()),
        ("q=nobody", set()),
    ],
)
def test_list_is_filtered(sign_in: SignIn, query: str, expected: set[str]) -> None:
    page = sign_in().get(f"/orders/?{query}").content.decode()
    assert {number for number in ("AC-1", "AC-2") if f"/orders/{number}/" in page} == expected


def test_empty_list_says_what_will_appear(sign_in: SignIn) -> None:
    assert "No orders yet" in sign_in().get("/orders/").content.decode()


@pytest.fixture
def widget() -> Iterator[str]:
    """Provide the widget's line as conversations do."""
    line = '<script src="http://acme.localhost/widget.js" data-key="wk_1" async></script>'
    known = dict(fragments._providers.get("widget_embed", {}))

    def provide(request: HttpRequest) -> str:
        return SafeString(line)

    fragments._providers["widget_embed"].clear()
    fragments.register("widget_embed", provide)
    yield line
    fragments._providers["widget_embed"] = known


@pytest.mark.usefixtures("sold")
def test_storefront_is_public_and_carries_the_widget_once(sign_in: SignIn, widget: str) -> None:
    answer = sign_in(role=None).get("/demo/")
    assert answer.status_code == 200
    page = answer.content.decode()
    assert page.count(widget) == 1
    assert "Rain Jacket" in page
    assert "commerce/jacket.svg" in page
    assert "€\u00a0189.00" in page


def test_storefront_without_products_is_a_page(sign_in: SignIn) -> None:
    assert "shelves are still empty" in sign_in(role=None).get("/demo/").content.decode()


def test_storefront_exists_for_demo_workspaces_only(sign_in: SignIn, acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        Tenant.objects.filter(pk=acme.id).update(is_demo=False)
    assert sign_in(role=None).get("/demo/").status_code == 404
    assert sign_in("globex", role=None).get("/demo/").status_code == 200


@pytest.mark.usefixtures("sold")
@pytest.mark.parametrize("path", ["/demo/", "/orders/", "/orders/AC-1/"])
def test_page_has_no_inline_script_or_style(sign_in: SignIn, path: str) -> None:
    page = sign_in().get(path).content.decode()
    assert "<style" not in page
    assert " style=" not in page
    assert "onclick" not in page


def test_storefront_refuses_writes(sign_in: SignIn) -> None:
    assert sign_in(role=None).post("/demo/").status_code == 405


@pytest.mark.usefixtures("sold")
def test_api_lists_this_tenants_orders_and_products(api_key: ApiKey) -> None:
    client = Client(headers={"host": "acme.localhost"})
    bearer = {"Authorization": f"Bearer {api_key('acme', 'commerce:read')}"}
    orders = client.get("/api/v1/orders", headers=bearer).json()["results"]
    assert {order["number"] for order in orders} == {"AC-1", "AC-2"}
    assert orders[0]["lines"] == [
        {"sku": "AC-JK-101", "name": "Rain Jacket", "quantity": 2, "price_minor": 18900}
    ]
    products = client.get("/api/v1/products", headers=bearer).json()["results"]
    assert [product["sku"] for product in products] == ["AC-JK-101"]


@pytest.mark.usefixtures("sold")
@pytest.mark.parametrize("resource", ["orders", "products"])
def test_api_does_not_open_another_tenants_rows(
    api_key: ApiKey, acme: TenantContext, globex: TenantContext, resource: str
) -> None:
    with tenancy.tenant_scope(globex):
        foreign = {"orders": Order.objects.get().pk, "products": Product.objects.get().pk}[resource]
    client = Client(headers={"host": "acme.localhost"})
    bearer = {"Authorization": f"Bearer {api_key('acme', 'commerce:read')}"}
    answer = client.get(f"/api/v1/{resource}/{foreign}", headers=bearer)
    assert answer.status_code == 404
    unknown = client.get(f"/api/v1/{resource}/{uuid.uuid4()}", headers=bearer)
    assert unknown.status_code == 404


@pytest.mark.parametrize("path", ["/api/v1/orders", "/api/v1/products"])
def test_api_needs_its_scope(api_key: ApiKey, acme: TenantContext, path: str) -> None:
    client = Client(headers={"host": "acme.localhost"})
    bearer = {"Authorization": f"Bearer {api_key('acme', 'billing:read')}"}
    assert client.get(path, headers=bearer).status_code == 403
    assert client.get(path).status_code == 401
    assert client.post(path, headers=bearer).status_code in {403, 405}


@pytest.mark.parametrize("path", ["/orders/", "/api/v1/orders"])
def test_list_costs_the_same_queries_for_one_row_and_three(
    sign_in: SignIn, acme: TenantContext, path: str
) -> None:
    client = sign_in()
    counts = []
    for number in ("AC-1", "AC-2", "AC-3"):
        sell(acme, number)
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        # Sessions, settings and limits are refreshed as time passes, whatever is listed.
        counts.append(sum("commerce_" in query["sql"] for query in queries))
    assert counts[0] == counts[1] == counts[2] > 0
