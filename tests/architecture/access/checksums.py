"""Fingerprints of a tenant's rows, to see that nobody else's request has touched one."""

from __future__ import annotations

from django.db import connection

from core.tenancy import TenantContext, tenant_scope

_TABLES = """
SELECT format('%%I.%%I', n.nspname, c.relname), n.nspname = 'public'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND (n.nspname = %s OR (
    n.nspname = 'public' AND EXISTS (
        SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')))
"""


def rows_checksum(tenant: TenantContext) -> dict[str, str]:
    """Return {table: digest} of the tenant's schema and of its rows of the shared tables."""
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute(_TABLES, (tenant.schema,))
        parts = [_digest(name, tenant if shared else None) for name, shared in cursor.fetchall()]
        cursor.execute(" UNION ALL ".join(parts))
        return dict(cursor.fetchall())


def _digest(table: str, tenant: TenantContext | None) -> str:
    rows = f" WHERE tenant_id = '{tenant.id}'" if tenant else ""
    rendered = "md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), ''))"
    return f"SELECT '{table}', {rendered} FROM {table} t{rows}"  # noqa: S608 - catalogue names
