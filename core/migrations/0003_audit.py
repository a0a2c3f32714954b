"""The audit log: entries, chain heads, checkpoints, and the one function that appends.

An entry's hash is SHA-256 of the hash before it and the entry's columns, in order, each as its
length (int4, -1 for NULL) and Postgres' own binary form. That is byte for byte what `COPY … (FORMAT
BINARY)` sends of the row, so that a verifier hashes what it reads and interprets nothing.
"""

from django.db import migrations, models

from core.audit.types import Act, ActorKind
from core.db import rls

APPEND = """
CREATE FUNCTION audit_field(value bytea) RETURNS bytea LANGUAGE sql IMMUTABLE
RETURN pg_catalog.int4send(coalesce(pg_catalog.length(value), -1)) || coalesce(value, ''::bytea);

CREATE FUNCTION audit_genesis(chain uuid) RETURNS bytea LANGUAGE sql IMMUTABLE
RETURN pg_catalog.sha256(pg_catalog.convert_to('frontdesk-audit-1:' || chain::text, 'UTF8'));

CREATE FUNCTION audit_append(
    chain uuid, act text, actor_kind text, actor_id uuid, network text, request_id text,
    target_kind text, target_id text, data text
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    number bigint; previous bytea; digest bytea;
    happened timestamptz := clock_timestamp();
BEGIN
    IF session_user = 'frontdesk_app'
        AND chain IS DISTINCT FROM NULLIF(current_setting('app.tenant_id', true), '')::uuid THEN
        RAISE EXCEPTION 'the application writes the audit log of the current tenant alone'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO core_audithead (tenant_id, seq, hash) VALUES (chain, 0, audit_genesis(chain))
        ON CONFLICT DO NOTHING;
    UPDATE core_audithead SET seq = seq + 1 WHERE tenant_id = chain
        RETURNING seq, hash INTO number, previous;
    digest := sha256(
        previous
        || audit_field(uuid_send(chain)) || audit_field(int8send(number))
        || audit_field(timestamptz_send(happened)) || audit_field(textsend(act))
        || audit_field(textsend(actor_kind)) || audit_field(uuid_send(actor_id))
        || audit_field(textsend(network)) || audit_field(textsend(request_id))
        || audit_field(textsend(target_kind)) || audit_field(textsend(target_id))
        || audit_field(textsend(data))
    );
    INSERT INTO core_auditentry (
        tenant_id, seq, occurred_at, act, actor_kind, actor_id, network, request_id,
        target_kind, target_id, data, hash
    ) VALUES (
        chain, number, happened, act, actor_kind, actor_id, network, request_id,
        target_kind, target_id, data, digest
    );
    UPDATE core_audithead SET hash = digest WHERE tenant_id = chain;
    RETURN number;
END $$;
REVOKE ALL ON FUNCTION audit_append(uuid, text, text, uuid, text, text, text, text, text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_append(uuid, text, text, uuid, text, text, text, text, text)
    TO frontdesk_app, frontdesk_platform;
"""
DROP_APPEND = """
DROP FUNCTION audit_append(uuid, text, text, uuid, text, text, text, text, text);
DROP FUNCTION audit_genesis(uuid);
DROP FUNCTION audit_field(bytea);
"""
# Entries and heads have one writer, the function; checkpoints are the platform's to add.
RIGHTS = """
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON core_auditentry, core_audithead
    FROM frontdesk_app, frontdesk_platform;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON core_auditcheckpoint FROM frontdesk_app;
REVOKE UPDATE, DELETE, TRUNCATE ON core_auditcheckpoint FROM frontdesk_platform;
"""
RIGHTS_BACK = """
GRANT INSERT, UPDATE, DELETE ON core_auditentry, core_audithead, core_auditcheckpoint
    TO frontdesk_app, frontdesk_platform;
"""
IDENTITY = models.BigAutoField(
    auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
)
ENTRY = models.UniqueConstraint(fields=("tenant_id", "seq"), name="core_audit_seq_unique")
CHECKPOINT = models.UniqueConstraint(
    fields=("tenant_id", "seq", "key_id"), name="core_audit_checkpoint_unique"
)


class Migration(migrations.Migration):
    dependencies = [("core", "0002_idempotency")]
    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", IDENTITY),
                (
                    "tenant_id",
                    models.UUIDField(help_text="The chain; all zero is the platform's own."),
                ),
                ("seq", models.BigIntegerField()),
                ("occurred_at", models.DateTimeField()),
                (
                    "act",
                    models.CharField(choices=[(str(act), str(act)) for act in Act], max_length=40),
                ),
                (
                    "actor_kind",
                    models.CharField(
                        choices=[(str(kind), str(kind)) for kind in ActorKind], max_length=12
                    ),
                ),
                ("actor_id", models.UUIDField(null=True)),
                ("network", models.CharField(max_length=64)),
                ("request_id", models.CharField(max_length=64)),
                ("target_kind", models.CharField(max_length=40)),
                ("target_id", models.CharField(max_length=64)),
                ("data", models.TextField(help_text="JSON: ids, names of fields, numbers.")),
                ("hash", models.BinaryField()),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit entries",
                "constraints": [ENTRY],
            },
        ),
        migrations.CreateModel(
            name="AuditHead",
            fields=[
                ("tenant_id", models.UUIDField(primary_key=True, serialize=False)),
                ("seq", models.BigIntegerField()),
                ("hash", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="AuditCheckpoint",
            fields=[
                ("id", IDENTITY.clone()),
                ("tenant_id", models.UUIDField()),
                ("seq", models.BigIntegerField()),
                ("hash", models.BinaryField()),
                ("signed_at", models.DateTimeField()),
                ("key_id", models.CharField(max_length=16)),
                ("signature", models.BinaryField()),
            ],
            options={"verbose_name": "audit checkpoint", "constraints": [CHECKPOINT]},
        ),
        *rls.enable("core_auditentry"),
        *rls.enable("core_audithead"),
        *rls.enable("core_auditcheckpoint"),
        migrations.RunSQL(APPEND, DROP_APPEND),
        migrations.RunSQL(RIGHTS, RIGHTS_BACK),
    ]
