"""Logs say who and what, never what was written; metrics stay bounded."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import structlog

from core import tenancy
from core.observability import metrics
from core.observability.logs import WITHHELD, log_context, logging_config, private_withhold
from core.tenancy import TenantContext

TENANT = TenantContext(id=uuid4(), schema="t_acme", slug="acme")


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """Collect rendered lines as the configured formatter writes them."""
    config = logging_config(style="json")
    definition = dict(config["formatters"]["structured"])
    formatter = definition.pop("()")(**definition)
    collected: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            collected.append(formatter.format(record))

    handler = Collector()
    logger = logging.getLogger("tests.config.logs")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield collected
    logger.removeHandler(handler)


def _last(lines: list[str]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(lines[-1])
    return content


def test_line_carries_tenant_conversation_and_run(lines: list[str]) -> None:
    conversation, run = uuid4(), uuid4()
    with tenancy.tenant_scope(TENANT), log_context(conversation=conversation, run=run):
        structlog.get_logger("tests.config.logs").info("reply_sent", characters=12)
    found = _last(lines)
    assert found["tenant"] == "acme"
    assert found["conversation"] == str(conversation)
    assert found["run"] == str(run)
    assert (found["event"], found["characters"]) == ("reply_sent", 12)


def test_context_ends_with_its_block(lines: list[str]) -> None:
    with log_context(run=uuid4()):
        pass
    structlog.get_logger("tests.config.logs").info("later")
    assert "run" not in _last(lines)


def test_what_people_wrote_is_withheld(lines: list[str]) -> None:
    structlog.get_logger("tests.config.logs").info(
        "message_stored", text="my card is 4111", email="a@b.example", request="GET /x?q=secret"
    )
    found = _last(lines)
    assert (found["text"], found["email"], found["request"]) == (WITHHELD, WITHHELD, "GET /x")


@pytest.mark.parametrize("path", ["login/ticket", "invitation", "password/reset", "account/verify"])
def test_link_in_a_path_is_withheld(path: str) -> None:
    lines = {"request": f"GET /{path}/s3cr-_t:x/?a=b", "event": f"Not Found: /{path}/s3cr-_t:x/"}
    found = private_withhold(None, "info", dict(lines))
    assert "s3cr" not in str(found)
    assert found["request"] == f"GET /{path}/{WITHHELD}/"


@pytest.mark.parametrize("path", ["/account/verify/", "/settings/team/invitations/x/send/"])
def test_path_without_a_secret_is_kept(path: str) -> None:
    assert private_withhold(None, "info", {"request": f"POST {path}"})["request"].endswith(path)


def test_lines_of_libraries_look_the_same(lines: list[str]) -> None:
    with tenancy.tenant_scope(TENANT):
        logging.getLogger("tests.config.logs").warning("plain %s", "words")
    found = _last(lines)
    assert (found["event"], found["level"], found["tenant"]) == ("plain words", "warning", "acme")


def test_tenant_labels_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_seen_tenants", set())
    monkeypatch.setattr(metrics, "TENANT_LABEL_LIMIT", 2)
    labels = []
    for slug in ("one", "two", "three", "one"):
        with tenancy.tenant_scope(TenantContext(id=uuid4(), schema=f"t_{slug}", slug=slug)):
            labels.append(metrics.tenant_label())
    assert labels == ["one", "two", metrics.OTHER, "one"]
    with tenancy.public_scope():
        assert metrics.tenant_label() == "platform"


def test_rates_are_derived_from_counters() -> None:
    metrics.tool_calls_total.clear()
    metrics.tool_calls_total.labels(tool="orders", outcome="succeeded").inc(3)
    metrics.tool_calls_total.labels(tool="orders", outcome="tool_timeout").inc(1)
    body, content_type = metrics.metrics_render()
    assert "tool_error_rate 0.25" in body.decode()
    assert content_type.startswith("text/plain")
