"""Temporary keys, for programs that must not hold a permanent one: `POST /api/v1/tokens`, and OpenAI's two ways to ask.

Input: a permanent key. Output: a key that opens connections and requests for a while. With OpenAI's ways a session is
set up at the same time: each connection made with the key begins as if its client had sent that update.
"""

import time
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.responses import Response

from stenowire.dialects.openai_echo import BetaSessionEcho, SessionEcho, beta_echo, echo
from stenowire.dialects.openai_session import Config, Transcription, merge
from stenowire.dialects.openai_wire import SessionFields
from stenowire.gateway.doors import DEFAULT_MODEL
from stenowire.gateway.http.body import read_json, read_query
from stenowire.gateway.http.door import Door
from stenowire.gateway.http.faults import openai_refusal
from stenowire.gateway.http.hearing import Names, Wanted, check
from stenowire.gateway.http.operations import Operation
from stenowire.gateway.http.status import json
from stenowire.gateway.http.visit import Visit
from stenowire.gateway.runtime import Runtime

BETA_SECONDS = 60


class Lifetime(msgspec.Struct, frozen=True):
    expire_in_seconds: Annotated[int, Meta(ge=1, le=1800)] = 60


class Token(msgspec.Struct, frozen=True):
    token: str
    expires_at: int
    """Seconds since 1970."""


class ExpiresAfter(msgspec.Struct, frozen=True):
    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, Meta(ge=10, le=7200)] = 600


class SecretRequest(msgspec.Struct, frozen=True):
    expires_after: ExpiresAfter | None = None
    session: SessionFields | None = None


class Secret(msgspec.Struct, frozen=True):
    value: str
    expires_at: int
    session: SessionEcho


class ClientSecret(msgspec.Struct, frozen=True):
    value: str
    expires_at: int


class BetaSession(BetaSessionEcho, frozen=True, kw_only=True):
    """As the update's answer, with the key in it."""

    client_secret: ClientSecret


def operations(runtime: Runtime) -> list[Operation]:
    mint = Mint(runtime)
    return [
        Operation(
            methods=("POST",),
            path="/api/v1/tokens",
            endpoint=Door(runtime, mint.token),
            summary="A temporary key",
            query=Lifetime,
            answers={"application/json": (Token,)},
        ),
        Operation(
            methods=("POST",),
            path="/v1/realtime/client_secrets",
            endpoint=Door(runtime, mint.secret, openai_refusal),
            summary="A temporary key, and the session that its connections begin with",
            body=SecretRequest,
            answers={"application/json": (Secret,)},
            errors="openai",
        ),
        Operation(
            methods=("POST",),
            path="/v1/realtime/transcription_sessions",
            endpoint=Door(runtime, mint.beta, openai_refusal),
            summary="The same under its older name",
            body=SessionFields,
            answers={"application/json": (BetaSession,)},
            errors="openai",
        ),
    ]


class Mint:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def token(self, visit: Visit) -> Response:
        visit.caller.must_be_permanent()
        seconds = read_query(visit, Lifetime).expire_in_seconds
        return json(Token(self._issue(visit, seconds), int(time.time()) + seconds))

    async def secret(self, visit: Visit) -> Response:
        visit.caller.must_be_permanent()
        asked = await read_json(visit, SecretRequest, self._runtime.settings.max_text_bytes)
        seconds = (asked.expires_after or ExpiresAfter()).seconds
        config = self._configured(visit, asked.session or SessionFields())
        update = _update("session.update", asked.session)
        expires_at = int(time.time()) + seconds
        session = echo(config, _session_id(visit), expires_at)
        return json(Secret(self._issue(visit, seconds, update), expires_at, session))

    async def beta(self, visit: Visit) -> Response:
        visit.caller.must_be_permanent()
        fields = await read_json(visit, SessionFields, self._runtime.settings.max_text_bytes)
        config = self._configured(visit, fields)
        expires_at = int(time.time()) + BETA_SECONDS
        session = beta_echo(config, _session_id(visit), expires_at)
        update = _update("transcription_session.update", fields)
        secret = ClientSecret(self._issue(visit, BETA_SECONDS, update), expires_at)
        return json(BetaSession(**msgspec.structs.asdict(session), client_secret=secret))

    def _configured(self, visit: Visit, fields: SessionFields) -> Config:
        """What the session will be. Raises what a connection would be told, while somebody can still do something."""
        default = Config(transcription=Transcription(model=DEFAULT_MODEL))
        config = merge(default, fields, default)
        said = config.transcription
        language = said.language if said.language != "auto" else None
        path = "session.audio.input.transcription"
        names = Names(f"{path}.model", f"{path}.language")
        check(self._runtime, Wanted(id=visit.id, model=said.model, language=language), names)
        return config

    def _issue(self, visit: Visit, seconds: int, update: str | None = None) -> str:
        return self._runtime.tokens.issue(visit.caller.key, seconds, update)


def _session_id(visit: Visit) -> str:
    return f"sess_{visit.id.replace('-', '')}"


def _update(type: str, fields: SessionFields | None) -> str | None:
    """The fields that were given, as a client's event; None when there are none."""
    given = msgspec.to_builtins(fields) if fields is not None else {}
    given = {name: value for name, value in given.items() if value is not None or name not in ("type", "audio")}
    return msgspec.json.encode({"type": type, "session": given}).decode() if given else None
