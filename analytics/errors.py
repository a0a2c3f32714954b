"""What analytics foresees going wrong."""

from core.errors import DomainError


class RangeInvalid(DomainError):
    """A range of days was asked for that cannot be shown."""

    code = "range_invalid"
    title = "A range has a first and a last day, like 2026-11-01, and at most 366 days."
    http_status = 400
