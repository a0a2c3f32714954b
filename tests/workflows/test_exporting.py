"""The graph as other tools read it."""

from tests.workflows.kinds import KINDS
from tests.workflows.test_spec_bodies import SOURCE as BODIES
from tests.workflows.test_spec_loading import SOURCE
from workflows.exporting import graph_dot, graph_mermaid
from workflows.spec.loading import load


def test_mermaid_has_every_step_and_way() -> None:
    drawn = graph_mermaid(load(SOURCE, KINDS)).splitlines()
    assert drawn[0] == "flowchart TD"
    assert '  s_choose{"choose: branch"}' in drawn
    assert '  s_choose -->|"support #gt;= 0.5"| s_answer' in drawn
    assert "  s_answer --> s_end" in drawn
    assert '  s_end(("end"))' in drawn


def test_mermaid_escapes_what_has_a_meaning() -> None:
    source = SOURCE.replace("support >= 0.5", """support >= 0.5 and intent == '"</b>#`'""")
    drawn = graph_mermaid(load(source, KINDS))
    assert "'#quot;#lt;/b#gt;#35;#96;'" in drawn


def test_mermaid_nests_bodies() -> None:
    drawn = graph_mermaid(load(BODIES, KINDS)).splitlines()
    at = drawn.index('  subgraph body_both__left["both.left"]')
    assert drawn[at + 1 : at + 4] == ['    s_l1["l1: router"]', '    s_l2["l2: reply"]', "  end"]
    assert '  s_both -.->|"left"| s_l1' in drawn
    assert '  s_each -.->|"each"| s_ask_shop' in drawn
    assert "  s_l2 --> s_end" not in drawn


def test_dot_has_every_step_and_way() -> None:
    drawn = graph_dot(load(SOURCE, KINDS)).splitlines()
    assert drawn[0] == 'digraph "shop" {'
    assert drawn[-1] == "}"
    assert '  "choose" [label="choose: branch", shape=diamond];' in drawn
    assert '  "choose" -> "answer" [label="support >= 0.5"];' in drawn


def test_dot_nests_bodies() -> None:
    drawn = graph_dot(load(BODIES, KINDS)).splitlines()
    at = drawn.index('  subgraph "cluster_each" {')
    assert drawn[at + 1] == '    label="each";'
    assert '  "each" -> "ask_shop" [style=dashed, label="each"];' in drawn
    assert '  "l2" -> "end";' not in drawn
