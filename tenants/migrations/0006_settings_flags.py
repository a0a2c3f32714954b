"""Settings of workspaces with their history."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import core.identifiers
from core.db import rls


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0003_tokens"),
    ]

    operations = [
        migrations.CreateModel(
            name="SettingChange",
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
                ("group", models.CharField(max_length=40)),
                ("version", models.PositiveIntegerField()),
                ("before", models.JSONField()),
                ("after", models.JSONField()),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("changed_by", models.UUIDField(null=True)),
                ("actor", models.CharField(max_length=200)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "setting change",
                "indexes": [
                    models.Index(fields=["tenant", "-changed_at"], name="setting_change_by_time")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "group", "version"), name="setting_change_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WorkspaceSetting",
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
                ("group", models.CharField(max_length=40)),
                ("values", models.JSONField(default=dict)),
                ("version", models.PositiveIntegerField(default=0)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "workspace setting",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "group"), name="workspace_setting_once"
                    )
                ],
            },
        ),
        *rls.enable("tenants_workspacesetting"),
        *rls.enable("tenants_settingchange"),
        *rls.append_only("tenants_settingchange"),
    ]
