"""Parts of a coded stream to samples, by FFmpeg's decoders.

Input: parts. Output: signed 16-bit little-endian mono, at the rate of the first sound. Nothing of FFmpeg but its
decoders is used: no demuxer, no protocol, no option. It runs in the decoder process, and nowhere else is PyAV imported.
"""

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.codec.context import CodecContext
from av.error import FFmpegError
from av.packet import Packet as CodedPacket

from stenowire.audio.codecs.parts import Gap, Head, Packet, Part
from stenowire.errors import BadAudio, UnsupportedFormat

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 192_000
SAMPLE_BYTES = 2
MIXED = {("s16", 1), ("s16p", 1)}
"""Sample formats and channels of frames that are what we want already."""
MOST_BAD = 250
"""Packets in a row that cannot be decoded: 5 s and more."""
LONGEST_S = 24 * 3600
"""Of one stream: a bound for what a small file can blow itself up to."""
GAPS_S = 60
"""Silence that may be made up for gaps beyond as much as there was sound."""

av.logging.set_level(None)


class Sound:
    """`rate_hz` is 0 until it is known."""

    rate_hz = 0

    def __init__(self) -> None:
        self._head: Head | None = None
        self._codec: AudioCodecContext | None = None
        self._mixer: AudioResampler | None = None
        self._mixes: tuple[str, int, str, int] | None = None
        self._length = 0
        """Samples of the last packet, at `rate_hz`."""
        self._bad = 0
        self._heard = 0
        """Samples decoded so far, at `rate_hz`."""
        self._made_up = 0
        """Samples of silence told so far."""

    def decode(self, part: Part) -> bytes:
        """May be empty. Raises BadAudio, UnsupportedFormat."""
        match part:
            case Head():
                self._begin(part)
                return b""
            case Gap():
                return self._silence(part)
            case Packet():
                return self._cut(self._decode(part) or self._stand_in(part), part)

    def flush(self) -> None:
        """Raises BadAudio when nothing could be decoded."""
        if self._heard == 0:
            raise BadAudio("there is no sound in it")

    def _begin(self, head: Head) -> None:
        codec = CodecContext.create(head.codec, "r")
        assert isinstance(codec, AudioCodecContext)
        codec.thread_count = 1
        codec.sample_rate = head.rate_hz
        codec.layout = "mono" if head.channels == 1 else "stereo" if head.channels == 2 else f"{head.channels} channels"
        if head.extradata:
            codec.extradata = head.extradata
        self._head, self._codec, self._length = head, codec, 0

    # ---- packets ------------------------------------------------------------------------------------------------

    def _decode(self, packet: Packet) -> bytes:
        """Empty when the packet is damaged."""
        assert self._codec is not None
        try:
            frames = self._codec.decode(CodedPacket(packet.data)) if packet.data else []
            pcm = b"".join([self._mix(frame) for frame in frames])
        except FFmpegError:
            return b""
        if pcm:
            self._bad = 0
            self._length = len(pcm) // SAMPLE_BYTES
            self._heard += self._length
            if self._heard > LONGEST_S * self.rate_hz:
                raise BadAudio(f"the stream is longer than {LONGEST_S // 3600} hours")
        return pcm

    def _mix(self, frame: AudioFrame) -> bytes:
        """Mono, 16 bits, at the one rate of this stream."""
        if self.rate_hz == 0:
            self._set_rate(frame.sample_rate)
        nature = frame.format.name, frame.layout.nb_channels, frame.layout.name, frame.sample_rate
        if nature[:2] in MIXED and nature[3] == self.rate_hz:
            return _bytes(frame)
        if nature != self._mixes:
            self._mixer, self._mixes = AudioResampler("s16", "mono", self.rate_hz), nature
        assert self._mixer is not None
        frame.pts = None
        return b"".join([_bytes(mixed) for mixed in self._mixer.resample(frame)])

    def _set_rate(self, rate_hz: int) -> None:
        if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
            raise UnsupportedFormat(
                f"the audio has {rate_hz} Hz; {LOWEST_RATE_HZ}..{HIGHEST_RATE_HZ} are supported", "format"
            )
        self.rate_hz = rate_hz

    def _stand_in(self, packet: Packet) -> bytes:
        """Silence for a damaged packet, as long as it should have sounded."""
        self._bad += 1
        if self._bad > MOST_BAD:
            raise BadAudio(f"{MOST_BAD} packets in a row are damaged")
        return bytes(SAMPLE_BYTES * (self._length or self._own(packet.samples))) if packet.samples else b""

    def _cut(self, pcm: bytes, packet: Packet) -> bytes:
        begin = SAMPLE_BYTES * self._own(packet.skip)
        end = None if packet.keep is None else begin + SAMPLE_BYTES * self._own(packet.keep)
        return pcm[begin:end]

    # ---- time ---------------------------------------------------------------------------------------------------

    def _silence(self, gap: Gap) -> bytes:
        samples = self._own(gap.samples)
        if self._made_up + samples > self._heard + GAPS_S * self.rate_hz:
            return b""
        self._made_up += samples
        return bytes(SAMPLE_BYTES * samples)

    def _own(self, samples: int) -> int:
        """From the head's clock to ours."""
        assert self._head is not None
        if self.rate_hz == 0:
            self._set_rate(self._head.rate_hz)
        return samples * self.rate_hz // self._head.rate_hz


def _bytes(frame: AudioFrame) -> bytes:
    """Without the padding behind the samples."""
    return bytes(memoryview(frame.planes[0])[: frame.samples * SAMPLE_BYTES])
