"""An answer shows what REST framework itself would show, and looks nothing up for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from rest_framework import serializers

import config.urls_tenant  # noqa: F401 - imports every serializer
from core.answers import AnswerSerializer
from core.tenancy import TenantContext, tenant_scope
from tenants.services import api_key_create
from tests.architecture.access.things import things_make


def kinds(parent: type[Any] = AnswerSerializer) -> Iterator[type[Any]]:
    for child in parent.__subclasses__():
        yield child
        yield from kinds(child)


@pytest.fixture
def everything(acme: TenantContext, globex: TenantContext, people: Any) -> TenantContext:
    things_make(globex, people["globex", "owner"])
    things_make(acme, people["acme", "owner"])
    return acme


def _rows(kind: type[Any]) -> list[Model]:
    model = kind.Meta.model
    annotated = {"Document": "chunk_count", "WorkflowVersion": "active_runs"}.get(model.__name__)
    rows = list(apps.get_model(model._meta.label).objects.all())
    for row in rows if annotated else []:
        setattr(row, str(annotated), 3)
    return rows


@pytest.mark.parametrize("kind", sorted(kinds(), key=str))
def test_answer_shows_what_rest_framework_would(kind: type[Any], everything: TenantContext) -> None:
    with tenant_scope(everything):
        for row in _rows(kind):
            shown = kind(row, context={"events": []})
            usual = serializers.Serializer.to_representation(shown, row)
            assert shown.to_representation(row) == dict(usual)


def test_answer_of_a_key_shows_its_times(in_acme: TenantContext) -> None:
    from tenants.models import ApiKey
    from tenants.serializers import ApiKeySerializer

    made = api_key_create(name="one", scopes=["team:read"])
    key = ApiKey.objects.get(pk=made.id)
    shown = ApiKeySerializer(key).data
    assert shown["id"] == str(made.id)
    assert shown["created_at"] == key.created_at.isoformat().replace("+00:00", "Z")
    assert shown["revoked_at"] is None


def test_rows_are_shown_without_queries(everything: TenantContext) -> None:
    from commerce.models import Product
    from commerce.serializers import ProductSerializer

    with tenant_scope(everything):
        rows = list(Product.objects.all()) * 3
        with CaptureQueriesContext(connection) as queries:
            shown = ProductSerializer(rows, many=True).data
    assert len(shown) == 3
    assert len(queries) == 0
