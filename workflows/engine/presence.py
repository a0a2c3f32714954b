"""Know at once that a process which drives runs is gone: Postgres closes a dead one's sessions.

Each such process holds an advisory lock under a number of its own, on a session of its own, and
signs the leases it takes with that number. Where a signature's lock has been free for a while, the
run goes on elsewhere before its lease lapses. Who holds no lock (a process that never registered,
or has just lost its session) does not sign: of its runs the lease alone tells.
"""

import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

import structlog

from core.db.leadership import CONNECTION_LOST, Session, lead_check, session_open

LOCK: Final = 0x46_44_57_50  # "FDWP"
SESSION: Final = "presence"
OWNER_BYTES: Final = 9
SIGN: Final = "."
# Long enough for a living process to take its lock again after its session was cut.
GONE_SECONDS: Final = 0.8
RECONNECT_SECONDS: Final = 0.2
CHECK_SECONDS: Final = 0.5

_TAKE: Final = "SELECT pg_try_advisory_lock(%s, %s)"
_HELD: Final = """
    SELECT clock_timestamp(), COALESCE(array_agg(objid), '{}') FROM pg_locks
    WHERE locktype = 'advisory' AND classid = %s AND objsubid = 2 AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

log = structlog.get_logger(__name__)


class Presence:
    """This process's lock, held by a thread that takes it again when the session was cut."""

    def __init__(self) -> None:
        self._number = secrets.randbits(31)
        self._held = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Hold the lock from now on; until it is held, leases are taken unsigned."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, daemon=True, name=SESSION)
        self._thread.start()

    def stop(self) -> None:
        """Let go of the lock, as the end of the process does."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(5.0)

    def held_wait(self, seconds: float) -> bool:
        """Wait until the lock is held; False if it is not in time."""
        return self._held.wait(seconds)

    def owner_new(self) -> str:
        """Return a new owner of a lease, signed while the lock is held."""
        token = secrets.token_urlsafe(OWNER_BYTES)
        return f"{_signature(self._number)}{SIGN}{token}" if self._held.is_set() else token

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with session_open(SESSION) as session:
                    self._hold(session)
            except CONNECTION_LOST as error:
                log.warning("presence_connection_lost", reason=str(error)[:200])
            finally:
                self._held.clear()
            self._stopping.wait(RECONNECT_SECONDS)

    def _hold(self, session: Session) -> None:
        """Hold the lock while the session lasts; not at all while its last session lingers."""
        row = session.execute(_TAKE, (LOCK, self._number)).fetchone()
        if not row or not row[0]:
            return
        self._held.set()
        while not self._stopping.is_set():
            for _ in session.notifies(timeout=CHECK_SECONDS):  # a cut session raises at once
                continue
            lead_check(session)


def _signature(number: int) -> str:
    """Return how a process's number stands at the front of the owners it makes."""
    return f"{number:08x}"


@dataclass(frozen=True, slots=True)
class Present:
    """Whose signatures counted as living at a time of Postgres' clock.

    ``has_lost`` when somebody may have gone since the last look.
    """

    at: datetime
    signatures: list[str]
    has_lost: bool = False


class FailureDetector:
    """What one leader has seen of the locks: absent is who was so in all it saw for a while."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._has_judged = False
        self._absent_since: dict[str, float | None] = {}

    def observe(self, session: Session) -> Present | None:
        """Look at the locks once; None until it has looked on for long enough to judge.

        Raises ``psycopg.OperationalError``.
        """
        at, held = _held_read(session)
        now = time.monotonic()
        if self._began is None:
            self._began = now
        has_lost = self._note(held, now)
        if now - self._began < GONE_SECONDS:
            return None
        is_first, self._has_judged = not self._has_judged, True
        return Present(at, sorted(self._absent_since), has_lost or is_first)

    def _note(self, held: Sequence[str], now: float) -> bool:
        """Keep in mind who is there; True when somebody has been absent for long enough."""
        missed = {mark: since or now for mark, since in self._absent_since.items()}
        recent = {mark: since for mark, since in missed.items() if now - since < GONE_SECONDS}
        self._absent_since = {**recent, **dict.fromkeys(held, None)}
        return not missed.keys() <= self._absent_since.keys()


def _held_read(session: Session) -> tuple[datetime, list[str]]:
    """Return Postgres' time, and the signatures whose locks are held."""
    row = cast(tuple[datetime, list[int]], session.execute(_HELD, (LOCK,)).fetchone())
    return row[0], [_signature(number) for number in row[1]]


presence = Presence()
