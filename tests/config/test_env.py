"""The environment: complete, or refused with everything that is wrong at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.env import EnvironmentIncomplete, environment_load

COMPLETE = {
    "SECRET_KEY": "key",
    "DATABASE_URL": "postgresql://app@localhost/frontdesk",
    "REDIS_URL": "redis://localhost",
}


def test_everything_missing_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentIncomplete) as caught:
        environment_load({"VAR_DIR": str(tmp_path), "WEB_PORT": "eighty"})
    text = str(caught.value)
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "WEB_PORT"):
        assert name in text


def test_role_decides_which_database_url_is_needed(tmp_path: Path) -> None:
    values = {**COMPLETE, "VAR_DIR": str(tmp_path), "FRONTDESK_DB_ROLE": "owner"}
    with pytest.raises(EnvironmentIncomplete, match="DATABASE_OWNER_URL is not set"):
        environment_load(values)


def test_process_variables_win_over_the_written_file(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("SECRET_KEY=from-file\nWEB_PORT=1234\n")
    environment = environment_load({**COMPLETE, "VAR_DIR": str(tmp_path)})
    assert environment.text("SECRET_KEY") == "key"
    assert environment.number("WEB_PORT", 8000) == 1234


def test_policy_that_there_is_not_is_named(tmp_path: Path) -> None:
    values = {**COMPLETE, "VAR_DIR": str(tmp_path), "REALTIME_DROPS": "loudest"}
    with pytest.raises(EnvironmentIncomplete, match="REALTIME_DROPS must be one of priority"):
        environment_load(values)


def test_secrets_do_not_show_in_the_representation(tmp_path: Path) -> None:
    environment = environment_load({**COMPLETE, "SECRET_KEY": "hush", "VAR_DIR": str(tmp_path)})
    assert "hush" not in repr(environment)
