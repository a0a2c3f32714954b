"""Fragments: named lists of steps that several workflows use.

A step ``{id: hello, fragment: greeting, with: {…}}`` is replaced by the fragment's steps. The first
of them takes the id ``hello``, the others ``hello_<id>``; ``end`` in the fragment leads to what
follows the use. ``${ with.name }`` is filled in before anything else is read.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field

from workflows.spec.checking import validate
from workflows.spec.document import Scope, Tree, document_of
from workflows.spec.errors import SpecError, SpecProblem
from workflows.spec.kinds import END, StepKind
from workflows.spec.models import MAX_STEPS, Name, Part, Text
from workflows.spec.source import parse
from workflows.spec.trees import ids_in, inner_bodies, root_bodies

MAX_FRAGMENTS = 50
MAX_NESTED = 5
_KEYS = {"id", "fragment", "with", "next", "description"}
_PARAMETER = re.compile(r"\$\{\s*with\.([a-z][a-z0-9_]{0,63})\s*\}")


class ParameterSpec(Part):
    """Something a fragment is given; without a default it must be given."""

    description: Text = ""
    default: Any = None


class FragmentSpec(Part):
    """A fragment's file."""

    name: Name
    description: Text = ""
    use: Annotated[list[Name], Field(max_length=MAX_FRAGMENTS)] = Field(default_factory=list)
    parameters: Annotated[dict[Name, ParameterSpec], Field(max_length=50)] = Field(
        default_factory=dict
    )
    steps: Annotated[list[Any], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Fragment:
    """A fragment's file, read."""

    spec: FragmentSpec
    tree: Tree

    @property
    def steps(self) -> Tree:
        """The steps as written."""
        return next(root_bodies(self.tree))


def fragment_read(name: str, source: str) -> Fragment:
    """Read a fragment; raises ``SpecError`` with problems that name the fragment's file."""
    label = f"fragments/{name}.yaml"
    tree = parse(source, label=label)
    spec, problems = validate(FragmentSpec, tree.plain(), document_of(tree), ())
    if spec is not None and spec.name != name:
        problems.append((tree.get("name") or tree).problem(f"The fragment is stored as '{name}'."))
    if spec is None or problems:
        raise SpecError(problems, label)
    return Fragment(spec, tree)


def fragments_expand(
    root: Tree, fragments: Mapping[str, Fragment], kinds: Mapping[str, StepKind]
) -> list[SpecProblem]:
    """Replace every use of a fragment in a file's tree by its steps; returns what is wrong."""
    expander = _Expander(fragments, kinds)
    declared = expander.declared(root)
    for body in list(root_bodies(root)):
        if isinstance(body.data, list):
            body.data = expander.body(body, None, declared, ())
    return expander.problems


class _Expander:
    def __init__(self, fragments: Mapping[str, Fragment], kinds: Mapping[str, StepKind]) -> None:
        self.fragments = fragments
        self.kinds = kinds
        self.problems: list[SpecProblem] = []
        self.count = 0

    def declared(self, root: Tree) -> frozenset[str]:
        """Return the fragments that a file says it uses."""
        use = root.get("use")
        named = use.items if use is not None else []
        for item in named:
            if isinstance(item.data, str) and item.data not in self.fragments:
                known = ", ".join(sorted(self.fragments)) or "none"
                message = f"There is no fragment '{item.data}' (known: {known})."
                self.problems.append(item.problem(message))
        return frozenset(str(item.data) for item in named)

    def body(
        self, body: Tree, scope: Scope | None, declared: frozenset[str], within: tuple[str, ...]
    ) -> list[Tree]:
        """Return the steps of a list with uses replaced, each step with the scope it stands in."""
        steps: list[Tree] = []
        for index, step in enumerate(body.items):
            following = body.items[index + 1].text("id") if index + 1 < len(body.items) else END
            if step.get("fragment") is not None:
                leads_to = _exit(step, following, scope)
                steps += self._expanded(step, leads_to, declared, within)
                continue
            step.scope = scope
            inside = replace(scope, exit=END, last="") if scope else None
            for inner in inner_bodies(step, self.kinds):
                if isinstance(inner.data, list):
                    inner.data = self.body(inner, inside, declared, within)
            steps.append(step)
            self.count += 1
        return steps

    def _expanded(
        self, use: Tree, leads_to: str, declared: frozenset[str], within: tuple[str, ...]
    ) -> list[Tree]:
        name = use.text("fragment")
        found = self.fragments.get(name) if name in declared else None
        mistakes = list(self._mistakes(use, name, found, within))
        if mistakes or found is None:
            self.problems += mistakes
            return []
        given = self._given(use, found)
        use_id = use.text("id")
        ids = ids_in(found.steps, self.kinds)
        names = {step_id: f"{use_id}_{step_id}" for step_id in ids}
        names |= {ids[0]: use_id} if ids else {}
        last = found.steps.items[-1].text("id")
        scope = Scope(names, leads_to, names.get(last, ""))
        copied = self._copied(found.steps, given, names)
        return self.body(copied, scope, self.declared(found.tree), (*within, name))

    def _mistakes(
        self, use: Tree, name: str, found: Fragment | None, within: tuple[str, ...]
    ) -> Iterator[SpecProblem]:
        for key, at in use.keys.items():
            if key not in _KEYS:
                message = f"A use of a fragment takes {', '.join(sorted(_KEYS))}, not '{key}'."
                yield Tree(at, None).problem(message)
        if not use.text("id"):
            yield (use.get("id") or use).problem("A use of a fragment needs an id.")
        place = use.get("fragment") or use
        if found is None:
            yield place.problem(f"The file does not name the fragment '{name}' in 'use'.")
        elif name in within or len(within) == MAX_NESTED:
            walked = " → ".join([*within, name])
            yield place.problem(f"Fragments use each other without an end: {walked}.")
        elif self.count > MAX_STEPS:
            yield place.problem(f"A workflow has at most {MAX_STEPS} steps.")

    def _given(self, use: Tree, fragment: Fragment) -> dict[str, Tree]:
        """Return the tree of each parameter; what is missing or too much becomes a problem."""
        written = use.get("with")
        given = written.data if written is not None and isinstance(written.data, dict) else {}
        parameters = fragment.spec.parameters
        for name in given:
            if written is not None and name not in parameters:
                known = ", ".join(sorted(parameters)) or "nothing"
                message = f"The fragment takes no '{name}' (it takes {known})."
                self.problems.append(Tree(written.keys[name], None).problem(message))
        defaults = {}
        for name, parameter in parameters.items():
            if name in given:
                continue
            default = _default(fragment, name)
            if "default" in parameter.model_fields_set and default is not None:
                defaults[name] = default
            else:
                self.problems.append((written or use).problem(f"The fragment needs '{name}'."))
                defaults[name] = Tree(use.at, "")
        return {**defaults, **given}

    def _copied(self, body: Tree, given: Mapping[str, Tree], names: Mapping[str, str]) -> Tree:
        """Copy a fragment's steps with parameters filled in and ids made the user's own."""
        copy = self._filled(body, given)
        self._rename(copy, names)
        return copy

    def _rename(self, body: Tree, names: Mapping[str, str]) -> None:
        for step in body.items:
            own = step.get("id")
            if own is not None and isinstance(own.data, str):
                own.data = names.get(own.data, own.data)
            for inner in inner_bodies(step, self.kinds):
                self._rename(inner, names)

    def _filled(self, tree: Tree, given: Mapping[str, Tree] | None) -> Tree:
        """Copy a tree with the parameters filled in; without any, as it stands."""
        if isinstance(tree.data, dict):
            filled = {key: self._filled(item, given) for key, item in tree.data.items()}
            return Tree(tree.at, filled, tree.keys)
        if isinstance(tree.data, list):
            return Tree(tree.at, [self._filled(item, given) for item in tree.data])
        if given is None or not isinstance(tree.data, str):
            return Tree(tree.at, tree.data)
        whole = _PARAMETER.fullmatch(tree.data)
        if whole and whole[1] in given:
            return self._filled(given[whole[1]], None)
        text, place = tree.data, tree.at
        for found in _PARAMETER.finditer(tree.data):
            value = self._in_text(found[1], tree, given)
            text, place = text.replace(found[0], value), replace(place, inset=None)
        return Tree(place, text)

    def _in_text(self, name: str, tree: Tree, given: Mapping[str, Tree]) -> str:
        if name not in given:
            self.problems.append(tree.problem(f"The fragment has no parameter '{name}'."))
            return ""
        value = given[name].data
        if isinstance(value, list | dict):
            message = f"The parameter '{name}' is no text: it can stand only by itself."
            self.problems.append(tree.problem(message))
            return ""
        if isinstance(value, bool):
            return str(value).lower()
        return "" if value is None else str(value)


def _exit(use: Tree, following: str, scope: Scope | None) -> str:
    """Return the step that follows a use of a fragment, as it is called in the document."""
    written = use.text("next")
    if written and written != END:
        return scope.names.get(written, written) if scope else written
    if following != END and not written:
        return following
    return scope.exit if scope else END


def _default(fragment: Fragment, name: str) -> Tree | None:
    parameters = fragment.tree.get("parameters")
    parameter = parameters.get(name) if parameters is not None else None
    return parameter.get("default") if parameter is not None else None
