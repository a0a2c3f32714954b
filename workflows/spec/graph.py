"""The compiled form of a workflow: nodes and the edges between them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workflows.spec.bundles import Bundle
from workflows.spec.conditions import Condition
from workflows.spec.document import Path, Position
from workflows.spec.kinds import StepConfig, StepKind
from workflows.spec.policies import (
    Breaker,
    Budget,
    Bulkhead,
    Catch,
    Compensation,
    Policy,
    Retry,
)
from workflows.spec.values import Value

__all__ = [
    "Breaker",
    "Budget",
    "Bulkhead",
    "Catch",
    "Compensation",
    "Edge",
    "Graph",
    "Node",
    "Policy",
    "Retry",
]

ROOT = ""
STEP_LIMIT = 1_000
NOWHERE = Position(1, 1)


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from one step to another, with the condition it is taken under in words."""

    source: str
    target: str
    label: str
    path: Path


@dataclass(frozen=True, slots=True)
class Node:
    """One step: where it goes when done (``next``) and when its condition is false (``after``).

    ``index`` counts the steps of the whole file. ``path`` is where the step stands in the document,
    ``at`` where in the text,
    ``body`` the list it stands in: the root's is empty, a container's is its id, with several
    bodies ``<id>.<branch>``. ``next`` and ``after`` are ``end`` where the body is over.
    """

    index: int
    id: str
    kind: StepKind
    config: StepConfig
    description: str
    condition: Condition | None
    next: str
    after: str
    edges: tuple[Edge, ...]
    path: Path = ()
    body: str = ROOT
    policy: Policy = field(default_factory=Policy)
    compensate: Compensation | None = None
    tool: str = ""
    model: str = ""
    at: Position = NOWHERE

    @property
    def container(self) -> str:
        """The id of the step whose body this step stands in; empty in the root."""
        return self.body.split(".")[0]


@dataclass(frozen=True, slots=True)
class Graph:
    """A checked workflow, ready to run; ``content_hash`` identifies the exact texts it is made of.

    ``entries`` gives the first step of each body. ``fallback`` is a tool that is called for a run
    that failed, before a person is brought in; empty where there is none. ``places`` tells where
    the keys of the head stand.
    """

    name: str
    version: str
    description: str
    content_hash: str
    bundle: Bundle
    nodes: Mapping[str, Node]
    entries: Mapping[str, str]
    input_schema: Mapping[str, Any] | None = None
    output_schema: Mapping[str, Any] | None = None
    result: Mapping[str, Value] = field(default_factory=dict)
    step_limit: int = STEP_LIMIT
    budget: Budget | None = None
    is_cyclic: bool = False
    fallback: str = ""
    places: Mapping[str, Position] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The text of the workflow's own file."""
        return self.bundle.source

    @property
    def entry(self) -> str:
        """The first step of the root."""
        return self.entries[ROOT]
