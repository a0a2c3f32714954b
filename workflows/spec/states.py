"""The state machine form of a workflow, turned into the same steps.

A state is its ``on_enter`` steps and, unless it is final, a ``branch`` with the state's name that
takes the first transition whose guard holds, or ``otherwise``. How often one state may be left is
bounded.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from workflows.spec.checking import validate
from workflows.spec.conditions import Condition
from workflows.spec.document import Position, Tree, document_of
from workflows.spec.errors import SpecProblem
from workflows.spec.kinds import BRANCH, END, StepKind
from workflows.spec.models import Name, Part, Text
from workflows.spec.trees import made

STAY = "stay"
MAX_STATES = 100
KEYS = ("states", "initial", "max_transitions")


class TransitionSpec(Part):
    """A guard and the state to go to when it holds."""

    when: Condition
    to: Name


class StateSpec(Part):
    """What happens in a state, and what follows it."""

    description: Text = ""
    on_enter: list[Any] = Field(default_factory=list)
    transitions: Annotated[list[TransitionSpec], Field(max_length=50)] = Field(default_factory=list)
    otherwise: Name | None = None
    final: bool = False


class MachineSpec(Part):
    """The keys that stand in place of ``steps``."""

    initial: Name
    max_transitions: Annotated[int, Field(ge=1, le=10_000)] = 100
    states: Annotated[dict[Name, StateSpec], Field(min_length=1, max_length=MAX_STATES)]


def states_expand(root: Tree, kinds: Mapping[str, StepKind]) -> list[SpecProblem]:
    """Replace ``states`` in a file's tree by steps; returns what is wrong with them."""
    states = root.get("states")
    if states is None or not isinstance(root.data, dict):
        return []
    if root.get("steps") is not None:
        return [states.problem("Give 'steps' or 'states', not both.")]
    written = {key: item for key, item in root.data.items() if key in KEYS}
    part = Tree(root.at, written, {key: root.keys[key] for key in written})
    machine, problems = validate(MachineSpec, part.plain(), document_of(part), ())
    if machine is None:
        return problems
    problems = list(_problems(machine, part))
    if not problems:
        for key in written:
            del root.data[key], root.keys[key]
        root.data["steps"] = Tree(states.at, list(_steps(machine, states, kinds)))
        root.keys["steps"] = states.at
    return problems


def _problems(machine: MachineSpec, root: Tree) -> Iterator[SpecProblem]:
    document = document_of(root)
    known = ", ".join(machine.states)
    if machine.initial not in machine.states:
        message = f"There is no state '{machine.initial}' (known: {known})."
        yield document.problem(("initial",), message)
    for name, state in machine.states.items():
        at = ("states", name)
        for index, transition in enumerate(state.transitions):
            if transition.to not in machine.states:
                message = f"There is no state '{transition.to}' (known: {known})."
                yield document.problem((*at, "transitions", index, "to"), message)
        if message := _mistake(state, machine, known):
            yield document.problem((*at, "otherwise"), message)


def _mistake(state: StateSpec, machine: MachineSpec, known: str) -> str:
    if state.final:
        has_way = bool(state.transitions or state.otherwise)
        return "A final state is not left: no transitions, no 'otherwise'." if has_way else ""
    if state.otherwise is None:
        return "Say in 'otherwise' which state follows if no guard holds ('stay' to stay)."
    if state.otherwise == STAY:
        return "" if state.on_enter else "A state without 'on_enter' steps cannot stay."
    is_known = state.otherwise in machine.states
    return "" if is_known else f"There is no state '{state.otherwise}' (known: {known})."


def _steps(machine: MachineSpec, states: Tree, kinds: Mapping[str, StepKind]) -> Iterator[Tree]:
    assert isinstance(states.data, dict)
    entries = {name: _entry(name, tree) for name, tree in states.data.items()}
    order = [machine.initial, *(name for name in states.data if name != machine.initial)]
    for name in order:
        tree = states.data[name]
        on_enter = tree.get("on_enter")
        steps = on_enter.items if on_enter is not None else []
        is_last = machine.states[name].final and bool(steps)
        if is_last:
            _close(steps[-1], kinds)
        yield from steps
        if not is_last:
            yield _decision(name, machine, tree, states.keys[name], entries)


def _close(step: Tree, kinds: Mapping[str, StepKind]) -> None:
    """Let a step be the last one, unless it says itself what follows."""
    kind = kinds.get(step.text("type"))
    goes_elsewhere = kind is not None and (kind.ends or kind.jumps)
    if isinstance(step.data, dict) and not goes_elsewhere:
        step.data.setdefault("next", Tree(step.at, END))


def _entry(name: str, state: Tree) -> str:
    on_enter = state.get("on_enter")
    return (on_enter.items[0].text("id") if on_enter is not None and on_enter.items else "") or name


def _decision(
    name: str, machine: MachineSpec, tree: Tree, at: Position, entries: Mapping[str, str]
) -> Tree:
    """Return the branch that leaves a state, each part standing where it was written."""
    transitions, otherwise = tree.get("transitions"), tree.get("otherwise")
    written = str(otherwise.data) if otherwise is not None else END
    default = Tree(
        otherwise.at if otherwise is not None else at,
        entries.get(name if written == STAY else written, END),
    )
    cases = [
        made(
            item.at,
            when=item.get("when") or item,
            next=Tree((item.get("to") or item).at, entries[item.text("to")]),
        )
        for item in (transitions.items if transitions is not None else ())
    ]
    always = made(at, when=Tree(at, True), next=Tree(default.at, default.data))
    place = transitions.at if transitions is not None else at
    config = made(at, cases=Tree(place, cases or [always]), default=default)
    return made(
        at,
        id=Tree(at, name),
        type=Tree(at, BRANCH),
        description=tree.get("description") or Tree(at, ""),
        config=config,
        max_visits=Tree(at, machine.max_transitions),
    )
