"""Durable runs: a pure fold over events, a journal in Postgres, and the loop that drives steps.

The engine knows no business app: steps register themselves by name, and what surrounds a run
(graphs, rescue, what is published at its end) comes in through ``engine.host.Host``.
"""
