"""The measured workflow: five trivial steps, each of which has to be on record before the next."""

from __future__ import annotations

from typing import Final

from workflows.engine.step import Step, StepContext, StepOutcome, StepOutput, step
from workflows.spec.kinds import StepConfig

WORKFLOW: Final = "bench_five"
NAMES: Final = ("one", "two", "three", "four", "five")
SOURCE: Final = f'name: {WORKFLOW}\nversion: "1"\nsteps:\n' + "".join(
    f"  - id: {name}\n    type: bench_note\n" for name in NAMES
)
TENANTS: Final = 8  # as many as there are callers


class NoteConfig(StepConfig):
    """Nothing to say."""


class NoteOutput(StepOutput):
    number: int


class NoteStep(Step[NoteConfig, NoteOutput]):
    """Count; not pure, so the engine commits each outcome before it goes on."""

    name = "bench_note"
    config = NoteConfig
    output = NoteOutput

    def run(self, config: NoteConfig, context: StepContext) -> StepOutcome[NoteOutput]:
        return StepOutcome(NoteOutput(number=1))


def register() -> None:
    """Make the step type known to this process; harmless when repeated."""
    step(NoteStep)


def slug(number: int) -> str:
    return f"bench-{number}"


def tenants_prepare() -> None:
    """Create the tenants and publish the workflow in each."""
    from core import directory, tenancy
    from tenants.services import tenant_create
    from workflows.versions import workflow_publish

    register()
    with tenancy.public_scope():
        for number in range(TENANTS):
            tenant_create(name="Bench", slug=slug(number))
        tenants = directory.tenants_active()
    for tenant in tenants:
        with tenancy.tenant_scope(tenant):
            workflow_publish(source=SOURCE, published_by=None)
