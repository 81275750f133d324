"""Opus: in Ogg (RFC 7845), in WebM, or as bare packets (RFC 6716).

Input: bytes. Output: parts, counted at 48 kHz. What it is shows in the first four bytes; bare packets have no borders
of their own, so each feed is one packet, and they are an offer only of protocols whose messages are packets.
"""

import struct
from collections.abc import Iterator

from stenowire.audio.codecs import ogg_pages, webm
from stenowire.audio.codecs.ogg import OggReader, Stream
from stenowire.audio.codecs.parts import Head, Packet, Part, Reader
from stenowire.audio.codecs.webm import WebmReader
from stenowire.errors import BadAudio

RATE_HZ = 48_000
"""Of every Opus decoder's clock, whatever was encoded."""
CODEC = "libopus"
MOST_CHANNELS = 8
LONGEST_PACKET, USUAL_PACKET = 5760, 960
"""120 and 20 ms."""
LONGEST_PACKET_BYTES = 2 + 48 * (2 + 1275)
"""48 frames, each with its length (RFC 6716, 3.2.5)."""
SILK_MS = (10, 20, 40, 60)
CELT_MS = (2.5, 5, 10, 20)


def packet_samples(packet: bytes) -> int:
    """How long a packet sounds by its first two bytes (RFC 6716, 3.1), 0 when it cannot be one."""
    if not packet:
        return 0
    config = packet[0] >> 3
    if config < 12:
        frame_ms = float(SILK_MS[config & 3])
    elif config < 16:
        frame_ms = 20.0 if config & 1 else 10.0
    else:
        frame_ms = CELT_MS[config & 3]
    count = (1, 2, 2, packet[1] & 63 if len(packet) > 1 else 0)[packet[0] & 3]
    samples = int(frame_ms * count * RATE_HZ / 1000)
    return samples if samples <= LONGEST_PACKET else 0


def opus_head(channels: int, pre_skip: int = 0) -> bytes:
    """An OpusHead packet (RFC 7845, 5.1) for mapping family 0."""
    return struct.pack("<8sBBHIhB", b"OpusHead", 1, channels, pre_skip, RATE_HZ, 0, 0)


def read_head(head: bytes) -> tuple[Head, int]:
    """(the decoder's head, samples to skip). The skip is ours to do, so the decoder is told of none.

    Family 0, mono or stereo, is decoded as mono: an Opus decoder mixes down by itself, for half the work.
    """
    if len(head) < 19 or head[8] >> 4:
        raise BadAudio("the head of the Opus stream is damaged")
    channels, pre_skip, family = head[9], struct.unpack_from("<H", head, 10)[0], head[18]
    if not 1 <= channels <= MOST_CHANNELS:
        raise BadAudio(f"the Opus stream has {channels} channels; 1..{MOST_CHANNELS} are possible")
    gain = head[16:18]
    if family == 0:
        mono = opus_head(1)
        return Head(CODEC, RATE_HZ, 1, mono[:16] + gain + mono[18:]), pre_skip
    return Head(CODEC, RATE_HZ, channels, head[:10] + b"\0\0" + head[12:]), pre_skip


class OpusInOgg:
    name = "Opus"

    def begin(self, packet: bytes) -> Stream | None:
        if not packet.startswith(b"OpusHead"):
            return None
        head, skip = read_head(packet)
        return Stream(head, headers=2, skip=skip, origin=0)

    def samples(self, packet: bytes) -> int:
        return packet_samples(packet)


class BarePackets:
    """Each feed is one packet."""

    def __init__(self) -> None:
        self._begun = False

    def feed(self, data: bytes) -> Iterator[Part]:
        if not self._begun:
            self._begun = True
            yield Head(CODEC, RATE_HZ, 1, opus_head(1))
        if len(data) > LONGEST_PACKET_BYTES:
            raise BadAudio("no packet is so long")
        yield Packet(data, packet_samples(data) or USUAL_PACKET)

    def flush(self) -> Iterator[Part]:
        yield from ()


class OpusReader:
    """Ogg or WebM, and if `bare` is allowed also packets."""

    bare = False

    def __init__(self) -> None:
        self._held: list[bytes] = []
        """The first feeds, while it is not known what they are."""
        self._reader: Reader | None = None

    def feed(self, data: bytes) -> Iterator[Part]:
        if self._reader is None:
            self._held.append(data)
            head = b"".join(self._held)
            if len(head) < 4 and (not self.bare or ogg_pages.MAGIC.startswith(head) or webm.MAGIC.startswith(head)):
                return
            yield from self._begin(head[:4])
        else:
            yield from self._reader.feed(data)

    def flush(self) -> Iterator[Part]:
        if self._reader is None:
            yield from self._begin(b"".join(self._held)[:4])
        if self._reader is not None:
            yield from self._reader.flush()

    def _begin(self, magic: bytes) -> Iterator[Part]:
        self._reader = self._choose(magic)
        held, self._held = self._held, []
        for data in held:
            yield from self._reader.feed(data)

    def _choose(self, magic: bytes) -> Reader:
        if magic == ogg_pages.MAGIC:
            return OggReader(OpusInOgg())
        if magic == webm.MAGIC:
            return WebmReader("A_OPUS", read_head, packet_samples)
        if self.bare:
            return BarePackets()
        raise BadAudio(f"neither Ogg nor WebM: it begins with {magic!r}")


class OpusPacketReader(OpusReader):
    bare = True
