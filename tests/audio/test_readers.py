"""What readers make of streams that are not as plain as a file from one encoder."""

import contextlib
import struct
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.coded import DATA, cut, decode, encode, likeness, packets, read_wav, voice, wavs
from stenowire.audio.codecs.amr import AmrReader
from stenowire.audio.codecs.flac import FlacReader
from stenowire.audio.codecs.lacing import EBML, FIXED, XIPH, unlaced
from stenowire.audio.codecs.mp3 import Mp3Reader
from stenowire.audio.codecs.opus import BarePackets, OpusReader, opus_head, packet_samples
from stenowire.audio.codecs.parts import Gap, Head, Packet, Part, Reader
from stenowire.audio.codecs.transcode import MOST_SILENT_BYTES, Transcoder
from stenowire.errors import BadAudio, StenowireError, UnsupportedFormat

pytestmark = pytest.mark.unit

RATE_HZ = 16_000
VOICE = voice(RATE_HZ, 2)
MP3 = encode(VOICE, RATE_HZ, "libmp3lame", "mp3", 32_000)
AAC = encode(VOICE, RATE_HZ, "aac", "adts", 48_000)
FLAC = encode(VOICE, RATE_HZ, "flac", "flac")
OGG = encode(voice(48_000, 2), 48_000, "libopus", "ogg", 24_000)
WEBM = encode(voice(48_000, 2), 48_000, "libopus", "webm", 24_000)
AMR = encode(voice(8_000, 2), 8_000, "libopencore_amrnb", "amr", 12_200)
OPUS = packets(voice(48_000, 2), 48_000, "libopus", 24_000)


def parts(reader: Reader, data: bytes, step: int = 1 << 30) -> list[Part]:
    fed = [part for piece in cut(data, step) for part in reader.feed(piece)]
    return [*fed, *reader.flush()]


def sound(found: list[Part]) -> int:
    return sum(part.samples for part in found if isinstance(part, Packet))


def silence_s(samples: np.ndarray, rate_hz: int) -> float:
    """The longest run of digital silence."""
    edges = np.flatnonzero(np.concatenate(([1.0], samples, [1.0])))
    return float(np.diff(edges).max() - 1) / rate_hz


def id3(size: int, filler: bytes = b"\xff\xfb\x90\x00") -> bytes:
    """A tag with something in it that looks like frames, as a picture may."""
    body = (filler * (size // len(filler) + 1))[:size]
    return b"ID3\x04\0\0" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + body


# ---- MP3 and ADTS -------------------------------------------------------------------------------------------------


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


# ---- Ogg ----------------------------------------------------------------------------------------------------------


def page(
    contents: list[bytes], granule: int, number: int, flags: int = 0, serial: int = 7, unfinished: bool = False
) -> bytes:
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in contents)
    if unfinished:
        lacing = lacing[:-1]
    header = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, granule, serial, number, 0, len(lacing))
    return header + lacing + b"".join(contents)


TAGS = b"OpusTags" + bytes(8)
FIRST, LAST = 2, 4


def opus_pages(groups: list[list[bytes]], skip: int = 312, serial: int = 7) -> list[bytes]:
    pages = [page([opus_head(1, skip)], 0, 0, FIRST, serial), page([TAGS], 0, 1, 0, serial)]
    granule = 0
    for at, group in enumerate(groups):
        granule += sum(map(packet_samples, group))
        pages.append(page(group, granule, at + 2, LAST if group is groups[-1] else 0, serial))
    return pages


GROUPS = [OPUS[at : at + 10] for at in range(0, 100, 10)]
PAGES = opus_pages(GROUPS)


@pytest.mark.parametrize("step", [1, 50, 1 << 20])
def test_a_lost_page_is_silence(step: int) -> None:
    whole, _ = decode("opus", b"".join(PAGES))
    decoded, rate_hz = decode("opus", b"".join(PAGES[:5] + PAGES[6:]), step)
    assert len(decoded) == len(whole)
    assert silence_s(decoded, rate_hz) == pytest.approx(0.2, abs=0.001)
    assert likeness(decoded[48_000:], whole[48_000:], rate_hz) == pytest.approx((1, 0), abs=0.05)


def test_a_page_is_told_packet_by_packet() -> None:
    big = opus_pages([OPUS[:50], OPUS[50:100]])
    reader = OpusReader()
    told = [part for piece in cut(b"".join(big[:3])[:-1], 1) for part in reader.feed(piece)]
    assert sound(told) == 49 * 960
    assert parts(OpusReader(), b"".join(big), 1) == parts(OpusReader(), b"".join(big), 99)


def test_the_last_page_cuts_the_end_to_the_sample() -> None:
    pages = opus_pages(GROUPS)
    pages[-1] = page(GROUPS[-1], 10 * 9600 - 1234, len(GROUPS) + 1, LAST)
    decoded, _ = decode("opus", b"".join(pages))
    assert len(decoded) == 10 * 9600 - 1234 - 312


def test_a_packet_may_go_on_over_pages() -> None:
    big = b"\x03" + bytes([50]) + b"".join(OPUS)[:600]
    split = [
        page([big[:510]], -1, 2, 0, unfinished=True),
        page([big[510:], OPUS[1]], 9600, 3, 1),
    ]
    found = parts(OpusReader(), b"".join([*PAGES[:2], *split]))
    assert [part.data for part in found if isinstance(part, Packet)] == [big, OPUS[1]]
    lost = parts(OpusReader(), b"".join([*PAGES[:2], split[1]]))
    assert [part.data for part in lost if isinstance(part, Packet)] == [OPUS[1]]


def test_comments_with_a_picture_are_passed_over() -> None:
    comments = TAGS + bytes(255 * 255 - len(TAGS))
    pages = [PAGES[0]]
    for number in range(8):
        pages.append(page([comments], -1, 1 + number, 1 if number else 0, unfinished=True))
    pages.append(page([b"end"], 0, 9, 1))
    pages += [page(group, (at + 1) * 9600, at + 10) for at, group in enumerate(GROUPS)]
    assert sound(parts(OpusReader(), b"".join(pages))) == 10 * 9600


def test_other_streams_in_the_same_ogg_are_passed_over() -> None:
    video = [page([b"\x80theora" + bytes(40)], 0, 0, FIRST, serial=9)]
    video += [page([bytes(200)], at, at + 1, 0, serial=9) for at in range(20)]
    mixed = [*video[:1], *PAGES[:2]]
    for ours, theirs in zip(PAGES[2:], video[1:], strict=False):
        mixed += [theirs, ours]
    assert wavs("opus", [b"".join(mixed)]) == wavs("opus", [b"".join(PAGES)])


def test_streams_after_each_other_are_joined() -> None:
    decoded, _ = decode("opus", b"".join(PAGES + opus_pages(GROUPS, serial=8)))
    once, _ = decode("opus", b"".join(PAGES))
    assert np.array_equal(decoded, np.concatenate([once, once]))


@pytest.mark.parametrize("step", [1, 777, 1 << 20])
@pytest.mark.parametrize("serial", [7, 8], ids=["same serial", "other serial"])
def test_a_file_that_was_cut_off_does_not_hide_the_next(serial: int, step: int) -> None:
    """As where a recorder was killed, and sends on in a new file."""
    second = opus_pages(GROUPS, serial=serial)
    kept, _ = decode("opus", b"".join(PAGES[:8]))
    whole, _ = decode("opus", b"".join(PAGES))
    decoded, _ = decode("opus", b"".join(PAGES[:8] + second), step)
    assert np.array_equal(decoded, np.concatenate([kept, whole]))


@pytest.mark.parametrize("step", [1, 777, 1 << 20])
def test_a_page_that_was_cut_off_does_not_swallow_the_next_file(step: int) -> None:
    """Of the last page of the first file, six packets have come whole."""
    six = len(PAGES[8]) - sum(map(len, GROUPS[6][6:])) + 1
    kept, _ = decode("opus", b"".join(PAGES[:8]) + PAGES[8][:six])
    whole, _ = decode("opus", b"".join(PAGES))
    decoded, _ = decode("opus", b"".join(PAGES[:8]) + PAGES[8][:six] + b"".join(opus_pages(GROUPS, serial=8)), step)
    assert len(kept) == 66 * 960 - 312
    assert np.array_equal(decoded, np.concatenate([kept, whole]))


def test_an_absurd_time_makes_no_silence() -> None:
    pages = list(PAGES)
    pages[5] = page(GROUPS[3], 1 << 62, 5)
    found = parts(OpusReader(), b"".join(pages))
    assert not [part for part in found if isinstance(part, Gap)]
    assert sound(found) == 10 * 9600


def test_silence_that_is_made_up_has_a_bound() -> None:
    pages = [PAGES[0], PAGES[1]]
    granule = 0
    for number in range(2, 500):
        granule += 50 * 48_000
        pages.append(page([OPUS[0]], granule, number * 2))
    decoded, rate_hz = decode("opus", b"".join(pages))
    assert len(decoded) / rate_hz < 120


@pytest.mark.parametrize(
    ("stream", "what"),
    [
        (page([b"\x01vorbis" + bytes(23)], 0, 0, FIRST), "no Opus; it holds"),
        (page([opus_head(1)[:12]], 0, 0, FIRST), "damaged"),
        (page([opus_head(0)], 0, 0, FIRST), "0 channels"),
        (PAGES[0] + PAGES[1], "no sound"),
        (b"", "neither Ogg nor WebM"),
        (b"#EXTM3U\n#EXT-X-VERSION:3\nfile:///etc/passwd\n", "neither Ogg nor WebM"),
    ],
)
def test_what_is_not_opus_is_named(stream: bytes, what: str) -> None:
    with pytest.raises(BadAudio, match=what):
        decode("opus", stream)


# ---- Opus by itself -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toc", "samples"),
    [
        (bytes([0 << 3]), 480),
        (bytes([3 << 3]), 2880),
        (bytes([12 << 3]), 480),
        (bytes([15 << 3]), 960),
        (bytes([16 << 3]), 120),
        (bytes([31 << 3 | 1]), 1920),
        (bytes([31 << 3 | 3, 6]), 5760),
        (bytes([31 << 3 | 3, 7]), 0),
        (b"", 0),
    ],
)
def test_a_packet_tells_how_long_it_sounds(toc: bytes, samples: int) -> None:
    """RFC 6716, tables 2 and 3.1."""
    assert packet_samples(toc) == samples


def test_a_packet_that_is_no_packet_is_silence() -> None:
    coded = [*OPUS[:20], b"", b"\xff\xff" + bytes(3), *OPUS[20:40]]
    decoded, _ = read_wav(wavs("opus_packets", [piece for piece in coded if piece]))
    assert len(decoded) == 41 * 960


def test_a_first_packet_that_looks_like_a_magic_waits_for_the_second() -> None:
    assert [part.data for part in parts(BarePackets(), OPUS[0]) if isinstance(part, Packet)] == [OPUS[0]]
    transcoder = Transcoder("opus_packets")
    assert list(transcoder.feed(b"O")) == []
    assert len(b"".join(transcoder.feed(OPUS[0]))) == 44 + 2 * 2 * 960


# ---- WebM ---------------------------------------------------------------------------------------------------------


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


# ---- FLAC ---------------------------------------------------------------------------------------------------------


def flac_frames() -> tuple[bytes, list[bytes]]:
    """(header with STREAMINFO only, frames)"""
    found = parts(FlacReader(), FLAC)
    head = next(part for part in found if isinstance(part, Head))
    return b"fLaC" + b"\0\0\0\x22" + head.extradata, [part.data for part in found if isinstance(part, Packet)]


def test_flac_frames_are_the_files_own() -> None:
    _, frames = flac_frames()
    assert FLAC.endswith(b"".join(frames))
    assert len(frames) == -(-len(VOICE) // 1152)


@pytest.mark.parametrize("step", [1, 999, 1 << 20])
def test_pictures_and_tables_before_the_sound_are_passed_over(step: int) -> None:
    header, frames = flac_frames()
    picture = b"\x06" + (100_000).to_bytes(3, "big") + b"\xff\xf8" * 50_000
    last = b"\x81" + (64).to_bytes(3, "big") + bytes(64)
    stream = header + picture + last + b"".join(frames)
    assert wavs("flac", cut(stream, step)) == wavs("flac", [FLAC])


def test_a_lost_frame_is_silence() -> None:
    header, frames = flac_frames()
    last = b"\x81" + bytes(3)
    whole, _ = decode("flac", FLAC)
    decoded, _ = decode("flac", header + last + b"".join(frames[:2] + frames[3:]))
    assert len(decoded) == len(whole)
    assert np.array_equal(decoded[:2304], whole[:2304])
    assert not decoded[2304 : 2304 + 1152].any()
    assert np.array_equal(decoded[3 * 1152 :], whole[3 * 1152 :])


def test_flac_of_zero_hertz_is_refused() -> None:
    stream = bytearray(FLAC)
    stream[18:21] = b"\0\0" + bytes([stream[20] & 15])
    with pytest.raises(BadAudio, match="0 Hz"):
        decode("flac", bytes(stream))


# ---- AMR ----------------------------------------------------------------------------------------------------------


def test_wide_band_amr_is_told_by_its_magic() -> None:
    decoded, rate_hz = decode("amr", (DATA / "voice.awb").read_bytes(), 1)
    assert (rate_hz, len(decoded)) == (16_000, 48_000)


def test_frames_without_sound_keep_their_time() -> None:
    """Type 15: the encoder had nothing to send."""
    frames = [part.data for part in parts(AmrReader(), AMR) if isinstance(part, Packet)]
    stream = b"#!AMR\n" + b"".join(frames[:50]) + b"\x7c" * 25 + b"".join(frames[50:])
    decoded, rate_hz = decode("amr", stream)
    assert len(decoded) / rate_hz == pytest.approx(len(frames) / 50 + 0.5)


def test_a_pause_that_a_phone_does_not_send_is_as_long_as_it_was() -> None:
    hiss = np.random.default_rng(1).normal(0, 0.0005, 8_000 * 8).astype(np.float32)
    talk = np.concatenate([voice(8_000, 2), hiss, voice(8_000, 2)])
    frames = packets(talk, 8_000, "libopencore_amrnb", 12_200, {"dtx": "1"})
    assert sum(len(frame) < 10 for frame in frames) > 300
    decoded, rate_hz = decode("amr", b"#!AMR\n" + b"".join(frames))
    assert likeness(decoded[-16_000:], talk[-16_000:], rate_hz)[0] > 0.9
    assert len(decoded) == len(frames) * 160


@pytest.mark.parametrize("mode", ["packets", "ogg"])
def test_a_pause_that_opus_does_not_send_is_as_long_as_it_was(mode: str) -> None:
    talk = np.concatenate([voice(48_000, 2), np.zeros(48_000 * 4, np.float32), voice(48_000, 2)])
    coded = packets(talk, 48_000, "libopus", 24_000)
    # What an encoder sends for a pause: what the packet would be, and nothing in it (RFC 6716, 2.1.9 and 3.2.1).
    coded[150:250] = [packet[:1] for packet in coded[150:250]]
    groups = [coded[at : at + 50] for at in range(0, len(coded), 50)]
    stream = [b"".join(opus_pages(groups))] if mode == "ogg" else coded
    decoded, rate_hz = read_wav(wavs("opus" if mode == "ogg" else "opus_packets", stream))
    assert len(decoded) == pytest.approx(len(talk), abs=2000)
    assert abs(likeness(decoded[-90_000:], talk[-90_000:], rate_hz)[1]) < 45


@pytest.mark.parametrize(
    ("stream", "what"), [(b"#!AMR_MC1.0\n" + bytes(8), "several channels"), (b"\x3c" * 100, "not an AMR header")]
)
def test_what_is_not_amr_is_named(stream: bytes, what: str) -> None:
    with pytest.raises(StenowireError, match=what):
        decode("amr", stream)


# ---- all ----------------------------------------------------------------------------------------------------------

DECLARED = ["mp3", "opus", "speex", "aac", "amr", "flac"]
STRANGERS = {
    "playlist": b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n" * 20,
    "concat": b"ffconcat version 1.0\nfile '/etc/passwd'\n" * 20,
    "sdp": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n" * 20,
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>' * 20,
    "zeros": bytes(300_000),
    "ones": b"\xff" * 300_000,
    "noise": np.random.default_rng(9).integers(0, 256, 300_000, np.uint8).tobytes(),
}


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize("stranger", STRANGERS)
def test_what_is_no_audio_is_refused(declared: str, stranger: str) -> None:
    with pytest.raises((BadAudio, UnsupportedFormat)):
        decode(declared, STRANGERS[stranger])


BLANK = {
    "mp3": [id3((1 << 20) - 10)],
    "flac": [FLAC[:4] + b"\0" + FLAC[5:42], b"\1\x0f\xff\xfc" + bytes((1 << 20) - 4)],
    "opus": [PAGES[0], page([bytes(65_000)], -1, 1, 0, serial=9) * 16],
}
"""(how it begins,) what may go on for ever without a sound: about a MB."""


@pytest.mark.parametrize("encoding", BLANK)
def test_tags_and_tables_that_never_end_are_given_up(encoding: str) -> None:
    transcoder = Transcoder(encoding)
    with pytest.raises(BadAudio, match="no sound in 64 MB"):
        for piece in [*BLANK[encoding][:-1], *BLANK[encoding][-1:] * (2 + (MOST_SILENT_BYTES >> 20))]:
            list(transcoder.feed(piece))


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize("stream", [MP3, AAC, FLAC, OGG, WEBM, AMR], ids=["mp3", "aac", "flac", "ogg", "webm", "amr"])
def test_what_was_declared_decides_and_not_what_it_looks_like(declared: str, stream: bytes) -> None:
    ours = {"mp3": [MP3], "aac": [AAC], "flac": [FLAC], "opus": [OGG, WEBM], "amr": [AMR], "speex": []}
    if stream in ours[declared]:
        return
    with pytest.raises((BadAudio, UnsupportedFormat)):
        decode(declared, stream)
