"""Damaged files by the hundred, through real decoder processes: each one is answered, and nothing is left behind.

STENOWIRE_MUTATIONS says how many, 500 unless told; a nightly run takes 10,000. A file is made from its number alone, so
that a number from a failure makes the same file again.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from audio.coded import DATA, encode, packets, voice
from serving.test_decoding import childless, decoders, open_files, parent, whole
from stenowire.errors import BadAudio, UnsupportedFormat
from stenowire.types import Encoding

pytestmark = pytest.mark.faults

COUNT = int(os.environ.get("STENOWIRE_MUTATIONS", "500"))
AT_ONCE = 8

WHOLE: list[tuple[Encoding, bytes]] = [
    ("mp3", encode(voice(16_000, 1), 16_000, "libmp3lame", "mp3", 32_000)),
    ("mp3", encode(voice(44_100, 1), 44_100, "libmp3lame", "mp3", 64_000, channels=2)),
    ("opus", encode(voice(48_000, 1), 48_000, "libopus", "ogg", 24_000)),
    ("opus", encode(voice(48_000, 1), 48_000, "libopus", "webm", 24_000)),
    ("opus_packets", b"".join(packets(voice(48_000, 1), 48_000, "libopus", 24_000))),
    ("speex", (DATA / "voice-16k.spx").read_bytes()),
    ("aac", encode(voice(16_000, 1), 16_000, "aac", "adts", 48_000)),
    ("amr", encode(voice(8_000, 1), 8_000, "libopencore_amrnb", "amr", 12_200)),
    ("amr", (DATA / "voice.awb").read_bytes()),
    ("flac", encode(voice(16_000, 1), 16_000, "flac", "flac")),
    ("flac", encode(voice(48_000, 1), 48_000, "flac", "flac", channels=2)),
]
MAGIC = [
    b"OggS",
    b"fLaC",
    b"ID3\x04",
    b"#!AMR\n",
    b"OpusHead",
    b"RIFF\xff\xff\xff\xffWAVE",
    b"\x1aE\xdf\xa3",
    b"#EXTM3U\n",
]

Mutation = Callable[[bytearray, np.random.Generator], None]


def somewhere(data: bytearray, draw: np.random.Generator) -> int:
    """Heads are damaged as often as all the rest."""
    reach = min(len(data), 200) if draw.random() < 0.5 else len(data)
    return int(draw.integers(reach)) if reach else 0


def flip_bits(data: bytearray, draw: np.random.Generator) -> None:
    for _ in range(int(draw.integers(1, 30))):
        at, bit = somewhere(data, draw), 1 << int(draw.integers(8))
        data[at : at + 1] = bytes(byte ^ bit for byte in data[at : at + 1])


def write_extremes(data: bytearray, draw: np.random.Generator) -> None:
    at, length = somewhere(data, draw), int(draw.integers(1, 9))
    data[at : at + length] = bytes([int(draw.choice([0, 1, 0x7F, 0x80, 0xFF]))]) * length


def write_noise(data: bytearray, draw: np.random.Generator) -> None:
    at, length = somewhere(data, draw), int(draw.integers(1, 500))
    data[at : at + length] = draw.integers(0, 256, length, np.uint8).tobytes()


def drop(data: bytearray, draw: np.random.Generator) -> None:
    at = somewhere(data, draw)
    del data[at : at + int(draw.integers(1, 300))]


def cut_off(data: bytearray, draw: np.random.Generator) -> None:
    del data[somewhere(data, draw) :]


def repeat(data: bytearray, draw: np.random.Generator) -> None:
    at, length = somewhere(data, draw), int(draw.integers(1, 2000))
    data[at:at] = data[at : at + length] * int(draw.integers(1, 20))


def put_magic(data: bytearray, draw: np.random.Generator) -> None:
    at = somewhere(data, draw)
    data[at:at] = MAGIC[int(draw.integers(len(MAGIC)))]


def splice(data: bytearray, draw: np.random.Generator) -> None:
    _, other = WHOLE[int(draw.integers(len(WHOLE)))]
    data[somewhere(data, draw) :] = other[int(draw.integers(len(other))) :]


MUTATIONS: list[Mutation] = [flip_bits, write_extremes, write_noise, drop, cut_off, repeat, put_magic, splice]


def mutated(number: int) -> tuple[Encoding, bytes]:
    draw = np.random.default_rng(number)
    encoding, original = WHOLE[number % len(WHOLE)]
    data = bytearray(original)
    for _ in range(int(draw.integers(1, 4))):
        MUTATIONS[int(draw.integers(len(MUTATIONS)))](data, draw)
    return encoding, bytes(data)


async def test_every_damaged_file_is_answered_and_nothing_is_left_behind() -> None:
    answers: Counter[str] = Counter()
    broken: list[int] = []
    numbers = iter(range(COUNT))

    async with decoders() as some:

        async def work() -> None:
            for number in numbers:
                encoding, data = mutated(number)
                step = (200, 3200, 1 << 14)[number % 3]
                try:
                    wav = await whole(some, encoding, data, step)
                    answers["decoded" if len(wav) > 44 else "empty"] += 1
                except (BadAudio, UnsupportedFormat) as error:
                    answers["refused"] += 1
                    if "broke off" in error.message or "too long" in error.message:
                        broken.append(number)

        await whole(some, *WHOLE[0])
        files, first = open_files(), parent(some)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(work())
        await childless(some)
        assert parent(some) == first
        assert open_files() <= files
    print(f"{COUNT} damaged files: {dict(answers)}; the decoder itself broke at {broken}")
    assert answers.total() == COUNT
    assert answers["decoded"] > COUNT / 4
    assert answers["refused"] > COUNT / 50
    # A decoder that breaks is an answer too, but one of ours should not on files as plain as these.
    assert not broken


def test_a_number_makes_the_same_file_again() -> None:
    assert [mutated(number) for number in range(20)] == [mutated(number) for number in range(20)]
    assert len({mutated(number)[1] for number in range(100)}) == 100
