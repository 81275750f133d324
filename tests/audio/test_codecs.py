"""Coded audio decodes to what was encoded, at its own time, whatever the cuts."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.coded import DATA, cut, decode, encode, likeness, packets, read_wav, voice, wavs
from stenowire.audio.codecs.transcode import Transcoder

pytestmark = pytest.mark.unit

SECONDS = 3

MADE = {
    **{f"mp3-{rate}": ("mp3", rate, "libmp3lame", "mp3", 32_000) for rate in (8_000, 16_000, 22_050, 44_100, 48_000)},
    **{f"aac-{rate}": ("aac", rate, "aac", "adts", 48_000) for rate in (8_000, 16_000, 24_000, 44_100, 48_000)},
    **{f"flac-{rate}": ("flac", rate, "flac", "flac", None) for rate in (8_000, 16_000, 44_100, 96_000)},
    "amr": ("amr", 8_000, "libopencore_amrnb", "amr", 12_200),
    "opus-ogg": ("opus", 48_000, "libopus", "ogg", 24_000),
    "opus-webm": ("opus", 48_000, "libopus", "webm", 24_000),
    "opus-matroska": ("opus", 48_000, "libopus", "matroska", 24_000),
}
KEPT = {
    "speex-8000": ("speex", 8_000, "voice-8k.spx"),
    "speex-stereo": ("speex", 8_000, "voice-8k-stereo.spx"),
    "speex-16000": ("speex", 16_000, "voice-16k.spx"),
    "speex-32000": ("speex", 32_000, "voice-32k.spx"),
    "amr-wb": ("amr", 16_000, "voice.awb"),
}
LIKENESS = {"speex-8000": 0.9, "speex-stereo": 0.9, "speex-16000": 0.9, "speex-32000": 0.9, "amr": 0.9, "amr-wb": 0.95}
"""Correlation with the original. Codecs that model speech keep its sound, not its wave."""
LATE_MS = {"amr": 6, "amr-wb": 6}
"""An AMR encoder looks ahead, and nothing in its stream says so."""


def stream(name: str) -> tuple[str, int, bytes]:
    """(encoding, rate in Hz, bytes)"""
    if name in KEPT:
        encoding, rate_hz, file = KEPT[name]
        return encoding, rate_hz, (DATA / file).read_bytes()
    encoding, rate_hz, codec, container, bit_rate = MADE[name]
    return encoding, rate_hz, encode(voice(rate_hz, SECONDS), rate_hz, codec, container, bit_rate)


STREAMS = {name: stream(name) for name in (*MADE, *KEPT)}


@pytest.mark.parametrize("name", STREAMS)
def test_what_was_encoded_comes_out_at_its_own_time(name: str) -> None:
    encoding, rate_hz, data = STREAMS[name]
    decoded, decoded_rate_hz = decode(encoding, data)
    assert decoded_rate_hz == rate_hz
    correlation, late_ms = likeness(decoded, voice(rate_hz, SECONDS), rate_hz)
    assert correlation >= LIKENESS.get(name, 0.99)
    assert abs(late_ms) < LATE_MS.get(name, 0.1)
    assert -0.001 < len(decoded) / rate_hz - SECONDS < 0.08


@pytest.mark.parametrize("name", STREAMS)
def test_every_size_of_piece_gives_the_same_samples(name: str) -> None:
    encoding, _, data = STREAMS[name]
    whole = wavs(encoding, [data])
    for step in (1, 33, 1000, 3200, 65_536):
        assert wavs(encoding, cut(data, step)) == whole


@settings(max_examples=14, deadline=None)
@given(st.data())
@pytest.mark.parametrize("name", ["mp3-16000", "aac-16000", "flac-16000", "opus-ogg", "opus-webm", "amr"])
def test_any_cutting_gives_the_same_samples(name: str, data: st.DataObject) -> None:
    encoding, _, coded = STREAMS[name]
    cuts = data.draw(st.lists(st.integers(0, len(coded)), max_size=40))
    edges = [0, *sorted(cuts), len(coded)]
    assert wavs(encoding, [coded[a:b] for a, b in pairwise(edges)]) == wavs(encoding, [coded])


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_cut_off_keeps_what_had_come(name: str) -> None:
    encoding, rate_hz, data = STREAMS[name]
    whole, _ = decode(encoding, data)
    part, _ = decode(encoding, data[: len(data) * 2 // 3])
    if encoding == "mp3":
        # All but the last 576 samples before a frame's end depend on nothing that follows.
        part = part[:-1200]
    assert rate_hz < len(part) < len(whole)
    assert np.array_equal(part[:-2000], whole[: len(part) - 2000])


@pytest.mark.parametrize(
    ("name", "held_ms"), [("mp3-16000", 250), ("aac-16000", 250), ("amr", 100), ("flac-16000", 200), ("opus-webm", 1)]
)
def test_sound_comes_out_while_the_stream_comes_in(name: str, held_ms: int) -> None:
    """Of what has come in by any time, no more than this is still held back."""
    encoding, rate_hz, data = STREAMS[name]
    pieces = cut(data, 64)
    heard_s = (len(wavs_so_far(encoding, pieces[: len(pieces) // 2])) - 44) / 2 / rate_hz
    assert heard_s > SECONDS * 0.4 - held_ms / 1000


def wavs_so_far(encoding: str, pieces: list[bytes]) -> bytes:
    transcoder = Transcoder(encoding)
    return b"".join(wav for piece in pieces for wav in transcoder.feed(piece))


def test_bare_packets_are_one_to_a_message() -> None:
    sound = voice(48_000, SECONDS)
    coded = packets(sound, 48_000, "libopus", 24_000)
    decoded, rate_hz = read_wav(wavs("opus_packets", coded))
    correlation, late_ms = likeness(decoded, sound, rate_hz)
    assert (rate_hz, correlation > 0.99, late_ms < 10) == (48_000, True, True)
    assert 0 <= len(decoded) - len(sound) < 2000


@pytest.mark.parametrize("name", ["opus-ogg", "opus-webm"])
def test_where_bare_packets_are_taken_containers_are_too(name: str) -> None:
    data = STREAMS[name][2]
    assert wavs("opus_packets", cut(data, 7)) == wavs("opus", [data])


@pytest.mark.parametrize("container", ["ogg", "webm"])
def test_two_channels_are_mixed_down(container: str) -> None:
    sound = voice(48_000, SECONDS)
    decoded, _ = decode("opus", encode(sound, 48_000, "libopus", container, 64_000, channels=2))
    assert likeness(decoded, sound, 48_000)[0] > 0.99
    assert np.abs(decoded).max() == pytest.approx(np.abs(sound).max() / 2, rel=0.1)


@pytest.mark.parametrize(("codec", "encoding", "container"), [("flac", "flac", "flac"), ("aac", "aac", "adts")])
def test_two_channels_of_other_codecs_are_too(codec: str, encoding: str, container: str) -> None:
    sound = voice(16_000, SECONDS)
    decoded, _ = decode(encoding, encode(sound, 16_000, codec, container, 96_000, channels=2))
    assert likeness(decoded, sound, 16_000)[0] > 0.99
    assert np.abs(decoded).max() == pytest.approx(np.abs(sound).max() / 2, rel=0.1)
