"""Do rounds of workflows on request: what every process that `bench.engine` measures does alike.

A request is one line of JSON on standard input, `{"callers": 8, "seconds": 1.5, "most": 100}`; its
answer is one line on standard output. Nothing but the standard library: the peers' environment has
none of ours.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TextIO

MOST_CALLERS = 8
Call = Callable[[], object]


class Callers:
    """Threads that each make calls of their own, one after the other, for as long as a round lasts.

    `prepare` is called once in each thread and returns what that thread calls. Its time, and that
    of starting the thread, belongs to no round.
    """

    def __init__(self, prepare: Callable[[], Call]) -> None:
        self._prepare = prepare
        self._own = threading.local()
        self._pool = ThreadPoolExecutor(MOST_CALLERS, thread_name_prefix="caller")

    def round(self, *, callers: int, seconds: float, most: int) -> dict[str, Any]:
        """Return the seconds of every call and of the whole; a call that raises ends the bench.

        Ends after `seconds`, or when each caller has made `most` calls.
        """
        together = threading.Barrier(callers)
        working = [self._pool.submit(self._work, together, seconds, most) for _ in range(callers)]
        done = [work.result() for work in working]
        began, ended = min(first for first, _, _ in done), max(last for _, last, _ in done)
        return {"times": [each for _, _, times in done for each in times], "seconds": ended - began}

    def _work(
        self, together: threading.Barrier, seconds: float, most: int
    ) -> tuple[float, float, list[float]]:
        if not hasattr(self._own, "call"):
            self._own.call = self._prepare()
        call: Call = self._own.call
        together.wait()
        began = now = time.perf_counter()
        times: list[float] = []
        while now < began + seconds and len(times) < most:
            call()
            before, now = now, time.perf_counter()
            times.append(now - before)
        return began, now, times


def serve(prepare: Callable[[], Call]) -> None:
    """Answer requests for rounds until standard input ends."""
    answers = _answers_open()
    callers = Callers(prepare)
    for line in sys.stdin:
        print(json.dumps(callers.round(**json.loads(line))), file=answers, flush=True)


def _answers_open() -> TextIO:
    """Keep standard output to the answers: what a library prints goes where errors go."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers
