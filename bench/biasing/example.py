"""One sentence with "Bulge Bracket" in many voices, under contexts of every form that a person may paste.

In: `tests/data/biasing/example`, or the folder of the same files that STENOWIRE_EXAMPLE names. Out: utterances and
contexts. Irrelevant names and garbled text are made here.
"""

import os
import random
import string
from pathlib import Path

from bench.biasing import distractors, voices
from bench.biasing.sets import DATA, Utterance

TERM = "Bulge Bracket"
FOLDER = "STENOWIRE_EXAMPLE"
NAMES = 1500
"""Irrelevant names: with the terms among them some 10,000 tokens."""
GARBLED_CHARS = 4000


def utterances(quick: bool = False) -> list[Utterance]:
    """Synthetic: the sentence in every voice that can speak here; in two for a quick run."""
    text = _read("sentence")
    able = [voice for voice, reason in voices.usable().items() if not reason]
    return [
        Utterance(f"example-{voice}", "synthetic example", text, voices.heard(voice, text), (TERM,))
        for voice in (able[:2] if quick else able)
    ]


def forms() -> dict[str, str]:
    """Form -> context in which the term stands, as the files have it."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(_folder().glob("*.txt"))}
    del texts["sentence"]
    return texts


def helpful() -> dict[str, str]:
    """The same, and the list hidden among thousands of names and in garbled text."""
    texts = forms()
    words = texts["list-commas"].strip()
    names, noise = _names(), garbled()
    half = len(names) // 2
    return texts | {
        "list among thousands of names": ", ".join([*names[:half], words, *names[half:]]),
        "list in garbled text": f"{noise[: GARBLED_CHARS // 2]}\n{words}\n{noise[GARBLED_CHARS // 2 :]}",
    }


def useless() -> dict[str, str]:
    """Form -> context that has nothing to do with what is said."""
    return {"names only": ", ".join(_names()), "garbled text only": garbled()}


def garbled() -> str:
    """Letters, digits and signs in no order, the same at every call."""
    chance = random.Random(5)
    signs = string.ascii_letters + string.digits + "    \n%&$#@~|<>{}[]ÃÂ©Ð¤æ–‡ï»¿"
    return "".join(chance.choice(signs) for _ in range(GARBLED_CHARS))


def _names() -> list[str]:
    return distractors.draw(NAMES, 11, [_read("sentence"), TERM])


def _read(name: str) -> str:
    return (_folder() / f"{name}.txt").read_text(encoding="utf-8").strip()


def _folder() -> Path:
    return Path(os.environ.get(FOLDER) or DATA / "example")
