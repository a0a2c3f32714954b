"""The doctor: every problem with its remedy, and an exit code."""

from __future__ import annotations

import io
import socket

import pytest
from django.core.management import call_command

from config import diagnosis
from core.observability.checks import CheckResult


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    "check",
    [
        diagnosis.python_check,
        diagnosis.disk_check,
        diagnosis.extension_check,
        diagnosis.role_check,
        diagnosis.isolation_check,
        diagnosis.dead_letters_check,
        diagnosis.model_check,
    ],
)
def test_check_is_well_on_the_test_database(check: object) -> None:
    assert callable(check)
    found = check()
    assert found.is_ok, found


@pytest.mark.usefixtures("db")
def test_owner_connected_as_the_application_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [("frontdesk_owner", False, False)], [(40,)]
    answers = iter(rows)
    monkeypatch.setattr(diagnosis, "_rows", lambda _: next(answers))
    found = diagnosis.role_check()
    assert not found.is_ok
    assert "owns 40 objects" in found.detail
    assert "frontdesk_app" in found.remedy


@pytest.mark.usefixtures("db")
def test_shared_table_without_row_security_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "_rows", lambda _: [("billing_usageentry",)])
    found = diagnosis.isolation_check()
    assert (found.is_ok, found.detail) == (False, "missing on billing_usageentry")


def test_port_nobody_listens_on_is_found() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = diagnosis.port_check("web", f"http://localhost:{port}")()
    assert not found.is_ok
    assert f"port {port} does not answer" in found.detail


def test_doctor_prints_remedies_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    ill = CheckResult("redis", False, "not reachable", "Run `make up`.")
    monkeypatch.setattr(diagnosis, "checks", lambda: {"redis": lambda: ill})
    out = io.StringIO()
    with pytest.raises(SystemExit, match="1"):
        call_command("doctor", stdout=out, no_color=True)
    assert "FAIL  redis" in out.getvalue()
    assert "-> Run `make up`." in out.getvalue()


def test_doctor_is_content_when_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    well = CheckResult("redis", True, "answers")
    monkeypatch.setattr(diagnosis, "checks", lambda: {"redis": lambda: well})
    out = io.StringIO()
    call_command("doctor", stdout=out, no_color=True)
    assert "All is well." in out.getvalue()
