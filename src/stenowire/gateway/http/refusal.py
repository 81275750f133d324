"""How an error is told over HTTP, also in place of a WebSocket upgrade.

Input: an error. Output: a response with the JSON body, request id and exact reason phrase that clients look for.
"""

import uuid

import msgspec
from starlette.responses import Response

from stenowire.errors import StenowireError
from stenowire.gateway.admission import RETRY_AFTER_S


class Refusal(msgspec.Struct):
    code: str
    message: str
    request_id: str


def refusal(error: StenowireError) -> Response:
    request_id = str(uuid.uuid4())
    headers = {"x-request-id": request_id}
    if error.retryable:
        headers["retry-after"] = str(RETRY_AFTER_S)
    if error.http_status == 401:
        headers["www-authenticate"] = "Bearer"
    body = msgspec.json.encode(Refusal(error.code, error.message, request_id))
    return Response(body, error.http_status, headers, media_type="application/json")
