"""Whether a person can be reached now: what an office's hours say, and who has the inbox open."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from redis import RedisError

from conversations import announce
from core.redis import redis_client

Check = Callable[[], bool | None]
log = structlog.get_logger(__name__)
_checks: dict[str, Check] = {}


def reachability_register(name: str, check: Check) -> None:
    """Add or replace a rule for the current tenant; called in `AppConfig.ready()`.

    The rule returns False when nobody can be reached, True when somebody surely can, None when it
    has no say. The first False decides, then the first True, and without either the open inboxes.
    """
    _checks[name] = check


def person_is_reachable() -> bool:
    """Return whether a visitor who asks for a person now can expect one."""
    said = [check() for check in _checks.values()]
    if False in said:
        return False
    return True in said or _inbox_is_open()


def _inbox_is_open() -> bool:
    """Return whether any agent's inbox is connected: its process follows the inbox's group."""
    group = announce.inbox_group()
    try:
        counted = redis_client().pubsub_numsub(group)
    except RedisError as error:
        # Who asks for a person is better told to wait than sent away wrongly.
        log.warning("reachability_unknown", error=type(error).__name__)
        return True
    return any(number > 0 for _, number in counted)
