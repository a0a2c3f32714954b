"""Run the relay: the process that delivers the outbox."""

import signal
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from core.events.relay import Relay


class Command(BaseCommand):
    help = "Deliver outbox events to their subscribers until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        relay = Relay()

        def stop(_signal: int, _frame: FrameType | None) -> None:
            relay.stopping.set()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        relay.run()
