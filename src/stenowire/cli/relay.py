"""`stenowire relay`: the relay on a port of this machine, until a signal.

In: options. Out: the exit status, once everyone has had the last answers.
"""

import asyncio
import signal
import sys
from pathlib import Path

import msgspec

from stenowire import __version__
from stenowire.cli.exits import Status, Stop
from stenowire.client.relay import Relay
from stenowire.client.relay_haul import Rules
from stenowire.client.relay_servers import Server, server
from stenowire.client.urls import BadUrl
from stenowire.gateway import logs
from stenowire.gateway.web import Web, listen, url_of
from stenowire.settings import BadSettings, Settings

FAREWELL_S = 2.0
FRAME_BYTES = 32 << 20


class Job(msgspec.Struct, frozen=True, kw_only=True):
    to: tuple[str, ...]
    host: str
    port: int
    key: str
    keep_s: float
    patience_s: float
    resend_speed: float
    connections: int
    drain_s: float


def relay(job: Job) -> int:
    try:
        servers = [server(one) for one in job.to]
        settings = _settings(job)
        logs.configure(settings)
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            return runner.run(_run(job, servers, settings))
    except BadUrl as error:
        raise Stop(Status.USAGE, f"--to: {error}") from error
    except BadSettings as error:
        raise Stop(Status.USAGE, str(error)) from error


def _settings(job: Job) -> Settings:
    """The web server below is the product's own; of its settings only these concern a relay."""
    settings = Settings.load(data=Path.cwd(), host=job.host, port=job.port, max_message_bytes=FRAME_BYTES, https=False)
    return settings.model_copy(update={"cert": None, "cert_key": None})


async def _run(job: Job, servers: list[Server], settings: Settings) -> int:
    rules = Rules(
        keep_s=job.keep_s,
        patience_s=job.patience_s,
        resend_speed=job.resend_speed or None,
        drain_s=job.drain_s,
    )
    hosts = frozenset(("127.0.0.1", "localhost", "::1", job.host))
    app = Relay(servers, key=job.key, rules=rules, most_connections=job.connections, hosts=hosts)
    missing = await app.check()
    if len(missing) == len(servers):
        raise Stop(Status.UNREACHABLE, "; ".join(missing))
    for line in missing:
        print(f"stenowire: {line}; going on without it for now", file=sys.stderr)
    stopping, forced = asyncio.Event(), asyncio.Event()

    def stop() -> None:
        if stopping.is_set():
            forced.set()
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    with listen(settings) as listener:
        web = Web(app, settings)
        serving = asyncio.create_task(web.serve(sockets=[listener]))
        print(_greeting(url_of(settings, listener), servers, job), flush=True)
        await stopping.wait()
        draining = asyncio.create_task(app.drain())
        forcing = asyncio.create_task(forced.wait())
        await asyncio.wait({draining, forcing}, return_when=asyncio.FIRST_COMPLETED)
        clean = draining.done() and draining.result()
        for task in (draining, forcing):
            task.cancel()
        web.should_exit = True
        await serving
    return Status.OK if clean else Status.FAILED


def _greeting(url: str, servers: list[Server], job: Job) -> str:
    base = url.replace("ws", "http", 1)
    lines = [
        f"Stenowire relay {__version__} at {url}, to {', then '.join(one.base for one in servers)}",
        f"  DASHSCOPE_WEBSOCKET_BASE_URL={url}/api-ws/v1/inference",
        f"  DASHSCOPE_HTTP_BASE_URL={base}/api/v1",
        f"  OPENAI_BASE_URL={base}/v1",
        "Tasks, Qwen-ASR sessions and OpenAI's transcription survive broken connections;"
        " Omni's answers, vLLM's protocol and Opus in sessions pass through without memory.",
    ]
    if not job.key:
        lines.append("Clients bring their own key.")
    return "\n".join(lines)


def _new_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
