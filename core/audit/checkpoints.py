"""Signed checkpoints: what a chain's last hash was, in a table and in a file kept apart.

A chain alone cannot show that its end was cut off, or that all of it was written anew. A checkpoint
can: whoever rewrites history would have to sign it too. Ed25519 (RFC 8032), by a key derived from
SECRET_KEY. Copy the files to where the database's administrators cannot write.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.db import connections, transaction
from django.utils import timezone

from core import tenancy
from core.audit.models import AuditCheckpoint
from core.audit.types import Attested
from core.secrets import keys_derive

PURPOSE: Final = b"frontdesk/audit-checkpoint/v1"
_LOCK: Final = "core.audit_checkpoint"
# Chains that have grown since they were last signed, or were signed by a key no longer current.
_UNSIGNED: Final = """
SELECT head.tenant_id, head.seq, head.hash FROM core_audithead head
LEFT JOIN core_auditcheckpoint made
    ON made.tenant_id = head.tenant_id AND made.seq = head.seq AND made.key_id = %s
WHERE head.seq > 0 AND made.id IS NULL
"""


def checkpoints_make() -> int:
    """Sign every chain that has grown since its last checkpoint; return how many.

    Idempotent; one at a time across processes. The file is written behind the commit, since a
    line without its row would look like a row taken away. Raises OSError when it cannot be.
    """
    key_id, private = next(iter(_keys().items()))
    with tenancy.platform_scope(), transaction.atomic(using="platform"):
        with connections["platform"].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (_LOCK,))
            cursor.execute(_UNSIGNED, (key_id,))
            heads = cursor.fetchall()
        made = [_signed(private, key_id, head) for head in heads]
        AuditCheckpoint.objects.bulk_create(AuditCheckpoint(**_columns(one)) for one in made)
    _file_append(made)
    return len(made)


def checkpoint_is_genuine(checkpoint: Attested) -> bool | None:
    """Return whether a key of ours signed it; None when the key is not known any more."""
    private = _keys().get(checkpoint.key_id)
    if private is None:
        return None
    try:
        private.public_key().verify(checkpoint.signature, _statement(checkpoint))
    except InvalidSignature:
        return False
    return True


def checkpoints_filed() -> list[Attested]:
    """Return what the files say, oldest first. Raises ValueError on a line that is none."""
    return [
        _parsed(json.loads(line))
        for path in sorted(Path(settings.AUDIT_CHECKPOINT_DIR).glob("checkpoints-*.jsonl"))
        for line in path.read_text().splitlines()
        if line.strip()
    ]


def checkpoints_stored(rows: Iterator[tuple[Any, ...]]) -> list[Attested]:
    """Return checkpoints from rows of (tenant_id, seq, hash, signed_at, key_id, signature)."""
    return [
        Attested(tenant, seq, bytes(digest), at, key_id, bytes(signature))
        for tenant, seq, digest, at, key_id, signature in rows
    ]


def public_keys() -> dict[str, str]:
    """Return the hexadecimal public key of each key id, for a verifier without our secrets."""
    return {key_id: _public(private).hex() for key_id, private in _keys().items()}


def _keys() -> dict[str, Ed25519PrivateKey]:
    """Return the signing keys by id, the current one first."""
    return _loaded(tuple(keys_derive(PURPOSE)))


@lru_cache(maxsize=4)
def _loaded(seeds: tuple[bytes, ...]) -> dict[str, Ed25519PrivateKey]:
    found = [Ed25519PrivateKey.from_private_bytes(seed) for seed in seeds]
    return {_public(private).hex()[:16]: private for private in found}


def _public(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _signed(private: Ed25519PrivateKey, key_id: str, head: tuple[UUID, int, bytes]) -> Attested:
    tenant_id, seq, digest = head
    blank = Attested(tenant_id, seq, bytes(digest), timezone.now(), key_id, b"")
    return Attested(
        tenant_id, seq, blank.hash, blank.signed_at, key_id, private.sign(_statement(blank))
    )


def _statement(checkpoint: Attested) -> bytes:
    """Return the signed bytes: a line for each of version, chain, number, hash and time."""
    lines = (
        "frontdesk-audit-checkpoint-1",
        str(checkpoint.tenant_id),
        str(checkpoint.seq),
        checkpoint.hash.hex(),
        checkpoint.signed_at.isoformat(),
    )
    return "\n".join(lines).encode()


def _columns(checkpoint: Attested) -> dict[str, Any]:
    names = ("tenant_id", "seq", "hash", "signed_at", "key_id", "signature")
    return {name: getattr(checkpoint, name) for name in names}


def _file_append(made: list[Attested]) -> None:
    if not made:
        return
    directory = Path(settings.AUDIT_CHECKPOINT_DIR)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"checkpoints-{made[0].signed_at:%Y-%m}.jsonl"
    with path.open("a") as file:
        file.writelines(f"{json.dumps(_line(checkpoint))}\n" for checkpoint in made)
        file.flush()
        os.fsync(file.fileno())


def _line(checkpoint: Attested) -> dict[str, object]:
    return {
        "tenant": str(checkpoint.tenant_id),
        "seq": checkpoint.seq,
        "hash": checkpoint.hash.hex(),
        "signed_at": checkpoint.signed_at.isoformat(),
        "key": checkpoint.key_id,
        "signature": checkpoint.signature.hex(),
    }


def _parsed(line: dict[str, Any]) -> Attested:
    return Attested(
        tenant_id=UUID(line["tenant"]),
        seq=int(line["seq"]),
        hash=bytes.fromhex(line["hash"]),
        signed_at=datetime.fromisoformat(line["signed_at"]),
        key_id=str(line["key"]),
        signature=bytes.fromhex(line["signature"]),
    )
