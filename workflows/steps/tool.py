"""``tool``: call a registered tool, once, whatever dies in between."""

from collections.abc import Mapping
from typing import Any

from core.errors import DomainError
from workflows.engine.calling import tool_attempt
from workflows.engine.events import EventType
from workflows.engine.step import JsonOutput, Step, StepContext, StepOutcome, step
from workflows.engine.tool import Tool, ToolFailed, tool_get
from workflows.spec.kinds import FreeConfig


class ToolConfig(FreeConfig):
    """What the tool is given: any keys, with ``${…}`` filled in."""


@step
class ToolStep(Step[ToolConfig, JsonOutput]):
    """Write the call ahead, make it, and give its output as ``steps.<id>``.

    The key of the call is the same for each attempt and each worker, so the tool acts once.
    """

    name = "tool"
    config = ToolConfig
    output = JsonOutput
    has_side_effects = True
    timeout_seconds = 30.0

    def run(self, config: ToolConfig, context: StepContext) -> StepOutcome[JsonOutput]:
        """Call; a call that a dead worker left in doubt is repeated or looked up."""
        tool = tool_get(context.node.tool)
        doubtful = context.call_in_doubt
        given = doubtful.input if doubtful else context.render_all(config)
        about = {"key": context.key, "tool": tool.name, "version": tool.version}
        tool.input_check(given)
        if doubtful is None:
            context.write_ahead(EventType.TOOL_REQUESTED, {**about, "input": given})
        output = _called(tool, given, about, context)
        context.write_ahead(EventType.TOOL_SUCCEEDED, about)
        return StepOutcome(JsonOutput(value=dict(output)))


def _called(
    tool: Tool, given: Mapping[str, Any], about: Mapping[str, Any], context: StepContext
) -> Mapping[str, Any]:
    try:
        return tool_attempt(
            tool,
            key=str(about["key"]),
            input=given,
            run_id=context.run_id,
            conversation_id=context.conversation_id,
            cancel=context.cancel,
            is_in_doubt=context.call_in_doubt is not None,
        )
    except DomainError as error:
        # That this attempt did nothing does not say what one before it did, whose reply was lost.
        did_nothing = isinstance(error, ToolFailed) and context.call_in_doubt is None
        doubt = {} if did_nothing or not tool.has_side_effects else {"in_doubt": True}
        context.write_ahead(EventType.TOOL_FAILED, {**about, "code": error.code, **doubt})
        raise
