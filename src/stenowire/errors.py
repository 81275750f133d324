"""Every way a request can fail, and what each dialect says about it.

StenowireError
├── InvalidParameter           a field is missing, mistyped, out of range or out of order
│   ├── UnsupportedLanguage    no loaded engine covers the hint
│   └── EmptyBuffer            a commit without audio
├── UnsupportedFormat          container, codec or rate that this server does not decode
├── BadAudio                   the bytes are not what the format says
├── ModelNotFound
├── InvalidApiKey  AccessDenied
├── Throttled                  too many requests or streams
├── NoAudio                    a task was opened and no audio came
├── NoValidAudio               a task was finished and no audio had come
├── ResponseTimeout            audio began and then stalled, or was only silence for too long
├── Superseded                 a later connection of the client has taken the session over
├── ServiceUnavailable         draining or overloaded; try again
└── InternalError              our fault

An error says what was wrong (`message`) and where (`param`); its class decides the rest.
"""

from typing import ClassVar


class StenowireError(Exception):
    """Base of all errors that a client may see. `param` names the offending field by its path on the wire."""

    code: ClassVar[str] = "InternalError"
    http_status: ClassVar[int] = 500
    close_code: ClassVar[int] = 1011
    retryable: ClassVar[bool] = False
    fatal: ClassVar[bool] = True
    """Whether a session ends by it in dialects that know lesser errors."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class InvalidParameter(StenowireError):
    code = "InvalidParameter"
    http_status = 400
    close_code = 1008
    fatal = False


class UnsupportedLanguage(InvalidParameter):
    pass


class EmptyBuffer(InvalidParameter):
    pass


class UnsupportedFormat(StenowireError):
    code = "UNSUPPORTED_FORMAT"
    http_status = 400
    close_code = 1008


class BadAudio(StenowireError):
    code = "InvalidParameter"
    http_status = 400
    close_code = 1008


class ModelNotFound(StenowireError):
    code = "Model.NotExist"
    http_status = 404
    close_code = 1008


class InvalidApiKey(StenowireError):
    code = "InvalidApiKey"
    http_status = 401
    close_code = 1008


class AccessDenied(StenowireError):
    code = "AccessDenied"
    http_status = 403
    close_code = 1008


class Throttled(StenowireError):
    code = "Throttling.RateQuota"
    http_status = 429
    close_code = 1013
    retryable = True


class NoAudio(StenowireError):
    code = "CLIENT_ERROR"
    http_status = 400
    close_code = 1000


class NoValidAudio(StenowireError):
    code = "NO_VALID_AUDIO_ERROR"
    http_status = 400
    close_code = 1000


class ResponseTimeout(StenowireError):
    code = "ResponseTimeout"
    http_status = 408
    close_code = 1000


class Superseded(StenowireError):
    code = "SessionTaken"
    http_status = 409
    close_code = 4103


class ServiceUnavailable(StenowireError):
    code = "ServiceUnavailable"
    http_status = 503
    close_code = 1013
    retryable = True


class InternalError(StenowireError):
    code = "InternalError"
    retryable = True
