"""Opus in WebM and Matroska: recorders, lacing, holes and ends."""

import contextlib
import struct
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.coded import decode, likeness, voice, wavs
from audio.streams import OPUS, silence_s
from stenowire.audio.codecs.lacing import EBML, FIXED, XIPH, unlaced
from stenowire.audio.codecs.opus import opus_head
from stenowire.errors import BadAudio, StenowireError

pytestmark = pytest.mark.unit


def element(name: int, body: bytes, unknown: bool = False) -> bytes:
    size = b"\x01" + b"\xff" * 7 if unknown else struct.pack(">Q", 1 << 56 | len(body))
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + size + body


def webm(
    blocks: list[tuple[int, bytes]], codec: bytes = b"A_OPUS", kind: int = 2, track: int = 1, flags: int = 0x80
) -> bytes:
    """As a browser's recorder writes it: nothing has a known size, and a cluster begins now and then."""
    entry = element(0xD7, b"\1") + element(0x83, bytes([kind])) + element(0x86, codec)
    entry += element(0x63A2, opus_head(1, 312))
    stream = element(0x1A45DFA3, element(0x4282, b"webm")) + element(0x18538067, b"", unknown=True)
    stream += element(0x1549A966, element(0x2AD7B1, b"\x0f\x42\x40")) + element(0x1654AE6B, element(0xAE, entry))
    for at, (ms, packet) in enumerate(blocks):
        if at % 10 == 0:
            cluster_ms = ms
            stream += element(0x1F43B675, b"", unknown=True) + element(0xE7, struct.pack(">I", ms))
        stream += element(0xA3, bytes([0x80 | track]) + struct.pack(">hB", ms - cluster_ms, flags) + packet)
    return stream


STEADY = [(at * 20, packet) for at, packet in enumerate(OPUS[:100])]


@pytest.mark.parametrize("step", [1, 77, 1 << 20])
def test_a_recorders_stream_of_unknown_sizes_is_read(step: int) -> None:
    decoded, rate_hz = decode("opus", webm(STEADY), step)
    assert len(decoded) == 100 * 960 - 312
    assert likeness(decoded, voice(48_000, 2), rate_hz)[0] > 0.99


def test_a_hole_between_blocks_is_silence() -> None:
    late = [(ms + 500 if at >= 50 else ms, packet) for at, (ms, packet) in enumerate(STEADY)]
    decoded, rate_hz = decode("opus", webm(late))
    assert len(decoded) == 100 * 960 - 312 + 24_000
    assert silence_s(decoded, rate_hz) == pytest.approx(0.5, abs=0.001)


def test_a_clock_that_jitters_makes_no_silence() -> None:
    draw = np.random.default_rng(3)
    shaky = [(max(0, ms + int(draw.integers(-15, 16))), packet) for ms, packet in STEADY]
    assert len(decode("opus", webm(shaky))[0]) == 100 * 960 - 312


@pytest.mark.parametrize(
    ("stream", "what"),
    [
        (webm(STEADY, codec=b"A_VORBIS"), "holds 'A_VORBIS'"),
        (webm(STEADY, kind=1), "no audio track"),
        (webm(STEADY, track=2), "no sound"),
        (webm(STEADY)[:60], "before its audio began"),
        (b"\x1aE\xdf\xa3" + b"\0" * 40, "damaged"),
        (b"\x1aE\xdf\xa3\x80" + element(0x63A2, b"")[:2] + b"\x08" + b"\xff" * 8, "damaged"),
    ],
)
def test_what_is_not_opus_in_webm_is_named(stream: bytes, what: str) -> None:
    with pytest.raises(StenowireError, match=what):
        decode("opus", stream)


def laced(contents: list[bytes], lacing: int) -> bytes:
    """What follows a block's header (RFC 9559, 10.3)."""
    sizes = [len(packet) for packet in contents]
    told = bytes([len(contents) - 1])
    if lacing == XIPH:
        told += b"".join(b"\xff" * (size // 255) + bytes([size % 255]) for size in sizes[:-1])
    if lacing == EBML and len(sizes) > 1:
        told += (0x4000 | sizes[0]).to_bytes(2, "big")
        steps = [after - before for before, after in pairwise(sizes[:-1])]
        told += b"".join((0x4000 | step + 0x1FFF).to_bytes(2, "big") for step in steps)
    return told + b"".join(contents)


SIZES = [[3], [5, 7], [0, 254, 255, 256, 510, 900, 1], [40] * 256]


@pytest.mark.parametrize("lacing", [XIPH, EBML])
@pytest.mark.parametrize("sizes", SIZES, ids=len)
def test_laced_packets_come_apart(lacing: int, sizes: list[int]) -> None:
    contents = [bytes([at % 251]) * size for at, size in enumerate(sizes)]
    assert unlaced(laced(contents, lacing), lacing) == contents


def test_packets_of_one_size_are_laced_without_telling_it() -> None:
    assert unlaced(b"\2aabbcc", FIXED) == [b"aa", b"bb", b"cc"]


@pytest.mark.parametrize("lacing", [XIPH, FIXED, EBML])
@given(data=st.binary(max_size=20))
def test_no_lacing_whatever_raises_anything_but_an_audio_error(lacing: int, data: bytes) -> None:
    with contextlib.suppress(BadAudio):
        assert b"".join(unlaced(data, lacing)) in data


@pytest.mark.parametrize("lacing", [XIPH, EBML])
def test_a_laced_recording_is_the_recording(lacing: int) -> None:
    groups = [(at * 20, laced(OPUS[at : at + 5], lacing)) for at in range(0, 100, 5)]
    assert wavs("opus", [webm(groups, flags=0x80 | lacing)]) == wavs("opus", [webm(STEADY)])


def test_the_end_of_a_webm_file_is_cut_to_the_sample() -> None:
    last = element(0xA1, b"\x81" + struct.pack(">hB", 20, 0) + OPUS[100])
    group = element(0xA0, last + element(0x75A2, struct.pack(">i", 15_000_000)))
    assert len(decode("opus", webm(STEADY))[0]) == 100 * 960 - 312
    assert len(decode("opus", webm(STEADY) + group)[0]) == 100 * 960 - 312 + 240
