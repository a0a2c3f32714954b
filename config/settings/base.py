"""Settings every environment shares; `dev`, `test` and `prod` say only what differs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import environ
from celery.schedules import crontab
from corsheaders.defaults import default_headers
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config.env import BASE_DIR, DROPS, ROLE_VARIABLES, Environment
from config.unfold import UNFOLD as UNFOLD
from core.observability.logs import logging_config

# What the environment fills in through `settings_for`, declared for readers and the type checker.
SECRET_KEY: str
DATABASES: dict[str, dict[str, Any]]
REDIS_URL: str
VAR_DIR: Path
BASE_DOMAIN: str
PUBLIC_BASE_URL: str
REALTIME_URL: str
REALTIME_DROPS: str
TRUSTED_PROXY_COUNT: int
DEFAULT_FROM_EMAIL: str
SOCIALACCOUNT_PROVIDERS: dict[str, Any]
RUNS_EXPRESS_WINDOW: int
TOOL_MODULES: list[str]
RUNS_EXPRESS_PER_TENANT: int
RUNS_BULK_WINDOW: int
RUNS_PER_TENANT: int
REPLY_PATIENCE_MS: int
DEGRADE_AUTOMATIC: bool
IS_DEMO_ALLOWED: bool
AUDIT_CHECKPOINT_DIR: str

DEBUG = False
ROOT_URLCONF = "config.urls_tenant"
PUBLIC_SCHEMA_URLCONF = "config.urls_public"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = True

# --- applications: the shared schema holds what crosses tenants, each tenant's schema the rest
SHARED_APPS = [
    "django_tenants",
    "core",
    "config.apps.FlagTagsConfig",
    "tenants",
    "billing",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_celery_beat",
    "django_cotton.apps.SimpleAppConfig",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "csp",
    "django_prometheus",
    "config",
]
TENANT_APPS = ["conversations", "knowledge", "routing", "commerce", "analytics", "workflows"]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]
TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
DATABASE_ROUTERS = ["core.db.router.ScopeRouter", "django_tenants.routers.TenantSyncRouter"]
TENANT_LIMIT_SET_CALLS = False
AUTH_USER_MODEL = "tenants.Person"
# Flags are ours; waffle's tags and decorators read them, its own tables and admin do not exist.
WAFFLE_FLAG_MODEL = "tenants.Flag"
WAFFLE_ENABLE_ADMIN_PAGES = False
MIGRATION_MODULES: dict[str, str | None] = {"waffle": None}
AUTHENTICATION_BACKENDS = ["tenants.authentication.MemberBackend"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEST_RUNNER = "django.test.runner.DiscoverRunner"

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "core.http.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tenants.middleware.TenantMiddleware",
    "tenants.threats.middleware.BlockMiddleware",
    "tenants.admission.http.RateLimitHeaders",
    "core.observability.http.RequestMetricsMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "tenants.middleware.MembershipMiddleware",
    "tenants.middleware.ActorMiddleware",
    "tenants.middleware.WorkspaceLocaleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "core.security.PolicyMiddleware",
    "core.security.AdminPolicyMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "core.http.DomainErrorMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django_cotton.cotton_loader.Loader",
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "builtins": ["django_cotton.templatetags.cotton"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "core.context_processors.navigation",
            ],
        },
    }
]
COTTON_DIR = "cotton"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"

# --- logs: one line per request, without the visitor's address
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG

# --- cookies: host-only (no COOKIE_DOMAIN), so a workspace never sees its neighbour's
SESSION_COOKIE_NAME = "fd_session"
CSRF_COOKIE_NAME = "fd_csrf"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "core.http.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# --- people's accounts: allauth keeps addresses and factors, `tenants.accounts` decides with them
ACCOUNT_ADAPTER = "tenants.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_CHANGE_EMAIL = True
SOCIALACCOUNT_ADAPTER = "tenants.accounts.oidc.SocialAdapter"
MFA_ADAPTER = "tenants.accounts.adapter.FactorAdapter"
MFA_FORMS = {
    "authenticate": "tenants.accounts.steps.SecondStepForm",
    "authenticate_webauthn": "tenants.accounts.steps.OwnPasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_TOLERANCE = 1  # half a minute either way, for clocks that differ
PASSWORD_RESET_TIMEOUT = 3600

# Each workspace says which pages may call its chat (conversations/cors.py); cookies never count.
CORS_ALLOWED_ORIGINS: list[str] = []
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key", "prefer"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
KNOWLEDGE_UPLOAD_MAX_BYTES = 25 * 1024 * 1024
FETCH_ALLOWED_PRIVATE_HOSTS: list[str] = []
# Where webhooks of Slack channels may lead; tests have a server of their own.
SLACK_ORIGINS = ["https://hooks.slack.com"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tenants.tokens.authentication.AccessTokenAuthentication",
        "tenants.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["tenants.admission.http.AdmissionThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.parsing.JsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "core.api.CursorPagination",
    "PAGE_SIZE": 50,
    "EXCEPTION_HANDLER": "core.api.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
# Calls a minute for one key, person, visitor or address; a whole workspace has ten times as many.
RATE_LIMITS = {"read": 6_000, "write": 3_000, "chat": 1_200, "auth": 30, "upload": 300}
INVITATIONS_PER_HOUR = 60  # by one workspace, mails sent again included
SPECTACULAR_SETTINGS = {
    "TITLE": "Frontdesk API",
    "DESCRIPTION": "Conversations, knowledge, workflows, routing and usage of one workspace.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.openapi.contracts_describe",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "AUTHENTICATION_WHITELIST": [
        "tenants.tokens.authentication.AccessTokenAuthentication",
        "tenants.authentication.ApiKeyAuthentication",
    ],
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": True,
    "ENUM_NAME_OVERRIDES": {
        # The values of workflows.engine.events.RunStatus, which two components show.
        "RunStatusEnum": [
            "running",
            "waiting",
            "failing",
            "compensating",
            "completed",
            "failed",
            "compensated",
            "stuck",
            "cancelled",
            "superseded",
            "handed_over",
        ],
        # Those of conversations.types.Priority.
        "PriorityEnum": ["none", "low", "medium", "high", "urgent"],
        # Those of workflows.types.VersionState.
        "VersionStateEnum": ["library", "draft", "validated", "published", "retired"],
    },
}


PREPARED_AFTER = 2


def _database(environment: Environment, role: str) -> dict[str, Any]:
    """Return one alias: pooled, short-lived connections as the named role."""
    url = environment.text(ROLE_VARIABLES[role])
    config: dict[str, Any] = environ.Env.db_url_config(url)
    config["ENGINE"] = "core.db"
    config["CONN_MAX_AGE"] = 0
    is_pooled_elsewhere = environment.flag("DATABASE_TRANSACTION_POOLER")
    config["DISABLE_SERVER_SIDE_CURSORS"] = is_pooled_elsewhere
    config["OPTIONS"] = {
        # Only the engine's few statements bind on the server, and so only they are prepared.
        "prepare_threshold": None if is_pooled_elsewhere else PREPARED_AFTER,
        # A backend's catalogue cache grows with each tenant it touches, so connections retire.
        "pool": {"min_size": 1, "max_size": 32, "max_lifetime": 1800, "timeout": 10},
        "application_name": f"frontdesk-{role}",
    }
    return config


def _databases(environment: Environment) -> dict[str, dict[str, Any]]:
    role = environment.role()
    databases = {"default": _database(environment, role)}
    if environment.text(ROLE_VARIABLES["platform"]):
        databases["platform"] = _database(environment, "platform")
    return databases


def _csp(environment: Environment) -> dict[str, Any]:
    realtime = environment.text("REALTIME_URL", "ws://{host}:8001").replace("{host}", "*")
    return {
        "DIRECTIVES": {
            "default-src": [SELF],
            "script-src": [SELF],
            "style-src": [SELF],
            "img-src": [SELF, "data:"],
            "connect-src": [SELF, *_origin_patterns(realtime, environment)],
            "frame-src": [SELF, *_frame_patterns(environment)],
            "frame-ancestors": [NONE],
            "object-src": [NONE],
            "base-uri": [NONE],
            "form-action": [SELF, *_frame_patterns(environment)],
        }
    }


def _origin_patterns(realtime: str, environment: Environment) -> list[str]:
    base = environment.text("BASE_DOMAIN", "localhost")
    hosts = (realtime.replace("*", f"*.{base}"), realtime.replace("*", base))
    # The same address by HTTP is for where no WebSocket passes.
    return [*hosts, *("http" + host.removeprefix("ws") for host in hosts)]


def _frame_patterns(environment: Environment) -> list[str]:
    """Return the workspaces' origins: the platform's page frames its own tenant's widget."""
    base = environment.text("BASE_DOMAIN", "localhost")
    port = environment.text("PUBLIC_BASE_URL", "http://localhost:8000").rpartition(":")[2]
    suffix = f":{port}" if port.isdigit() else ""
    scheme = "https" if environment.text("PUBLIC_BASE_URL").startswith("https") else "http"
    return [f"{scheme}://*.{base}{suffix}", f"{scheme}://{base}{suffix}"]


def _celery(environment: Environment) -> dict[str, Any]:
    return {
        "CELERY_BROKER_URL": environment.text("REDIS_URL"),
        "CELERY_RESULT_BACKEND": None,
        "CELERY_TASK_IGNORE_RESULT": True,
        "CELERY_TASK_ACKS_LATE": True,
        "CELERY_TASK_REJECT_ON_WORKER_LOST": True,
        "CELERY_TASK_DEFAULT_QUEUE": "runs",
        "CELERY_TASK_ROUTES": ("core.tasks.task_route",),
        "CELERY_WORKER_PREFETCH_MULTIPLIER": 1,
        "CELERY_WORKER_HIJACK_ROOT_LOGGER": False,
        "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP": True,
        "CELERY_TASK_SERIALIZER": "json",
        "CELERY_ACCEPT_CONTENT": ["json"],
        "CELERY_TIMEZONE": "UTC",
        "CELERY_BEAT_SCHEDULER": "config.schedule:SharedScheduler",
        "CELERY_BEAT_SCHEDULE": {
            "conversations.snoozed_wake": {
                "task": "conversations.snoozed_wake",
                "schedule": 30.0,
                "options": {"expires": 30},
            },
            "conversations.queues_tend": {
                "task": "conversations.queues_tend",
                "schedule": 15.0,
                "options": {"expires": 15},
            },
            "conversations.attachments_sweep": {
                "task": "conversations.attachments_sweep",
                "schedule": 1800.0,
                "options": {"expires": 1800},
            },
            "tenants.quotas_reconcile": {
                "task": "tenants.quotas_reconcile",
                "schedule": 300.0,
                "options": {"expires": 300},
            },
            "core.idempotency_sweep": {
                "task": "core.idempotency_sweep",
                "schedule": 600.0,
                "options": {"expires": 600},
            },
            "core.audit_checkpoint": {
                "task": "core.audit_checkpoint",
                "schedule": 300.0,
                "options": {"expires": 300},
            },
            "core.audit_verification": {
                "task": "core.audit_verification",
                "schedule": crontab(hour=3, minute=20),
                "options": {"expires": 3600},
            },
        },
        # Measured: a killed worker's task is back in 6.6 s instead of 104 with these.
        "CELERY_BROKER_TRANSPORT_OPTIONS": {
            "visibility_timeout": 600,
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
            "global_keyprefix": environment.text("CELERY_KEY_PREFIX", "fd:celery:"),
        },
    }


def _mail(environment: Environment) -> dict[str, Any]:
    """Return where mails go: a server by EMAIL_URL, else files that a developer can read."""
    url = environment.text("EMAIL_URL") or f"filemail:///{environment.var_dir / 'mail'}"
    sender = f"Frontdesk <no-reply@{environment.text('BASE_DOMAIN', 'localhost')}>"
    return {
        **environ.Env.email_url_config(url),
        "EMAIL_TIMEOUT": 20,
        "DEFAULT_FROM_EMAIL": environment.text("EMAIL_FROM") or sender,
    }


def _identity_provider(environment: Environment) -> dict[str, Any]:
    """Return the OpenID Connect provider that members may sign in at, if there is one."""
    issuer = environment.text("OIDC_ISSUER").rstrip("/")
    app = {
        "provider_id": "sso",
        "name": environment.text("OIDC_NAME", "single sign-on"),
        "client_id": environment.text("OIDC_CLIENT_ID"),
        "secret": environment.text("OIDC_CLIENT_SECRET"),
        "settings": {"server_url": issuer},
    }
    return {"openid_connect": {"APPS": [app] if issuer else []}}


def settings_for(environment: Environment) -> dict[str, Any]:
    """Return the settings that follow from the environment, for `globals().update`."""
    base_domain = environment.text("BASE_DOMAIN", "localhost")
    var_dir: Path = environment.var_dir
    return {
        "SECRET_KEY": environment.text("SECRET_KEY"),
        "SECRET_KEY_FALLBACKS": environment.items("SECRET_KEY_FALLBACKS"),
        "DATABASES": _databases(environment),
        "REDIS_URL": environment.text("REDIS_URL"),
        "VAR_DIR": var_dir,
        "BASE_DOMAIN": base_domain,
        "PUBLIC_BASE_URL": environment.text("PUBLIC_BASE_URL", "http://localhost:8000"),
        "REALTIME_URL": environment.text("REALTIME_URL", "ws://{host}:8001"),
        # Which frame that may be lost goes when a reader is slow: oldest, newest or priority.
        "REALTIME_DROPS": environment.text("REALTIME_DROPS", DROPS[0]),
        # Where signed checkpoints are filed; best on a volume the database server cannot write.
        "AUDIT_CHECKPOINT_DIR": environment.text("AUDIT_CHECKPOINT_DIR", str(var_dir / "audit")),
        "TRUSTED_PROXY_COUNT": environment.number("TRUSTED_PROXY_COUNT", 0),
        # How many runs the workers of each lane hold at once, and how many of them one tenant's.
        "TOOL_MODULES": [name for name in environment.text("TOOL_MODULES").split(",") if name],
        "RUNS_EXPRESS_WINDOW": environment.number("RUNS_EXPRESS_WINDOW", 8),
        "RUNS_EXPRESS_PER_TENANT": environment.number("RUNS_EXPRESS_PER_TENANT", 2),
        "RUNS_BULK_WINDOW": environment.number("RUNS_BULK_WINDOW", 2),
        "RUNS_PER_TENANT": environment.number("RUNS_PER_TENANT", 4),
        # How long a visitor who seems to have more to say is waited for; 0 answers at once.
        "REPLY_PATIENCE_MS": environment.number("REPLY_PATIENCE_MS", 2_000),
        "DEGRADE_AUTOMATIC": environment.text("DEGRADE_AUTOMATIC", "1") != "0",
        "ALLOWED_HOSTS": [base_domain, f".{base_domain}", *environment.items("ALLOWED_HOSTS")],
        "CSRF_TRUSTED_ORIGINS": environment.items("CSRF_TRUSTED_ORIGINS"),
        "CONTENT_SECURITY_POLICY": _csp(environment),
        "STATIC_ROOT": var_dir / "static",
        "MEDIA_ROOT": var_dir / "media",
        "CACHES": {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": environment.text("REDIS_URL"),
                "KEY_FUNCTION": "core.cache.tenant_cache_key",
            }
        },
        "CHANNEL_LAYERS": {
            "default": {
                "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
                "CONFIG": {"hosts": [environment.text("REDIS_URL")], "prefix": "fd:channels"},
            }
        },
        "STORAGES": {
            "default": {"BACKEND": "core.storage.TenantFileSystemStorage"},
            "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
        },
        "LOGGING": logging_config(
            level=environment.text("LOG_LEVEL", "INFO"), style=environment.text("LOG_STYLE", "json")
        ),
        **_mail(environment),
        "SOCIALACCOUNT_PROVIDERS": _identity_provider(environment),
        **_celery(environment),
    }
