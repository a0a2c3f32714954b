"""Encrypt secrets at rest: AES-256-GCM under a key derived from SECRET_KEY (RFC 5869).

A copy of the database alone signs nothing. The row's name is authenticated with the ciphertext, so
that nobody can swap two rows. `SECRET_KEY_FALLBACKS` open what an earlier SECRET_KEY sealed.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"frontdesk/signing-key/v1"
NONCE_BYTES = 12


def seal(plain: bytes, *, name: str, purpose: bytes = PURPOSE) -> bytes:
    """Return nonce and ciphertext of `plain`, bound to `name`; each purpose has its own key."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher(settings.SECRET_KEY, purpose).encrypt(nonce, plain, name.encode())


def unseal(sealed: bytes, *, name: str, purpose: bytes = PURPOSE) -> bytes | None:
    """Return what was sealed under `name`, or None when no known secret opens it."""
    nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            return _cipher(secret, purpose).decrypt(nonce, body, name.encode())
        except InvalidTag:
            continue
    return None


def _cipher(secret: str | bytes, purpose: bytes) -> AESGCM:
    material = secret.encode() if isinstance(secret, str) else secret
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(material))
