"""Which request this is: who sends it where under which key, and what it says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from rest_framework.request import Request

from core.idempotency.errors import KeyInvalid, KeyUnsupported

# The draft's structured string, or the same bare, as most clients send it.
_KEY = re.compile(r'"([\x20-\x21\x23-\x7e]{1,255})"|([\x21\x23-\x7e]{1,255})')


def key_parse(header: str) -> str:
    """Return the key of the header; raises KeyInvalid."""
    found = _KEY.fullmatch(header.strip())
    if found is None:
        raise KeyInvalid()
    return found[1] or found[2]


def scope_digest(request: Request, key: str) -> str:
    """Return a digest of caller, method, path and key; raises KeyUnsupported for strangers."""
    parts = (_caller(request), request.method or "", request.path, key)
    return _digest(part.encode() for part in parts)


def write_id(request: Request) -> str:
    """Return a name that a keyed write's repetitions share; empty without a key."""
    return str(getattr(request._request, "idempotency_id", ""))


def _caller(request: Request) -> str:
    """Return who sends this: a stranger has no identity that could keep answers apart."""
    user = request.user
    if not getattr(user, "is_authenticated", False):
        raise KeyUnsupported()
    return f"{user.__class__.__name__}:{user.pk}"


def request_fingerprint(request: Request) -> str:
    """Return a digest of query string, content type and body; an upload's boundary counts not."""
    media_type = (request.content_type or "").partition(";")[0].strip().lower()
    head = (request.META.get("QUERY_STRING", ""), media_type)
    is_multipart = media_type == "multipart/form-data"
    body = _multipart(request) if is_multipart else [request._request.body]
    return _digest([*(part.encode() for part in head), *body])


def _multipart(request: Request) -> Iterable[bytes]:
    """Return names and values in order, of files a digest; the files are rewound."""
    fields: Any = request.data  # what the multipart parser gives: a QueryDict
    for name, values in sorted(fields.lists()):
        for value in values:
            yield name.encode()
            yield from _upload(value) if isinstance(value, UploadedFile) else [str(value).encode()]


def _upload(file: UploadedFile[Any]) -> Iterable[bytes]:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return [(file.name or "").encode(), (file.content_type or "").encode(), digest.digest()]


def _digest(parts: Iterable[bytes]) -> str:
    """Return a digest in which no two lists of parts look alike."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()
