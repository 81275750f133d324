"""The audio bytes inside a WAV stream, found while it arrives.

Input: bytes cut anywhere. Output: the bytes of its data chunks, and from the first `fmt ` chunk on the layout and rate.
Raises BadAudio when the header is absurd, UnsupportedFormat when it announces something else than PCM, float or G.711.
Must not know how samples are decoded. Memory: at most one chunk header or one `fmt ` chunk is held.

Chunks are those of "Multimedia Programming Interface and Data Specifications 1.0" (IBM and Microsoft, 1991), with
WAVE_FORMAT_EXTENSIBLE (Microsoft, 2001). Streams in the wild lie about sizes, because their writers cannot know them:

* a data size of 0, or near 2^31 or 2^32, or not of whole samples, means "until the end";
* audio may go on after its size: what follows counts as a chunk only if its name is one that really follows audio;
* a second WAV may follow the first, as from a recorder that sends each piece as a file of its own.
"""

import struct
from collections.abc import Callable

from stenowire.audio.pcm import Kind, Layout
from stenowire.errors import BadAudio, UnsupportedFormat

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 192_000
MOST_CHANNELS = 8
LARGEST_FMT_BYTES = 4096
MOST_SKIPPED_BYTES = 1 << 20
"""In front of the audio: what is longer is not a header. After the audio any chunk is skipped."""
UNKNOWN_SIZE = 0x7FFF0000
"""Sizes from here on stand for "not known": writers put 2^31 or 2^32 there, less the size of what they have written."""
UNBOUNDED = 1 << 62

AFTER_AUDIO = frozenset(
    (
        *(b"RIFF", b"LIST", b"data", b"fmt ", b"fact", b"PEAK", b"cue ", b"smpl", b"inst", b"plst", b"acid", b"bext"),
        *(b"iXML", b"axml", b"chna", b"cart", b"id3 ", b"ID3 ", b"JUNK", b"junk", b"PAD ", b"FLLR", b"DISP", b"afsp"),
        *(b"_PMX", b"umid", b"link", b"levl", b"slnt", b"labl", b"note", b"adtl", b"strc", b"MD5 ", b"SAUR", b"LGWV"),
    )
)

PCM, FLOAT, ALAW, MULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
CODECS = {2: "ADPCM", 17: "IMA ADPCM", 49: "GSM 6.10", 80: "MPEG", 85: "MP3", 255: "AAC"}


Read = Callable[[], bytes | None]


class WavReader:
    """`layout` is None, and `rate_hz` 0, until the `fmt ` chunk has been read."""

    layout: Layout | None = None
    rate_hz: int = 0

    def __init__(self) -> None:
        self._held = bytearray()
        self._left = 0
        """Bytes of the present chunk that are still to come."""
        self._skipped = 0
        self._audio_seen = False
        self._read: Read = self._riff

    def feed(self, data: bytes) -> bytes:
        """Audio bytes; their borders carry no meaning."""
        self._held += data
        pieces = []
        while (piece := self._read()) is not None:
            pieces.append(piece)
        return b"".join(pieces)

    def flush(self) -> bytes:
        """Nothing is left over. Raises BadAudio when the stream ended before its audio began."""
        if not self._audio_seen:
            raise BadAudio("the WAV stream ended inside its header")
        return b""

    # Each state reads what it can: b"" or audio when it got on, None when it needs more bytes.

    def _riff(self) -> bytes | None:
        if len(self._held) < 12:
            return None
        magic, form = self._held[:4], self._held[8:12]
        if magic != b"RIFF" or form != b"WAVE":
            raise BadAudio(f"not a WAV header: {bytes(self._held[:12])!r}")
        return self._pass(12, self._chunk)

    def _chunk(self) -> bytes | None:
        if self._held.startswith(b"RIFF"):
            self._read = self._riff
            return b""
        if len(self._held) < 8:
            return None
        name, size = struct.unpack_from("<4sI", self._held)
        match name:
            case b"fmt ":
                return self._open_fmt(size)
            case b"data":
                return self._open_data(size)
        self._skipped += 8 + size
        if self._skipped > MOST_SKIPPED_BYTES and not self._audio_seen:
            raise BadAudio(f"the WAV header has a chunk {name!r} of {size} bytes before any audio")
        self._left = size + size % 2
        return self._pass(8, self._skip)

    def _open_fmt(self, size: int) -> bytes:
        if not 16 <= size <= LARGEST_FMT_BYTES:
            raise BadAudio(f"the WAV header's fmt chunk has {size} bytes; 16, 18 or 40 are usual")
        self._left = size
        return self._pass(8, self._fmt)

    def _fmt(self) -> bytes | None:
        padded = self._left + self._left % 2
        if len(self._held) < padded:
            return None
        layout, rate_hz = read_fmt(bytes(self._held[: self._left]))
        if self.layout is not None and (layout, rate_hz) != (self.layout, self.rate_hz):
            raise BadAudio("the WAV stream changes its format half-way")
        self.layout, self.rate_hz = layout, rate_hz
        return self._pass(padded, self._chunk)

    def _open_data(self, size: int) -> bytes:
        if self.layout is None:
            raise BadAudio("the WAV header has audio before its fmt chunk")
        self._audio_seen = True
        known = 0 < size < UNKNOWN_SIZE and size % self.layout.block_bytes == 0
        self._left = size if known else UNBOUNDED
        return self._pass(8, self._data)

    def _data(self) -> bytes | None:
        return self._take(self._after_data)

    def _skip(self) -> bytes | None:
        return None if self._take(self._chunk) is None else b""

    def _after_data(self) -> bytes | None:
        """A chunk, perhaps behind a padding byte; or the size was a lie and the audio goes on."""
        if len(self._held) < 5:
            return None
        for padding in (0, 1):
            if bytes(self._held[padding : padding + 4]) in AFTER_AUDIO:
                return self._pass(padding, self._chunk)
        self._left = UNBOUNDED
        return self._pass(0, self._data)

    def _take(self, then: Read) -> bytes | None:
        """Up to `_left` bytes; `then` reads on when they are complete."""
        if self._left == 0:
            return self._pass(0, then)
        if not self._held:
            return None
        taken = bytes(self._held[: self._left])
        del self._held[: len(taken)]
        self._left -= len(taken)
        return taken

    def _pass(self, count: int, then: Read) -> bytes:
        del self._held[:count]
        self._read = then
        return b""


def read_fmt(chunk: bytes) -> tuple[Layout, int]:
    """(layout, rate in Hz) of a `fmt ` chunk of at least 16 bytes.

    Its byte rate and block size follow from the other fields, and are not believed where they differ.
    """
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == EXTENSIBLE:
        if len(chunk) < 40:
            raise BadAudio(f"the WAV header's extended fmt chunk has {len(chunk)} bytes, not 40")
        (tag,) = struct.unpack_from("<H", chunk, 24)
    if tag not in (PCM, FLOAT, ALAW, MULAW):
        what = CODECS.get(tag, f"codec {tag}")
        raise UnsupportedFormat(f"WAV holds {what}; PCM, float, A-law and mu-law are supported", "format")
    if not 1 <= channels <= MOST_CHANNELS:
        raise BadAudio(f"the WAV header says {channels} channels; 1..{MOST_CHANNELS} are possible")
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise BadAudio(f"the WAV header says {rate_hz} Hz; {LOWEST_RATE_HZ}..{HIGHEST_RATE_HZ} are possible")
    return Layout(*_sample(tag, bits), channels), rate_hz


def _sample(tag: int, bits: int) -> tuple[Kind, int]:
    """(kind, bytes per sample). Odd widths fill the upper bits of whole bytes."""
    if tag == FLOAT:
        if bits not in (32, 64):
            raise UnsupportedFormat(f"WAV holds {bits}-bit float; 32 and 64 bits are supported", "format")
        return "float", bits // 8
    if tag in (ALAW, MULAW):
        return ("alaw" if tag == ALAW else "mulaw"), 1
    if not 1 <= bits <= 32:
        raise BadAudio(f"the WAV header says {bits} bits per sample; 8, 16, 24 and 32 are possible")
    bytes_per_sample = (bits + 7) // 8
    return ("unsigned" if bytes_per_sample == 1 else "signed"), bytes_per_sample
