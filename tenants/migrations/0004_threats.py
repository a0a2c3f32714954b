"""Security events, blocks, places of keys; and whose a key is, asked with the key in hand."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models

import core.identifiers
from core.db import rls

OWNER = """
CREATE FUNCTION api_key_owner(wanted_prefix text, wanted_hash text)
RETURNS TABLE (tenant_id uuid, key_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT k.tenant_id, k.id FROM tenants_apikey k
    WHERE k.prefix = wanted_prefix AND k.secret_hash = wanted_hash
$$;
REVOKE ALL ON FUNCTION api_key_owner(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api_key_owner(text, text) TO frontdesk_app, frontdesk_platform;
"""
DROP_OWNER = "DROP FUNCTION api_key_owner(text, text);"


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0003_tokens"),
    ]

    operations = [
        migrations.CreateModel(
            name="KeyPlace",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                ("key_id", models.UUIDField()),
                ("network", models.CharField(max_length=64)),
                (
                    "first_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("key_id", "network"), name="key_place_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="SecurityEvent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.identifiers.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("credential_stuffing", "credential stuffing"),
                            ("account_attack", "account attack"),
                            ("key_new_place", "key new place"),
                            ("key_leaked", "key leaked"),
                            ("cross_tenant", "cross tenant"),
                            ("rate_anomaly", "rate anomaly"),
                            ("token_reused", "token reused"),
                        ],
                        max_length=24,
                    ),
                ),
                (
                    "severity",
                    models.CharField(
                        choices=[
                            ("notice", "notice"),
                            ("warning", "warning"),
                            ("critical", "critical"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "subject_kind",
                    models.CharField(
                        choices=[
                            ("address", "address"),
                            ("api_key", "api key"),
                            ("account", "account"),
                            ("token_family", "token family"),
                        ],
                        max_length=12,
                    ),
                ),
                ("subject", models.CharField(max_length=64)),
                ("network", models.CharField(blank=True, max_length=64)),
                ("window_at", models.DateTimeField()),
                ("first_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("last_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("count", models.PositiveIntegerField(default=1)),
            ],
            options={
                "verbose_name": "security event",
                "indexes": [
                    models.Index(fields=["tenant_id", "-last_at"], name="security_event_latest")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant_id", "kind", "subject", "window_at"),
                        name="security_event_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Block",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.identifiers.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                (
                    "subject_kind",
                    models.CharField(
                        choices=[
                            ("address", "address"),
                            ("api_key", "api key"),
                            ("account", "account"),
                            ("token_family", "token family"),
                        ],
                        max_length=12,
                    ),
                ),
                ("subject", models.CharField(max_length=64)),
                ("network", models.CharField(blank=True, max_length=64)),
                (
                    "reach",
                    models.CharField(
                        choices=[("sign_in", "sign in"), ("all", "all")], max_length=8
                    ),
                ),
                ("starts_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ends_at", models.DateTimeField()),
                ("lifted_at", models.DateTimeField(null=True)),
                (
                    "event",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="blocks",
                        to="tenants.securityevent",
                    ),
                ),
            ],
            options={
                "verbose_name": "block",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("lifted_at", None)),
                        fields=("tenant_id", "subject"),
                        name="block_one_per_subject",
                    )
                ],
            },
        ),
        *rls.enable("tenants_securityevent"),
        *rls.enable("tenants_block"),
        *rls.enable("tenants_keyplace"),
        migrations.RunSQL(OWNER, DROP_OWNER),
    ]
