"""Cache keys that carry the tenant, so that one workspace never reads another's entry."""

from core import tenancy


def tenant_cache_key(key: str, key_prefix: str, version: int) -> str:
    """Return the stored key of a cache entry: tenant id, or `shared` in the shared schema."""
    tenant = tenancy.current()
    owner = tenant.id.hex if tenant else "shared"
    return f"fd:cache:{owner}:{version}:{key_prefix}{key}"
