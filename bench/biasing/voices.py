"""Sentences spoken by synthesisers of the Debian packages: rare names can be had in no other way. Never called people.

In: a voice's name and a text. Out: the path of a wav file in `.cache/bench/voices`, made once. A voice whose program or
data is absent raises `Silent`, which says what to install. Must not know engines or term lists.
"""

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import soxr

from bench.corpus import RATE_HZ, Samples
from bench.environment import ROOT

FOLDER = ROOT / ".cache" / "bench" / "voices"
LIMIT_S = 60.0
PROBE = "hello"
MARGIN_S = 0.4
"""Silence put before and after, as a recording would have it."""


class Silent(Exception):
    """A voice that cannot speak here. The text says why."""


@dataclass(frozen=True)
class Voice:
    program: str
    arguments: tuple[str, ...]
    """`{text}` and `{out}` are filled in; without `{text}` the text comes by standard input."""
    package: str


def _flite(name: str) -> Voice:
    return Voice("flite", ("-voice", name, "-t", "{text}", "-o", "{out}"), "flite")


def _festival(name: str, package: str) -> Voice:
    return Voice("text2wave", ("-eval", f"(voice_{name})", "-o", "{out}"), f"festival {package}")


def _espeak(name: str) -> Voice:
    return Voice("espeak-ng", ("-v", name, "-w", "{out}", "{text}"), "espeak-ng")


def _pico(language: str) -> Voice:
    return Voice("pico2wave", ("-l", language, "-w", "{out}", "{text}"), "libttspico-utils (non-free)")


VOICES: dict[str, Voice] = {
    "flite-slt": _flite("slt"),
    "espeak-f3": _espeak("en-us+f3"),
    "flite-rms": _flite("rms"),
    "pico-us": _pico("en-US"),
    "festival-slt": _festival("cmu_us_slt_arctic_hts", "festvox-us-slt-hts"),
    "espeak-klatt2": _espeak("en-us+klatt2"),
    "flite-kal16": _flite("kal16"),
    "pico-gb": _pico("en-GB"),
    "festival-ked": _festival("ked_diphone", "festvox-kdlpc16k"),
    "espeak-annie": _espeak("en-us+Annie"),
    "flite-awb": _flite("awb"),
    "espeak-us": _espeak("en-us"),
}
"""Those that an engine understands on plain sentences (word error rate 0.5 to 10 %, see dev/LOG.md)."""


@cache
def usable() -> dict[str, str]:
    """Voice -> "" or why it is skipped. Each is tried once by speaking a word."""
    return {name: _reason(name) for name in VOICES}


def _reason(name: str) -> str:
    try:
        speak(name, PROBE)
    except Silent as reason:
        return str(reason)
    return ""


def speak(name: str, text: str) -> Path:
    """A wav file of this voice saying this text. Raises Silent."""
    voice = VOICES[name]
    key = hashlib.sha256(f"{name}\n{text}".encode()).hexdigest()[:20]
    path = FOLDER / f"{name}-{key}.wav"
    if path.exists():
        return path
    if shutil.which(voice.program) is None:
        raise Silent(f"{voice.program} is not here: apt-get install {voice.package}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part.wav")
    command = [voice.program, *(part.format(text=text, out=unfinished) for part in voice.arguments)]
    said = None if "{text}" in voice.arguments else text
    done = subprocess.run(command, input=said, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode != 0 or not _sounds(unfinished):
        unfinished.unlink(missing_ok=True)
        raise Silent(f"{voice.program} said nothing with {name}: apt-get install {voice.package}")
    unfinished.replace(path)
    return path


def _sounds(path: Path) -> bool:
    return path.exists() and float(np.abs(soundfile.read(path)[0]).max(initial=0.0)) > 0.01


def heard(name: str, text: str) -> Samples:
    """The same as float32[n] at 16 kHz, with silence before and after. Raises Silent."""
    samples, rate_hz = soundfile.read(speak(name, text), dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    if rate_hz != RATE_HZ:
        mono = soxr.resample(mono, rate_hz, RATE_HZ, quality="HQ")
    margin = np.zeros(int(MARGIN_S * RATE_HZ), np.float32)
    return np.concatenate([margin, mono.astype(np.float32), margin])
