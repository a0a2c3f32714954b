"""Run the relay: the process that delivers the outbox."""

import os
import signal
import sys
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from core.events.relay import Relay, threads_lost


class Command(BaseCommand):
    help = "Deliver outbox events to their subscribers until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        relay = Relay()

        def stop(_signal: int, _frame: FrameType | None) -> None:
            relay.stopping.set()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        relay.run()
        if threads_lost():
            sys.stderr.flush()
            os._exit(1)  # Python would wait for threads that do not come back
