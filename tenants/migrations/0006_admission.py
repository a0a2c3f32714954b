"""The limits of a workspace, for the directory's look-ups, and the degrade switches."""

import django.utils.timezone
from django.db import migrations, models

from core.db import rls

LIMITS = """
CREATE FUNCTION tenant_directory_limits(tenant uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.limits FROM tenants_tenant t WHERE t.id = tenant
$$;
REVOKE ALL ON FUNCTION tenant_directory_limits(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenant_directory_limits(uuid) TO frontdesk_app, frontdesk_platform;
"""

SWITCHES = """
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON tenants_degradeswitch FROM frontdesk_app;

CREATE FUNCTION degrade_switches_active()
RETURNS TABLE (name varchar, tenant_id uuid, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT s.name, s.tenant_id, s.expires_at FROM tenants_degradeswitch s
    WHERE s.ended_at IS NULL AND s.expires_at > now()
$$;
REVOKE ALL ON FUNCTION degrade_switches_active() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION degrade_switches_active() TO frontdesk_app, frontdesk_platform;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0005_settings_flags")]

    operations = [
        migrations.RunSQL(LIMITS, "DROP FUNCTION tenant_directory_limits(uuid);"),
        migrations.CreateModel(
            "DegradeSwitch",
            [
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        "switch",
                        max_length=32,
                        choices=[
                            ("remote_models_off", "remote_models_off"),
                            ("uploads_off", "uploads_off"),
                            ("analytics_off", "analytics_off"),
                            ("api_reads_off", "api_reads_off"),
                            ("widget_people_only", "widget_people_only"),
                        ],
                    ),
                ),
                ("tenant_id", models.UUIDField("workspace", blank=True, null=True)),
                (
                    "source",
                    models.CharField(
                        "source",
                        max_length=12,
                        choices=[("operator", "operator"), ("automatic", "automatic")],
                    ),
                ),
                ("reason", models.CharField("reason", max_length=200)),
                ("started_by", models.UUIDField("switched on by", blank=True, null=True)),
                (
                    "started_at",
                    models.DateTimeField("on since", default=django.utils.timezone.now),
                ),
                ("expires_at", models.DateTimeField("ends by itself")),
                ("ended_at", models.DateTimeField("ended", blank=True, null=True)),
            ],
            {
                "verbose_name": "degrade switch",
                "verbose_name_plural": "degrade switches",
                "ordering": ["-started_at", "-id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=["name", "tenant_id", "source"],
                        condition=models.Q(ended_at=None),
                        nulls_distinct=False,
                        name="degrade_switch_once",
                    )
                ],
            },
        ),
        *rls.enable("tenants_degradeswitch"),
        migrations.RunSQL(SWITCHES, "DROP FUNCTION degrade_switches_active();"),
    ]
