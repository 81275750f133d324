"""Who stands behind a request: by header, query or sub-protocol, with a permanent key or a temporary one.

Input: the header of an HTTP request or a handshake. Output: the caller, or InvalidApiKey.
"""

import msgspec
from starlette.requests import HTTPConnection

from stenowire.errors import AccessDenied, InvalidApiKey
from stenowire.store.accounts import Scope
from stenowire.store.keys import KeyRing, Tenant, bearer
from stenowire.store.sealed import Claim, Purpose, Seal
from stenowire.store.tokens import Tokens

SUBPROTOCOL = "realtime"
KEY_SUBPROTOCOL = "openai-insecure-api-key."
"""OpenAI's way for browsers, which cannot set a header: the key is the rest of one of the offered sub-protocols."""

PAGE_SCOPES: frozenset[str] = frozenset({"recognise", "captions-read"})
SEALED_SCOPES: dict[Purpose, frozenset[str]] = {
    "link": PAGE_SCOPES,
    "page": PAGE_SCOPES,
    "captions": frozenset({"captions-read"}),
}


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    tenant: Tenant
    key: str = ""
    """The id of the permanent key behind it; "" where any key of the tenant will do."""
    scopes: frozenset[str]
    permanent: bool
    update: str | None = None
    """What a temporary key has its connections begin with."""

    def must(self, scope: Scope) -> None:
        """Raises AccessDenied when the key is not for that."""
        if scope not in self.scopes:
            raise AccessDenied(f"This key may not do this: it is without the scope {scope}.")

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
        holder = self._keys.find(key) if grant is None else self._keys.holder(grant.key)
        return Caller(
            tenant=holder.tenant,
            key=holder.key,
            scopes=holder.scopes,
            permanent=grant is None,
            update=grant.update if grant else None,
        )

    def is_good(self, caller: Caller) -> bool:
        """Whether what the caller came in with is still good; a temporary key is as long as its permanent one."""
        try:
            if caller.key:
                self._keys.holder(caller.key)
            else:
                self._keys.named(caller.tenant.name)
        except InvalidApiKey:
            return False
        return True

    def _claimed(self, claim: Claim) -> Caller:
        return Caller(tenant=self._keys.named(claim.tenant), scopes=SEALED_SCOPES[claim.purpose], permanent=False)


def subprotocols(request: HTTPConnection) -> list[str]:
    return [name.strip() for name in request.headers.get("sec-websocket-protocol", "").split(",") if name.strip()]


def answered(request: HTTPConnection) -> str | None:
    """The sub-protocol to agree on: the one that names no key, if the client offered it."""
    return SUBPROTOCOL if SUBPROTOCOL in subprotocols(request) else None
