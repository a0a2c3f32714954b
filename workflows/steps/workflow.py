"""``workflow``: run another workflow as one step, with its own input and its own values."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from workflows.engine.contracts import input_check, output_check
from workflows.engine.state import SUB_WORKFLOW, Finished, scope_join, scopes_above
from workflows.engine.step import (
    Child,
    JsonOutput,
    Opens,
    Step,
    StepContext,
    StepFailed,
    StepOutcome,
    step,
)
from workflows.spec.kinds import StepConfig
from workflows.spec.values import Value

MAX_DEPTH: Final = 8
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class WorkflowConfig(StepConfig):
    """Which workflow, and what it is given."""

    workflow: Name
    input: Mapping[str, Value] = Field(default_factory=dict)


@step
class WorkflowStep(Step[WorkflowConfig, JsonOutput]):
    """Walk the workflow that answers under the name when the step begins, to its end.

    ``steps.<id>`` is its ``result``, or the output of its last step if it states none. The run
    stays one run: its events, its saga, its budget and its cancellation cover both.
    """

    name = "workflow"
    config = WorkflowConfig
    output = JsonOutput

    def run(self, config: WorkflowConfig, context: StepContext) -> StepOutcome[JsonOutput] | Opens:
        """Begin it, or take what it came to."""
        if context.finished:
            return StepOutcome(JsonOutput(value=_result(context.finished[0], context)))
        if sum(scope.endswith(SUB_WORKFLOW) for scope in scopes_above(context.scope)) >= MAX_DEPTH:
            raise StepFailed(f"Workflows are nested more than {MAX_DEPTH} deep.")
        graph = context.graphs.current(config.workflow)
        given = {name: context.render(value) for name, value in config.input.items()}
        input_check(graph.input_schema, given)
        child = Child(
            SUB_WORKFLOW,
            graph.entry,
            input={
                "text": context.turn.get("text"),
                "channel": context.turn.get("channel"),
                **given,
            },
            workflow=graph.name,
            content_hash=graph.content_hash,
        )
        return Opens([child])


def _result(done: Finished, context: StepContext) -> dict[str, Any]:
    graph = context.graphs.graph(workflow=done.workflow, content_hash=done.content_hash)
    if not graph.result:
        return dict(done.output)
    scope = scope_join(context.scope, context.step_id, SUB_WORKFLOW)
    known = {
        **(done.input or {}),
        **done.values,
        "input": dict(done.input or {}),
        "steps": {key: dict(value) for key, value in context.state.outputs_within(scope).items()},
    }
    result = {name: value.render(known) for name, value in graph.result.items()}
    output_check(graph.output_schema, result)
    return result
