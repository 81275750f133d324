"""The log: what it never shows, and what a client cannot do to it."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
import websockets

from live_server import KEY, PATH, hear, live, pcm, run_task, whole_task
from stenowire.gateway import logs
from stenowire.settings import Settings

pytestmark = pytest.mark.unit

JSON = Settings.load(log_level="debug", log_format="json")


@pytest.fixture(autouse=True)
def log_of_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(written: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.splitlines() if line.startswith("{")]


async def test_neither_keys_nor_words_are_logged(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure(JSON)
    async with live(tmp_path) as server:
        async with websockets.connect(f"{server.server.url}{PATH}?api_key={KEY}") as client:
            await whole_task(client, "a", pcm("w11 w12"))
        with pytest.raises(websockets.InvalidStatus):
            async with websockets.connect(f"{server.server.url}{PATH}?token=sk-quite-wrong"):
                pass
    out, err = capfd.readouterr()
    assert {"session opened", "handshake refused"} <= {str(line["event"]) for line in lines(err)}
    for secret in (KEY, "sk-quite-wrong", "w11", "w12"):
        assert secret not in out + err


async def test_a_task_id_cannot_forge_a_line_or_steer_a_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.configure(Settings.load(log_format="console"))
    evil = "a\r\n2026 [info] forged\x1b[2J\u202egnp"
    async with live(tmp_path) as server, server.connect() as client:
        await client.send(run_task(evil))
        await client.send(run_task("b", format="vorbis"))
        await hear(client, "b")
    written = capfd.readouterr().err
    assert "forged" in written
    for char in ("\r", "\u202e", "\x1b[2J", "\n2026 [info]"):
        assert char not in written


def test_an_error_is_logged_by_its_place_and_not_by_its_message(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure(JSON)
    try:
        raise ValueError("what the client said")
    except ValueError as error:
        structlog.get_logger().error("session failed", exc_info=error)
    logging.getLogger("uvicorn.error").error("it broke", exc_info=ValueError("what the client said"))
    written = capfd.readouterr().err
    assert "what the client said" not in written
    assert str(lines(written)[0]["error"]).startswith("ValueError at ")
    assert "test_an_error_is_logged" in written


def test_what_looks_like_a_secret_is_masked_wherever_it_stands(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure(JSON)
    logger = structlog.get_logger()
    logger.info("one", api_key="sk-12345678", text="hello there")
    logger.info("two", url="wss://host/x?api_key=hello-there&b=1", header="Bearer hello-there")
    logger.info("three", note="the key sk-0123456789abcdef was used")
    logging.getLogger("library").warning("GET /x?token=%s", "hello-there")
    written = capfd.readouterr().err
    for secret in ("12345678", "hello", "0123456789abcdef"):
        assert secret not in written
    assert len(lines(written)) == 4


def test_a_long_value_is_cut(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure(JSON)
    structlog.get_logger().info("session refused", model="m" * 100_000)
    assert len(capfd.readouterr().err) < 3000
