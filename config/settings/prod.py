"""Settings of a deployment: HTTPS only, secure cookies, no demo data."""

from config.env import environment_load
from config.settings.base import *  # noqa: F403
from config.settings.base import settings_for

ENVIRONMENT = environment_load()
globals().update(settings_for(ENVIRONMENT))

IS_DEMO_ALLOWED = False
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_SSL_REDIRECT = ENVIRONMENT.flag("SECURE_SSL_REDIRECT", True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
