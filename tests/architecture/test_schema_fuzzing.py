"""Every operation of the OpenAPI document with generated data: no 500, nothing undocumented.

Half of what is generated fits the schema and half does not. Ids in addresses are mostly those of
objects that exist, because an id that nothing has proves little. Seeded, so that a failure repeats.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tenants.types import SCOPES
from tests.architecture.access.routes import Route
from tests.architecture.access.things import things_make
from tests.architecture.test_contracts import document

EXAMPLES = 12
HOST = "acme.localhost"
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
SETTINGS = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
SCHEMA = schemathesis.openapi.from_dict(document())
SCHEMA.app = WSGIHandler()
OPERATIONS: list[Any] = [cast(Any, found).ok() for found in SCHEMA.get_all_operations()]


@pytest.fixture(autouse=True)
def _connection_kept() -> Iterator[None]:
    """Keep the test's transaction over the end of a request, as Django's own client does."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def things(acme: Any, globex: Any, people: Any) -> dict[str, str]:
    things_make(globex, people["globex", "owner"])
    return things_make(acme, people["acme", "owner"])


def placed(case: Any, things: dict[str, str]) -> None:
    """Put an existing object's id where an id that fits the schema was generated."""
    kinds = Route(case.method, case.path, None).parameters
    for parameter, kind in kinds.items():
        name = parameter.strip("{}")
        value = case.path_parameters.get(name)
        try:
            number = uuid.UUID(str(value)).int
        except ValueError:
            continue
        if number % 4:
            case.path_parameters[name] = things[kind]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda found: found.label)
def test_operation_answers_as_documented(
    operation: Any, mode: Any, things: dict[str, str], api_key: Callable[..., str]
) -> None:
    secret = api_key("acme", *SCOPES)
    headers = {"Host": HOST, "Authorization": f"Bearer {secret}", "Prefer": "wait=0"}

    @SETTINGS
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Any) -> None:
        placed(case, things)
        with transaction.atomic():
            case.call_and_validate(base_url=f"http://{HOST}", headers=headers, checks=CHECKS)

    call()
