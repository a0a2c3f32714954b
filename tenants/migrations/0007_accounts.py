"""Invitations by e-mail, where people are signed in, and signing out everywhere."""

import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import core.identifiers
from core.db import rls


class Migration(migrations.Migration):
    dependencies = [("tenants", "0006_admission")]

    operations = [
        migrations.AddField(
            model_name="person",
            name="credentials_version",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.CreateModel(
            name="PersonSession",
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
                ("session_key", models.CharField(max_length=40, unique=True)),
                ("password_mark", models.CharField(max_length=32)),
                ("device", models.CharField(blank=True, max_length=60)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("last_seen_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="personsession",
            index=models.Index(fields=["tenant", "person"], name="session_by_person"),
        ),
        *rls.enable("tenants_personsession"),
        migrations.CreateModel(
            name="Invitation",
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
                ("email", models.EmailField(max_length=254)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "owner"),
                            ("admin", "admin"),
                            ("agent", "agent"),
                            ("viewer", "viewer"),
                        ],
                        max_length=12,
                    ),
                ),
                ("token_hash", models.CharField(blank=True, default="", max_length=64)),
                ("invited_by", models.UUIDField(null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("expires_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(null=True)),
                ("accepted_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="invitation",
            index=models.Index(fields=["tenant", "-created_at"], name="invitation_by_tenant"),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("token_hash", ""), _negated=True),
                fields=("token_hash",),
                name="invitation_by_token",
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(
                models.F("tenant"),
                django.db.models.functions.text.Lower("email"),
                condition=models.Q(("accepted_at", None), ("revoked_at", None)),
                name="invitation_one_open",
            ),
        ),
        *rls.enable("tenants_invitation"),
    ]
