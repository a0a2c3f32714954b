"""An identity provider: a real HTTP server that speaks OpenID Connect, with faults on demand."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

CLIENT_ID, SECRET = "frontdesk", "a secret of the tests"


@dataclass
class Provider:
    """Signs people in without asking them; `claims` and `faults` say what it gets wrong."""

    server: HTTPServer
    email: str
    sub: str = "subject-1"
    claims: dict[str, Any] = field(default_factory=dict)
    faults: set[str] = field(default_factory=set)
    asked: dict[str, str] = field(default_factory=dict)
    exchanged: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.server.expect_request("/.well-known/openid-configuration").respond_with_handler(
            self._discovery
        )
        self.server.expect_request("/jwks").respond_with_handler(self._jwks)
        self.server.expect_request("/token").respond_with_handler(self._token)

    @property
    def issuer(self) -> str:
        return str(self.server.url_for("")).rstrip("/")

    @property
    def settings(self) -> dict[str, Any]:
        """Return what the environment would say of it."""
        app = {
            "provider_id": "sso",
            "name": "Initech ID",
            "client_id": CLIENT_ID,
            "secret": SECRET,
            "settings": {"server_url": self.issuer},
        }
        return {"openid_connect": {"APPS": [app]}}

    def authorize(self, location: str) -> str:
        """Do what a browser and the provider do; return where the person is sent back."""
        assert location.startswith(f"{self.issuer}/authorize?")
        query = parse_qs(urlsplit(location).query)
        self.asked = {name: values[0] for name, values in query.items()}
        state = "another" if "state" in self.faults else self.asked["state"]
        return f"{urlsplit(self.asked['redirect_uri']).path}?code=code-1&state={state}"

    def _discovery(self, _: Request) -> Response:
        issuer = "https://other.example" if "issuer" in self.faults else self.issuer
        document = {
            "issuer": issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }
        return _json({} if "discovery" in self.faults else document)

    def _jwks(self, _: Request) -> Response:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return _json({"keys": [{**public, "kid": "key-1", "alg": "RS256", "use": "sig"}]})

    def _token(self, request: Request) -> Response:
        self.exchanged = dict(request.form)
        challenge = urlsafe_b64encode(sha256(request.form["code_verifier"].encode()).digest())
        is_right = challenge.decode().rstrip("=") == self.asked["code_challenge"]
        if not is_right or request.form["client_secret"] != SECRET:
            return Response(status=400)
        answer = {"access_token": "opaque", "token_type": "Bearer", "id_token": self._id_token()}
        return _json({k: v for k, v in answer.items() if k not in self.faults})

    def _id_token(self) -> str:
        now = int(time.time())
        said = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": self.sub,
            "iat": now,
            "exp": now + 300,
            "nonce": self.asked["nonce"],
            "email": self.email,
            "email_verified": True,
            **self.claims,
        }
        said = {name: value for name, value in said.items() if value is not None}
        headers = {"kid": "key-2" if "kid" in self.faults else "key-1"}
        if "algorithm" in self.faults:
            return jwt.encode(said, CLIENT_ID * 8, algorithm="HS256", headers=headers)
        stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        key = stranger if "signature" in self.faults else self.key
        return jwt.encode(said, key, algorithm="RS256", headers=headers)


def _json(body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), content_type="application/json")
