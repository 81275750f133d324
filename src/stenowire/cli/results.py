"""What was recognised, in the format that was asked for.

In: final updates in order. Out: text to write. The JSON shape is a promise; tests/cli holds it.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from stenowire.events import Final
from stenowire.text.subtitles import srt, vtt
from stenowire.types import Sentence, Word

Format = Literal["text", "json", "srt", "vtt", "tsv"]
TSV_HEAD = "start\tend\ttext\n"
"""Columns and milliseconds as in the files that Whisper's command writes."""


def written(finals: Sequence[Final], format: Format, model: str) -> str:
    sentences = [final.sentence for final in finals]
    match format:
        case "text":
            return "".join(sentence.text + "\n" for sentence in sentences)
        case "srt":
            return srt(sentences)
        case "vtt":
            return vtt(sentences)
        case "tsv":
            return TSV_HEAD + "".join(map(tsv_line, sentences))
        case "json":
            return _json(finals, model)


def tsv_line(sentence: Sentence) -> str:
    return f"{sentence.begin_ms}\t{sentence.end_ms}\t{' '.join(sentence.text.split())}\n"


def json_line(sentence: Sentence) -> str:
    """One sentence of a document that is never finished."""
    return msgspec.json.encode(_sentence(sentence)).decode() + "\n"


def _json(finals: Sequence[Final], model: str) -> str:
    document = {
        "model": model,
        "text": " ".join(final.sentence.text for final in finals),
        "sentences": [_sentence(final.sentence) for final in finals],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _sentence(sentence: Sentence) -> dict[str, Any]:
    return {
        "id": sentence.id,
        "begin_ms": sentence.begin_ms,
        "end_ms": sentence.end_ms,
        "text": sentence.text,
        "words": [_word(word) for word in sentence.words],
    }


def _word(word: Word) -> dict[str, Any]:
    return {"begin_ms": word.begin_ms, "end_ms": word.end_ms, "text": word.text, "mark": word.mark}
