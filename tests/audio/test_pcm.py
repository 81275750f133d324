"""Bytes to samples."""

import struct

import numpy as np
import pytest

from stenowire.audio.pcm import Layout, PcmDecoder

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("layout", "data"),
    [
        (Layout("unsigned", 1), bytes([0, 64, 128, 192])),
        (Layout("signed", 2), struct.pack("<4h", -32768, -16384, 0, 16384)),
        (Layout("signed", 3), b"".join(struct.pack("<i", v << 8)[1:] for v in (-(1 << 23), -(1 << 22), 0, 1 << 22))),
        (Layout("signed", 4), struct.pack("<4i", -(1 << 31), -(1 << 30), 0, 1 << 30)),
        (Layout("float", 4), struct.pack("<4f", -1, -0.5, 0, 0.5)),
        (Layout("float", 8), struct.pack("<4d", -1, -0.5, 0, 0.5)),
    ],
)
def test_every_layout_has_the_same_full_scale(layout: Layout, data: bytes) -> None:
    assert PcmDecoder(layout).feed(data).tolist() == [-1, -0.5, 0, 0.5]


def test_a_sample_cut_in_two_waits_for_its_other_half() -> None:
    decoder = PcmDecoder(Layout())
    pieces = [decoder.feed(bytes([byte])) for byte in struct.pack("<3h", 1000, -1000, 12345)]
    assert [len(piece) for piece in pieces] == [0, 1, 0, 1, 0, 1]
    assert (np.concatenate(pieces) * 32768).tolist() == [1000, -1000, 12345]


def test_half_a_sample_at_the_end_is_dropped() -> None:
    decoder = PcmDecoder(Layout())
    assert len(decoder.feed(b"\1\2\3")) == 1
    assert len(decoder.flush()) == 0


def test_channels_are_averaged() -> None:
    decoder = PcmDecoder(Layout(channels=3))
    mixed = np.concatenate([decoder.feed(struct.pack("<5h", 300, 600, 900, -3, 0)), decoder.feed(struct.pack("<h", 3))])
    assert (mixed * 32768).tolist() == [600, 0]


def test_floats_that_are_no_numbers_are_silence_and_loud_ones_are_clipped() -> None:
    strange = float("nan"), float("inf"), float("-inf"), 1e30, -2
    assert PcmDecoder(Layout("float", 4)).feed(struct.pack("<5f", *strange)).tolist() == [0, 1, -1, 1, -1]
    assert PcmDecoder(Layout("float", 8)).feed(struct.pack("<6d", *strange, 1e300)).tolist() == [0, 1, -1, 1, -1, 1]
