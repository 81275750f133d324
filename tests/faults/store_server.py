"""A server with the scripted engine and the log of a real one, for tests of the store.

All settings are in the environment. What it announces goes to stdout, its log to stderr.
"""

import asyncio
import sys

import uvloop

from stenowire.engines.scripted import ScriptedDetector, ScriptedEngine
from stenowire.gateway import logs
from stenowire.gateway.server import Server
from stenowire.serving.hub import Hub
from stenowire.settings import Settings
from stenowire.store.keys import KeyRing

if __name__ == "__main__":
    settings = Settings.load(port=0, host="127.0.0.1", log_level="debug", workers=1)
    logs.configure(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        server = Server(settings, KeyRing.open(settings), Hub(ScriptedEngine(), ScriptedDetector()))
        sys.exit(runner.run(server.run()))
