"""What billing foresees going wrong."""

from core.errors import DomainError


class PlanUnknown(DomainError):
    """A plan was named that does not exist."""

    code = "plan_unknown"
    title = "There is no plan of that name."
    http_status = 404


class PeriodInvalid(DomainError):
    """A period was asked for that is not a month."""

    code = "period_invalid"
    title = "A period is a month, written like 2026-11."
    http_status = 400
