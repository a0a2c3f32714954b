"""Where mails go and who signs people in, as the environment says."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.env import Environment, EnvironmentIncomplete, environment_load
from config.settings.base import settings_for
from tests.config.test_env import COMPLETE


def test_mails_are_files_unless_a_server_is_named(tmp_path: Path) -> None:
    made = settings_for(Environment(values={**COMPLETE}, var_dir=tmp_path))
    assert made["EMAIL_BACKEND"].endswith("filebased.EmailBackend")
    assert made["EMAIL_FILE_PATH"] == str(tmp_path / "mail")
    assert made["DEFAULT_FROM_EMAIL"] == "Frontdesk <no-reply@localhost>"
    url = {"EMAIL_URL": "smtp+tls://u:p@mail.example.com:587", "EMAIL_FROM": "desk@example.com"}
    made = settings_for(Environment(values={**COMPLETE, **url}, var_dir=tmp_path))
    assert (made["EMAIL_HOST"], made["EMAIL_PORT"], made["EMAIL_USE_TLS"]) == (
        "mail.example.com",
        587,
        True,
    )
    assert made["DEFAULT_FROM_EMAIL"] == "desk@example.com"


def test_production_does_not_start_without_a_mail_server(tmp_path: Path) -> None:
    values = {**COMPLETE, "FRONTDESK_ENV": "prod", "VAR_DIR": str(tmp_path)}
    with pytest.raises(EnvironmentIncomplete, match="EMAIL_URL is not set"):
        environment_load(values)
    environment_load({**values, "EMAIL_URL": "smtp://mail.example.com"})


def test_identity_provider_is_there_when_it_is_named(tmp_path: Path) -> None:
    made = settings_for(Environment(values={**COMPLETE}, var_dir=tmp_path))
    assert made["SOCIALACCOUNT_PROVIDERS"]["openid_connect"]["APPS"] == []
    oidc = {"OIDC_ISSUER": "https://id.example/", "OIDC_CLIENT_ID": "fd", "OIDC_NAME": "Example"}
    made = settings_for(Environment(values={**COMPLETE, **oidc}, var_dir=tmp_path))
    (app,) = made["SOCIALACCOUNT_PROVIDERS"]["openid_connect"]["APPS"]
    assert (app["client_id"], app["name"]) == ("fd", "Example")
    assert app["settings"]["server_url"] == "https://id.example"
