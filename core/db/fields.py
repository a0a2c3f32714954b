"""Fields that Django has not."""

from typing import Any

from django.db import models


class TextualJSONField(models.JSONField):
    """JSON kept exactly as it was written, for rows that are written often and searched seldom.

    In Postgres ``json``, not ``jsonb``: of small objects it takes two thirds of the room, in the
    table as in the log.
    """

    def db_type(self, connection: Any) -> str:
        return "json"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Return what the driver has read already; Django reads ``jsonb`` itself."""
        return value
