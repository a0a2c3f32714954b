"""Structured logs: one event name with fields, who it concerns bound from the context.

Every line carries tenant (from `core.tenancy`), and conversation, run and request where the code
bound them with `log_context`. What people wrote never reaches a log: fields that could hold it are
replaced, and query strings are cut from request lines.
"""

from __future__ import annotations

import logging
import re
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import Any, Final
from uuid import UUID

import structlog

from core import tenancy

EventDict = MutableMapping[str, Any]
WITHHELD: Final = "[withheld]"
# What follows these is worth an account or a membership, until it is used.
_LINKS: Final = re.compile(
    r"(/(?:login/ticket|invitation|password/reset|account/verify)/)[^/\s\"]+", re.ASCII
)
# Field names under which somebody might one day log what a person wrote, or a secret.
PRIVATE_FIELDS: Final = frozenset(
    {"text", "message_text", "body", "content", "quote", "question", "answer", "prompt"}
    | {"completion", "email", "phone", "password", "token", "secret", "authorization", "cookie"}
    | {"api_key", "widget_key", "visitor_token", "access_token", "refresh_token"}
)


def log_context(
    *, conversation: UUID | str | None = None, run: UUID | str | None = None, **fields: str
) -> AbstractContextManager[None]:
    """Bind conversation, run and other ids to every line logged inside the block."""
    bound = {"conversation": conversation, "run": run, **fields}
    present = {key: str(value) for key, value in bound.items() if value is not None}
    return structlog.contextvars.bound_contextvars(**present)


def tenant_add(_: Any, __: str, event: EventDict) -> EventDict:
    """Add the current tenant's slug, unless the line already names one."""
    tenant = tenancy.current()
    if tenant is not None:
        event.setdefault("tenant", tenant.slug)
    return event


def private_withhold(_: Any, __: str, event: EventDict) -> EventDict:
    """Replace fields that may hold what a person wrote; cut query strings of request lines."""
    for name in PRIVATE_FIELDS.intersection(event):
        event[name] = WITHHELD
    request = event.get("request")
    if isinstance(request, str):
        event["request"] = request.partition("?")[0]
    for name in ("request", "event"):  # Django names the path in what it says of refusals
        if isinstance(event.get(name), str):
            event[name] = _LINKS.sub(rf"\1{WITHHELD}", event[name])
    return event


def _shared_processors() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        tenant_add,
        private_withhold,
        structlog.processors.StackInfoRenderer(),
    ]


def _renderers(style: str) -> list[Any]:
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if style == "console":
        return [remove_meta, structlog.dev.ConsoleRenderer(colors=False)]
    return [
        remove_meta,
        # A frame's variables hold form data, messages and passwords: never write them.
        structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        ),
        structlog.processors.JSONRenderer(default=str),
    ]


def logging_config(*, level: str = "INFO", style: str = "json") -> dict[str, Any]:
    """Configure structlog and return Django's LOGGING, so that both write the same lines.

    `style` is `json` (one object per line) or `console`.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _shared_processors(),
                "processors": _renderers(style),
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": _quieted(),
    }


def _quieted() -> dict[str, dict[str, Any]]:
    """Return levels of libraries whose usual lines say nothing, or repeat ours."""
    # Django logs to its own handlers by default; here everything goes to the root, once.
    django = {"django": {"handlers": [], "propagate": True}}
    noisy = ("django.server", "uvicorn.access", "httpx", "httpcore", "urllib3", "fontTools")
    return django | {name: {"level": logging.getLevelName(logging.WARNING)} for name in noisy}
