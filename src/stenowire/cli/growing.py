"""A result that is written while people still speak: each sentence as soon as it is finished.

In: final updates in order. Out: text on a stream. What a file holds at any time is whole, and in the end it is what
`results` would have written at once. json is one object a line, for a document has no end here.

The last subtitle is held on the screen for a moment if the next sentence leaves room, so in a file it is written anew
once that one is known; a pipe cannot take anything back, and gets it as it is.
"""

from types import TracebackType
from typing import Self, TextIO

from stenowire.cli import results
from stenowire.events import Final, Partial
from stenowire.text.subtitles import Cue, cues, srt_block, vtt_block
from stenowire.types import Sentence


class Growing:
    """`Captions` that write. Raises OSError where the disk or the reader has gone."""

    def __init__(self, out: TextIO, format: results.Format) -> None:
        self._out = out
        self._format = format
        self._former: list[Sentence] = []
        self._mark = 0
        """Where the subtitles of the last sentence begin."""
        self._cues = 0
        """How many are written: in a file, before the mark."""
        self._seekable = out.seekable()

    def __enter__(self) -> Self:
        self._write({"tsv": results.TSV_HEAD, "vtt": "WEBVTT\n"}.get(self._format, ""))
        if self._seekable:
            self._mark = self._out.tell()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._out.flush()

    def show(self, update: Partial | Final) -> None:
        if not isinstance(update, Final) or not update.sentence.words:
            return
        sentence = update.sentence
        match self._format:
            case "text":
                self._write(sentence.text + "\n")
            case "json":
                self._write(results.json_line(sentence))
            case "tsv":
                self._write(results.tsv_line(sentence))
            case "srt" | "vtt":
                self._subtitle(sentence)

    def heard(self, seconds: float) -> None:
        pass

    def _subtitle(self, sentence: Sentence) -> None:
        if not self._seekable:
            return self._write_cues(cues([sentence]))
        made = cues([*self._former, sentence])
        settled = len(made) - len(cues([sentence]))
        self._out.seek(self._mark)
        self._out.truncate()
        self._write_cues(made[:settled])
        self._mark = self._out.tell()
        before = self._cues
        self._write_cues(made[settled:])
        self._cues, self._former = before, [sentence]

    def _write_cues(self, made: list[Cue]) -> None:
        for cue in made:
            self._cues += 1
            gap = "\n" if self._format == "vtt" or self._cues > 1 else ""
            self._out.write(gap + (srt_block(self._cues, cue) if self._format == "srt" else vtt_block(cue)))
        self._out.flush()

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
