"""The same bytes say the same words at the same times, from a byte at a time to all at once."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest
import soxr

from audio.coded import cut, encode
from core.drive import opening
from stenowire.events import Final, Finished
from stenowire.serving.hub import Hub
from stenowire.serving.local import recognise
from stenowire.serving.pool import Pool
from stenowire.types import AudioFormat, Encoding, Samples, Word

pytestmark = pytest.mark.engine

FORMATS: dict[str, tuple[Encoding, int, str, str, int | None]] = {
    "mu-law": ("mulaw", 8_000, "pcm_mulaw", "mulaw", None),
    "wav": ("wav", 8_000, "pcm_u8", "wav", None),
    "amr": ("amr", 8_000, "libopencore_amrnb", "amr", 12_200),
    "mp3": ("mp3", 16_000, "libmp3lame", "mp3", 32_000),
    "opus": ("opus", 48_000, "libopus", "webm", 24_000),
    "aac": ("aac", 16_000, "aac", "adts", 32_000),
}


@pytest.fixture(scope="module")
def hub(moonshine_folder: Path, silero_folder: Path) -> Iterator[Hub]:
    one = Hub()
    one.load(moonshine_folder.parent)
    yield one


async def words(hub: Hub, format: AudioFormat, pieces: list[bytes]) -> list[Word]:
    async def audio() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    pool = Pool(hub.engine, hub.detector, workers=1, beam="never")
    pool.start()
    try:
        updates = [update async for update in recognise(opening(format=format, interims=False), audio(), hub, pool)]
    finally:
        await pool.stop()
    assert isinstance(updates[-1], Finished)
    return [word for update in updates if isinstance(update, Final) for word in update.sentence.words]


@pytest.mark.parametrize("name", FORMATS)
async def test_the_size_of_pieces_changes_no_word_and_no_time(hub: Hub, two_cities: Samples, name: str) -> None:
    encoding, rate_hz, codec, container, bit_rate = FORMATS[name]
    sound = np.clip(soxr.resample(two_cities[8_000:40_000], 16_000, rate_hz), -0.999, 0.999).astype(np.float32)
    data = encode(sound, rate_hz, codec, container, bit_rate)
    whole = await words(hub, AudioFormat(encoding, rate_hz), [data])
    assert len(whole) >= 4
    for size in (1, 700, 65_536):
        assert await words(hub, AudioFormat(encoding, rate_hz), cut(data, size)) == whole
