"""What people hold in their hands: an authenticator app, and a passkey made of software."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

from allauth.mfa.totp.internal.auth import generate_totp_secret
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_encode

from tenants.accounts import factors
from tenants.models import Person
from tests.tenants.accounts.totp import code_of, half_minute_begin

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


class App:
    """An authenticator app with one account in it, which shows one code for a test's length."""

    def __init__(self, secret: str = "") -> None:
        self.secret = secret or generate_totp_secret()
        half_minute_begin()

    def code(self, steps: int = 0) -> str:
        """Return what it shows now, or so many half minutes from now."""
        return code_of(self.secret, steps)

    @classmethod
    def of(cls, person: Person) -> App:
        """Turn two-step sign-in on for a person and return their app."""
        app = cls()
        app.recovery_codes = factors.app_activate(  # the code before this is used up by it
            person=person, secret=app.secret, code=app.code(-1)
        )
        return app

    recovery_codes: list[str]


class SoftPasskey:
    """An authenticator that signs for one host (ES256, no attestation)."""

    def __init__(self, host: str = "acme.localhost", *, verifies: bool = True) -> None:
        self.host, self.verified = host, VERIFIED if verifies else 0
        self.id = hashlib.sha256(f"{host}{time.time_ns()}".encode()).digest()
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.user_handle = b""

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer creation options as `navigator.credentials.create` does."""
        public = options["publicKey"]
        self.user_handle = public["user"]["id"]
        key = ES256.from_cryptography_key(self.key.public_key())  # type: ignore[no-untyped-call]
        cose = cbor.encode(dict(key))
        data = self._data(ATTESTED) + bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", public["challenge"])
        return self._answer(
            {"clientDataJSON": client, "attestationObject": websafe_encode(attestation)}
        )

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer request options as `navigator.credentials.get` does."""
        client = json.dumps(self._claims("webauthn.get", options["publicKey"]["challenge"]))
        data = self._data(0)
        signed = data + hashlib.sha256(client.encode()).digest()
        return self._answer(
            {
                "clientDataJSON": websafe_encode(client.encode()),
                "authenticatorData": websafe_encode(data),
                "signature": websafe_encode(self.key.sign(signed, ec.ECDSA(SHA256()))),
                "userHandle": self.user_handle,
            }
        )

    def _data(self, flags: int) -> bytes:
        own = hashlib.sha256(self.host.encode()).digest()
        return own + bytes([PRESENT | self.verified | flags]) + bytes(4)

    def _claims(self, kind: str, challenge: str) -> dict[str, str]:
        return {"type": kind, "challenge": challenge, "origin": f"http://{self.host}:8000"}

    def _client(self, kind: str, challenge: str) -> str:
        return str(websafe_encode(json.dumps(self._claims(kind, challenge)).encode()))

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        own = str(websafe_encode(self.id))
        extensions: dict[str, Any] = {}
        return {
            "id": own,
            "rawId": own,
            "type": "public-key",
            "clientExtensionResults": extensions,
            "response": response,
        }
