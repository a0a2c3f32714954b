"""A good file becomes a graph."""

import pytest

from tests.workflows.kinds import KINDS
from workflows.spec.errors import SpecError
from workflows.spec.kinds import END
from workflows.spec.loading import content_hash, load
from workflows.spec.source import read

SOURCE = """\
name: shop
version: "1.2"
description: What it does
triggers:
  - type: websocket
    event: message_received
steps:
  - id: route
    type: router
  - id: search
    type: knowledge
    condition: "confidence < 0.7 OR intent = 'faq'"
    config: {limit: 3}
  - id: choose
    type: branch
    config:
      cases:
        - when: support >= 0.5
          next: answer
      default: give_up
  - id: answer
    type: reply
    next: end
  - id: give_up
    type: escalation
"""


def test_graph_keeps_the_order_of_the_file() -> None:
    graph = load(SOURCE, KINDS)
    assert list(graph.nodes) == ["route", "search", "choose", "answer", "give_up"]
    assert (graph.name, graph.version, graph.entry) == ("shop", "1.2", "route")


def test_edges_say_where_a_step_leads_and_why() -> None:
    nodes = load(SOURCE, KINDS).nodes
    ways = {
        name: [(edge.target, edge.label) for edge in node.edges] for name, node in nodes.items()
    }
    assert ways == {
        "route": [("search", "")],
        "search": [("choose", ""), ("choose", "otherwise")],
        "choose": [("answer", "support >= 0.5"), ("give_up", "otherwise")],
        "answer": [(END, "")],
        "give_up": [(END, "")],
    }


def test_hash_changes_with_every_character() -> None:
    assert load(SOURCE, KINDS).content_hash == content_hash(SOURCE)
    assert content_hash(SOURCE) != content_hash(SOURCE + " ")


def test_name_of_a_step_type_not_used_is_unknown() -> None:
    with pytest.raises(SpecError, match="Unknown name 'support'"):
        load(
            SOURCE.replace("confidence < 0.7", "support < 0.7")
            .replace("knowledge", "reply")
            .replace("{limit: 3}", "{}")
            .replace("support >= 0.5", "true"),
            KINDS,
        )


def test_plain_words_of_yaml_1_1_stay_words() -> None:
    data = read("a: no\nb: on\nc: 2024-01-01\nd: 0o17\ne: 1e3\nf: ~\ng: 12:30:00\nh: true\n").data
    assert data == {
        "a": "no", "b": "on", "c": "2024-01-01", "d": "0o17", "e": 1000.0, "f": None,
        "g": "12:30:00", "h": True,
    }  # fmt: skip
