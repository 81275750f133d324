"""How an error is told over HTTP, also in place of a WebSocket upgrade.

Input: an error. Output: a response with the JSON body, request id and exact reason phrase that clients look for.
"""

import uuid
from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from stenowire.errors import StenowireError
from stenowire.gateway.admission import RETRY_AFTER_S
from stenowire.store.quotas import AudioSpent


class Refusal(msgspec.Struct):
    code: str
    message: str
    request_id: str


def refusal(error: StenowireError, request_id: str | None = None) -> Response:
    return reply(error.http_status, error.code, error.message, hints(error), request_id)


def hints(error: StenowireError) -> dict[str, str]:
    """The header fields that tell a client what to do about the error."""
    fields = {}
    if error.retryable:
        fields["retry-after"] = str(error.wait_s if isinstance(error, AudioSpent) else RETRY_AFTER_S)
    if error.http_status == 401:
        fields["www-authenticate"] = "Bearer"
    return fields


def reply(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None, request_id: str | None = None
) -> Response:
    request_id = request_id or str(uuid.uuid4())
    body = msgspec.json.encode(Refusal(code, message, request_id))
    all_headers = {**(headers or {}), "x-request-id": request_id}
    return Response(body, status, all_headers, media_type="application/json")
