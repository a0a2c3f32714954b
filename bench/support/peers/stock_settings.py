"""Settings of the stock peer: `startproject`'s middleware, REST framework's token and throttle."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

SCHEMA = os.environ["BENCH_STOCK_SCHEMA"]
_DSN = urlsplit(os.environ["BENCH_DSN"])
RATE = "1000000/minute"

SECRET_KEY = (os.environ["BENCH_SECRET"],)
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "bench.support.peers.stock"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "rest_framework",
    "rest_framework.authtoken",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _DSN.path.lstrip("/"),
        "USER": _DSN.username,
        "PASSWORD": _DSN.password,
        "HOST": _DSN.hostname,
        "PORT": _DSN.port,
        "OPTIONS": {
            "pool": {"min_size": 4, "max_size": 16},
            "options": f"-c search_path={SCHEMA}",
        },
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ["BENCH_REDIS_URL"],
        "KEY_PREFIX": SCHEMA,
    }
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": RATE},
}
