"""The ledger counts money too; a choice is no change of the table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_isolation_and_plans")]

    operations = [
        migrations.AlterField(
            "usageentry",
            "meter",
            models.CharField(
                "meter",
                max_length=20,
                choices=[
                    ("messages", "messages"),
                    ("ai_replies", "ai_replies"),
                    ("tokens_in", "tokens_in"),
                    ("tokens_out", "tokens_out"),
                    ("spend_micro", "spend_micro"),
                    ("runs", "runs"),
                    ("documents", "documents"),
                    ("storage_bytes", "storage_bytes"),
                ],
            ),
        ),
    ]
