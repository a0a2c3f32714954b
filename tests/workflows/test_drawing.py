"""The picture of a workflow: every step once, no overlaps, the way taken marked."""

from itertools import combinations

from tests.workflows.kinds import KINDS
from tests.workflows.test_spec_bodies import SOURCE as BODIES
from tests.workflows.test_spec_loading import SOURCE
from tests.workflows.test_spec_states import MACHINE
from workflows.drawing import Trail, graph_draw
from workflows.spec.loading import load


def test_every_step_has_a_box_and_every_way_a_line() -> None:
    graph = load(SOURCE, KINDS)
    drawing = graph_draw(graph)
    assert {box.id for box in drawing.boxes} == set(graph.nodes)
    assert len(drawing.lines) == 4
    assert {box.id for box in drawing.boxes if box.is_last} == {"answer", "give_up"}


def test_boxes_stay_inside_and_do_not_overlap() -> None:
    steps = "".join(
        f"  - {{id: s{n}, type: branch, config: {{cases: [{{when: 'true', next: t{n}}}],"
        f" default: {f's{n + 1}' if n < 5 else 'end'}}}}}\n"
        f"  - {{id: t{n}, type: reply, next: last}}\n"
        for n in range(6)
    )
    source = f'name: wide\nversion: "1"\nsteps:\n{steps}  - {{id: last, type: escalation}}\n'
    drawing = graph_draw(load(source, KINDS))
    for box in drawing.boxes:
        assert box.x >= 0
        assert box.x + box.width <= drawing.width
        assert box.y + box.height <= drawing.height
    for one, other in combinations(drawing.boxes, 2):
        apart_x = one.x + one.width <= other.x or other.x + other.width <= one.x
        assert apart_x or one.y != other.y


def test_way_taken_is_marked() -> None:
    trail = Trail({"route": "completed"}, frozenset({("route", "search")}), "search")
    drawing = graph_draw(load(SOURCE, KINDS), trail)
    assert [line.is_taken for line in drawing.lines] == [True, False, False, False]
    outcomes = {box.id: (box.outcome, box.is_current) for box in drawing.boxes}
    assert outcomes["route"] == ("completed", False)
    assert outcomes["search"] == ("", True)


def test_long_condition_is_cut_but_kept() -> None:
    source = SOURCE.replace("support >= 0.5", "support >= 0.5 AND intent = 'a long word'")
    line = next(line for line in graph_draw(load(source, KINDS)).lines if line.label)
    assert line.label.endswith("…")
    assert line.condition == "support >= 0.5 AND intent = 'a long word'"


def test_steps_inside_steps_hang_below_their_container() -> None:
    drawing = graph_draw(load(BODIES, KINDS))
    tops = {box.id: box.y for box in drawing.boxes}
    assert set(tops) == {"both", "l1", "l2", "r1", "each", "ask_shop", "sorry", "last"}
    assert tops["both"] < tops["l1"] < tops["l2"]
    assert {box.id for box in drawing.boxes if box.is_last} == {"last"}
    assert {"left", "right", "each"} <= {line.label for line in drawing.lines}


def test_ways_back_are_drawn_at_the_side() -> None:
    drawing = graph_draw(load(MACHINE, KINDS))
    assert len(drawing.boxes) == 5
    [stay] = [line for line in drawing.lines if line.label == "otherwise" and "V" not in line.path]
    assert stay.path.startswith("M")
    for box in drawing.boxes:
        assert box.x + box.width <= drawing.width
