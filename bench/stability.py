"""How much a reader sees change: words that are shown and taken back, and the promise of settled words.

* A word is shown when it first appears in a sentence. It is unstable when the next result of that sentence no longer
  has it, in order, by the cheapest alignment of the two (case and punctuation aside); what stands there then is a word
  shown anew.
* A settled word (`fixed` on the wire) breaks its promise when a later interim of its sentence has another text there.
  A final may revise one: that share is reported apart.
"""

from itertools import pairwise
from typing import Any

from bench import paced, peers
from bench.client import Answer, Take
from bench.report import Table
from bench.score import matches, plain


def measure(quick: bool) -> Table:
    table = Table("stability")
    takes = [one.take for one in paced.ours(quick)]
    name = f"{peers.MOONSHINE} streaming"
    try:
        cells = {name: changes([one.take for one in paced.moonshine(quick)[0]])}
    except peers.NotRun as reason:
        cells = {name: (reason.cell, reason.cell)}
    unstable, edits = changes(takes)
    table.add("unstable partial words of all words shown", unstable, peers={name: cells[name][0]})
    table.add("edits per word of the finals", edits, peers={name: cells[name][1]})
    settled, broken, finals, revised = promises(takes)
    table.add(f"settled words that changed before the final (of {settled})", str(broken), "0", broken == 0)
    share = 100 * revised / finals if finals else float("nan")
    table.add("finals that revise a settled word", f"{revised} of {finals} ({share:.1f} %)")
    return table


def changes(takes: list[Take]) -> tuple[str, str]:
    """(share of shown words that were taken back, edits per word of the finals), as people read them."""
    shown = edits = words = 0
    for one in takes:
        for group in one.sentences():
            texts = [plain(answer.text) for answer in group]
            words += len(texts[-1])
            shown += len(texts[0])
            for before, after in pairwise(texts):
                same = len(matches(before, after))
                edits += len(before) - same
                shown += len(after) - same
    if not shown or not words:
        return "nothing shown", "nothing shown"
    return f"{100 * edits / shown:.1f} %", f"{edits / words:.2f}"


def promises(takes: list[Take]) -> tuple[int, int, int, int]:
    """(settled words, of them changed in a later interim, finals after interims, of them revising a settled word)."""
    settled = broken = finals = revised = 0
    for one in takes:
        for group in one.sentences():
            interims, final = group[:-1], group[-1]
            promised: dict[int, str] = {}
            for answer in interims:
                broken += _kept_not(promised, answer)
                promised |= _fixed(answer)
            settled += len(promised)
            finals += bool(interims)
            revised += _kept_not(promised, final) > 0
    return settled, broken, finals, revised


def _fixed(answer: Answer) -> dict[int, str]:
    words: list[dict[str, Any]] = answer.sentence["words"]
    return {place: word["text"].strip() for place, word in enumerate(words) if word.get("fixed")}


def _kept_not(promised: dict[int, str], answer: Answer) -> int:
    texts = [word["text"].strip() for word in answer.sentence["words"]]
    return sum(texts[place : place + 1] != [text] for place, text in promised.items())
