"""Row-level security, the ledger's append-only rights, and the plans on offer."""

from django.db import migrations

from core.db import rls

MEGABYTE = 1024 * 1024
PLANS = [
    {
        "code": "free",
        "name": "Free",
        "price_minor": 0,
        "position": 1,
        "limits": {
            "messages": 500,
            "ai_replies": 500,
            "tokens_in": 2_000_000,
            "tokens_out": 200_000,
            "runs": 1_000,
            "documents": 50,
            "storage_bytes": 100 * MEGABYTE,
            "seats": 2,
        },
    },
    {
        "code": "team",
        "name": "Team",
        "price_minor": 4_900,
        "position": 2,
        "limits": {
            "messages": 10_000,
            "ai_replies": 10_000,
            "tokens_in": 40_000_000,
            "tokens_out": 4_000_000,
            "runs": 20_000,
            "documents": 1_000,
            "storage_bytes": 2_048 * MEGABYTE,
            "seats": 10,
        },
    },
    {
        "code": "business",
        "name": "Business",
        "price_minor": 19_900,
        "position": 3,
        "limits": {
            "messages": 100_000,
            "ai_replies": 100_000,
            "runs": 200_000,
            "documents": 10_000,
            "storage_bytes": 20_480 * MEGABYTE,
            "seats": 50,
        },
    },
]


def plans_offer(apps, schema_editor):
    plan = apps.get_model("billing", "Plan")
    for values in PLANS:
        code = values["code"]
        plan.objects.using(schema_editor.connection.alias).get_or_create(
            code=code, defaults={**values, "currency": "EUR"}
        )


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]

    operations = [
        *rls.enable("billing_subscription"),
        *rls.enable("billing_usageentry"),
        *rls.append_only("billing_usageentry"),
        migrations.RunPython(plans_offer, migrations.RunPython.noop),
    ]
