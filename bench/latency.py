"""How soon words come: the first one, every one, and the last word of a sentence.

All latencies count from the moment at which the audio in question was *sent*, by the client's clock:

* first partial: from the first voiced sample to the first result that holds at least one word that was really said
  by then. A guess before speech therefore earns nothing.
* word emission: from the last sample of a word to the first result that shows it and after which every result keeps
  it, in order, final included. Words that the final has wrong are not counted.
* finalization: from the last sample of the last word to the final, in two parts. The endpoint wait is the silence
  that the client itself asked for, and what the end of speech is judged too late; compute is the rest: from the send
  time of the sample at `end_time` + that silence to the final. When words began and ended is known from a forced
  alignment (`alignment.py`).

The same is said of each protocol on a few recordings that are played through all of them, side by side. Where the
client ends a sentence itself, compute counts from its commit. Sessions tell where speech stopped; the `end_time` of a
task is the end of the last word, which may be up to a quarter of a second later, and so is less compute. Protocols
that append text and never take it back (OpenAI, vLLM) can show only words that have settled.
"""

from bench import paced, peers
from bench.client import FRAME_MS, Answer
from bench.paced import SILENCE_MS, Played
from bench.report import Table
from bench.score import matches, plain, quantile

FIRST_P50_MS, FIRST_P95_MS = 600, 900
SHARES = (0.5, 0.95, 0.99)


def measure(quick: bool) -> Table:
    table = Table("latency")
    played = paced.ours(quick)
    try:
        peer = paced.moonshine(quick)[0]
        absent = ""
    except peers.NotRun as reason:
        peer, absent = [], reason.cell
    name = f"{peers.MOONSHINE} streaming"

    def cell(values: list[float]) -> dict[str, str]:
        return {name: absent or spread(values)}

    first = first_partials(played)
    p50, p95 = quantile(first, 0.5), quantile(first, 0.95)
    table.add(
        f"first partial with a correct word after onset, p50/p95/p99 ms ({len(first)} recordings)",
        spread(first),
        f"p50 ≤ {FIRST_P50_MS}, p95 ≤ {FIRST_P95_MS}",
        p50 <= FIRST_P50_MS and p95 <= FIRST_P95_MS,
        cell(first_partials(peer)),
    )
    words = emissions(played)
    table.add(
        f"word emission after the word's end, p50/p95/p99 ms ({len(words)} words)",
        spread(words),
        peers=cell(emissions(peer)),
    )
    ends = finalizations(played)
    table.add(
        f"finalization after the end of speech, p50/p95/p99 ms ({len(ends)} sentences)",
        spread([total for total, _ in ends]),
        peers=cell([total for total, _ in finalizations(peer)]),
    )
    table.add(f"… of it endpoint wait ({SILENCE_MS} ms asked for)", spread([total - own for total, own in ends]))
    table.add("… of it compute", spread([own for _, own in ends]))
    try:
        _add_dialects(table, paced.by_dialect(quick))
    except RuntimeError as error:
        table.add("by protocol", f"not run: {error}")
    table.notes.append(f"{paced.VOICES} voices at once, {FRAME_MS} ms frames, silence before and after each recording")
    return table


def _add_dialects(table: Table, dialects: dict[str, list[Played]]) -> None:
    for name, played in dialects.items():
        first, own = first_partials(played), [compute for one in played for compute in computes(one)]
        table.add(
            f"{name}: first partial · finalization compute, p50/p95 ms ({len(first)} · {len(own)} of {len(played)})",
            f"{spread(first, SHARES[:2])} · {spread(own, SHARES[:2])}",
        )
    table.notes.append(f"protocols: the same recordings through each, {paced.DIALECT_VOICES} voices at once")


def spread(values: list[float], shares: tuple[float, ...] = SHARES) -> str:
    return " / ".join(f"{quantile(values, share):.0f}" for share in shares) if values else "nothing to measure"


def first_partials(played: list[Played]) -> list[float]:
    found = []
    for one in played:
        onset = one.take.sent_at(one.spoken[0].begin_ms)
        at = next((answer.at for answer in one.take.answers if _holds_a_word(one, answer)), None)
        if at is not None:
            found.append(1000 * (at - onset))
    return found


def _holds_a_word(one: Played, answer: Answer) -> bool:
    said = [word.word for word in one.spoken if one.take.sent_at(word.begin_ms) <= answer.at]
    return bool(matches(said, plain(answer.text)))


def emissions(played: list[Played]) -> list[float]:
    found = []
    for one in played:
        shown: list[tuple[str, float]] = []
        for group in one.take.sentences():
            shown += settled_since(group)
        for said, heard in matches([word.word for word in one.spoken], [word for word, _ in shown]):
            found.append(1000 * (shown[heard][1] - one.take.sent_at(one.spoken[said].end_ms)))
    return found


def settled_since(group: list[Answer]) -> list[tuple[str, float]]:
    """(word, when it came to stay) for every word of a sentence's final."""
    final = plain(group[-1].text)
    since = [group[-1].at] * len(final)
    staying = set(range(len(final)))
    for answer in reversed(group[:-1]):
        staying &= {place for place, _ in matches(final, plain(answer.text))}
        for place in staying:
            since[place] = answer.at
    return list(zip(final, since, strict=True))


def finalizations(played: list[Played]) -> list[tuple[float, float]]:
    """(from the true end of speech, from the end of the endpoint wait) in ms, for each recording's last sentence."""
    found = []
    for one in played:
        finals = one.take.finals
        if not finals or finals[-1].at > (one.take.finish_sent or float("inf")):
            continue
        total = finals[-1].at - one.take.sent_at(one.spoken[-1].end_ms)
        found += [(1000 * total, compute) for compute in computes(one)]
    return found


def computes(one: Played) -> list[float]:
    """ms from when the last sentence was known to have ended to its final; empty where that cannot be told."""
    finals, take = one.take.finals, one.take
    if not finals:
        return []
    if take.committed is not None:
        return [1000 * (finals[-1].at - take.committed)]
    if finals[-1].at > (take.finish_sent or float("inf")):
        return []
    return [1000 * (finals[-1].at - take.sent_at(finals[-1].sentence["end_time"] + SILENCE_MS))]
