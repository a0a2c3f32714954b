"""The house keeps its shape: imports point downwards, and nothing hides from that rule."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import models
from importlinter.cli import lint_imports

ROOT = Path(settings.BASE_DIR) if hasattr(settings, "BASE_DIR") else Path(__file__).parents[2]
PEERS = ("conversations", "knowledge", "routing", "billing", "commerce", "analytics")
OURS = ("config", "workflows", *PEERS, "tenants", "core")
LAYER = {app: 1 for app in PEERS} | {"core": 3, "tenants": 2, "workflows": 0, "config": -1}


def sources() -> list[Path]:
    return [path for app in OURS for path in (ROOT / app).rglob("*.py")]


def test_import_contracts_hold() -> None:
    assert lint_imports(config_filename=str(ROOT / ".importlinter"), no_cache=True) == 0


def test_foreign_keys_point_within_an_app_or_downwards() -> None:
    wrong = [
        f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey | models.ManyToManyField)
        and model._meta.app_label in OURS
        and isinstance(field.related_model, type)
        and not _may_refer(model._meta.app_label, field.related_model._meta.app_label)
    ]
    assert wrong == []


def _may_refer(source: str, target: str) -> bool:
    if source == target or target not in OURS:
        return True
    return LAYER[target] > LAYER[source]


def test_no_model_is_reached_by_name() -> None:
    """`get_model("other.Thing")` and string foreign keys would hide an import from the linter."""
    found = [
        f"{path.relative_to(ROOT)}"
        for path in sources()
        if "/migrations/" not in str(path) and re.search(r"\bget_model\(", path.read_text())
    ]
    assert found == []


def test_no_file_is_longer_than_500_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in sources()
        if "/migrations/" not in str(path) and (lines := path.read_text().count("\n")) > 500
    }
    assert long == {}


def test_public_services_and_selectors_say_what_they_do() -> None:
    silent = []
    for path in sources():
        if path.stem != "services":
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                silent += [] if ast.get_docstring(node) else [f"{path.parent.name}.{node.name}"]
    assert silent == []


def test_tenant_apps_live_in_tenant_schemas_only() -> None:
    shared = {name for name in settings.SHARED_APPS if name in OURS}
    assert shared == {"core", "tenants", "billing", "config"}
    assert set(settings.TENANT_APPS) == set(OURS) - shared


def test_models_and_migrations_agree(db: None) -> None:
    """Exits with an error when a model changed and its migration was forgotten."""
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
