"""How a blocked caller is told."""

from core.errors import PermissionDenied


class Blocked(PermissionDenied):
    """Too much from this address or key looked like an attack; `retry_after` is how long it lasts.

    Owners and admins see why under Settings, Security, and can lift it there.
    """

    code = "blocked"
    title = "This is blocked for a while, because it looked like an attack."
