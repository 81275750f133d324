"""Recognition in this process: the real detector and engine, and the scripted ones for what goes wrong."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from core.drive import opening, pcm
from stenowire.engines.scripted import ScriptedDetector, ScriptedEngine, pause, say
from stenowire.errors import ModelNotFound
from stenowire.events import Final, Finished, Update
from stenowire.serving.hub import Hub
from stenowire.serving.local import recognise
from stenowire.serving.pool import Pool
from stenowire.types import AudioFormat


async def pieces(data: bytes, size: int = 3200) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def run(hub: Hub, data: bytes, size: int = 3200, **changes: object) -> list[Update]:
    # One effort for all finals: the automatic choice depends on how busy the machine is.
    pool = Pool(hub.engine, hub.detector, workers=2, beam="always")
    pool.start()
    try:
        return [update async for update in recognise(opening(**changes), pieces(data, size), hub, pool)]
    finally:
        await pool.stop()


def text(updates: list[Update]) -> str:
    return " ".join(update.sentence.text for update in updates if isinstance(update, Final))


@pytest.mark.unit
async def test_all_sentences_of_an_unpaced_upload_come_in_order() -> None:
    words = [f"w{3 + index % 50}" for index in range(200)]
    audio = np.concatenate([part for word in words for part in (say(word), pause(1000 if word == "w9" else 0))])
    updates = await run(Hub(ScriptedEngine(), ScriptedDetector()), pcm(audio), 64_000)
    assert text(updates).split() == words
    assert isinstance(updates[-1], Finished)


@pytest.mark.unit
async def test_an_unknown_model_is_refused_before_anything_is_told() -> None:
    with pytest.raises(ModelNotFound):
        await run(Hub(ScriptedEngine(), ScriptedDetector()), b"", model="none")


@pytest.mark.unit
async def test_leaving_early_frees_every_stream() -> None:
    engine = ScriptedEngine()
    hub = Hub(engine, ScriptedDetector())
    pool = Pool(engine, hub.detector, workers=1)
    pool.start()
    updates = recognise(opening(), pieces(pcm(say("w3 w7 w9 " * 40))), hub, pool)
    async for update in updates:
        if isinstance(update, Final):
            break
    await updates.aclose()  # type: ignore[attr-defined]
    # A step may still be in flight; stopping waits for it.
    await pool.stop()
    assert (pool.load.streams, engine.open_states) == (0, 0)


@pytest.mark.engine
async def test_a_real_recording_becomes_its_text(moonshine_folder: Path, silero_folder: Path) -> None:
    hub = Hub()
    hub.load(moonshine_folder.parent)
    data = (moonshine_folder / "two_cities.wav").read_bytes()
    updates = await run(hub, data, 12_800, format=AudioFormat("wav", 48_000))
    said = text(updates)
    assert said.startswith("It was the best of times")
    assert "for good or for evil" in said
    assert said.endswith("only.")


@pytest.mark.engine
async def test_the_size_of_the_pieces_does_not_change_the_finals(moonshine_folder: Path, silero_folder: Path) -> None:
    hub = Hub()
    hub.load(moonshine_folder.parent)
    data = (moonshine_folder / "beckett.wav").read_bytes()[: 48_000 * 2 * 20]
    texts = {text(await run(hub, data, size, format=AudioFormat("wav", 48_000))) for size in (777, 3_200, 400_000)}
    assert len(texts) == 1
    assert len(texts.pop().split()) > 10
