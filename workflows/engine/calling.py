"""Call a tool so that it acts once: with a key, checked on both sides, and after a crash with care.

A call that is on record without an outcome is in doubt: the worker died, or the reply was lost. A
tool that promises idempotency is called again with the same key; another one is asked what became
of it; where neither is possible a person has to look.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from core.errors import DomainError
from core.observability.metrics import tool_calls_total
from core.resilience.cancellation import CancelToken
from workflows.engine.tool import Tool, ToolCall, ToolFailed, ToolInDoubt, ToolOutputInvalid


def tool_attempt(
    tool: Tool,
    *,
    key: str,
    input: Mapping[str, Any],  # noqa: A002 - the word for it in every tool's contract
    run_id: UUID,
    conversation_id: UUID | None,
    cancel: CancelToken,
    is_in_doubt: bool = False,
) -> Mapping[str, Any]:
    """Return the output of one call.

    Raises ``ToolInputInvalid``, ``ToolOutputInvalid``, ``ToolInDoubt``, and what the tool raises.
    """
    tool.input_check(input)
    call = ToolCall(key, input, run_id, conversation_id, cancel)
    try:
        output = _call(tool, call, is_in_doubt=is_in_doubt)
    except Exception as error:
        outcome = error.code if isinstance(error, DomainError) else "internal_error"
        tool_calls_total.labels(tool=tool.name, outcome=outcome).inc()
        raise
    tool_calls_total.labels(tool=tool.name, outcome="succeeded").inc()
    return output


def _call(tool: Tool, call: ToolCall, *, is_in_doubt: bool) -> Mapping[str, Any]:
    if tool.is_idempotent or not tool.has_side_effects:
        return tool.call(call)
    found = _looked_up(tool, call) if is_in_doubt else None
    if found is not None:
        return tool.output_check(found)
    try:
        return tool.call(call)
    except (ToolFailed, ToolOutputInvalid):
        raise  # the tool itself says what became of the call
    except Exception as error:
        raise ToolInDoubt(tool=tool.name) from error


def _looked_up(tool: Tool, call: ToolCall) -> Mapping[str, Any] | None:
    if tool.lookup is None:
        raise ToolInDoubt(tool=tool.name)
    return tool.lookup(call)
