"""A run's state as bytes: the same on every worker, so that two can be compared by their hash."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from workflows.engine.state import RunState


def canonical(value: Any) -> str:
    """Write JSON in its one form: keys in order, no spaces, nothing escaped that need not be."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def state_dump(state: RunState) -> bytes:
    """Return everything a state holds, byte for byte the same for equal states."""
    return canonical(asdict(state)).encode()


def state_digest(state: RunState) -> str:
    """Return the SHA-256 of a state's dump, in hexadecimal."""
    return hashlib.sha256(state_dump(state)).hexdigest()
