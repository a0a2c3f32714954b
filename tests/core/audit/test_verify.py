"""Verification: nothing is wrong with what was recorded, and every tampering is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from core import tenancy
from core.audit import checkpoints, tasks
from core.audit.models import AuditCheckpoint, AuditEntry
from core.audit.types import PLATFORM_CHAIN, FindingKind
from core.audit.verify import audit_verify
from core.tenancy import TenantContext
from tests.core.audit.chains import RESTAMP, chain_write, findings, found, superuser

pytestmark = pytest.mark.django_db(transaction=True)
ENTRIES = 20
EDIT = "UPDATE core_auditentry SET {column} WHERE tenant_id = '{tenant}' AND seq = 7"


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, settings: object) -> Path:
    settings.AUDIT_CHECKPOINT_DIR = str(tmp_path)  # type: ignore[attr-defined]
    return tmp_path


@pytest.fixture(autouse=True)
def chains(acme: TenantContext, globex: TenantContext, directory: Path) -> Iterator[None]:
    """Write both tenants' chains, sign them in the middle and at the end."""
    with superuser() as connection:
        connection.execute("TRUNCATE core_auditentry, core_audithead, core_auditcheckpoint")
    chain_write(acme, ENTRIES // 2)
    chain_write(globex, ENTRIES)
    checkpoints.checkpoints_make()
    chain_write(acme, ENTRIES // 2)
    checkpoints.checkpoints_make()
    return iter(())


def tamper(statement: str, tenant: TenantContext) -> None:
    with superuser() as connection:
        connection.execute(statement.replace("{tenant}", str(tenant.id)))


def test_untouched_log_is_well() -> None:
    verified = audit_verify()
    assert (verified.chains, verified.entries, verified.checkpoints) == (2, 2 * ENTRIES, 3)
    assert verified.findings == []


def test_entries_written_after_the_last_checkpoint_are_well(acme: TenantContext) -> None:
    chain_write(acme, 3)
    assert findings() == []


@pytest.mark.parametrize(
    "column",
    [
        "act = 'session.signed_in'",
        "occurred_at = occurred_at + interval '1 microsecond'",
        "actor_id = NULL",
        "actor_kind = 'system'",
        "network = ''",
        "request_id = 'x'",
        "target_kind = 'person'",
        "target_id = 'x'",
        "data = '{}'",
        "hash = sha256('x')",
    ],
)
def test_edited_column_is_found(acme: TenantContext, column: str) -> None:
    tamper(EDIT.replace("{column}", column), acme)
    assert ("altered", 7, 7) in findings()
    assert {f.tenant_id for f in found()} == {acme.id}


def test_deleted_entry_is_found(acme: TenantContext) -> None:
    tamper("DELETE FROM core_auditentry WHERE tenant_id = '{tenant}' AND seq IN (7, 8)", acme)
    assert findings() == [("missing", 7, 8)]


def test_first_entry_deleted_is_found(acme: TenantContext) -> None:
    tamper("DELETE FROM core_auditentry WHERE tenant_id = '{tenant}' AND seq = 1", acme)
    assert findings() == [("missing", 1, 1)]


def test_cut_off_end_is_found(acme: TenantContext) -> None:
    tamper("DELETE FROM core_auditentry WHERE tenant_id = '{tenant}' AND seq > 15", acme)
    assert findings() == [("truncated", 16, 20)]


def test_cut_off_end_is_found_when_the_head_agrees(acme: TenantContext) -> None:
    tamper("DELETE FROM core_auditentry WHERE tenant_id = '{tenant}' AND seq > 15", acme)
    tamper(
        "UPDATE core_audithead head SET seq = 15, hash = entry.hash FROM core_auditentry entry "
        "WHERE head.tenant_id = '{tenant}' AND entry.tenant_id = head.tenant_id AND entry.seq = 15",
        acme,
    )
    assert findings() == [("truncated", 16, 20)]


def test_whole_chain_gone_is_found_by_the_file(acme: TenantContext) -> None:
    tamper("DELETE FROM core_auditentry WHERE tenant_id = '{tenant}'", acme)
    tamper("DELETE FROM core_audithead WHERE tenant_id = '{tenant}'", acme)
    tamper("DELETE FROM core_auditcheckpoint WHERE tenant_id = '{tenant}'", acme)
    assert ("truncated", 1, 20) in findings()
    assert {f.kind for f in found()} == {FindingKind.TRUNCATED, FindingKind.UNATTESTED}


def test_swapped_entries_are_found(acme: TenantContext) -> None:
    tamper(
        "UPDATE core_auditentry SET seq = -seq WHERE tenant_id = '{tenant}' AND seq IN (7, 8)", acme
    )
    tamper(
        "UPDATE core_auditentry SET seq = 15 + seq WHERE tenant_id = '{tenant}' AND seq < 0", acme
    )
    assert findings() == [("moved", 7, 7), ("moved", 8, 8)]


def test_chain_written_anew_is_found(acme: TenantContext) -> None:
    tamper(
        "UPDATE core_auditentry SET act = 'x' WHERE tenant_id = '{tenant}' AND seq = 7",
        acme,
    )
    tamper(RESTAMP, acme)
    assert findings() == [("rewritten", 1, 10)]


def test_chain_written_anew_behind_a_checkpoint_is_placed_behind_it(acme: TenantContext) -> None:
    tamper("UPDATE core_auditentry SET act = 'x' WHERE tenant_id = '{tenant}' AND seq = 17", acme)
    tamper(RESTAMP, acme)
    assert findings() == [("rewritten", 11, 20)]


def test_forged_checkpoint_does_not_cover_a_chain_written_anew(
    acme: TenantContext, directory: Path
) -> None:
    """A forger who holds the database and the file, but not the key."""
    tamper("UPDATE core_auditentry SET act = 'x' WHERE tenant_id = '{tenant}' AND seq = 7", acme)
    tamper(RESTAMP, acme)
    tamper(
        "UPDATE core_auditcheckpoint made SET hash = entry.hash FROM core_auditentry entry "
        "WHERE made.tenant_id = '{tenant}' AND entry.tenant_id = made.tenant_id "
        "AND entry.seq = made.seq",
        acme,
    )
    for path in directory.glob("*.jsonl"):
        path.unlink()
    assert findings() == [("forged_checkpoint", 10, 10), ("forged_checkpoint", 20, 20)]


def test_removed_checkpoint_is_found(acme: TenantContext) -> None:
    tamper("DELETE FROM core_auditcheckpoint WHERE tenant_id = '{tenant}' AND seq = 20", acme)
    assert findings() == [("removed_checkpoint", 20, 20)]


def test_row_the_writer_never_counted_is_found(acme: TenantContext) -> None:
    tamper(
        "INSERT INTO core_auditentry (tenant_id, seq, occurred_at, act, actor_kind, network, "
        "request_id, target_kind, target_id, data, hash) VALUES "
        "('{tenant}', 21, now(), 'x', 'system', '', '', '', '', '{}', sha256('x'))",
        acme,
    )
    assert findings() == [("altered", 21, 21)]


def test_more_alterations_than_are_kept_are_counted(
    acme: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.audit.chain.SUSPECTS_KEPT", 5)
    tamper("UPDATE core_auditentry SET data = '{\"n\":0}' WHERE tenant_id = '{tenant}'", acme)
    assert ("altered", 7, 20) in findings()


def test_new_secret_key_signs_anew_and_the_old_may_be_forgotten(
    acme: TenantContext, settings: object
) -> None:
    old = settings.SECRET_KEY  # type: ignore[attr-defined]
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 60, [old]  # type: ignore[attr-defined]
    assert findings() == []
    assert checkpoints.checkpoints_make() == 2
    settings.SECRET_KEY_FALLBACKS = []  # type: ignore[attr-defined]
    assert findings() == []


def test_lost_secret_key_leaves_nothing_attested(settings: object) -> None:
    settings.SECRET_KEY = "n" * 60  # type: ignore[attr-defined]
    assert {kind for kind, _, _ in findings()} == {"forged_checkpoint"}


def test_checkpoints_are_made_once() -> None:
    assert checkpoints.checkpoints_make() == 0
    with tenancy.platform_scope():
        assert AuditCheckpoint.objects.count() == 3


def test_checkpoint_file_is_a_line_each(acme: TenantContext, directory: Path) -> None:
    [path] = directory.glob("checkpoints-*.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    mine = [line for line in lines if UUID(line["tenant"]) == acme.id]
    assert [line["seq"] for line in mine] == [10, 20]


def test_command_names_what_it_found(acme: TenantContext) -> None:
    out, err = StringIO(), StringIO()
    call_command("audit_verify", stdout=out)
    assert "40 entries of 2 chains" in out.getvalue()
    tamper("DELETE FROM core_auditentry WHERE tenant_id = '{tenant}' AND seq = 7", acme)
    with pytest.raises(CommandError):
        call_command("audit_verify", stderr=err)
    assert f"{acme.id}: entry 7: missing" in err.getvalue()
    with pytest.raises(CommandError):
        call_command("audit_verify", "--json", "--tenant", str(acme.id), stdout=(out := StringIO()))
    [finding] = json.loads(out.getvalue())["findings"]
    assert (finding["kind"], finding["first"]) == ("missing", 7)


def test_nightly_task_records_that_it_verified() -> None:
    tasks.audit_verification()
    with tenancy.platform_scope():
        entry = AuditEntry.objects.get(tenant_id=PLATFORM_CHAIN)
    assert json.loads(entry.data) == {"entries": 40, "findings": 0}


def test_checkpoint_task_signs(acme: TenantContext) -> None:
    chain_write(acme, 1)
    tasks.audit_checkpoint()
    with tenancy.platform_scope():
        assert AuditCheckpoint.objects.filter(seq=21).exists()
