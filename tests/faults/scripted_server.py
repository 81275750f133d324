"""A server with the scripted engine in a process of its own: `python scripted_server.py DATA SECONDS`.

Its URL goes to stdout. Each step of its engine takes that many seconds.
"""

import asyncio
import sys
import time
from pathlib import Path

import uvloop

from stenowire.engines.scripted import ScriptedDetector, ScriptedEngine
from stenowire.gateway import server as gateway
from stenowire.serving.hub import Hub
from stenowire.settings import Settings
from stenowire.store.keys import KeyRing


async def run(data: Path, step_s: float) -> int:
    settings = Settings.load(data=data, port=0, host="127.0.0.1", api_keys="sk-for-tests", drain_s=20)
    engine = ScriptedEngine(lambda jobs: time.sleep(step_s))
    server = gateway.Server(settings, KeyRing.open(settings), Hub(engine, ScriptedDetector()))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(server.run())
        await server.ready.wait()
        print(server.url, flush=True)
    return running.result()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(run(Path(sys.argv[1]), float(sys.argv[2]))))
