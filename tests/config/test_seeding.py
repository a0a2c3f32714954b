"""The demo: made through the services, remembered, never twice, never in production."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from config import seeding
from config.demo.sources import DemoSource
from core import tenancy
from core.tenancy import TenantContext
from knowledge.models import Document
from tenants.models import ApiKey, Membership
from tests.conftest import World


def _sources(slug: str) -> list[DemoSource]:
    body = f"# Returns of {slug}\n\nA jacket that was worn once may be returned within 30 days.\n"
    return [
        DemoSource(
            slug=slug,
            title="Returns",
            format="md",
            filename="returns.md",
            collection="policies",
            body=body,
        )
    ]


@pytest.fixture
def var_dir(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(seeding, "DEMO_TENANTS", seeding.DEMO_TENANTS[:2])
    monkeypatch.setattr(seeding, "demo_sources_load", _sources)
    return tmp_path


def _counts(tenant: TenantContext) -> tuple[int, ...]:
    with tenancy.tenant_scope(tenant):
        models: tuple[Any, ...] = (Document, ApiKey, Membership)
        return tuple(model.objects.count() for model in models)


@pytest.mark.usefixtures("transactional_db")
def test_demo_is_described_and_made_once(world: World, var_dir: Path) -> None:
    said: list[str] = []
    first = seeding.demo_seed(say=said.append)
    acme = first["tenants"]["acme"]
    assert acme["host"] == "acme.localhost"
    assert acme["api_key"].startswith("fd_")
    assert acme["widget_key"].startswith("wk_")
    assert said[-1] == "documents 2/2"
    written = var_dir / "demo.json"
    assert json.loads(written.read_text()) == first
    assert stat.S_IMODE(written.stat().st_mode) == 0o600

    before = [_counts(tenant) for tenant in world.tenants.values()]
    said.clear()
    assert seeding.demo_seed(say=said.append) == first
    assert not [text for text in said if text.startswith("uploading")]
    assert [_counts(tenant) for tenant in world.tenants.values()] == before


@pytest.mark.usefixtures("transactional_db")
def test_each_tenant_gets_its_own_document(world: World, var_dir: Path) -> None:
    seeding.demo_seed(say=lambda _: None)
    for slug, tenant in world.tenants.items():
        with tenancy.tenant_scope(tenant):
            document = Document.objects.get()
            assert document.state == Document.State.READY
            assert f"Returns of {slug}" in document.text


def test_production_refuses_the_demo(settings: Settings) -> None:
    settings.IS_DEMO_ALLOWED = False
    with pytest.raises(CommandError, match="not for a deployment"):
        call_command("demo_seed")
