"""Files on disk under the tenant they belong to."""

from typing import Any

from django.core.files.storage import FileSystemStorage

from core import tenancy


class TenantFileSystemStorage(FileSystemStorage):
    """Keep each tenant's files under its own id; refuse to run without a tenant."""

    def path(self, name: str) -> str:
        tenant = tenancy.require()
        return super().path(f"{tenant.id.hex}/{name}")

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return super().get_available_name(name, max_length=max_length)

    def url(self, name: str | None) -> str:
        raise ValueError("Tenant files are served by views that check permission, not by URL.")

    def deconstruct(self) -> Any:
        return ("core.storage.TenantFileSystemStorage", [], {})
