"""Words of messages and customers, kept by the database and found by an index.

The columns are none of the models': whatever reads messages would load them too.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

# Punctuation parts words (`ORD-1001` is two, in order): the parser's own rules for addresses,
# hyphens and signs would hide a number from who types it without them.
WORDS = "to_tsvector('simple', regexp_replace({}, '[^[:alnum:]]+', ' ', 'g'))"
SOURCES = {
    "conversations_message": "text",
    "conversations_customer": "name || ' ' || email || ' ' || coalesce(external_id, '')",
}

FORWARD = [
    statement
    for table, source in SOURCES.items()
    for statement in (
        f"ALTER TABLE {table} ADD COLUMN search tsvector"
        f" GENERATED ALWAYS AS ({WORDS.format(source)}) STORED",
        # Every search reads what is not yet sorted in: no more of it than is read in a millisecond.
        f"CREATE INDEX {table}_search ON {table} USING gin (search)"
        " WITH (gin_pending_list_limit = 256)",
    )
]
BACKWARD = [f"ALTER TABLE {table} DROP COLUMN search" for table in SOURCES]


class Migration(migrations.Migration):
    dependencies: ClassVar = [("conversations", "0003_triage")]
    operations: ClassVar = [migrations.RunSQL(FORWARD, BACKWARD)]
