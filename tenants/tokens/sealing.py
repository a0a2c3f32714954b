"""Encrypt secrets at rest: AES-256-GCM under a key derived from SECRET_KEY (RFC 5869).

A copy of the database alone signs nothing. The row's name is authenticated with the ciphertext, so
that nobody can swap two rows. `SECRET_KEY_FALLBACKS` open what an earlier SECRET_KEY sealed.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.secrets import keys_derive

PURPOSE = b"frontdesk/signing-key/v1"
NONCE_BYTES = 12


def seal(plain: bytes, *, name: str, purpose: bytes = PURPOSE) -> bytes:
    """Return nonce and ciphertext of `plain`, bound to `name`; each purpose has its own key."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(keys_derive(purpose)[0]).encrypt(nonce, plain, name.encode())


def unseal(sealed: bytes, *, name: str, purpose: bytes = PURPOSE) -> bytes | None:
    """Return what was sealed under `name`, or None when no known secret opens it."""
    nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    for key in keys_derive(purpose):
        try:
            return AESGCM(key).decrypt(nonce, body, name.encode())
        except InvalidTag:
            continue
    return None
