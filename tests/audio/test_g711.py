"""Telephone speech decodes to the values that ITU-T G.711 prints."""

import io
from collections.abc import Callable

import numpy as np
import pytest
import soundfile

from audio.wav_files import chunk, fmt, riff
from stenowire.audio.decode import Decoder
from stenowire.audio.frontend import FrontEnd
from stenowire.audio.g711 import ALAW_FULL_SCALE, MULAW_FULL_SCALE, from_alaw, from_mulaw
from stenowire.audio.twofold import joined
from stenowire.types import AudioFormat, Encoding, Samples

pytestmark = pytest.mark.unit

EVERY_CODE = bytes(range(256))
LAWS = pytest.mark.parametrize(
    ("encoding", "subtype", "decode"), [("mulaw", "ULAW", from_mulaw), ("alaw", "ALAW", from_alaw)]
)


@pytest.mark.parametrize(
    ("character", "output"),
    [
        *((0b10000000, 8031), (0b10001111, 4191), (0b10011111, 2079), (0b10101111, 1023), (0b10111111, 495)),
        *((0b11001111, 231), (0b11011111, 99), (0b11101111, 33), (0b11111110, 2), (0b11111111, 0)),
        *((0b00000000, -8031), (0b00001111, -4191), (0b01101111, -33), (0b01111110, -2), (0b01111111, 0)),
    ],
)
def test_mu_law_gives_the_outputs_of_tables_2a_and_2b(character: int, output: int) -> None:
    assert from_mulaw(bytes([character]))[0] * MULAW_FULL_SCALE == output


@pytest.mark.parametrize(
    ("character", "output"),
    [
        *((0b11111111, 4032), (0b11110000, 2112), (0b11100000, 1056), (0b11010000, 528), (0b11000000, 264)),
        *((0b10110000, 132), (0b10100000, 66), (0b10000000, 1), (0b01111111, -4032), (0b00000000, -1)),
    ],
)
def test_a_law_gives_the_outputs_of_tables_1a_and_1b_with_even_bits_inverted(character: int, output: int) -> None:
    assert from_alaw(bytes([character ^ 0x55]))[0] * ALAW_FULL_SCALE == output


@LAWS
def test_every_code_decodes_as_in_libsndfile(
    encoding: Encoding, subtype: str, decode: Callable[[bytes], Samples]
) -> None:
    theirs, _ = soundfile.read(
        io.BytesIO(EVERY_CODE), samplerate=8000, channels=1, format="RAW", subtype=subtype, dtype="float32"
    )
    assert np.array_equal(decode(EVERY_CODE), theirs)


@LAWS
@pytest.mark.parametrize("step", [1, 7, 256])
def test_a_bare_stream_is_decoded_at_the_declared_rate(
    encoding: Encoding, subtype: str, decode: Callable[[bytes], Samples], step: int
) -> None:
    decoder = Decoder(AudioFormat(encoding, 8000))
    pieces = [decoder.feed(EVERY_CODE[at : at + step]) for at in range(0, 256, step)]
    assert np.array_equal(np.concatenate([*pieces, decoder.flush()]), decode(EVERY_CODE))
    assert decoder.rate_hz == 8000


@LAWS
def test_a_wav_file_may_hold_it_and_is_read_as_libsndfile_reads_it(
    encoding: Encoding, subtype: str, decode: Callable[[bytes], Samples]
) -> None:
    tone = 0.3 * np.sin(np.arange(1600) / 5)
    file = io.BytesIO()
    soundfile.write(file, np.stack([tone, -tone], axis=1), 8000, format="WAV", subtype=subtype)
    theirs, _ = soundfile.read(io.BytesIO(file.getvalue()), dtype="float32")
    decoder = Decoder(AudioFormat("pcm", 16_000))
    ours = np.concatenate([decoder.feed(file.getvalue()), decoder.flush()])
    assert np.array_equal(ours, theirs.mean(axis=1, dtype=np.float32))
    assert decoder.rate_hz == 8000


def test_a_wav_header_is_obeyed_also_where_telephone_speech_was_announced() -> None:
    decoder = Decoder(AudioFormat("mulaw", 8000))
    samples = decoder.feed(riff(fmt(16_000), chunk(b"data", b"\0\x40\0\xc0")))
    assert samples.tolist() == [0.5, -0.5]
    assert decoder.rate_hz == 16_000


@LAWS
def test_a_companded_tone_comes_out_of_the_front_end_as_that_tone(
    encoding: Encoding, subtype: str, decode: Callable[[bytes], Samples]
) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
    file = io.BytesIO()
    soundfile.write(file, tone, 8000, format="RAW", subtype=subtype)
    front = FrontEnd(AudioFormat(encoding, 8000))
    samples = joined([front.feed(file.getvalue()), front.flush()]).samples
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    assert abs(int(spectrum.argmax()) * 16_000 / len(samples) - 1000) < 2
    assert np.sqrt(np.mean(samples[800:-800] ** 2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)
