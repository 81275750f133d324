"""What an HTTP door is, as data: its route is made from it, and so is its description for people and programs.

In: method, path, types. Out: a route. The types that read requests are the types that are described.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from starlette.routing import Route
from starlette.types import ASGIApp


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    methods: tuple[Literal["GET", "POST"], ...]
    path: str
    endpoint: ASGIApp
    summary: str
    query: type | None = None
    """A struct whose fields are the parameters of the address."""
    headers: Mapping[str, str] = {}
    """Names of header fields that matter here, and their meaning."""
    body: type | None = None
    form: type | None = None
    """Of a multipart form, besides its file."""
    answers: Mapping[str, tuple[Any, ...]]
    """Media type -> types, of a success."""
    errors: Literal["native", "openai"] = "native"
    keyless: bool = False

    @property
    def route(self) -> Route:
        return Route(self.path, self.endpoint, methods=self.methods)
