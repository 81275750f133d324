"""WAV streams for tests, honest and otherwise."""

import struct


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    """`size` overrides what the header says; bodies of odd length are padded."""
    return name + struct.pack("<I", len(body) if size is None else size) + body + b"\0" * (len(body) % 2)


def fmt(rate_hz: int = 16_000, channels: int = 1, bits: int = 16, tag: int = 1) -> bytes:
    block = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * block & 0xFFFFFFFF, block, bits))


def extensible(rate_hz: int = 16_000, channels: int = 1, bits: int = 16, tag: int = 1) -> bytes:
    block = channels * bits // 8
    body = struct.pack("<HHIIHH", 0xFFFE, channels, rate_hz, rate_hz * block, block, bits)
    body += struct.pack("<HHIH", 22, bits, 0, tag) + bytes.fromhex("000000001000800000aa00389b71")
    return chunk(b"fmt ", body)


def riff(*chunks: bytes, size: int | None = None) -> bytes:
    body = b"".join(chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body) if size is None else size) + b"WAVE" + body
