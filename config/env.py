"""Read the process environment once, and say everything that is missing at the same time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
REQUIRED = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL")
DROPS = ("priority", "oldest", "newest")
ROLE_VARIABLES = {
    "app": "DATABASE_URL",
    "owner": "DATABASE_OWNER_URL",
    "platform": "DATABASE_PLATFORM_URL",
}


def settings_module_choose() -> None:
    """Choose the settings by FRONTDESK_ENV (dev unless set), if nothing chose them before."""
    name = os.environ.get("FRONTDESK_ENV", "dev")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"config.settings.{name}")


class EnvironmentIncomplete(SystemExit):
    """Raised at start-up with one line for each variable that is missing or malformed."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What a process needs to know about where it runs."""

    values: Mapping[str, str] = field(repr=False)
    var_dir: Path = BASE_DIR / "var"

    def text(self, name: str, default: str = "") -> str:
        return self.values.get(name, default)

    def number(self, name: str, default: int) -> int:
        return int(self.values.get(name) or default)

    def flag(self, name: str, default: bool = False) -> bool:
        return self.values.get(name, str(default)).strip().lower() in {"1", "true", "yes", "on"}

    def items(self, name: str) -> list[str]:
        return [item.strip() for item in self.values.get(name, "").split(",") if item.strip()]

    def role(self) -> str:
        return self.text("FRONTDESK_DB_ROLE", "app")


def _from_file(path: Path) -> dict[str, str]:
    """Return the KEY=value lines the supervisor wrote for the embedded services."""
    if not path.is_file():
        return {}
    pairs = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    return {key.strip(): value.strip() for key, value in pairs if not key.startswith("#")}


def _problems(values: Mapping[str, str]) -> list[str]:
    role = values.get("FRONTDESK_DB_ROLE", "app")
    if role not in ROLE_VARIABLES:
        return [f"FRONTDESK_DB_ROLE must be one of {', '.join(ROLE_VARIABLES)}, not {role!r}"]
    wanted = dict.fromkeys((*REQUIRED, ROLE_VARIABLES[role]))
    if values.get("FRONTDESK_ENV") == "prod":
        wanted["EMAIL_URL"] = None  # people get in by invitation and reset links
    missing = [f"{name} is not set" for name in wanted if not values.get(name)]
    if values.get("REALTIME_DROPS", DROPS[0]) not in DROPS:
        missing.append(f"REALTIME_DROPS must be one of {', '.join(DROPS)}")
    numbers = ("WEB_PORT", "REALTIME_PORT")
    malformed = [
        f"{name} must be a port number, not {values[name]!r}"
        for name in numbers
        if values.get(name) and not values[name].isdigit()
    ]
    return missing + malformed


def environment_load(values: Mapping[str, str] | None = None) -> Environment:
    """Return the environment: process variables first, then `var/env` of the embedded services.

    Raises EnvironmentIncomplete naming every missing or malformed variable at once.
    """
    own = dict(os.environ if values is None else values)
    var_dir = Path(own.get("VAR_DIR") or BASE_DIR / "var")
    merged = {**_from_file(var_dir / "env"), **own}
    problems = _problems(merged)
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise EnvironmentIncomplete(
            f"Frontdesk cannot start:\n{lines}\n"
            "Run `make up` for embedded services, or set these variables (docs/operations.md)."
        )
    return Environment(values=merged, var_dir=var_dir)
