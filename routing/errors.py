"""What routing foresees going wrong."""

from core.errors import DomainError, ServiceUnavailable


class ProviderUnavailable(ServiceUnavailable):
    """A model provider did not answer; the caller may try another one."""

    code = "provider_unavailable"
    title = "The model provider did not answer."


class SpendRefused(ProviderUnavailable):
    """A remote model may not be paid for: its quota is used up, or nobody can count."""

    code = "spend_refused"
    title = "There is nothing left to spend on remote models."


class ProviderUnknown(DomainError):
    """The workspace's policy names a provider that is not installed."""

    code = "provider_unknown"
    title = "This model provider is not installed."
    http_status = 422


class TenantMismatch(DomainError):
    """The body names another workspace than the host and credentials do."""

    code = "tenant_mismatch"
    title = "The tenant named in the request is not this workspace."
    http_status = 403
