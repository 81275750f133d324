"""How a client's call can end badly.

ClientError
├── CannotConnect     nobody answers there, or somebody who speaks something else
├── KeyRefused        the server answers, and does not know the key
├── ConnectionLost    the connection broke off before the task was over, and could not be made again
├── SessionTaken      another connection goes on with this recognition
├── Unsupported       the protocol or this installation cannot do what was asked
└── TaskFailed        the server took the task and ended it with an error

Each message is one line, fit to be shown.
"""

from stenowire.errors import StenowireError


class ClientError(Exception):
    pass


class CannotConnect(ClientError):
    pass


class KeyRefused(ClientError):
    pass


class ConnectionLost(ClientError):
    pass


class SessionTaken(ClientError):
    pass


class Unsupported(ClientError):
    pass


class TaskFailed(ClientError):
    """`error` is what the server said, `request_id` what to quote when asking its owner."""

    def __init__(self, error: StenowireError, request_id: str) -> None:
        super().__init__(f"{error.code}: {error.message}" if type(error) is not StenowireError else error.message)
        self.error = error
        self.request_id = request_id
