"""Opus in Ogg and by itself: lost pages, joined and broken streams, pauses."""

import numpy as np
import pytest

from audio.coded import cut, decode, likeness, packets, read_wav, voice, wavs
from audio.streams import FIRST, GROUPS, LAST, OPUS, PAGES, TAGS, opus_pages, page, parts, silence_s, sound
from stenowire.audio.codecs.opus import BarePackets, OpusReader, opus_head, packet_samples
from stenowire.audio.codecs.parts import Gap, Packet
from stenowire.audio.codecs.transcode import Transcoder
from stenowire.errors import BadAudio

pytestmark = pytest.mark.unit


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
