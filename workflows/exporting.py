"""Write a workflow's graph for other tools to draw: Mermaid and Graphviz DOT."""

import json
import re
from collections.abc import Callable, Iterator

from workflows.spec.graph import ROOT, Edge, Graph, Node
from workflows.spec.kinds import END

_WORDS = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;", "\n": " "}


def graph_mermaid(graph: Graph) -> str:
    """Return a Mermaid flowchart: bodies as subgraphs, ways out of the run as one end."""
    lines = ["flowchart TD", *_mermaid_body(graph, ROOT, "  ")]
    for node in graph.nodes.values():
        lines += [f"  {line}" for line in _mermaid_edges(node)]
        lines += [
            f"  {_id(node.id)} -.->|{_quoted(_branch(body))}| {_id(graph.entries[body])}"
            for body in _bodies_of(graph, node)
        ]
    if any(edge.target == END and not node.body for node, edge in _edges(graph)):
        lines.append(f"  {_id(END)}(({_quoted(END)}))")
    return "\n".join(lines) + "\n"


def _mermaid_body(graph: Graph, body: str, indent: str) -> Iterator[str]:
    for node in graph.nodes.values():
        if node.body != body:
            continue
        label = _quoted(f"{node.id}: {node.kind.name}")
        shape = "{" + label + "}" if node.kind.jumps else f"[{label}]"
        yield f"{indent}{_id(node.id)}{shape}"
        for inner in _bodies_of(graph, node):
            yield f"{indent}subgraph body_{inner.replace('.', '__')}[{_quoted(inner)}]"
            yield from _mermaid_body(graph, inner, indent + "  ")
            yield f"{indent}end"


def _mermaid_edges(node: Node) -> Iterator[str]:
    for edge in node.edges:
        if edge.target != END or not node.body:
            arrow = f"-->|{_quoted(edge.label)}|" if edge.label else "-->"
            yield f"{_id(edge.source)} {arrow} {_id(edge.target)}"


def _id(step_id: str) -> str:
    """Return an id that is no word of Mermaid's, as ``end`` is."""
    return f"s_{step_id}"


def _quoted(text: str) -> str:
    """Write text so that Mermaid shows it as it is."""
    return '"' + "".join(_WORDS.get(character, character) for character in text) + '"'


def graph_dot(graph: Graph) -> str:
    """Return a Graphviz digraph: bodies as clusters, ways out of the run as one end."""
    lines = [
        f"digraph {_dot(graph.name)} {{",
        "  node [shape=box];",
        *_dot_body(graph, ROOT, "  "),
    ]
    for node, edge in _edges(graph):
        if edge.target != END or not node.body:
            label = f" [label={_dot(edge.label)}]" if edge.label else ""
            lines.append(f"  {_dot(edge.source)} -> {_dot(edge.target)}{label};")
    for node in graph.nodes.values():
        for body in _bodies_of(graph, node):
            style = f"[style=dashed, label={_dot(_branch(body))}]"
            lines.append(f"  {_dot(node.id)} -> {_dot(graph.entries[body])} {style};")
    if any(edge.target == END and not node.body for node, edge in _edges(graph)):
        lines.append(f"  {_dot(END)} [shape=circle];")
    return "\n".join([*lines, "}"]) + "\n"


def _dot_body(graph: Graph, body: str, indent: str) -> Iterator[str]:
    for node in graph.nodes.values():
        if node.body != body:
            continue
        shape = ", shape=diamond" if node.kind.jumps else ""
        yield f"{indent}{_dot(node.id)} [label={_dot(f'{node.id}: {node.kind.name}')}{shape}];"
        for inner in _bodies_of(graph, node):
            yield f"{indent}subgraph {_dot(f'cluster_{inner}')} {{"
            yield f"{indent}  label={_dot(inner)};"
            yield from _dot_body(graph, inner, indent + "  ")
            yield f"{indent}}}"


def _dot(text: str) -> str:
    """Quote for DOT; control characters are not for drawings."""
    return json.dumps(re.sub(r"[\x00-\x1f]", " ", text), ensure_ascii=False)


def _edges(graph: Graph) -> Iterator[tuple[Node, Edge]]:
    for node in graph.nodes.values():
        for edge in node.edges:
            yield node, edge


def _bodies_of(graph: Graph, node: Node) -> list[str]:
    return [body for body in graph.entries if body and body.split(".")[0] == node.id]


def _branch(body: str) -> str:
    return body.partition(".")[2] or "each"


FORMATS: dict[str, Callable[[Graph], str]] = {"mermaid": graph_mermaid, "dot": graph_dot}
