"""What stands where a client names its audio: the audio itself, or an address of it.

In: a string. Out: a source of bytes, or InvalidUrl.
"""

from stenowire.gateway.http.faults import InvalidUrl
from stenowire.gateway.http.sources import Base64Source, Source
from stenowire.gateway.http.visit import Visit
from stenowire.gateway.runtime import Runtime


class Addresses:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def open(self, visit: Visit, audio: str) -> Source:
        if "://" not in audio[:16]:
            return Base64Source(audio)
        raise InvalidUrl("recordings are not fetched by this server; send the audio itself")
