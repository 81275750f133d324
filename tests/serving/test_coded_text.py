"""Real speech, coded and decoded again, is recognised as the same speech was before."""

import re
from collections.abc import AsyncIterator, Iterator
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pytest
import soxr

from audio.coded import cut, encode, packets
from core.drive import opening
from stenowire.events import Final, Finished
from stenowire.serving.hub import Hub
from stenowire.serving.local import recognise
from stenowire.serving.pool import Pool
from stenowire.types import AudioFormat, Encoding, Samples, Word

pytestmark = pytest.mark.engine

SECONDS = 20


@pytest.fixture(scope="module")
def hub(moonshine_folder: Path, silero_folder: Path) -> Iterator[Hub]:
    one = Hub()
    one.load(moonshine_folder.parent)
    yield one


async def words(hub: Hub, encoding: Encoding, rate_hz: int, pieces: list[bytes]) -> list[Word]:
    async def audio() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    pool = Pool(hub.engine, hub.detector, workers=1, beam="never")
    pool.start()
    try:
        asked = opening(format=AudioFormat(encoding, rate_hz), interims=False)
        updates = [update async for update in recognise(asked, audio(), hub, pool)]
    finally:
        await pool.stop()
    assert isinstance(updates[-1], Finished)
    return [word for update in updates if isinstance(update, Final) for word in update.sentence.words]


def plain(said: list[Word]) -> list[str]:
    return [re.sub(r"[^a-z]", "", word.text.lower()) for word in said]


def at(samples: Samples, rate_hz: int) -> Samples:
    resampled: Samples = soxr.resample(samples[: 16_000 * SECONDS], 16_000, rate_hz).astype(np.float32)
    return np.clip(resampled, -0.999, 0.999)


CODED: dict[str, tuple[Encoding, int, str, str, int | None]] = {
    "flac": ("flac", 16_000, "flac", "flac", None),
    "mp3": ("mp3", 44_100, "libmp3lame", "mp3", 64_000),
    "opus-ogg": ("opus", 48_000, "libopus", "ogg", 32_000),
    "opus-webm": ("opus", 48_000, "libopus", "webm", 32_000),
    "aac": ("aac", 44_100, "aac", "adts", 64_000),
    "amr": ("amr", 8_000, "libopencore_amrnb", "amr", 12_200),
}
CHANGED = {"flac": 0, "amr": 6}
"""Words of some 57 that may read otherwise, 2 elsewhere: a small model changes its mind about as many when the same
audio only begins 3 ms later (dev/LOG.md, "Coded audio")."""


@pytest.mark.parametrize("name", [*CODED, "opus-packets"])
async def test_coded_speech_is_recognised_as_the_speech_itself(hub: Hub, two_cities: Samples, name: str) -> None:
    encoding, rate_hz, codec, container, bit_rate = CODED.get(name, CODED["opus-ogg"])
    narrow = 8_000 if rate_hz == 8_000 else 16_000
    pcm = np.round(at(two_cities, narrow) * 32767).astype("<i2").tobytes()
    before = await words(hub, "pcm", narrow, cut(pcm, 3200))
    if name == "opus-packets":
        coded = await words(hub, "opus_packets", rate_hz, packets(at(two_cities, rate_hz), rate_hz, codec, bit_rate))
    else:
        data = encode(at(two_cities, rate_hz), rate_hz, codec, container, bit_rate)
        coded = await words(hub, encoding, rate_hz, cut(data, 3200))
    same = SequenceMatcher(None, plain(before), plain(coded), autojunk=False).get_matching_blocks()
    kept = [(before[a + k], coded[b + k]) for a, b, length in same for k in range(length)]
    assert len(before) > 40
    assert max(len(before), len(coded)) - len(kept) <= CHANGED.get(name, 2)
    shifts_ms = sorted(abs(now.begin_ms - then.begin_ms) for then, now in kept)
    assert shifts_ms[len(shifts_ms) // 2] <= 60
    assert shifts_ms[len(shifts_ms) * 9 // 10] <= 100
