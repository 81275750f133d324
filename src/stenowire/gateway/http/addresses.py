"""What stands where a client names its audio: the audio itself, or an address of it.

In: a string, and whose it is. Out: a source of bytes, or InvalidUrl. `oss://` means what was uploaded here before; http
and https are fetched from where the settings allow it. A path of this machine is never an address.
"""

import asyncio
import re
from contextlib import AsyncExitStack
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from stenowire.gateway.http.faults import InvalidUrl
from stenowire.gateway.http.fetching import Fetcher
from stenowire.gateway.http.sources import Base64Source, FileSource, Source
from stenowire.gateway.http.visit import Visit
from stenowire.gateway.runtime import Runtime
from stenowire.store.keys import Tenant

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://")
UPLOADED = "oss://"
IN_MEMORY_BYTES = 1 << 20
"""What is fetched beyond this lies on disk."""


class Addresses:
    def __init__(self, runtime: Runtime) -> None:
        settings = runtime.settings
        self._uploads = runtime.shelf.uploads
        self._fetcher = Fetcher(settings.audio_url_hosts, settings.max_upload_bytes)

    async def of_visit(self, visit: Visit, audio: str) -> Source:
        """The audio of a request, which may hold it itself."""
        if not SCHEME.match(audio):
            return Base64Source(audio)
        async with visit.limit():
            return await self.open(visit.caller.tenant, audio, visit.closing)

    async def open(self, tenant: Tenant, url: str, closing: AsyncExitStack) -> Source:
        """Raises InvalidUrl. `closing` frees what was opened."""
        if url.startswith(UPLOADED):
            return FileSource(closing.enter_context(await asyncio.to_thread(self._uploaded, tenant, url)))
        file = cast(BinaryIO, closing.enter_context(SpooledTemporaryFile(IN_MEMORY_BYTES)))  # noqa: SIM115
        await self._fetcher.fetch(url, file)
        return FileSource(file)

    def _uploaded(self, tenant: Tenant, url: str) -> BinaryIO:
        path = self._uploads.find(url.removeprefix(UPLOADED), tenant.name)
        try:
            if path is not None:
                return path.open("rb")
        except OSError:
            pass
        raise InvalidUrl("there is no such recording here, or no more", "FILE_404_NOT_FOUND")
