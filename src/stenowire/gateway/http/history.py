"""Earlier sessions, where the operator keeps them: searched, read, heard, deleted.

Input: a key with the scope `history`. Output: the recordings of its tenant, and of nobody else.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.responses import Response, StreamingResponse

from stenowire.gateway.http.body import read_query
from stenowire.gateway.http.door import Door
from stenowire.gateway.http.faults import NotFound
from stenowire.gateway.http.operations import Operation
from stenowire.gateway.http.status import json
from stenowire.gateway.http.visit import Visit
from stenowire.gateway.runtime import Runtime
from stenowire.store.history import MOST_ROWS, Recording, wav_header
from stenowire.text.subtitles import srt, vtt
from stenowire.types import Sentence

PATH = "/v1/history"
PIECE_BYTES = 64 << 10
NONE = "There is no such recording."


class HistoryQuery(msgspec.Struct, frozen=True):
    q: Annotated[str, Meta(max_length=256)] = ""
    """Words that one sentence has to have, all of them."""
    before: Annotated[float, Meta(ge=0)] | None = None
    """Only recordings that began before; seconds since 1970. For the next page: `began` of the last one."""
    limit: Annotated[int, Meta(ge=1, le=MOST_ROWS)] = 50


class Deletion(msgspec.Struct, frozen=True):
    before: Annotated[float, Meta(ge=0)]
    """Seconds since 1970: all that was last changed before."""


class Export(msgspec.Struct, frozen=True):
    format: Literal["json", "txt", "srt", "vtt"] = "json"


class HistoryRow(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    model: str
    began: float
    """Seconds since 1970, as is `changed`."""
    changed: float
    audio_ms: int
    sentences: int
    begins: str
    """Its first sentence, or the first one that fits what was searched for."""
    has_audio: bool


class HistoryPage(msgspec.Struct, frozen=True):
    recordings: list[HistoryRow]


class HistoryTranscript(msgspec.Struct, frozen=True):
    recording: HistoryRow
    sentences: list[Sentence]


class Deleted(msgspec.Struct, frozen=True):
    deleted: int


def operations(runtime: Runtime) -> list[Operation]:
    doors = HistoryDoors(runtime)
    one = PATH + "/{recording_id}"
    return [
        Operation(
            methods=("GET",),
            path=PATH,
            endpoint=Door(runtime, doors.page, scope="history"),
            summary="Earlier sessions, newest first",
            query=HistoryQuery,
            answers={"application/json": (HistoryPage,)},
        ),
        Operation(
            methods=("DELETE",),
            path=PATH,
            endpoint=Door(runtime, doors.delete_before, scope="history"),
            summary="Delete sessions up to a time",
            query=Deletion,
            answers={"application/json": (Deleted,)},
        ),
        Operation(
            methods=("GET",),
            path=one,
            endpoint=Door(runtime, doors.transcript, scope="history"),
            summary="What was said in a session",
            query=Export,
            answers={"application/json": (HistoryTranscript,), "text/plain": (str,), "text/vtt": (str,)},
        ),
        Operation(
            methods=("DELETE",),
            path=one,
            endpoint=Door(runtime, doors.delete, scope="history"),
            summary="Delete a session",
            answers={"application/json": (Deleted,)},
        ),
        Operation(
            methods=("GET",),
            path=one + "/audio",
            endpoint=Door(runtime, doors.audio, scope="history"),
            summary="The sound of a session, as WAV",
            answers={"audio/wav": (bytes,)},
        ),
    ]


class HistoryDoors:
    def __init__(self, runtime: Runtime) -> None:
        self._history = runtime.recorder.history

    async def page(self, visit: Visit) -> Response:
        visit.caller.must_be_permanent()
        asked, tenant = read_query(visit, HistoryQuery), visit.caller.tenant.name
        if not self._history.begun:
            return json(HistoryPage([]))
        found = await asyncio.to_thread(self._history.page, tenant, asked.q, asked.before, asked.limit)
        return json(HistoryPage([self._row(each) for each in found]))

    async def transcript(self, visit: Visit) -> Response:
        recording, sentences = await self._found(visit)
        match read_query(visit, Export).format:
            case "txt":
                return Response("".join(f"{each.text}\n" for each in sentences), media_type="text/plain")
            case "srt":
                return Response(srt(sentences), media_type="text/plain")
            case "vtt":
                return Response(vtt(sentences), media_type="text/vtt")
            case "json":
                return json(HistoryTranscript(self._row(recording), sentences))

    async def audio(self, visit: Visit) -> Response:
        recording, _ = await self._found(visit)
        path = self._history.sound(recording.id)
        size = path.stat().st_size if path.exists() else 0
        if not size:
            raise NotFound("The sound of this session was not kept.")
        headers = {"content-length": str(len(wav_header(size)) + size)}
        return StreamingResponse(_wav(path, size), media_type="audio/wav", headers=headers)

    async def delete(self, visit: Visit) -> Response:
        recording, _ = await self._found(visit)
        gone = await asyncio.to_thread(self._history.delete, visit.caller.tenant.name, recording.id)
        return json(Deleted(int(gone)))

    async def delete_before(self, visit: Visit) -> Response:
        visit.caller.must_be_permanent()
        asked, tenant = read_query(visit, Deletion), visit.caller.tenant.name
        if not self._history.begun:
            return json(Deleted(0))
        return json(Deleted(await asyncio.to_thread(self._history.delete_before, asked.before, tenant)))

    async def _found(self, visit: Visit) -> tuple[Recording, list[Sentence]]:
        visit.caller.must_be_permanent()
        id = visit.request.path_params["recording_id"]
        found = None
        if self._history.begun:
            found = await asyncio.to_thread(self._history.get, visit.caller.tenant.name, id)
        if found is None:
            raise NotFound(NONE)
        return found

    def _row(self, found: Recording) -> HistoryRow:
        shown = {name: getattr(found, name) for name in HistoryRow.__struct_fields__ if name != "has_audio"}
        return HistoryRow(**shown, has_audio=self._history.sound(found.id).exists())


async def _wav(path: Path, size: int) -> AsyncIterator[bytes]:
    """As much of it as there was when its length was told: it may be growing."""
    yield wav_header(size)
    file = await asyncio.to_thread(path.open, "rb")
    with file:
        while size > 0 and (piece := await asyncio.to_thread(file.read, min(PIECE_BYTES, size))):
            size -= len(piece)
            yield piece
