"""Speex in Ogg, by the Speex manual's bit-stream header (version 1.2, section "Ogg file format").

Input: bytes. Output: parts, counted at the stream's own rate.
"""

import struct

from stenowire.audio.codecs.ogg import OggReader, Stream
from stenowire.audio.codecs.parts import Head
from stenowire.errors import BadAudio

FRAME_SAMPLES = (160, 320, 640)
"""Narrow-band, wide-band, ultra-wide-band: 20 ms each."""
LOOKAHEAD = (40, 143, 349)
"""Samples by which the reference encoder is ahead (measured: what its first page's granule lacks)."""
DECODER_SAMPLES = (40, 80, 160)
"""Samples by which every decoder is behind (SPEEX_GET_LOOKAHEAD of the reference decoder)."""
CHANNELS_AT = 48
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 6_000, 48_000
MOST_FRAMES = 10
MOST_EXTRA_HEADERS = 8


class SpeexInOgg:
    name = "Speex"

    def __init__(self) -> None:
        self._samples = 0

    def begin(self, packet: bytes) -> Stream | None:
        if not packet.startswith(b"Speex   "):
            return None
        if len(packet) < 80:
            raise BadAudio("the head of the Speex stream is damaged")
        rate_hz, mode, _, channels, _, _, _, frames, extra_headers = struct.unpack_from("<9I", packet, 36)
        if (
            not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ
            or mode >= len(FRAME_SAMPLES)
            or not 1 <= channels <= 2
            or frames > MOST_FRAMES
            or extra_headers > MOST_EXTRA_HEADERS
        ):
            raise BadAudio("the head of the Speex stream is damaged")
        self._samples = FRAME_SAMPLES[mode] * max(1, frames)
        # Stereo is mono with hints where a voice stands. FFmpeg is told of one channel: with two it writes the frames
        # of a packet over each other.
        mono = packet[:CHANNELS_AT] + struct.pack("<I", 1) + packet[CHANNELS_AT + 4 : 80]
        skip = LOOKAHEAD[mode] + DECODER_SAMPLES[mode]
        late = DECODER_SAMPLES[mode]
        return Stream(Head("speex", rate_hz, 1, mono), 2 + extra_headers, skip, origin=-skip, late=late)

    def samples(self, packet: bytes) -> int:
        return self._samples


class SpeexReader(OggReader):
    def __init__(self) -> None:
        super().__init__(SpeexInOgg())
