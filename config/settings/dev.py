"""Settings of a developer's machine and of `make demo`: plain HTTP on localhost."""

from config.env import environment_load
from config.settings.base import *  # noqa: F403
from config.settings.base import settings_for

ENVIRONMENT = environment_load()
globals().update(settings_for(ENVIRONMENT))

DEBUG = ENVIRONMENT.flag("DEBUG")
ALLOWED_HOSTS = [
    "localhost",
    ".localhost",
    "127.0.0.1",
    "[::1]",
    *ENVIRONMENT.items("ALLOWED_HOSTS"),
]
IS_DEMO_ALLOWED = True
