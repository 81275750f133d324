"""The page's modules by themselves: subtitles as the server writes them, and memory that stays bounded."""

import random
from collections.abc import Callable

import msgspec
import pytest
from playwright.sync_api import Page

from stenowire.text.subtitles import srt, vtt
from stenowire.types import Sentence, Word

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


def sentences(seed: int) -> list[Sentence]:
    chance = random.Random(seed)
    made, at = [], 0
    for id in range(1, 30):
        words = []
        for _ in range(chance.randint(1, 40)):
            begin = at + chance.choice([0, 30, 400])
            at = begin + chance.randint(60, 900)
            text = "".join(chance.choices("abcdefghij<&>é語", k=chance.randint(1, 14)))
            words.append(Word(text, begin, at, chance.choice(["", "", "", ",", ".", "?", "…"])))
        made.append(Sentence(id=id, begin_ms=words[0].begin_ms, end_ms=at, words=tuple(words), stable=0, final=True))
        at += chance.choice([0, 1500])
    return made


def test_subtitles_are_those_that_the_server_would_write(open_page: OpenPage) -> None:
    page = open_page("/overlay")
    for seed in range(5):
        said = sentences(seed)
        told = [
            {"words": [{"text": w.text + w.mark, "begin_ms": w.begin_ms, "end_ms": w.end_ms} for w in s.words]}
            for s in said
        ]
        written = page.evaluate(
            "async (told) => { const m = await import('/web/subtitles.js'); return [m.srt(told), m.vtt(told)]; }",
            msgspec.to_builtins(told),
        )
        assert written == [srt(said), vtt(said)]


def test_the_tape_forgets_the_oldest_and_reads_back_the_rest(open_page: OpenPage) -> None:
    begin, end, pieces, read = open_page("/overlay").evaluate(
        """async () => {
          const { Tape } = await import("/web/tape.js");
          const tape = new Tape(1000);
          const piece = (at) => Int16Array.from({ length: 100 }, (_, step) => (at + step) % 30000);
          for (let at = 0; at < 700 * 1000; at += 100) tape.append(piece(at));
          return [tape.begin, tape.end, tape.pieces.length, [...tape.read(654321, 654326)]];
        }"""
    )
    assert (begin, end, pieces) == (100_000, 700_000, 6_000)
    assert read == [(654_321 + step) % 30_000 for step in range(5)]


def test_hot_words_are_read_line_by_line(open_page: OpenPage) -> None:
    words = open_page("/overlay").evaluate(
        "async () => (await import('/web/settings.js')).vocabulary('Stenowire\\n  Ada Lovelace : 5\\n\\nC: 9\\n3:2:1')"
    )
    assert words == {"Stenowire": 4, "Ada Lovelace": 5, "C: 9": 4, "3:2": 1}
