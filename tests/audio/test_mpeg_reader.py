"""MP3 and AAC with tags, notes and damage."""

import struct

import numpy as np
import pytest

from audio.coded import cut, decode, encode, likeness, voice, wavs
from audio.streams import AAC, FLAC, MP3, RATE_HZ, VOICE, id3, parts
from stenowire.audio.codecs.mp3 import Mp3Reader
from stenowire.audio.codecs.parts import Packet
from stenowire.audio.codecs.transcode import Transcoder
from stenowire.errors import BadAudio, UnsupportedFormat

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("step", [1, 100, 1 << 20])
@pytest.mark.parametrize(("encoding", "stream"), [("mp3", MP3), ("aac", AAC), ("flac", FLAC)])
def test_a_cover_picture_is_no_audio(encoding: str, stream: bytes, step: int) -> None:
    assert wavs(encoding, cut(id3(20_000) + stream, step)) == wavs(encoding, [stream])


def test_a_picture_that_is_longer_than_its_tag_is_searched_through() -> None:
    noise = np.random.default_rng(5).integers(0, 256, 30_000, np.uint8).tobytes()
    decoded, rate_hz = decode("mp3", id3(100) + noise + MP3)
    assert rate_hz == RATE_HZ
    assert likeness(decoded[-len(VOICE) :], VOICE, RATE_HZ)[0] > 0.99


def test_rubbish_that_never_ends_is_given_up() -> None:
    transcoder = Transcoder("mp3")
    with pytest.raises(BadAudio, match="no MP3 frame in 256 KB"):
        for _ in range(100):
            list(transcoder.feed(bytes(4096)))


def without_note(mp3: bytes) -> bytes:
    """The frames that hold sound, as an encoder that writes to a socket would send them."""
    return b"".join(part.data for part in parts(Mp3Reader(), mp3) if isinstance(part, Packet))


def test_what_lame_puts_around_the_audio_is_taken_off_with_its_note_and_without() -> None:
    decoded, _ = decode("mp3", MP3)
    assert len(decoded) == len(VOICE)
    decoded, _ = decode("mp3", without_note(MP3))
    assert abs(likeness(decoded, VOICE, RATE_HZ)[1]) < 1
    assert 0 < len(decoded) - len(VOICE) < 1200


def test_a_note_that_counts_too_few_frames_cuts_nothing() -> None:
    at = MP3.index(b"Info") + 8
    lying = MP3[:at] + struct.pack(">I", 3) + MP3[at + 4 :]
    decoded, _ = decode("mp3", lying)
    assert abs(len(decoded) - len(VOICE)) < 2400
    assert likeness(decoded[2400:], VOICE[2400:], RATE_HZ)[0] > 0.9


def test_pieces_that_are_files_of_their_own_are_joined() -> None:
    decoded, _ = decode("mp3", MP3 + MP3)
    assert len(decoded) == 2 * len(VOICE)
    assert likeness(decoded[len(VOICE) :], VOICE, RATE_HZ)[0] > 0.99


def test_a_damaged_frame_costs_its_own_time_and_no_more() -> None:
    frames = [part for part in parts(Mp3Reader(), MP3) if isinstance(part, Packet)]
    broken = frames[30].data[:4] + b"\xff" * (len(frames[30].data) - 4)
    stream = b"".join(broken if at == 30 else frame.data for at, frame in enumerate(frames))
    decoded, _ = decode("mp3", stream)
    whole, _ = decode("mp3", without_note(MP3))
    assert len(decoded) == len(whole)
    assert np.array_equal(decoded[-8000:], whole[-8000:])


def test_a_change_of_rate_keeps_the_first_rate() -> None:
    slow = encode(voice(8_000, 2), 8_000, "libmp3lame", "mp3", 32_000)
    decoded, rate_hz = decode("mp3", MP3 + slow)
    assert rate_hz == RATE_HZ
    assert len(decoded) == pytest.approx(4 * RATE_HZ, abs=200)
    assert likeness(decoded[2 * RATE_HZ :], voice(RATE_HZ, 2), RATE_HZ)[0] > 0.9


def test_a_tag_that_no_writer_writes_is_no_tag() -> None:
    assert wavs("mp3", [b"ID3\x04\0\0\xff\xff\xff\xff" + MP3]) == wavs("mp3", [MP3])


@pytest.mark.parametrize("step", [1, 3200])
def test_mp4_is_named_as_what_cannot_be_streamed(step: int) -> None:
    with pytest.raises(UnsupportedFormat, match="MP4"):
        decode("aac", struct.pack(">I8s", 32, b"ftypM4A ") + bytes(500), step)
