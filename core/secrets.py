"""Keys derived from SECRET_KEY, one for each purpose (HKDF, RFC 5869)."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def keys_derive(purpose: bytes) -> list[bytes]:
    """Return 32 bytes for a purpose from SECRET_KEY, then from each of SECRET_KEY_FALLBACKS."""
    return [_derived(secret, purpose) for secret in _secrets()]


def _secrets() -> list[str | bytes]:
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def _derived(secret: str | bytes, purpose: bytes) -> bytes:
    material = secret.encode() if isinstance(secret, str) else secret
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(material)
