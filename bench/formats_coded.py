"""The formats whose round trips are measured, and their encoders.

Input: int16 samples. Output: the bytes that a client would send. FFmpeg's encoders come with PyAV; Speex is encoded
where `speexenc` is installed, wide-band AMR where libvo-amrwbenc is. It runs in the server's interpreter.
"""

import ctypes
import ctypes.util
import io
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from tests.audio.coded import encode

from stenowire.types import Encoding

AMR_WB_MODE, AMR_WB_SAMPLES, AMR_WB_MOST_BYTES = 8, 320, 61
"""23.85 kbit/s; a frame is 20 ms and at most so long (3GPP TS 26.201)."""


class Coded(NamedTuple):
    encoding: Encoding
    rate_hz: int
    codec: str
    """FFmpeg's name of an encoder, a subtype of WAV as libsndfile names it, or one of those made here."""
    container: str = ""
    bit_rate: int | None = None


def _wav(rate_hz: int, subtype: str = "PCM_16", container: str = "WAV") -> Coded:
    return Coded("wav", rate_hz, subtype, container)


FORMATS = {
    "wav 8 bit, 16 kHz": _wav(16_000, "PCM_U8"),
    "wav 16 bit, 8 kHz": _wav(8_000),
    "wav 16 bit, 16 kHz": _wav(16_000),
    "wav 16 bit, 44.1 kHz": _wav(44_100),
    "wav 16 bit, 48 kHz": _wav(48_000),
    "wav 24 bit, 16 kHz": _wav(16_000, "PCM_24"),
    "wav 24 bit extensible, 48 kHz": _wav(48_000, "PCM_24", "WAVEX"),
    "wav 32 bit, 16 kHz": _wav(16_000, "PCM_32"),
    "wav float, 16 kHz": _wav(16_000, "FLOAT"),
    "wav float, 44.1 kHz": _wav(44_100, "FLOAT"),
    "wav mu-law, 8 kHz": _wav(8_000, "ULAW"),
    "wav A-law, 8 kHz": _wav(8_000, "ALAW"),
    "mu-law, 8 kHz": Coded("mulaw", 8_000, "pcm_mulaw", "mulaw"),
    "flac 8 kHz": Coded("flac", 8_000, "flac", "flac"),
    "flac 16 kHz": Coded("flac", 16_000, "flac", "flac"),
    "flac 44.1 kHz": Coded("flac", 44_100, "flac", "flac"),
    "flac 48 kHz": Coded("flac", 48_000, "flac", "flac"),
    "mp3 64 kbit/s, 16 kHz": Coded("mp3", 16_000, "libmp3lame", "mp3", 64_000),
    "mp3 64 kbit/s, 44.1 kHz": Coded("mp3", 44_100, "libmp3lame", "mp3", 64_000),
    "mp3 32 kbit/s, 16 kHz": Coded("mp3", 16_000, "libmp3lame", "mp3", 32_000),
    "mp3 32 kbit/s, 8 kHz": Coded("mp3", 8_000, "libmp3lame", "mp3", 32_000),
    "opus 32 kbit/s in Ogg": Coded("opus", 48_000, "libopus", "ogg", 32_000),
    "opus 32 kbit/s in WebM": Coded("opus", 48_000, "libopus", "webm", 32_000),
    "opus 24 kbit/s in Ogg": Coded("opus", 48_000, "libopus", "ogg", 24_000),
    "opus 24 kbit/s in WebM": Coded("opus", 48_000, "libopus", "webm", 24_000),
    "aac 64 kbit/s, 16 kHz": Coded("aac", 16_000, "aac", "adts", 64_000),
    "aac 64 kbit/s, 44.1 kHz": Coded("aac", 44_100, "aac", "adts", 64_000),
    "speex, narrow band": Coded("speex", 8_000, "speexenc"),
    "speex, wide band": Coded("speex", 16_000, "speexenc"),
    "amr 12.2 kbit/s, narrow band": Coded("amr", 8_000, "libopencore_amrnb", "amr", 12_200),
    "amr 23.85 kbit/s, wide band": Coded("amr", 16_000, "vo-amrwbenc"),
}


def lacks(coded: Coded) -> str | None:
    """Why a format cannot be encoded here, or None."""
    if coded.codec == "speexenc" and not shutil.which("speexenc"):
        return "speexenc is not installed"
    if coded.codec == "vo-amrwbenc" and not ctypes.util.find_library("vo-amrwbenc"):
        return "libvo-amrwbenc is not installed"
    return None


def encoded(sound: np.ndarray, coded: Coded) -> bytes:
    """`sound`: int16[n] at the format's rate."""
    if coded.encoding == "pcm":
        return sound.tobytes()
    if coded.encoding == "wav":
        file = io.BytesIO()
        if coded.codec == "FLOAT":
            sound = (sound / 32768).astype(np.float32)
        soundfile.write(file, sound, coded.rate_hz, coded.codec, format=coded.container)
        return file.getvalue()
    if coded.codec == "speexenc":
        return _speex(sound, coded.rate_hz)
    if coded.codec == "vo-amrwbenc":
        return _amr_wb(sound)
    return encode((sound / 32767).astype(np.float32), coded.rate_hz, coded.codec, coded.container, coded.bit_rate)


def _speex(sound: np.ndarray, rate_hz: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.raw", Path(folder) / "out.spx"
        source.write_bytes(sound.tobytes())
        mode = "--narrowband" if rate_hz == 8_000 else "--wideband"
        command = ["speexenc", mode, "--16bit", "--le", "--rate", str(rate_hz), str(source), str(target)]
        subprocess.run(command, check=True, capture_output=True)
        return target.read_bytes()


def _amr_wb(sound: np.ndarray) -> bytes:
    library = ctypes.CDLL(ctypes.util.find_library("vo-amrwbenc"))
    library.E_IF_init.restype = ctypes.c_void_p
    encoder = ctypes.c_void_p(library.E_IF_init())
    frame = ctypes.create_string_buffer(AMR_WB_MOST_BYTES)
    told = [b"#!AMR-WB\n"]
    padded = np.concatenate((sound, np.zeros(-len(sound) % AMR_WB_SAMPLES, np.int16)))
    for at in range(0, len(padded), AMR_WB_SAMPLES):
        speech = padded[at : at + AMR_WB_SAMPLES].tobytes()
        size = library.E_IF_encode(encoder, ctypes.c_int16(AMR_WB_MODE), speech, frame, ctypes.c_int16(0))
        told.append(frame.raw[:size])
    library.E_IF_exit(encoder)
    return b"".join(told)
