"""What can go wrong with an HTTP request beyond what any session knows, and how OpenAI's doors tell an error.

PayloadTooLarge     a body or a file over its limit
└── TooLong         a recording over its limit in seconds
NotFound            no such thing, or not of this key
NotPossible         the thing exists, and is in no state for it
InvalidUrl          an address that is not fetched, or could not be
RequestTimeOut      not answered in the time that a request has
"""

import msgspec
from starlette.responses import Response

from stenowire.dialects.openai_events import code_of
from stenowire.errors import InvalidParameter, ModelNotFound, StenowireError, Throttled
from stenowire.gateway.http.refusal import hints


class PayloadTooLarge(StenowireError):
    code = "PayloadTooLarge"
    http_status = 413


class TooLong(PayloadTooLarge):
    """Of audio."""


class NotFound(StenowireError):
    code = "NotFound"
    http_status = 404


class NotPossible(StenowireError):
    code = "UnsupportedOperation"
    http_status = 400


class InvalidUrl(StenowireError):
    """`subtask_code` is the name that file tasks have for the case."""

    code = "InvalidURL"
    http_status = 400

    def __init__(self, message: str, subtask_code: str = "REQUEST_INVALID_FILE_URL_VALUE") -> None:
        super().__init__(message)
        self.subtask_code = subtask_code


class RequestTimeOut(StenowireError):
    code = "RequestTimeOut"
    http_status = 500
    retryable = True


# ---- OpenAI's shape -----------------------------------------------------------------------------------------------


class ErrorBody(msgspec.Struct, frozen=True):
    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIRefusal(msgspec.Struct, frozen=True):
    error: ErrorBody


CODES = {"InvalidApiKey": "invalid_api_key", "AccessDenied": "permission_denied"}


def openai_body(error: StenowireError) -> OpenAIRefusal:
    kind = "server_error" if error.http_status >= 500 else "invalid_request_error"
    kind = "rate_limit_error" if isinstance(error, Throttled) else kind
    code = CODES.get(error.code) or code_of(error)
    return OpenAIRefusal(ErrorBody(error.message, kind, error.param, code))


def openai_refusal(error: StenowireError, request_id: str) -> Response:
    headers = {**hints(error), "x-request-id": request_id}
    body = msgspec.json.encode(openai_body(error))
    return Response(body, error.http_status, headers, media_type="application/json")


def renamed(error: StenowireError, model: str, language: str) -> StenowireError:
    """The error with the names that this door has for the model and the language; they are the task protocol's."""
    if isinstance(error, ModelNotFound):
        return ModelNotFound(error.message, model)
    if error.param and error.param.endswith("language_hints"):
        return InvalidParameter(error.message.replace("language_hints", language, 1), language)
    return error
