"""A place where the vendor's clients put a recording that they are to name by address.

`GET /api/v1/uploads?action=getPolicy` gives permission for one file; the form that the client then posts goes to this
server too, at an address that is itself the permission. The recording is then named `oss://` and the form's `key`.
"""

import asyncio
import base64
import time
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.responses import Response

from stenowire.errors import InvalidParameter
from stenowire.gateway.http.body import convert, read_form, read_query
from stenowire.gateway.http.door import Door, KeylessDoor
from stenowire.gateway.http.operations import Operation
from stenowire.gateway.http.status import json
from stenowire.gateway.http.visit import Visit
from stenowire.gateway.runtime import Runtime
from stenowire.store.uploads import PERMISSION_S

PLACE = "/api/v1/uploads/"
MOST_NAME_CHARS = 255


class PolicyQuery(msgspec.Struct, frozen=True):
    action: Literal["getPolicy"]
    model: str | None = None


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Only `upload_host` and `upload_dir` count here; clients send the rest back unread."""

    policy: str
    signature: str
    upload_dir: str
    upload_host: str
    expire_in_seconds: int = PERMISSION_S
    max_file_size_mb: int
    oss_access_key_id: str = "stenowire"
    x_oss_object_acl: str = "private"
    x_oss_forbid_overwrite: str = "true"


class PolicyAnswer(msgspec.Struct, frozen=True):
    data: Policy
    request_id: str


class UploadForm(msgspec.Struct, frozen=True):
    key: Annotated[str, Meta(max_length=1024)]
    success_action_status: Literal[200, 201, 204] = 204


def operations(runtime: Runtime) -> list[Operation]:
    uploads = Uploads(runtime)
    return [
        Operation(
            methods=("GET",),
            path="/api/v1/uploads",
            endpoint=Door(runtime, uploads.permit),
            summary="Permission to upload one recording",
            query=PolicyQuery,
            answers={"application/json": (PolicyAnswer,)},
        ),
        Operation(
            methods=("POST",),
            path=PLACE + "{permission}",
            endpoint=KeylessDoor(runtime, uploads.keep),
            summary="Upload a recording; the address is the permission",
            form=UploadForm,
            answers={},
            statuses=(200, 201, 204),
            refusals=(400, 403, 413, 500, 503),
            keyless=True,
        ),
    ]


class Uploads:
    def __init__(self, runtime: Runtime) -> None:
        self._settings = runtime.settings
        self._uploads = runtime.shelf.uploads

    async def permit(self, visit: Visit) -> Response:
        read_query(visit, PolicyQuery)
        permission = await asyncio.to_thread(self._uploads.permit, visit.caller.tenant.name, time.time())
        policy = Policy(
            policy=base64.b64encode(permission.folder.encode()).decode(),
            signature=permission.folder.rpartition("/")[2],
            upload_dir=permission.folder,
            upload_host=visit.base_url(self._settings.public_url) + PLACE + permission.secret,
            max_file_size_mb=max(1, self._settings.max_upload_bytes >> 20),
        )
        return json(PolicyAnswer(policy, visit.id))

    async def keep(self, visit: Visit) -> Response:
        """The permission is looked at before the file is read."""
        secret = visit.request.path_params["permission"]
        folder = await asyncio.to_thread(self._uploads.check, secret, time.time())
        fields, file = await read_form(visit, self._settings.max_upload_bytes)
        form = convert(fields, UploadForm)
        place, _, name = form.key.rpartition("/")
        if place != folder or not name or len(name) > MOST_NAME_CHARS:
            raise InvalidParameter(f"key: must be {folder}/ and the name of a file", "key")
        await asyncio.to_thread(self._uploads.keep, folder, name, file)
        return Response(status_code=form.success_action_status)
