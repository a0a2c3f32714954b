"""The table `make demo` prints: addresses, logins, and a question to paste."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

QUESTION = "How long do I have to return a jacket I already wore once?"


def demo_table(demo_file: Path) -> str:
    """Return the table for what `demo_seed` wrote; empty without a demo."""
    if not demo_file.is_file():
        return ""
    demo = json.loads(demo_file.read_text())
    rows = [*_platform_rows(demo["platform"])]
    for tenant in demo["tenants"].values():
        rows += _tenant_rows(tenant)
    width = max(len(label) for label, _ in rows)
    lines = [f"  {label:<{width}}  {value}" if label else "" for label, value in rows]
    return "\n".join(["", *lines, "", _curl(demo["tenants"]["acme"]), "", "Ctrl-C stops it all."])


def _platform_rows(platform: dict[str, str]) -> list[tuple[str, str]]:
    return [
        ("Frontdesk", f"{platform['base_url']}/"),
        ("Sign up", f"{platform['base_url']}/signup/"),
        ("Platform admin", platform["admin_url"]),
        ("  login", f"{platform['admin_email']}  {platform['admin_password']}"),
    ]


def _tenant_rows(tenant: dict[str, Any]) -> list[tuple[str, str]]:
    people = (("owner", "owner"), ("staff", "staff"), ("agent", "agent"))
    return [
        ("", ""),
        (f"{tenant['name']}: shop", tenant["demo_url"]),
        ("  back-office", f"{tenant['base_url']}/"),
        *[
            (f"  {label}", f"{tenant[key]['email']}  {tenant[key]['password']}")
            for label, key in people
        ],
        ("  API key", tenant["api_key"]),
    ]


def _curl(tenant: dict[str, Any]) -> str:
    body = json.dumps({"message": QUESTION, "user_id": "me"})
    return (
        f"  curl -s {tenant['base_url']}/api/v1/chat/message \\\n"
        f"    -H 'Authorization: Bearer {tenant['api_key']}' \\\n"
        f"    -H 'Content-Type: application/json' \\\n"
        f"    -d '{body}'"
    )
