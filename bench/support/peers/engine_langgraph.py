"""LangGraph with its Postgres saver: a graph of five nodes, each checkpointed before the next.

Every caller has a saver and a connection of its own: those that share a saver wait at its lock.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TypedDict
from uuid import uuid4

from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.graph import END, START, StateGraph

from bench.support.engine_driver import Call, serve

NODES = ("one", "two", "three", "four", "five")
opened = ExitStack()


class Numbered(TypedDict):
    number: int


def note(state: Numbered) -> Numbered:
    return {"number": state["number"] + 1}


def saver_open() -> PostgresSaver:
    return opened.enter_context(PostgresSaver.from_conn_string(os.environ["BENCH_DSN"]))


def prepare() -> Call:
    builder = StateGraph(Numbered)
    for before, name in zip((START, *NODES), NODES, strict=False):
        builder.add_node(name, note)
        builder.add_edge(before, name)
    builder.add_edge(NODES[-1], END)
    graph = builder.compile(checkpointer=saver_open())

    def call() -> None:
        thread = {"configurable": {"thread_id": uuid4().hex}}
        if graph.invoke({"number": 0}, thread, durability="sync") != {"number": 5}:
            raise RuntimeError("The graph did not visit its five nodes.")

    return call


if __name__ == "__main__":
    saver_open().setup()
    serve(prepare)
