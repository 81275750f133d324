"""Streams of each coded format, and what a reader makes of them."""

import struct

import numpy as np

from audio.coded import cut, encode, packets, voice
from stenowire.audio.codecs.opus import opus_head, packet_samples
from stenowire.audio.codecs.parts import Packet, Part, Reader

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
