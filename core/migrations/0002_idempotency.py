"""Keyed requests and their answers, confined to their tenant."""

from django.db import migrations, models

import core.identifiers
from core.db import rls

STATES = [
    ("running", "running"),
    ("done", "done"),
    ("not_kept", "not_kept"),
    ("in_doubt", "in_doubt"),
]


class Migration(migrations.Migration):
    dependencies = [("core", "0001_outbox")]
    operations = [
        migrations.CreateModel(
            name="IdempotencyRecord",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.identifiers.uuid7, primary_key=True, serialize=False
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                ("scope", models.CharField(max_length=64)),
                ("fingerprint", models.CharField(max_length=64)),
                ("state", models.CharField(choices=STATES, max_length=8)),
                ("token", models.UUIDField(help_text="Whose attempt holds the lease.")),
                ("lease_until", models.DateTimeField()),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("headers", models.JSONField(default=dict)),
                ("body", models.BinaryField(null=True)),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "verbose_name": "idempotency record",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant_id", "scope"), name="core_idempotency_scope_unique"
                    )
                ],
            },
        ),
        *rls.enable("core_idempotencyrecord"),
    ]
