"""What is recognised of speech that was harmed, by each setting of noise reduction; and what each stage costs.

    python -m bench.robustness_work SPEECH-JSON

It runs in the server's interpreter. In: a JSON file: {"folder", "recordings": [{"id", "file"}], "noise": [files],
"conditions": [{"harm", "settings", "every"}]}; of a condition with "draws" each recording is harmed so many times, and
its "name" stands for "harm" in what is told. Out: JSON lines, {"harm", "setting", "id", "text"} for each recording, and
{"stage", "ms_per_s"}. Recordings take the way of a recording without a server: decoder process, session, pool.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from tests.audio.coded import encode, packets

from stenowire.audio.decode import Decoder
from stenowire.audio.denoise import Denoiser
from stenowire.audio.g711 import MULAW
from stenowire.audio.level import Leveller
from stenowire.audio.narrowband import NarrowBand
from stenowire.audio.resample import Resampler
from stenowire.audio.vad import SpeechDetector
from stenowire.events import Final, Open
from stenowire.models.fetch import ensure
from stenowire.models.paths import default_root
from stenowire.serving.decoding import Decoders
from stenowire.serving.hub import Hub
from stenowire.serving.local import recognise
from stenowire.serving.pool import Pool
from stenowire.types import AudioFormat, Samples

RATE_HZ = 16_000
ACTIVE_DB = 30.0
"""Speech is active where 20 ms of it are less than this below its loud parts (95th percentile)."""
ROUNDS = 3

Stream = tuple[AudioFormat, list[bytes]]


def pcm(samples: Samples) -> bytes:
    return (np.clip(samples, -1, 1 - 2**-15) * 2**15).astype("<i2").tobytes()


def at_rate(samples: Samples, rate_hz: int) -> Samples:
    return np.asarray(soxr.resample(samples, RATE_HZ, rate_hz), np.float32)


def in_pieces(data: bytes, size: int = 16_000) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


# ---- what is done to speech -------------------------------------------------------------------------------------


def active_rms(samples: Samples) -> float:
    power = np.square(samples[: len(samples) // 320 * 320].reshape(-1, 320)).mean(axis=1)
    level_db = 10 * np.log10(power + 1e-10)
    return float(np.sqrt(power[level_db > np.percentile(level_db, 95) - ACTIVE_DB].mean()))


def in_noise(samples: Samples, noise: Samples, snr_db: float, draw: np.random.Generator) -> Samples:
    """Speech with a stretch of noise from a random place, this far below the active speech; scaled down to fit."""
    part = np.resize(np.roll(noise, -int(draw.integers(len(noise)))), len(samples))
    part = part / np.sqrt(np.square(part).mean()) * active_rms(samples) * 10 ** (-snr_db / 20)
    mixed = samples + part
    return np.asarray(mixed / max(1.0, np.abs(mixed).max() / 0.99), np.float32)


def mulaw(samples: Samples) -> bytes:
    """The nearest of the 256 values of G.711."""
    order = np.argsort(MULAW)
    values = MULAW[order]
    right = np.clip(np.searchsorted(values, samples), 1, 255)
    nearer = right - (samples - values[right - 1] < values[right] - samples)
    return order[nearer].astype(np.uint8).tobytes()


def with_losses(samples: Samples, share: float, draw: np.random.Generator) -> list[bytes]:
    """Opus packets of 20 ms, without those that were lost. No protocol says that one is missing."""
    sent = packets(at_rate(samples, 48_000), 48_000, "libopus", 24_000)
    return [packet for packet in sent if draw.random() >= share]


def stream(harm: str, samples: Samples, noises: list[Samples], index: int) -> Stream:
    """`harm` is "clean", "snr 5", "8 kHz", "mulaw", "mp3" or "opus loss 10"; the same for the same index."""
    draw = np.random.default_rng(index)
    match harm.split():
        case ["snr", snr_db]:
            samples = in_noise(samples, noises[index % len(noises)], float(snr_db), draw)
        case ["8", "kHz"]:
            return AudioFormat("pcm", 8_000), in_pieces(pcm(at_rate(samples, 8_000)))
        case ["mulaw"]:
            return AudioFormat("mulaw", 8_000), in_pieces(mulaw(at_rate(samples, 8_000)))
        case ["mp3"]:
            return AudioFormat("mp3", RATE_HZ), in_pieces(encode(samples, RATE_HZ, "libmp3lame", "mp3", 32_000))
        case ["opus", "loss", percent]:
            return AudioFormat("opus_packets", 48_000), with_losses(samples, float(percent) / 100, draw)
    return AudioFormat("pcm", RATE_HZ), in_pieces(pcm(samples))


# ---- what is recognised -----------------------------------------------------------------------------------------


async def text(format: AudioFormat, pieces: list[bytes], setting: Any, hub: Hub, pool: Pool, decoders: Decoders) -> str:
    async def audio() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    opening = Open("bench", model=hub.engine.info.name, format=format, interims=False, noise_reduction=setting)
    updates = [update async for update in recognise(opening, audio(), hub, pool, decoders)]
    return " ".join(update.sentence.text for update in updates if isinstance(update, Final))


async def recognise_all(plan: dict[str, Any]) -> None:
    folder = Path(plan["folder"])
    read = {entry["id"]: load(folder / entry["file"]) for entry in plan["recordings"]}
    noises = [load(folder / file) for file in plan["noise"]]
    hub = Hub()
    hub.load(default_root())
    pool, decoders = Pool(hub.engine, hub.detector, len(os.sched_getaffinity(0)), "always"), Decoders()
    pool.start()
    places = asyncio.Semaphore(len(os.sched_getaffinity(0)))

    async def one(condition: dict[str, Any], setting: str, index: int, name: str) -> None:
        async with places:
            made = await asyncio.to_thread(stream, condition["harm"], read[name], noises, index)
            said = await text(*made, setting, hub, pool, decoders)
        told = {"harm": condition.get("name", condition["harm"]), "setting": setting, "id": name, "text": said}
        print(json.dumps(told), flush=True)

    try:
        for condition in plan["conditions"]:
            chosen = list(enumerate(read))[:: condition["every"]]
            # An odd step: the next draw lays the other noise under each recording.
            draws = [(index + 1001 * draw, name) for draw in range(condition.get("draws", 1)) for index, name in chosen]
            for setting in condition["settings"]:
                await asyncio.gather(*(one(condition, setting, index, name) for index, name in draws))
        for setting in plan["settings"]:
            for index, noise in enumerate(noises):
                said = await text(AudioFormat("pcm", RATE_HZ), in_pieces(pcm(noise)), setting, hub, pool, decoders)
                print(json.dumps({"harm": "noise alone", "setting": setting, "id": str(index), "text": said}))
    finally:
        await pool.stop()
        await decoders.stop()


def load(path: Path) -> Samples:
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    return np.asarray(soxr.resample(samples.mean(axis=1), rate_hz, RATE_HZ), np.float32)


# ---- what each stage costs --------------------------------------------------------------------------------------


def costs(speech: Samples, noise: Samples) -> dict[str, float]:
    """Stage -> ms of processor time per second of audio, given as 100 ms pieces (the detector 96 ms)."""
    noisy = in_noise(speech, noise, 5.0, np.random.default_rng(0))
    slow, fast = at_rate(speech, 8_000), at_rate(speech, 48_000)
    decoder, detector = Decoder(AudioFormat("mulaw", 8_000)), SpeechDetector(ensure("silero-vad", default_root()))
    ear, coded = detector.open(), mulaw(slow)
    seconds = len(speech) / RATE_HZ
    return {
        "decode, μ-law": _cost(decoder.feed, [coded[at : at + 800] for at in range(0, len(coded), 800)], seconds),
        "resample from 48 kHz": _cost(Resampler(48_000).feed, _cut(fast, 4800), seconds),
        "narrow band, from 8 kHz": _cost(NarrowBand().feed, _cut(speech, 1600), seconds),
        "noise reduction, near_field": _cost(Denoiser(0.5, True).feed, _cut(speech, 1600), seconds),
        "noise reduction, auto in noise at 5 dB": _cost(Denoiser(0.5, False).feed, _cut(noisy, 1600), seconds),
        "noise reduction, auto in clear speech": _cost(Denoiser(0.5, False).feed, _cut(speech, 1600), seconds),
        "level": _cost(Leveller().feed, _cut(speech, 1536), seconds),
        "speech detector": _cost(lambda part: detector.hear([(ear, part)]), _cut(speech, 1536), seconds),
    }


def _cut(samples: Samples, size: int) -> list[Samples]:
    return [samples[at : at + size] for at in range(0, len(samples) // size * size, size)]


def _cost(feed: Callable[[Any], Any], pieces: list[Any], seconds: float) -> float:
    """The cheapest of some rounds: the others were disturbed."""
    spent = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for piece in pieces:
            feed(piece)
        spent.append(time.thread_time() - began)
    return 1000 * min(spent) / seconds


def main(path: str) -> None:
    plan = json.loads(Path(path).read_text(encoding="utf-8"))
    folder = Path(plan["folder"])
    speech = np.concatenate([load(folder / entry["file"]) for entry in plan["recordings"]])[: 40 * RATE_HZ]
    for stage, ms_per_s in costs(speech, load(folder / plan["noise"][0])).items():
        print(json.dumps({"stage": stage, "ms_per_s": ms_per_s}), flush=True)
    asyncio.run(recognise_all(plan))


if __name__ == "__main__":
    main(sys.argv[1])
