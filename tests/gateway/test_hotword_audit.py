"""Terms from a client to the engine and back as an audit, through the whole server; and never into its log."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from http_calls import SAID, TWO_SENTENCES, client, transcribe, wav
from live_server import KEY, frames, live_with, pcm
from stenowire.client.aio import recognise
from stenowire.dialects.task_wire import InstantWord, Parameters
from stenowire.engines.scripted import ScriptedDetector, ScriptedEngine
from stenowire.events import Final
from stenowire.gateway import logs
from stenowire.serving.hub import Hub
from stenowire.settings import Settings
from stenowire.types import Applied, AudioFormat, Sentence

pytestmark = pytest.mark.unit

BIASED = {"vocabulary": {"Bulge Bracket": InstantWord(5, "w7 w9")}}


@pytest.fixture(autouse=True)
def log_of_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def hub() -> Hub:
    return Hub(ScriptedEngine(biasing="text"), ScriptedDetector())


async def finals(url: str, **parameters: object) -> list[Sentence]:
    async def audio() -> AsyncIterator[bytes]:
        for frame in frames(pcm("w3 w7 w9", 1500, "w4", 1500)):
            yield frame

    wishes = Parameters(**BIASED, **parameters)  # type: ignore[arg-type]
    updates = recognise(audio(), url, key=KEY, format=AudioFormat("pcm", 16_000), parameters=wishes)
    return [update.sentence async for update in updates if isinstance(update, Final)]


async def test_the_client_learns_which_terms_were_written(tmp_path: Path) -> None:
    async with live_with(hub(), tmp_path) as server:
        first, second = await finals(server.server.url, hotword_audit=True)
    assert (first.text, second.text) == ("w3 Bulge Bracket", "w4")
    assert first.applied == (
        Applied(term="Bulge Bracket", before="w7 w9", begin=1, words=2, means="native", source="hotword", weight=5),
    )
    assert second.applied == ()


async def test_the_client_is_told_nothing_unasked(tmp_path: Path) -> None:
    async with live_with(hub(), tmp_path) as server:
        first, _ = await finals(server.server.url)
    assert first.text == "w3 Bulge Bracket" and first.applied == ()


async def test_a_recording_is_audited_by_segment(tmp_path: Path) -> None:
    form = {"response_format": "verbose_json", "prompt": "Bulge Bracket = w42"}
    async with live_with(hub(), tmp_path) as server, client(server) as visitor:
        asked = (await transcribe(visitor, wav(*TWO_SENTENCES), **form, hotword_audit="true")).json()
        unasked = (await transcribe(visitor, wav(*TWO_SENTENCES), **form)).json()
    assert asked["text"] == unasked["text"] == SAID.replace("w42", "Bulge Bracket")
    (applied,) = asked["segments"][0]["hotwords_applied"]
    assert (applied["term"], applied["begin_index"], applied["source"]) == ("Bulge Bracket", 1, "context")
    assert "hotwords_applied" not in asked["segments"][1] and "hotwords_applied" not in str(unasked)


async def test_neither_terms_nor_what_they_replaced_are_logged(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.configure(Settings.load(log_level="debug", log_format="json"))
    async with live_with(hub(), tmp_path) as server:
        await finals(server.server.url, hotword_audit=True)
    out, err = capfd.readouterr()
    assert "session opened" in err
    for secret in ("Bulge", "Bracket", "w7", "w9"):
        assert secret not in out + err
