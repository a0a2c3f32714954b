"""The limits of a workspace, for the directory's look-ups."""

from django.db import migrations

LIMITS = """
CREATE FUNCTION tenant_directory_limits(tenant uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.limits FROM tenants_tenant t WHERE t.id = tenant
$$;
REVOKE ALL ON FUNCTION tenant_directory_limits(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenant_directory_limits(uuid) TO frontdesk_app, frontdesk_platform;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_tokens")]

    operations = [
        migrations.RunSQL(LIMITS, "DROP FUNCTION tenant_directory_limits(uuid);"),
    ]
