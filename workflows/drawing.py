"""Draw a workflow's graph as boxes and lines for a server-rendered SVG.

A small form of Sugiyama's layered layout (1981): a rank per step by its longest way from the start,
bends where a line passes a rank, and a few barycentre sweeps to lower the number of crossings.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean

from workflows.spec.graph import Edge, Graph
from workflows.spec.kinds import END
from workflows.spec.ordering import cycles

BOX_WIDTH = 176
BOX_HEIGHT = 52
GAP = 32
BEND_WIDTH = 24
RANK_HEIGHT = 124
MARGIN = 16
SWEEPS = 4
BACK_BOW = 56
INSIDE = "each"
LABEL_CHARACTERS = 26
LABEL_WIDTH = 160
LABEL_RISE = 17

Layers = list[list[str]]
Neighbours = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Trail:
    """What a run did: the outcome of each step it met, the ways it took, where it is now."""

    outcomes: Mapping[str, str] = field(default_factory=dict)
    taken: frozenset[tuple[str, str]] = frozenset()
    current: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A step on the drawing; ``outcome`` is empty where a run did not come by."""

    id: str
    kind: str
    description: str
    x: int
    y: int
    width: int
    height: int
    outcome: str
    is_current: bool
    is_last: bool

    @property
    def center(self) -> int:
        """The horizontal middle."""
        return self.x + self.width // 2


@dataclass(frozen=True, slots=True)
class Line:
    """A way between two steps, with the condition it is taken under."""

    path: str
    label: str
    condition: str
    label_x: int
    label_y: int
    is_taken: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything a template needs, in pixels."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def graph_draw(graph: Graph, trail: Trail | None = None) -> Drawing:
    """Lay out a graph top down and mark what a run did."""
    trail = trail or Trail()
    edges = _edges(graph)
    ranks = _ranks(graph, edges)
    chains = {(edge.source, edge.target): _chain(edge, ranks) for edge in edges}
    layers = _layers(ranks, chains)
    places = _places(layers)
    return Drawing(
        width=max(x for x, _ in places.values())
        + BOX_WIDTH // 2
        + MARGIN
        + _room_back(edges, ranks),
        height=len(layers) * RANK_HEIGHT - RANK_HEIGHT + BOX_HEIGHT + 2 * MARGIN,
        boxes=tuple(_box(graph, step_id, places[step_id], trail) for step_id in graph.nodes),
        lines=tuple(
            _line(edge, [places[key] for key in chains[edge.source, edge.target]], trail)
            for edge in edges
        ),
    )


def _edges(graph: Graph) -> list[Edge]:
    """Return one edge per pair of steps; ends are marked on the box instead.

    A step that holds steps leads to the first of each of its bodies.
    """
    found: dict[tuple[str, str], Edge] = {}
    for node in graph.nodes.values():
        for edge in node.edges:
            if edge.target != END:
                found.setdefault((edge.source, edge.target), edge)
    for body, entry in graph.entries.items():
        container, _, branch = body.partition(".")
        if container:
            found.setdefault((container, entry), Edge(container, entry, branch or INSIDE, ()))
    return list(found.values())


def _ranks(graph: Graph, edges: Sequence[Edge]) -> dict[str, int]:
    """Return the length of the longest way to each step, in topological order.

    Ways back, which close a cycle, are left out.
    """
    waiting_for = {step_id: 0 for step_id in graph.nodes}
    after: dict[str, list[str]] = defaultdict(list)
    back = {(edge.source, edge.target) for edge, _circle in cycles(graph.nodes)}
    for edge in edges:
        if (edge.source, edge.target) in back:
            continue
        waiting_for[edge.target] += 1
        after[edge.source].append(edge.target)
    ranks = {graph.entry: 0}
    ready = [graph.entry]
    while ready:
        step_id = ready.pop()
        for target in after[step_id]:
            ranks[target] = max(ranks.get(target, 0), ranks[step_id] + 1)
            waiting_for[target] -= 1
            if not waiting_for[target]:
                ready.append(target)
    return ranks


def _chain(edge: Edge, ranks: Mapping[str, int]) -> list[str]:
    """Return the edge's ends with a bend for every rank between them."""
    between = range(ranks[edge.source] + 1, ranks[edge.target])
    bends = [f"{edge.source}>{edge.target}@{rank}" for rank in between]
    return [edge.source, *bends, edge.target]


def _layers(ranks: Mapping[str, int], chains: Mapping[tuple[str, str], list[str]]) -> Layers:
    layers: Layers = [[] for _ in range(max(ranks.values()) + 1)]
    above: dict[str, list[str]] = defaultdict(list)
    below: dict[str, list[str]] = defaultdict(list)
    for step_id, rank in ranks.items():
        layers[rank].append(step_id)
    for chain in chains.values():
        start = ranks[chain[0]]
        if ranks[chain[-1]] <= start:
            continue
        for offset, bend in enumerate(chain[1:-1], start=1):
            layers[start + offset].append(bend)
        for one, other in pairwise(chain):
            below[one].append(other)
            above[other].append(one)
    for _ in range(SWEEPS):
        _sweep(layers, above)
        _sweep(layers[::-1], below)
    return layers


def _sweep(layers: Layers, neighbours: Neighbours) -> None:
    """Order each layer by the mean position of its neighbours in the one before."""
    for before, layer in pairwise(layers):
        places = {key: place / max(1, len(before) - 1) for place, key in enumerate(before)}
        own = {key: place / max(1, len(layer) - 1) for place, key in enumerate(layer)}
        means = {
            key: fmean([places[near] for near in neighbours[key]] or [own[key]]) for key in layer
        }
        layer.sort(key=means.__getitem__)


def _places(layers: Layers) -> dict[str, tuple[int, int]]:
    """Return the middle of each key's top side; layers are centred on one axis."""
    widths = [sum(_slot(key) for key in layer) for layer in layers]
    axis = max(widths) / 2
    places: dict[str, tuple[int, int]] = {}
    for rank, layer in enumerate(layers):
        x = axis - widths[rank] / 2
        for key in layer:
            places[key] = (round(MARGIN + x + _slot(key) / 2), MARGIN + rank * RANK_HEIGHT)
            x += _slot(key)
    return places


def _slot(key: str) -> int:
    return BEND_WIDTH if ">" in key else BOX_WIDTH + GAP


def _box(graph: Graph, step_id: str, place: tuple[int, int], trail: Trail) -> Box:
    node = graph.nodes[step_id]
    return Box(
        id=step_id,
        kind=node.kind.name,
        description=node.description,
        x=place[0] - BOX_WIDTH // 2,
        y=place[1],
        width=BOX_WIDTH,
        height=BOX_HEIGHT,
        outcome=trail.outcomes.get(step_id, ""),
        is_current=step_id == trail.current,
        is_last=node.kind.ends or (not node.body and END in {edge.target for edge in node.edges}),
    )


def _line(edge: Edge, places: Sequence[tuple[int, int]], trail: Trail) -> Line:
    """Draw from box to box; a bend passes its rank upright, between the boxes there."""
    if places[-1][1] <= places[0][1]:
        return _line_back(edge, places[0], places[-1], trail)
    path = [f"M{places[0][0]} {places[0][1]}"]
    for (x, top), (to_x, to_y) in pairwise(places):
        y = top + BOX_HEIGHT
        bow = (to_y - y) // 2
        path.append(f"V{y} C{x} {y + bow} {to_x} {to_y - bow} {to_x} {to_y}")
    return Line(
        path=" ".join(path),
        label=_short(edge.label),
        condition=edge.label,
        label_x=places[-1][0],
        label_y=places[-1][1] - LABEL_RISE,
        is_taken=(edge.source, edge.target) in trail.taken,
    )


def _line_back(edge: Edge, start: tuple[int, int], end: tuple[int, int], trail: Trail) -> Line:
    """Draw a way that closes a cycle: from the right side of one box round to that of the other."""
    x, to_x = start[0] + BOX_WIDTH // 2, end[0] + BOX_WIDTH // 2
    y, to_y = start[1] + BOX_HEIGHT // 2, end[1] + BOX_HEIGHT // 2
    if start == end:
        y, to_y = y + BOX_HEIGHT // 4, to_y - BOX_HEIGHT // 4
    bow = max(x, to_x) + BACK_BOW + (y - to_y) // 10
    return Line(
        path=f"M{x} {y} C{bow} {y} {bow} {to_y} {to_x} {to_y}",
        label=_short(edge.label),
        condition=edge.label,
        # The middle of the curve lies at three quarters of its handles.
        label_x=(x + to_x + 6 * bow) // 8,
        label_y=(y + to_y) // 2,
        is_taken=(edge.source, edge.target) in trail.taken,
    )


def _room_back(edges: Sequence[Edge], ranks: Mapping[str, int]) -> int:
    """Return the room that ways back and their labels need at the right."""
    rises = [ranks[edge.source] - ranks[edge.target] for edge in edges]
    highest = max(rises, default=-1)
    return BACK_BOW + highest * RANK_HEIGHT // 10 + LABEL_WIDTH // 2 if highest >= 0 else 0


def _short(label: str) -> str:
    is_long = len(label) > LABEL_CHARACTERS
    return label[: LABEL_CHARACTERS - 1] + "…" if is_long else label
