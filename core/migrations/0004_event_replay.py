"""Replays: which stored events a subscriber gets again, and the lane they wait in.

The deliveries of a replay are left out of the index that first deliveries are found by, so that a
million of them cost those nothing. Of a replay's row the application role adds up failures, no more.
"""

from django.db import migrations, models

import core.identifiers
from core.db import rls

LANE = """
ALTER TABLE core_delivery ADD COLUMN replay_id uuid, ADD COLUMN strikes smallint NOT NULL DEFAULT 0;
DROP INDEX core_delivery_due;
CREATE INDEX core_delivery_due ON core_delivery (xid, id)
    WHERE state = 'pending' AND replay_id IS NULL;
CREATE INDEX core_delivery_replay ON core_delivery (replay_id, xid, event_seq)
    WHERE state = 'pending' AND replay_id IS NOT NULL;
"""
LANE_BACK = """
DROP INDEX core_delivery_replay;
DROP INDEX core_delivery_due;
ALTER TABLE core_delivery DROP COLUMN replay_id, DROP COLUMN strikes;
CREATE INDEX core_delivery_due ON core_delivery (xid, id) WHERE state = 'pending';
"""
# `before_xid` is of a type that Django does not know: the watermark when planning began.
WATERMARK = "ALTER TABLE core_eventreplay ADD COLUMN before_xid xid8;"
WATERMARK_BACK = "ALTER TABLE core_eventreplay DROP COLUMN before_xid;"
RIGHTS = """
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON core_eventreplay FROM frontdesk_app;
GRANT UPDATE (failed) ON core_eventreplay TO frontdesk_app;
"""
RIGHTS_BACK = "GRANT INSERT, UPDATE, DELETE ON core_eventreplay TO frontdesk_app;"
STATES = [
    ("requested", "Requested"),
    ("planning", "Planning"),
    ("delivering", "Delivering"),
    ("done", "Done"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
]
OPEN = ("requested", "planning", "delivering")


class Migration(migrations.Migration):
    dependencies = [("core", "0003_audit")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(LANE, LANE_BACK)],
            state_operations=[
                migrations.AddField("delivery", "replay_id", models.UUIDField(null=True)),
                migrations.AddField(
                    "delivery", "strikes", models.PositiveSmallIntegerField(default=0, db_default=0)
                ),
            ],
        ),
        migrations.CreateModel(
            name="EventReplay",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.identifiers.uuid7, primary_key=True, serialize=False
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                ("subscriber", models.CharField(max_length=120)),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("is_rebuild", models.BooleanField(default=False)),
                (
                    "is_holding",
                    models.BooleanField(
                        default=True,
                        help_text="Whether later first deliveries wait for the replay's end.",
                    ),
                ),
                (
                    "state",
                    models.CharField(choices=STATES, default="requested", max_length=10),
                ),
                ("planned", models.BigIntegerField(default=0)),
                ("failed", models.BigIntegerField(default=0)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("cursor_at", models.DateTimeField(null=True)),
                ("cursor_id", models.BigIntegerField(default=0)),
                ("requested_at", models.DateTimeField()),
                ("turn_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "event replay",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", OPEN)),
                        fields=("tenant_id", "subscriber"),
                        name="core_eventreplay_one_open",
                    )
                ],
            },
        ),
        migrations.RunSQL(WATERMARK, WATERMARK_BACK),
        *rls.enable("core_eventreplay"),
        migrations.RunSQL(RIGHTS, RIGHTS_BACK),
    ]
