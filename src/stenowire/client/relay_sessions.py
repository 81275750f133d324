"""A client of the relay that holds one session on its connection, in whatever protocol.

In: the client's frames. Out: one talk, carried by one haul.
"""

import asyncio
from typing import Self

from stenowire.client.relay_client import Client, Gone
from stenowire.client.relay_haul import Haul
from stenowire.client.relay_session import SessionTalk
from stenowire.client.relay_talk import PlainTalk

FAREWELL_S = 10.0
"""How long a client may take to close after the last word of its session."""


class Session(Client):
    def hold(self, talk: SessionTalk | PlainTalk) -> Self:
        self.talk = talk
        return self

    async def serve(self) -> None:
        haul = self._haul(self.talk)
        link, self._link = self._link, None
        carrying = asyncio.create_task(haul.run(link))
        reading = asyncio.create_task(self._read_all(haul))
        try:
            await asyncio.wait({carrying, reading}, return_when=asyncio.FIRST_COMPLETED)
            if carrying.done() and not isinstance(carrying.exception(), Gone):
                self._link = carrying.result()
                await self._farewell(reading)
            elif not isinstance(reading.exception() if reading.done() else carrying.exception(), Gone):
                reading.result()
        finally:
            for task in (carrying, reading):
                task.cancel()
            await asyncio.wait({carrying, reading})
            if self._link is not None:
                await self._link.close()

    async def _farewell(self, reading: asyncio.Task[None]) -> None:
        """Closing after the last word is left to the client, who may be busy with it."""
        if self.talk.close is None:
            await asyncio.wait({reading}, timeout=FAREWELL_S)
        if not reading.done():
            await self._leave(*(self.talk.close or (1000, "session finished")))

    async def _read_all(self, haul: Haul) -> None:
        while True:
            await haul.room()
            frame = await self._receive()
            if not self._winding_up:
                self.talk.say(frame)
                haul.nudge()
