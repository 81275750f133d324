"""The description of the doors: whole, valid, and true of what the server answers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from starlette.routing import Route

from http_calls import client, scripted_process
from live_server import KEY, live
from stenowire.gateway.app import application
from stenowire.gateway.http.description import SOCKETS, openapi
from stenowire.gateway.http.doors import operations
from stenowire.gateway.runtime import Runtime
from stenowire.settings import Settings
from stenowire.store.keys import KeyRing

pytestmark = pytest.mark.faults


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    loaded = Settings.load(data=tmp_path, api_keys=KEY)
    return Runtime(loaded, KeyRing.open(loaded))


def test_every_route_is_described_and_nothing_else(runtime: Runtime) -> None:
    routes = [route for route in application(runtime).routes if isinstance(route, Route) and route.include_in_schema]
    served = {(route.path, method) for route in routes for method in (route.methods or set()) - {"HEAD"}}
    paths = openapi(operations(runtime))["paths"]
    described = {(path, method.upper()) for path, methods in paths.items() for method in methods}
    assert served == described


def test_every_reference_leads_somewhere_and_every_schema_is_valid(runtime: Runtime) -> None:
    document = openapi(operations(runtime))
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    assert set(references(document)) <= set(schemas)
    assert not [name for name in schemas if name.startswith("stenowire")]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"].rpartition("/")[2]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_names_of_operations_are_unique(runtime: Runtime) -> None:
    paths = openapi(operations(runtime))["paths"]
    names = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(set(names)) == len(names)


async def test_both_descriptions_are_served_without_a_key(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server, key=None) as visitor:
        document = (await visitor.get("/openapi.json")).json()
        page = (await visitor.get("/docs")).text
    assert document == described()
    assert all(path in page for path in document["paths"])
    assert all(path in page for path, _ in SOCKETS)


# ---- what is answered to requests that nobody thought of -----------------------------------------------------------


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with scripted_process(tmp_path_factory.mktemp("data")) as (_, address):
        yield address


def described() -> dict[str, Any]:
    loaded = Settings.load(api_keys=KEY)
    return openapi(operations(Runtime(loaded, KeyRing.open(loaded))))


ENDLESS = "/api/v1/captions/{name}"
"""Answered for as long as its client stays; tests/gateway/test_read_along.py asks for it."""
fuzzed = schemathesis.openapi.from_dict(described()).exclude(path=ENDLESS)


@fuzzed.parametrize()
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_request_is_answered_as_described(case: Any, url: str) -> None:
    checks = [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
        unsupported_method,
    ]
    case.call_and_validate(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, checks=checks, timeout=20)
