"""A deployment's settings pass Django's own checks, warnings included."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

from config.env import BASE_DIR

NOWHERE = "127.0.0.1:1"  # the checks reach for no server


def deploy_check(var_dir: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py check --deploy` with the environment of a deployment and these changes."""
    foreign = ("DJANGO_", "FRONTDESK_", "PYTEST_", "TEST_", "DATABASE_", "REDIS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    environment = {
        **kept,
        "FRONTDESK_ENV": "prod",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "DATABASE_URL": f"postgresql://frontdesk_app:none@{NOWHERE}/frontdesk",
        "REDIS_URL": f"redis://{NOWHERE}/0",
        "EMAIL_URL": "smtp://mail.example.com:25",
        "BASE_DOMAIN": "desk.example.com",
        "PUBLIC_BASE_URL": "https://desk.example.com",
        "VAR_DIR": str(var_dir),
        **changes,
    }
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(
        command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=False
    )


def test_deployment_passes_the_checks(tmp_path: Path) -> None:
    done = deploy_check(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


def test_check_finds_what_is_weak(tmp_path: Path) -> None:
    done = deploy_check(tmp_path, SECRET_KEY="short", SECURE_SSL_REDIRECT="0")
    assert done.returncode == 1
    assert "security.W008" in done.stderr
    assert "security.W009" in done.stderr
