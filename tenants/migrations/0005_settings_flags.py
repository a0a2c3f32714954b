"""Settings of workspaces with their history; flags, what was chosen, what experiments saw."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import core.identifiers
from core.db import rls

# Every process of a workspace reads the platform's flags; only the platform role switches them.
FLAG_RIGHTS = "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON tenants_flag FROM frontdesk_app;"
FLAG_RIGHTS_BACK = "GRANT INSERT, UPDATE, DELETE ON tenants_flag TO frontdesk_app;"


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0004_threats"),
    ]

    operations = [
        migrations.CreateModel(
            name="Flag",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="The human/computer readable name.",
                        max_length=100,
                        unique=True,
                        verbose_name="Name",
                    ),
                ),
                (
                    "note",
                    models.TextField(
                        blank=True, help_text="Note where this Flag is used.", verbose_name="Note"
                    ),
                ),
                (
                    "created",
                    models.DateTimeField(
                        db_index=True,
                        default=django.utils.timezone.now,
                        help_text="Date when this Flag was created.",
                        verbose_name="Created",
                    ),
                ),
                (
                    "modified",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="Date when this Flag was last modified.",
                        verbose_name="Modified",
                    ),
                ),
                (
                    "everyone",
                    models.BooleanField(
                        blank=True,
                        help_text="No turns it off everywhere at once, also where a workspace has it on. Yes turns it on where no workspace has it off.",
                        null=True,
                        verbose_name="everyone",
                    ),
                ),
                (
                    "percent",
                    models.DecimalField(
                        blank=True,
                        decimal_places=1,
                        help_text="Of subjects, while everyone is unknown; whoever has it keeps it as it grows.",
                        max_digits=4,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="percent",
                    ),
                ),
                (
                    "is_open",
                    models.BooleanField(
                        default=False,
                        help_text="Workspaces may switch it for themselves.",
                        verbose_name="open to workspaces",
                    ),
                ),
                (
                    "variants",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text='Of an experiment\'s variants, such as {"control": 1, "question": 1}.',
                        verbose_name="weights",
                    ),
                ),
            ],
            options={
                "verbose_name": "flag",
                "verbose_name_plural": "flags",
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Exposure",
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
                ("experiment", models.CharField(max_length=100)),
                ("subject", models.CharField(max_length=64)),
                ("variant", models.CharField(max_length=40)),
                ("exposed_at", models.DateTimeField(default=django.utils.timezone.now)),
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "experiment", "subject", "variant"), name="exposure_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FlagChange",
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
                ("flag", models.CharField(max_length=100, verbose_name="flag")),
                ("before", models.JSONField(verbose_name="before")),
                ("after", models.JSONField(verbose_name="after")),
                (
                    "changed_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="changed"),
                ),
                ("changed_by", models.UUIDField(null=True)),
                ("actor", models.CharField(max_length=200, verbose_name="by")),
                (
                    "tenant",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                        verbose_name="workspace",
                    ),
                ),
            ],
            options={
                "verbose_name": "flag change",
                "indexes": [
                    models.Index(fields=["flag", "-changed_at"], name="flag_change_by_time")
                ],
            },
        ),
        migrations.CreateModel(
            name="FlagOverride",
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
                ("flag", models.CharField(max_length=100, verbose_name="flag")),
                ("is_on", models.BooleanField(verbose_name="on")),
                (
                    "is_platforms",
                    models.BooleanField(default=False, verbose_name="set by the platform"),
                ),
                (
                    "changed_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="changed"),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                        verbose_name="workspace",
                    ),
                ),
            ],
            options={
                "verbose_name": "flag of a workspace",
                "verbose_name_plural": "flags of workspaces",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "flag"), name="flag_override_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Outcome",
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
                ("experiment", models.CharField(max_length=100)),
                ("subject", models.CharField(max_length=64)),
                ("goal", models.CharField(max_length=40)),
                ("reached_at", models.DateTimeField(default=django.utils.timezone.now)),
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "experiment", "subject", "goal"), name="outcome_once"
                    )
                ],
            },
        ),
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
        *rls.enable("tenants_flagoverride"),
        *rls.enable("tenants_flagchange"),
        *rls.enable("tenants_exposure"),
        *rls.enable("tenants_outcome"),
        *rls.append_only("tenants_settingchange"),
        *rls.append_only("tenants_flagchange"),
        *rls.append_only("tenants_exposure"),
        *rls.append_only("tenants_outcome"),
        migrations.RunSQL(FLAG_RIGHTS, FLAG_RIGHTS_BACK),
    ]
