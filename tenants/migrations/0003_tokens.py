"""Signing keys, token families and refresh tokens; rotation and own rates of API keys."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import core.identifiers
from core.db import rls

# The application role verifies, so it reads what is published anyway; it can neither plant a key nor
# take one away, and never sees a private half, sealed as it is. The platform role signs and rotates.
KEY_RIGHTS = """
REVOKE ALL ON tenants_signingkey FROM frontdesk_app;
GRANT SELECT (kid, public_jwk, created_at, retired_at) ON tenants_signingkey TO frontdesk_app;
"""
KEY_RIGHTS_BACK = """
REVOKE ALL (kid, public_jwk, created_at, retired_at) ON tenants_signingkey FROM frontdesk_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON tenants_signingkey TO frontdesk_app;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0002_isolation"),
    ]

    operations = [
        migrations.CreateModel(
            name="RefreshToken",
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
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("used_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="SigningKey",
            fields=[
                ("kid", models.CharField(max_length=43, primary_key=True, serialize=False)),
                ("public_jwk", models.JSONField()),
                ("private_sealed", models.BinaryField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("retired_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="TokenFamily",
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
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), default=list, size=None
                    ),
                ),
                ("password_mark", models.CharField(max_length=32)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="apikey",
            name="replaced_by",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="replaces",
                to="tenants.apikey",
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="requests_per_minute",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("requests_per_minute", None),
                    ("requests_per_minute__range", (1, 100000)),
                    _connector="OR",
                ),
                name="api_key_requests_per_minute",
            ),
        ),
        migrations.AddField(
            model_name="refreshtoken",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
            ),
        ),
        migrations.AddConstraint(
            model_name="signingkey",
            constraint=models.UniqueConstraint(
                fields=("retired_at",), name="signing_key_one_current", nulls_distinct=False
            ),
        ),
        migrations.AddField(
            model_name="tokenfamily",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="tokenfamily",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
            ),
        ),
        migrations.AddField(
            model_name="refreshtoken",
            name="family",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="tokens",
                to="tenants.tokenfamily",
            ),
        ),
        migrations.AddIndex(
            model_name="tokenfamily",
            index=models.Index(fields=["tenant", "person"], name="token_family_by_person"),
        ),
        migrations.AddConstraint(
            model_name="refreshtoken",
            constraint=models.UniqueConstraint(
                condition=models.Q(("used_at", None)),
                fields=("family",),
                name="refresh_token_one_unused",
            ),
        ),
        *rls.enable("tenants_tokenfamily"),
        *rls.enable("tenants_refreshtoken"),
        migrations.RunSQL(KEY_RIGHTS, KEY_RIGHTS_BACK),
    ]
