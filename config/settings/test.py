"""Settings of the test suite: real Postgres and Redis on test ports, tasks run in place."""

import os

from config.env import BASE_DIR, Environment
from config.settings.base import *  # noqa: F403
from config.settings.base import settings_for

PG_PORT = os.environ.get("TEST_PG_PORT", "55432")
REDIS_PORT = os.environ.get("TEST_REDIS_PORT", "56379")
DATABASE = os.environ.get("TEST_DATABASE") or f"frontdesk_test_{os.getpid()}"
TEST_PASSWORD = "test-only"  # noqa: S105 - loopback servers that hold nothing but fixtures


def _dsn(role: str) -> str:
    return f"postgresql://{role}:{TEST_PASSWORD}@127.0.0.1:{PG_PORT}/{DATABASE}"


ENVIRONMENT = Environment(
    values={
        "SECRET_KEY": "tests-only-key-that-is-long-enough-to-pass-the-checks-0123456789",
        "DATABASE_URL": _dsn("frontdesk_app"),
        "DATABASE_OWNER_URL": _dsn("frontdesk_owner"),
        "DATABASE_PLATFORM_URL": _dsn("frontdesk_platform"),
        "REDIS_URL": f"redis://:{TEST_PASSWORD}@127.0.0.1:{REDIS_PORT}/{os.getpid() % 16}",
        "FRONTDESK_DB_ROLE": os.environ.get("FRONTDESK_DB_ROLE", "app"),
        "CELERY_KEY_PREFIX": f"fd:test:{os.getpid()}:",
    },
    var_dir=BASE_DIR / "var" / "test",
)
globals().update(settings_for(ENVIRONMENT))

IS_DEMO_ALLOWED = True
ALLOWED_HOSTS = ["localhost", ".localhost", "127.0.0.1", "testserver"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
REPLY_PATIENCE_MS = 0  # most tests say one thing and want the answer
WHITENOISE_AUTOREFRESH = True  # nothing is collected for tests
# One person sends what many would in a minute; the limits' own tests set lower ones.
RATE_LIMITS = dict.fromkeys(["read", "write", "chat", "auth", "upload"], 1_000_000)
INVITATIONS_PER_HOUR = 1_000_000
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
STORAGES = {
    "default": {"BACKEND": "core.storage.TenantFileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
