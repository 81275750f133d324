"""Bytes of audio that has a fixed size per sample, to samples.

Input: a layout, then bytes cut anywhere. Output: float32 mono in [-1, 1] at the rate of the bytes. Bytes that do not
make up a whole sample of every channel wait for the next feed. Must not know of containers or rates.
"""

from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from stenowire.audio.g711 import from_alaw, from_mulaw
from stenowire.types import Samples

Kind = Literal["unsigned", "signed", "float", "mulaw", "alaw"]


class Layout(msgspec.Struct, frozen=True):
    """How samples lie in bytes: little-endian, channels interleaved."""

    kind: Kind = "signed"
    bytes_per_sample: int = 2
    """1 for unsigned, mulaw and alaw, 2..4 for signed, 4 or 8 for float."""
    channels: int = 1

    @property
    def block_bytes(self) -> int:
        return self.bytes_per_sample * self.channels


class PcmDecoder:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._held = b""

    def feed(self, data: bytes) -> Samples:
        data = self._held + data if self._held else data
        whole = len(data) - len(data) % self._layout.block_bytes
        self._held = data[whole:]
        samples: Samples = _SCALED[self._layout.kind, self._layout.bytes_per_sample](data[:whole])
        if self._layout.channels == 1:
            return samples
        mono: Samples = samples.reshape(-1, self._layout.channels).mean(axis=1, dtype=np.float32)
        return mono

    def flush(self) -> Samples:
        """Nothing: what is held is less than one sample."""
        self._held = b""
        return np.empty(0, np.float32)


def _integers(data: bytes | NDArray[Any], dtype: str, full_scale: float) -> Samples:
    """Multiplying by a power of two is exact; 32-bit integers are rounded to the 24 bits of a float32."""
    return np.frombuffer(data, dtype).astype(np.float32) * np.float32(1 / full_scale)


def _bytes_around_128(data: bytes) -> Samples:
    return _integers(data, "u1", 1 << 7) - np.float32(1)


def _three_bytes(data: bytes) -> Samples:
    wide = np.zeros((len(data) // 3, 4), np.uint8)
    wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
    return _integers(wide.reshape(-1), "<i4", 1 << 31)


def _floats(data: bytes, dtype: str) -> Samples:
    """What is not a number is silence; what is too loud is clipped."""
    finite = np.nan_to_num(np.frombuffer(data, dtype), posinf=1, neginf=-1)
    clipped: Samples = np.clip(finite, -1, 1).astype(np.float32)
    return clipped


_SCALED = {
    ("unsigned", 1): _bytes_around_128,
    ("signed", 2): lambda data: _integers(data, "<i2", 1 << 15),
    ("signed", 3): _three_bytes,
    ("signed", 4): lambda data: _integers(data, "<i4", 1 << 31),
    ("float", 4): lambda data: _floats(data, "<f4"),
    ("float", 8): lambda data: _floats(data, "<f8"),
    ("mulaw", 1): from_mulaw,
    ("alaw", 1): from_alaw,
}
