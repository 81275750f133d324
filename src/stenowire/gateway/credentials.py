"""Who stands behind a request: by header, query or sub-protocol, with a permanent key or a temporary one.

Input: the header of an HTTP request or a handshake. Output: the caller, or InvalidApiKey.
"""

import msgspec
from starlette.requests import HTTPConnection

from stenowire.errors import AccessDenied
from stenowire.store.keys import KeyRing, Tenant, bearer
from stenowire.store.sealed import Claim, Seal
from stenowire.store.tokens import Tokens

SUBPROTOCOL = "realtime"
KEY_SUBPROTOCOL = "openai-insecure-api-key."
"""OpenAI's way for browsers, which cannot set a header: the key is the rest of one of the offered sub-protocols."""


class Caller(msgspec.Struct, frozen=True):
    tenant: Tenant
    permanent: bool
    update: str | None = None
    """What a temporary key has its connections begin with."""

    def must_be_permanent(self) -> None:
        """A temporary key must not make others, or it would last for ever."""
        if not self.permanent:
            raise AccessDenied("A temporary key cannot do this; use the permanent one.")


class Credentials:
    def __init__(self, keys: KeyRing, tokens: Tokens, seal: Seal) -> None:
        self._keys = keys
        self._tokens = tokens
        self._seal = seal

    def of_request(self, request: HTTPConnection) -> Caller:
        """By header alone: an address with a key in it ends up in logs, and plain HTTP clients can set headers."""
        return self.check(bearer(request.headers.get("authorization", "")))

    def of_handshake(self, request: HTTPConnection) -> Caller:
        """A header counts; without one, a sub-protocol or the query."""
        header = request.headers.get("authorization")
        if header is not None:
            return self.check(bearer(header))
        query = request.query_params
        offered = subprotocols(request)
        key = next((name.removeprefix(KEY_SUBPROTOCOL) for name in offered if name.startswith(KEY_SUBPROTOCOL)), None)
        return self.check(key or query.get("api_key") or query.get("token") or "")

    def of_opener(self, request: HTTPConnection) -> Caller:
        """Who may open the captions page: with a permanent key, or the key of the page's link."""
        key = bearer(request.headers.get("authorization", ""))
        claim = self._seal.open(key)
        if claim is not None and claim.purpose == "link":
            return self._claimed(claim)
        caller = self.check(key)
        caller.must_be_permanent()
        return caller

    def of_viewer(self, request: HTTPConnection, name: str) -> Caller:
        """Who may read the captions of that name: with a key for just that, or any other."""
        key = bearer(request.headers.get("authorization", ""))
        claim = self._seal.open(key)
        if claim is None or claim.purpose != "captions":
            return self.check(key)
        if claim.name != name:
            raise AccessDenied("This key is for other captions.")
        return self._claimed(claim)

    def check(self, key: str) -> Caller:
        """The caller with this key. Raises InvalidApiKey, or AccessDenied when it is for one special thing."""
        claim = self._seal.open(key)
        if claim is not None and claim.purpose != "page":
            raise AccessDenied("This key cannot do this.")
        if claim is not None:
            return self._claimed(claim)
        grant = self._tokens.find(key)
        if grant is None:
            return Caller(self._keys.check_key(key), permanent=True)
        return Caller(grant.tenant, permanent=False, update=grant.update)

    def _claimed(self, claim: Claim) -> Caller:
        return Caller(self._keys.named(claim.tenant), permanent=False)


def subprotocols(request: HTTPConnection) -> list[str]:
    return [name.strip() for name in request.headers.get("sec-websocket-protocol", "").split(",") if name.strip()]


def answered(request: HTTPConnection) -> str | None:
    """The sub-protocol to agree on: the one that names no key, if the client offered it."""
    return SUBPROTOCOL if SUBPROTOCOL in subprotocols(request) else None
