"""Row-level security, the host directory, and schema creation with the owner's rights."""

from django.db import migrations

from core.db import rls

DIRECTORY = """
CREATE FUNCTION tenant_directory_by_host(host text)
RETURNS TABLE (id uuid, schema_name varchar, slug varchar)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.id, t.schema_name, t.slug FROM tenants_tenant t
    JOIN tenants_domain d ON d.tenant_id = t.id
    WHERE d.domain = host AND t.status = 'active'
$$;
CREATE FUNCTION tenant_directory_by_id(tenant uuid)
RETURNS TABLE (id uuid, schema_name varchar, slug varchar)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.id, t.schema_name, t.slug FROM tenants_tenant t
    WHERE t.id = tenant AND t.status = 'active'
$$;
CREATE FUNCTION tenant_directory_active()
RETURNS TABLE (id uuid, schema_name varchar, slug varchar)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.id, t.schema_name, t.slug FROM tenants_tenant t
    WHERE t.status = 'active' ORDER BY t.created_at
$$;
REVOKE ALL ON FUNCTION tenant_directory_by_host(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION tenant_directory_by_id(uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION tenant_directory_active() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenant_directory_by_host(text) TO frontdesk_app, frontdesk_platform;
GRANT EXECUTE ON FUNCTION tenant_directory_by_id(uuid) TO frontdesk_app, frontdesk_platform;
GRANT EXECUTE ON FUNCTION tenant_directory_active() TO frontdesk_app, frontdesk_platform;
"""
DROP_DIRECTORY = """
DROP FUNCTION tenant_directory_by_host(text);
DROP FUNCTION tenant_directory_by_id(uuid);
DROP FUNCTION tenant_directory_active();
"""

# The template's dump names its schema `fd_template`; a new tenant is the same text with its own.
PROVISION = """
CREATE TABLE tenants_schematemplate (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    fingerprint varchar(64) NOT NULL,
    statements text NOT NULL,
    built_at timestamptz NOT NULL DEFAULT now()
);
REVOKE ALL ON tenants_schematemplate FROM frontdesk_app, frontdesk_platform;

CREATE FUNCTION tenant_schema_create(tenant uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE target text; template text;
BEGIN
    SELECT t.schema_name INTO target FROM tenants_tenant t WHERE t.id = tenant;
    IF target IS NULL OR target !~ '^t_[a-z][a-z0-9_]{1,60}$' THEN
        RAISE EXCEPTION 'no such tenant, or a schema name that may not be created';
    END IF;
    IF to_regnamespace(quote_ident(target)) IS NOT NULL THEN
        RAISE EXCEPTION 'the schema % exists already', target;
    END IF;
    SELECT statements INTO template FROM tenants_schematemplate;
    IF template IS NULL THEN
        RAISE EXCEPTION 'the template schema has not been built; run manage.py tenants_migrate';
    END IF;
    EXECUTE replace(template, 'fd_template', target);
END $$;
REVOKE ALL ON FUNCTION tenant_schema_create(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenant_schema_create(uuid) TO frontdesk_platform;
"""
DROP_PROVISION = "DROP FUNCTION tenant_schema_create(uuid); DROP TABLE tenants_schematemplate;"


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial"), ("core", "0001_outbox")]
    operations = [
        *rls.enable("tenants_tenant", "id"),
        *rls.enable("tenants_domain"),
        *rls.enable("tenants_membership"),
        *rls.enable("tenants_apikey"),
        migrations.RunSQL(DIRECTORY, DROP_DIRECTORY),
        migrations.RunSQL(PROVISION, DROP_PROVISION),
    ]
