"""When each word of a reference was spoken, by forced alignment: the truth that times are measured against.

In: a recording and its exact text. Out: words with begin and end in ms, or None where the aligner fails.
pocketsphinx with its own acoustic model, so it knows nothing of the engines that it judges. A machine alignment
is itself some 20 to 50 ms off: read errors below that as equal. Words outside its dictionary are spelled out in
`pronunciations.txt`. Results are kept in `.cache/bench/alignments.json`, by recording and text.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.corpus import Recording, pcm
from bench.environment import ROOT
from bench.score import plain

CACHE = ROOT / ".cache" / "bench" / "alignments.json"
FRAME_MS = 10


@dataclass(frozen=True)
class Spoken:
    word: str
    begin_ms: int
    end_ms: int


def align(recordings: list[Recording]) -> dict[str, list[Spoken]]:
    """Recording id -> its words with times; a recording that cannot be aligned is absent."""
    kept = json.loads(CACHE.read_text()) if CACHE.exists() else {}
    found: dict[str, list[Spoken]] = {}
    for recording in recordings:
        key = hashlib.sha256(recording.samples.tobytes() + recording.reference.encode()).hexdigest()
        if key not in kept:
            kept[key] = [asdict(spoken) for spoken in _align(recording)]
        if kept[key]:
            found[recording.id] = [Spoken(**spoken) for spoken in kept[key]]
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    CACHE.write_text(json.dumps(kept))
    return found


def _align(recording: Recording) -> list[Spoken]:
    from pocketsphinx import Decoder

    decoder = Decoder(lm=None, samprate=16000, loglevel="FATAL", beam=1e-60, wbeam=1e-50)
    for line in Path(__file__).with_name("pronunciations.txt").read_text().splitlines():
        word, _, phones = line.partition(" ")
        decoder.add_word(word, phones, True)
    words = plain(recording.reference)
    if not words or any(decoder.lookup_word(word) is None for word in words):
        return []
    decoder.set_align_text(" ".join(words))
    decoder.start_utt()
    decoder.process_raw(pcm(recording.samples), full_utt=True)
    decoder.end_utt()
    segments = [s for s in decoder.seg() or [] if not s.word.startswith(("<", "[", "+"))]
    spoken = [Spoken(s.word.split("(")[0], s.start_frame * FRAME_MS, (s.end_frame + 1) * FRAME_MS) for s in segments]
    return spoken if [s.word for s in spoken] == words else []
