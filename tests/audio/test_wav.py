"""Finding audio in a WAV stream."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.wav_files import chunk, extensible, fmt, riff
from stenowire.audio.pcm import Layout
from stenowire.audio.wav import MOST_SKIPPED_BYTES, WavReader
from stenowire.errors import BadAudio, UnsupportedFormat

pytestmark = pytest.mark.unit

AUDIO = bytes(range(200))
LIST = chunk(b"LIST", b"INFOISFT\x05\0\0\0Lavf\0\0")


def read(stream: bytes, step: int = 1 << 30) -> bytes:
    reader = WavReader()
    audio = b"".join(reader.feed(stream[i : i + step]) for i in range(0, len(stream), step))
    return audio + reader.flush()


@pytest.mark.parametrize("step", [1, 2, 3, 7, 44, 100, 1000])
def test_audio_is_found_however_the_stream_is_cut(step: int) -> None:
    assert read(riff(LIST, fmt(), chunk(b"fact", b"1234"), chunk(b"data", AUDIO), LIST), step) == AUDIO


@pytest.mark.parametrize(
    ("header", "layout"),
    [
        (fmt(bits=8), Layout("unsigned", 1, 1)),
        (fmt(bits=16, channels=2), Layout("signed", 2, 2)),
        (fmt(bits=24), Layout("signed", 3, 1)),
        (fmt(bits=32, channels=8), Layout("signed", 4, 8)),
        (fmt(bits=32, tag=3), Layout("float", 4, 1)),
        (fmt(bits=64, tag=3), Layout("float", 8, 1)),
        (fmt(bits=12), Layout("signed", 2, 1)),
        (fmt(bits=8, tag=6), Layout("alaw", 1, 1)),
        (fmt(bits=8, tag=7, channels=2), Layout("mulaw", 1, 2)),
        (extensible(bits=8, tag=7), Layout("mulaw", 1, 1)),
        (extensible(bits=24, channels=6), Layout("signed", 3, 6)),
        (extensible(bits=32, tag=3), Layout("float", 4, 1)),
    ],
)
def test_the_header_tells_the_layout(header: bytes, layout: Layout) -> None:
    reader = WavReader()
    reader.feed(riff(header))
    assert reader.layout == layout


def test_the_header_tells_the_rate() -> None:
    reader = WavReader()
    reader.feed(riff(fmt(44_100)))
    assert reader.rate_hz == 44_100


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0xFFFFFFFF - 36, 0x7FFFFFFF, 0x7FFFFFFF - 36, 0x7FFFF000])
def test_a_size_that_the_writer_could_not_know_means_until_the_end(size: int) -> None:
    assert read(riff(fmt(), chunk(b"data", AUDIO, size=size), size=size)) == AUDIO


def test_a_size_that_is_too_large_ends_with_the_stream() -> None:
    assert read(riff(fmt(), chunk(b"data", AUDIO, size=100_000))) == AUDIO


@pytest.mark.parametrize("step", [1, 50, 1000])
def test_a_size_that_is_too_small_loses_no_audio(step: int) -> None:
    assert read(riff(fmt(), chunk(b"data", AUDIO, size=20)), step) == AUDIO


def test_a_size_that_cuts_a_sample_in_two_is_not_believed() -> None:
    assert read(riff(fmt(), chunk(b"data", AUDIO, size=21))) == AUDIO


@pytest.mark.parametrize("trailer", [LIST, chunk(b"id3 ", b"cover" * 999), LIST + chunk(b"odd!", b"abc") + LIST])
def test_what_follows_the_audio_is_not_played(trailer: bytes) -> None:
    assert read(riff(fmt(), chunk(b"data", AUDIO), trailer), 10) == AUDIO


@pytest.mark.parametrize("padding", [b"", b"\0"])
def test_odd_audio_may_be_padded_or_not(padding: bytes) -> None:
    odd = b"data" + struct.pack("<I", 7) + b"1234567" + padding
    assert read(riff(fmt(bits=8), odd, LIST)) == b"1234567"


def test_files_one_after_another_are_one_stream() -> None:
    one = riff(fmt(), chunk(b"data", AUDIO))
    assert read(one + one + riff(LIST, fmt(), chunk(b"data", AUDIO), LIST) + one, 11) == AUDIO * 4


def test_audio_in_several_chunks_is_one_stream() -> None:
    assert read(riff(fmt(), chunk(b"data", b"abcd"), LIST, chunk(b"data", b"efgh"))) == b"abcdefgh"


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (riff(fmt(channels=0)), "0 channels"),
        (riff(fmt(channels=64)), "64 channels"),
        (riff(fmt(rate_hz=384_000)), "384000 Hz"),
        (riff(fmt(rate_hz=0)), "0 Hz"),
        (riff(fmt(bits=0)), "0 bits"),
        (riff(fmt(bits=48)), "48 bits"),
        (riff(chunk(b"fmt ", b"\1\0")), "fmt chunk has 2 bytes"),
        (riff(chunk(b"fmt ", b"", size=1 << 30)), "fmt chunk has 1073741824 bytes"),
        (riff(chunk(b"fmt ", struct.pack("<HHIIHH", 0xFFFE, 1, 16_000, 32_000, 2, 16))), "extended fmt chunk has 16"),
        (riff(chunk(b"data", AUDIO)), "audio before its fmt"),
        (riff(chunk(b"bext", b"", size=3 << 30)), "chunk b'bext' of 3221225472 bytes before any audio"),
        (riff(chunk(b"JUNK", b"") * (MOST_SKIPPED_BYTES // 8 + 1)), "before any audio"),
        (riff(fmt(), chunk(b"data", AUDIO)) + riff(fmt(8_000)), "changes its format"),
        (riff(fmt(), chunk(b"data", AUDIO)) + b"RIFF\0\0\0\0AVI LIST", "not a WAV header"),
        (b"RIFF\0\0\0\0AVI LIST", "not a WAV header"),
        (riff(fmt()), "ended inside its header"),
        (riff(fmt())[:30], "ended inside its header"),
        (b"", "ended inside its header"),
    ],
)
def test_an_absurd_header_is_refused_by_name(stream: bytes, said: str) -> None:
    with pytest.raises(BadAudio, match=said):
        read(stream)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (fmt(tag=2, bits=4), "ADPCM"),
        (fmt(tag=17, bits=4), "IMA ADPCM"),
        (fmt(tag=0x1234), "codec 4660"),
        (extensible(tag=49, bits=8), "GSM"),
        (fmt(tag=3, bits=16), "16-bit float"),
    ],
)
def test_a_codec_that_is_not_decoded_is_named(header: bytes, said: str) -> None:
    with pytest.raises(UnsupportedFormat, match=said):
        read(riff(header))


def lies(stream: bytes) -> st.SearchStrategy[bytes]:
    """The stream with a few bytes of its first 80 changed, then cut short."""
    changes = st.dictionaries(st.integers(0, 79), st.integers(0, 255), max_size=6)
    return st.tuples(changes, st.integers(0, len(stream))).map(
        lambda drawn: bytes(drawn[0].get(i, byte) for i, byte in enumerate(stream))[: drawn[1]]
    )


@settings(max_examples=150, deadline=None)
@given(lies(riff(LIST, fmt(), chunk(b"data", AUDIO), LIST)), st.integers(1, 90))
def test_a_lying_header_is_read_or_refused_and_nothing_else(stream: bytes, step: int) -> None:
    reader = WavReader()
    try:
        audio = b"".join(reader.feed(stream[i : i + step]) for i in range(0, len(stream), step))
    except (BadAudio, UnsupportedFormat) as error:
        assert error.message
    else:
        assert len(audio) <= len(stream)
        assert len(reader._held) <= 5000


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400), st.integers(1, 50))
def test_any_bytes_after_a_good_header_are_read_or_refused(tail: bytes, step: int) -> None:
    with suppress(BadAudio, UnsupportedFormat):
        assert read(riff(fmt(), chunk(b"data", AUDIO)) + tail, step).startswith(AUDIO)
