"""waffle's own ways to ask give our answers, and need none of its tables or cache keys."""

from __future__ import annotations

from django.core.cache import cache
from django.db import connection
from django.template import Context, Template
from django.test import RequestFactory
from waffle import flag_is_active, get_waffle_flag_model
from waffle.decorators import waffle_flag

from core import tenancy
from core.tenancy import TenantContext
from tenants.flags import services
from tenants.models import Flag
from tests.tenants.flags.conftest import OWNER

TEMPLATE = "{% load waffle_tags %}{% flag 'open' %}yes{% else %}no{% endflag %}"


def test_waffle_asks_our_flags_and_keeps_tenants_apart(
    acme: TenantContext, globex: TenantContext
) -> None:
    request = RequestFactory().get("/")
    with tenancy.tenant_scope(acme):
        services.override_set(name="open", is_on=True, actor=OWNER)
        assert flag_is_active(request, "open")
        assert Template(TEMPLATE).render(Context({"request": request})) == "yes"
    with tenancy.tenant_scope(globex):
        assert not flag_is_active(request, "open")
        assert Template(TEMPLATE).render(Context({"request": request})) == "no"


def test_decorated_view_is_there_only_where_the_flag_is_on(
    acme: TenantContext, globex: TenantContext
) -> None:
    import pytest
    from django.http import Http404, HttpRequest, HttpResponse

    @waffle_flag("open")
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("new")

    request = RequestFactory().get("/")
    with tenancy.tenant_scope(acme):
        services.override_set(name="open", is_on=True, actor=OWNER)
        assert view(request).content == b"new"
    with tenancy.tenant_scope(globex), pytest.raises(Http404):
        view(request)


def test_waffle_keeps_no_cache_entries_and_no_tables(in_acme: TenantContext) -> None:
    assert get_waffle_flag_model() is Flag
    flag_is_active(RequestFactory().get("/"), "open")
    assert cache.get("waffle:5.0.0:flag:open") is None
    assert not [name for name in connection.introspection.table_names() if "waffle" in name]
