"""Fill a development machine with the demo: three workspaces, their people, documents, orders.

Everything goes through the services people's own actions go through, documents included: they are
uploaded and processed like anybody's. Idempotent: passwords, keys and what was uploaded are
remembered beside the stack's other secrets.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from django.conf import settings

from commerce.services import demo_commerce_load
from config.demo.rendering import DemoSource, demo_document_render, demo_sources_load
from config.supervision.credentials import private_write
from conversations.services.widget import widget_ensure, widget_update
from core import tenancy
from knowledge.models import Document
from knowledge.services import document_upload
from tenants import selectors, services
from tenants.accounts import verification
from tenants.errors import ApiKeyInvalid
from tenants.models import Person, Tenant
from tenants.types import SCOPES, Role

ORDERS_FILE: Final = Path(__file__).parent / "demo" / "orders.yaml"
ADMIN_EMAIL: Final = "admin@frontdesk.example"
MAIL_DOMAINS: Final = {"frontdesk": "frontdesk.example"}
STALL_SECONDS: Final = 120.0
ROLES: Final = {"owner": Role.OWNER, "staff": Role.ADMIN, "agent": Role.AGENT}
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoTenant:
    """What a demo workspace is called and what its widget says."""

    slug: str
    name: str
    greeting: str
    suggestions: tuple[str, ...]


DEMO_TENANTS: Final = (
    DemoTenant(
        "acme",
        "Acme Outfitters",
        "Hello! Ask us about orders, returns, sizes and care.",
        ("How long do I have to return a jacket I already wore once?", "Where is my order?"),
    ),
    DemoTenant(
        "globex",
        "Globex Home",
        "Hello! Ask us about delivery, returns and your appliance.",
        ("How long do I have to return something?", "What does the warranty cover?"),
    ),
    DemoTenant(
        "frontdesk",
        "Frontdesk",
        "Hello! Ask how Frontdesk works; answers come from its own documentation.",
        ("What is Frontdesk?", "How do I embed the widget?", "Which formats can I upload?"),
    ),
)


@dataclass
class Memory:
    """Secrets and digests of what was uploaded, in a file only its owner reads."""

    path: Path
    content: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Memory:
        return cls(path, json.loads(path.read_text()) if path.is_file() else {})

    def get_or_make(self, name: str, make: Callable[[], str]) -> str:
        if name not in self.content:
            self.put(name, make())
        return self.content[name]

    def put(self, name: str, value: str) -> None:
        self.content[name] = value
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        private_write(self.path, json.dumps(self.content, indent=2) + "\n")


def demo_seed(*, say: Say) -> dict[str, Any]:
    """Create or complete the demo and return its description, as var/demo.json holds it."""
    memory = Memory.load(settings.VAR_DIR / "secrets" / "demo.json")
    description: dict[str, Any] = {"platform": _platform(memory), "tenants": {}}
    tenants = []
    for demo in DEMO_TENANTS:
        tenant = _tenant_ensure(demo)
        say(f"workspace {demo.name}")
        with tenancy.tenant_scope(tenant.context):
            description["tenants"][demo.slug] = _tenant_fill(demo, memory)
        tenants.append(tenant)
    description_write(description)
    for tenant in tenants:
        with tenancy.tenant_scope(tenant.context):
            _documents_upload(tenant.slug, memory, say)
    _documents_wait(tenants, say)
    return description


def description_write(description: dict[str, Any]) -> None:
    """Write var/demo.json for scripts; it holds passwords, so its owner alone reads it."""
    private_write(settings.VAR_DIR / "demo.json", json.dumps(description, indent=2) + "\n")


def _platform(memory: Memory) -> dict[str, str]:
    password = memory.get_or_make("platform-admin", _password)
    _person_ensure(ADMIN_EMAIL, "Platform Admin", password, is_staff=True, is_superuser=True)
    return {
        "base_url": settings.PUBLIC_BASE_URL,
        "admin_url": f"{settings.PUBLIC_BASE_URL}/admin/",
        "admin_email": ADMIN_EMAIL,
        "admin_password": password,
    }


def _password() -> str:
    """Return a password that can be typed: letters and digits in groups."""
    return "-".join(secrets.token_hex(2) for _ in range(4))


def _person_ensure(email: str, full_name: str, password: str, **flags: bool) -> Person:
    known = selectors.person_by_email(email)
    if known is None:
        return services.person_create(
            email=email, password=password, full_name=full_name, is_verified=True, **flags
        )
    verification.email_verified_set(person=known)
    if not known.check_password(password):
        known.set_password(password)
        known.save(update_fields=["password"])
    return known


def _tenant_ensure(demo: DemoTenant) -> Tenant:
    with tenancy.platform_scope():
        known: Tenant | None = Tenant.objects.filter(slug=demo.slug).first()
    if known is not None:
        return known
    # The largest plan: whoever measures a demonstration should not meet its limits.
    return services.tenant_create(
        name=demo.name, slug=demo.slug, plan="business", is_demo=True, allow_reserved=True
    )


def _tenant_fill(demo: DemoTenant, memory: Memory) -> dict[str, Any]:
    """Create people, key, widget and orders of the current tenant; return its description."""
    base_url = selectors.tenant_base_url(demo.slug)
    host = f"{demo.slug}.{settings.BASE_DOMAIN}"
    people = {label: _member(demo.slug, label, role, memory) for label, role in ROLES.items()}
    _commerce_load(demo.slug)
    return {
        "slug": demo.slug,
        "name": demo.name,
        "host": host,
        "base_url": base_url,
        "ws_url": selectors.realtime_url(host),
        "demo_url": f"{base_url}/demo/",
        **people,
        "api_key": _api_key(demo.slug, memory),
        "widget_key": _widget(demo, base_url),
    }


def _member(slug: str, label: str, role: Role, memory: Memory) -> dict[str, str]:
    email = f"{label}@{MAIL_DOMAINS.get(slug, f'{slug}.example')}"
    password = memory.get_or_make(f"{slug}-{label}", _password)
    person = _person_ensure(email, f"{label.title()} of {slug.title()}", password)
    services.member_add(person=person, role=role)
    return {"email": email, "password": password}


def _api_key(slug: str, memory: Memory) -> str:
    """Return the remembered key while it is valid, otherwise a new one."""
    name = f"{slug}-api-key"
    try:
        services.api_key_verify(secret=memory.content.get(name, ""))
    except ApiKeyInvalid:
        memory.put(name, services.api_key_create(name="Demo", scopes=SCOPES).secret)
    return memory.content[name]


def _widget(demo: DemoTenant, base_url: str) -> str:
    widget = widget_ensure()
    wanted = {base_url, *([settings.PUBLIC_BASE_URL] if demo.slug == "frontdesk" else [])}
    if not wanted <= set(widget.allowed_origins):
        is_new = not widget.allowed_origins
        widget = widget_update(
            widget_id=widget.pk,
            title=demo.name if is_new else None,
            greeting=demo.greeting if is_new else None,
            suggestions=demo.suggestions if is_new else None,
            allowed_origins=wanted | set(widget.allowed_origins),
        )
    return widget.key


def _commerce_load(slug: str) -> None:
    known = yaml.safe_load(ORDERS_FILE.read_text()).get(slug)
    if known:
        demo_commerce_load(known["products"], known["orders"])


def _documents_upload(slug: str, memory: Memory, say: Say) -> None:
    """Upload what is new or has changed since it was uploaded."""
    # A failed one is uploaded again, which tries it again.
    usable = Document.objects.exclude(state=Document.State.FAILED)
    present = set(usable.values_list("filename", flat=True))
    for source in demo_sources_load(slug):
        name, digest = f"{slug}/{source.filename}", _digest(source)
        if source.filename in present and memory.content.get(name) == digest:
            continue
        say(f"uploading {name}")
        document_upload(
            filename=source.filename,
            content=demo_document_render(source),
            collection=source.collection,
            uploaded_by=None,
        )
        memory.put(name, digest)


def _digest(source: DemoSource) -> str:
    return hashlib.sha256(f"{source.title}\n{source.format}\n{source.body}".encode()).hexdigest()


def _documents_wait(tenants: Iterable[Tenant], say: Say) -> None:
    """Return once every document is processed; raises DemoIncomplete when one cannot be."""
    deadline, best = time.monotonic() + STALL_SECONDS, -1
    while True:
        states = [state for tenant in tenants for state in _document_states(tenant)]
        failed = [name for name, state in states if state == Document.State.FAILED]
        if failed:
            raise DemoIncomplete(f"could not be processed: {', '.join(failed)}")
        done = sum(state == Document.State.READY for _, state in states)
        say(f"documents {done}/{len(states)}")
        if done > best:
            deadline, best = time.monotonic() + STALL_SECONDS, done
        if done == len(states):
            return
        if time.monotonic() > deadline:
            raise DemoIncomplete(f"only {done} of {len(states)} documents are ready")
        time.sleep(0.5)


def _document_states(tenant: Tenant) -> list[tuple[str, str]]:
    with tenancy.tenant_scope(tenant.context):
        rows = Document.objects.values_list("filename", "state")
        return [(f"{tenant.slug}/{filename}", state) for filename, state in rows]


class DemoIncomplete(RuntimeError):
    """Raised when the demo's documents cannot all be made ready."""
