"""What an HTTP door is, as data: its route is made from it, and so is its description for people and programs.

In: method, path, types. Out: a route. The types that read requests are the types that are described.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from starlette.routing import Route


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    methods: tuple[Literal["GET", "POST", "DELETE"], ...]
    path: str
    endpoint: Any
    """An ASGI application, or a function from a request to a response."""
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
    statuses: tuple[int, ...] = (200,)
    """Statuses that come with an answer."""
    refusals: tuple[int, ...] = (400, 401, 403, 404, 413, 429, 500, 503)
    """Statuses that come with an error."""
    keyless: bool = False

    @property
    def route(self) -> Route:
        return Route(self.path, self.endpoint, methods=self.methods)
