"""sherpa-onnx's offline recogniser on the same weights, fed with the very segments that our server cut.

    python -m bench.peers.sherpa SEGMENTS.json

SEGMENTS.json holds {recording id: [[begin_ms, end_ms], ...]}. Writes {id, text, cpu_s, seconds} per recording.
"""

import base64
import json
import sys
import tempfile
import time
from pathlib import Path

import sherpa_onnx

from bench import corpus
from bench.corpus import RATE_HZ


def pieces(tokenizer: bytes) -> list[bytes]:
    """The tokenizer file's entries: a length of one byte, or of two when the first is 128 or more, then the bytes."""
    found: list[bytes] = []
    at = 0
    while at < len(tokenizer):
        length = tokenizer[at]
        at += 1
        if length >= 128:
            length += tokenizer[at] * 128 - 128
            at += 1
        found.append(tokenizer[at : at + length])
        at += length
    return found


def recognizer(weights: Path, folder: Path) -> sherpa_onnx.OfflineRecognizer:
    """sherpa reads tokens.txt with the base64 of each piece and its number."""
    tokens = folder / "tokens.txt"
    entries = pieces((weights / "tokenizer.bin").read_bytes())
    lines = (f"{base64.b64encode(piece).decode()} {number}" for number, piece in enumerate(entries))
    tokens.write_text("\n".join(lines) + "\n")
    return sherpa_onnx.OfflineRecognizer.from_moonshine_v2(
        encoder=str(weights / "encoder_model.ort"),
        decoder=str(weights / "decoder_model_merged.ort"),
        tokens=str(tokens),
        num_threads=1,
    )


def weights() -> Path:
    from moonshine_voice import get_model_path

    return Path(get_model_path("tiny-en"))


def main(path: Path) -> None:
    segments = json.loads(path.read_text())
    with tempfile.TemporaryDirectory() as folder:
        engine = recognizer(weights(), Path(folder))
        for recording in corpus.load():
            if recording.id not in segments:
                continue
            begun = time.process_time()
            texts = []
            for begin_ms, end_ms in segments[recording.id]:
                stream = engine.create_stream()
                clip = recording.samples[begin_ms * RATE_HZ // 1000 : end_ms * RATE_HZ // 1000]
                stream.accept_waveform(RATE_HZ, clip)
                engine.decode_stream(stream)
                texts.append(stream.result.text.strip())
            cpu_s = time.process_time() - begun
            row = {"id": recording.id, "text": " ".join(texts), "cpu_s": cpu_s, "seconds": recording.seconds}
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
