"""The names of the degrade switches, and a switch that is on; no Django."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Switch(StrEnum):
    """What can be given up. Each one has readers in the code."""

    REMOTE_MODELS_OFF = "remote_models_off"
    UPLOADS_OFF = "uploads_off"
    ANALYTICS_OFF = "analytics_off"
    API_READS_OFF = "api_reads_off"
    WIDGET_PEOPLE_ONLY = "widget_people_only"


class SwitchSource(StrEnum):
    """Who switched: an operator, or the load monitor."""

    OPERATOR = "operator"
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True)
class ActiveSwitch:
    """A switch that is on: for every workspace (`tenant_id` None) or one, until it ends."""

    name: str
    tenant_id: UUID | None
    expires_at: datetime

    def holds(self, tenant_id: UUID | None, now: datetime) -> bool:
        """Tell whether it is on for a workspace now."""
        return self.expires_at > now and self.tenant_id in {None, tenant_id}
