"""Row-level security for shared tables that hold tenants' rows, as migration operations.

FORCE binds the owner too; NULLIF, because a setting that was never made can read as ''. Two
policies: the application role sees the rows of `app.tenant_id`, the platform role sees all.
"""

from django.db.migrations.operations import RunSQL

APP_ROLE = "frontdesk_app"
PLATFORM_ROLE = "frontdesk_platform"


def enable(table: str, column: str = "tenant_id") -> list[RunSQL]:
    """Return the operations that confine `table` to the tenant of the session."""
    match = f"{column} = NULLIF(current_setting('app.tenant_id', true), '')::uuid"
    forward = f"""
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY tenant_rows ON {table} FOR ALL TO {APP_ROLE}
            USING ({match}) WITH CHECK ({match});
        CREATE POLICY platform_rows ON {table} FOR ALL TO {PLATFORM_ROLE}
            USING (true) WITH CHECK (true);
        CREATE POLICY owner_rows ON {table} FOR ALL TO frontdesk_owner
            USING (true) WITH CHECK (true);
    """
    backward = f"""
        DROP POLICY tenant_rows ON {table};
        DROP POLICY platform_rows ON {table};
        DROP POLICY owner_rows ON {table};
        ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;
    """
    return [RunSQL(forward, backward)]


def append_only(table: str) -> list[RunSQL]:
    """Return the operations that let the application role add and read rows, never alter them."""
    return [
        RunSQL(
            f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {APP_ROLE}, {PLATFORM_ROLE};",
            f"GRANT UPDATE, DELETE ON {table} TO {APP_ROLE}, {PLATFORM_ROLE};",
        )
    ]
