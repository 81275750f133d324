"""Says in plain words, and in the names of the wire, why a client's JSON is not valid.

In: what the decoder raised. Out: an InvalidParameter whose `param` is the path of the field at fault.
"""

import msgspec

from stenowire.errors import InvalidParameter

MAX_REASON_CHARS = 200
"""A client's own text is quoted back in no more than this."""


def explain(fault: Exception, path: str = "") -> InvalidParameter:
    """`path` is where in the message the decoded part stands, as in "payload"."""
    if isinstance(fault, RecursionError):
        return InvalidParameter("the message is nested too deeply")
    if not isinstance(fault, msgspec.ValidationError):
        return InvalidParameter(f"{path or 'the message'} is not valid JSON: {fault}", path or None)
    reason, _, place = str(fault).replace(" | null`", "`").partition(" - at `$")
    path = (path + place.rstrip("`")).lstrip(".")
    missing = reason.removeprefix("Object missing required field ")
    if missing != reason:
        path = f"{path}.{missing.strip('`')}".lstrip(".")
        reason = "this field is required"
    return InvalidParameter(f"{path or 'the message'}: {reason[:MAX_REASON_CHARS]}", path or None)
