"""Which words of real speech stand for the names and jargon that people put on a list, chosen without any engine.

    .cache/bench-venv/bin/python -m bench.biasing.rare > tests/data/biasing/real.tsv

In: the references of the English recordings. Out: lines of file and term. The rule: rarer than one in a million words
of English, or with a capital inside a sentence and rarer than one in a hundred thousand (frequencies by wordfreq).
Must not know what any engine writes: a term that is always right shows whether help does harm.
"""

import json
import re

from bench import corpus
from bench.score import plain

RARE_ZIPF, RARE_NAME_ZIPF = 3.0, 4.0
"""Zipf frequency: log10 of occurrences in a thousand million words."""
NAMES = {"birket", "carker", "collier", "dashwood", "foster", "linnell", "mason", "quilter", "turkish"}
"""Names in references that are written without case."""
FRAGMENTS = {"dif"}
"""Words that a speaker broke off."""


def terms(reference: str) -> list[str]:
    """The rare words of a reference, as a person would put them on a list, in the order of their first place."""
    from wordfreq import zipf_frequency

    capitals = _inner_capitals(reference)
    found: dict[str, str] = {}
    for spoken in plain(reference):
        word = re.sub(r"'s$", "", spoken)
        zipf = zipf_frequency(word, "en")
        rare = zipf < RARE_ZIPF or (zipf < RARE_NAME_ZIPF and (word in capitals or word in NAMES))
        if rare and word not in FRAGMENTS:
            found.setdefault(word, capitals.get(word) or (word.capitalize() if word in NAMES else word))
    return list(found.values())


def _inner_capitals(reference: str) -> dict[str, str]:
    """Lower case -> as written, for words with a capital that open no sentence. Empty for text in capitals alone."""
    if reference.isupper():
        return {}
    words = re.findall(r"(?<![.?!] )(?<!^)\b[A-Z][A-Za-z]+", reference)
    return {word.lower(): word for word in words}


def main() -> None:
    print("file\tterm")
    for line in (corpus.folder() / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry["language"] == "en" and entry["set"] != corpus.DIGITS:
            for term in terms(entry["text"]):
                print(f"{entry['file']}\t{term}")


if __name__ == "__main__":
    main()
