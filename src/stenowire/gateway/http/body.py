"""The body of a request, read within its limits of size and time, and checked against its type.

Input: a visit. Output: a struct, or a form with one file. Raises PayloadTooLarge as soon as the limit is met, before
the rest has been read, and InvalidParameter with the path of the field at fault.
"""

from collections.abc import AsyncGenerator
from typing import Any, BinaryIO, TypeVar

import msgspec
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from stenowire.dialects.faults import explain
from stenowire.errors import InvalidParameter
from stenowire.gateway.http.faults import PayloadTooLarge
from stenowire.gateway.http.visit import Visit

T = TypeVar("T")

MOST_FIELDS = 64
MOST_FIELD_BYTES = 256 << 10
FORM_ROOM_BYTES = 1 << 20
"""What a form may have besides its file."""


async def read_json(visit: Visit, type: type[T], most_bytes: int) -> T:
    """The body as `type`."""
    async with visit.limit():
        pieces = [piece async for piece in _pieces(visit, most_bytes)]
    visit.watch()
    try:
        return msgspec.json.decode(b"".join(pieces), type=type)
    except (ValueError, RecursionError) as fault:
        raise explain(fault) from None


def read_query(visit: Visit, type: type[T]) -> T:
    return convert(dict(visit.request.query_params), type)


def convert(fields: dict[str, Any], type: type[T]) -> T:
    """Strings as `type`, numbers and truth values in them understood."""
    try:
        return msgspec.convert(fields, type, strict=False)
    except (ValueError, RecursionError) as fault:
        raise explain(fault) from None


async def read_form(visit: Visit, most_file_bytes: int) -> tuple[dict[str, Any], BinaryIO]:
    """The fields of a multipart form, lists where their names end in "[]", and its `file`.

    A large file lies on disk meanwhile. It is gone after the visit.
    """
    form = await _parse(visit, most_file_bytes + FORM_ROOM_BYTES)
    visit.closing.push_async_callback(form.close)
    visit.watch()
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise InvalidParameter("file: this field is required, and must be a file", "file")
    if (file.size or 0) > most_file_bytes:
        raise _too_large(most_file_bytes)
    return _fields(form), file.file


async def _parse(visit: Visit, most_bytes: int) -> FormData:
    if not visit.request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise InvalidParameter("send a form: Content-Type: multipart/form-data")
    stream = _pieces(visit, most_bytes)
    parser = MultiPartParser(
        visit.request.headers, stream, max_files=1, max_fields=MOST_FIELDS, max_part_size=MOST_FIELD_BYTES
    )
    try:
        async with visit.limit():
            return await parser.parse()
    except MultiPartException as fault:
        raise InvalidParameter(f"the form cannot be read: {fault.message}") from None
    except KeyError:
        raise InvalidParameter("the form names no boundary between its parts") from None


def _fields(form: FormData) -> dict[str, Any]:
    texts = {name for name, value in form.multi_items() if isinstance(value, str)}
    return {name: form.getlist(name) if name.endswith("[]") else form[name] for name in texts}


async def _pieces(visit: Visit, most_bytes: int) -> AsyncGenerator[bytes, None]:
    announced = visit.request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most_bytes:
        raise _too_large(most_bytes)
    received = 0
    async for piece in visit.request.stream():
        received += len(piece)
        if received > most_bytes:
            raise _too_large(most_bytes)
        yield piece


def _too_large(most_bytes: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The request is larger than {most_bytes} bytes.")
