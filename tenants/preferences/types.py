"""Small values of the settings; no Django."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A group as it stands: what is changed is changed from this `version`."""

    group: str
    version: int
    values: dict[str, Any]
    updated_at: datetime | None
