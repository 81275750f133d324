"""What a list of terms wins and what it costs: terms written, terms invented, other words, processor time.

    .venv/bin/python -m bench biasing [--quick]

Real speech and, apart from it and named so, speech of synthesisers. Finals of an idle server's effort, through the
session's own segmenter. Lists are mostly or wholly of terms that nobody says. Columns: what the server does; the
decoder alone with the terms' tokens; found by sound and verified on the audio alone; the peer that replaces words by
likeness of spelling. `--quick` takes fold A in one voice: the only part that may be used for tuning.
"""

from collections.abc import Sequence

from bench import corpus, report
from bench.biasing import distractors, example, findings, interims, replacing, sets, voices
from bench.biasing.hearing import Condition, Told, bare, hear
from bench.biasing.sets import Group, Utterance
from bench.biasing.tally import Heard, recall, share, spread, wer
from bench.report import Table
from bench.score import quantile, rate

SIZES, QUICK_SIZES = (10, 50, 100, 1000), (50, 1000)
COMPARED = (50, 1000)
"""Sizes at which the means are measured one by one."""
SEED = 1
IRRELEVANT_SEEDS = (101, 102, 103)
REACH_RECALL = {50: 80.0, 1000: 70.0}
REACH_CPU_MS = {50: 60.0, 1000: 100.0}
MOST_OTHER_RISE, MOST_FALSE_PER_20_MIN = 0.05, 2.0
MEANS = {"tokens": "tokens alone", "sound": "sound and verify alone"}
REPLACING = "replacement by likeness"


def measure(quick: bool) -> Table:
    table = Table("biasing")
    for voice, reason in voices.usable().items():
        if reason:
            table.notes.append(f"voice {voice} skipped: {reason}")
    findings.keep([], fresh=True)
    if quick:
        _set(table, "synthetic, fold A", sets.spoken("A", True) + sets.ordinary("A", True), QUICK_SIZES, ())
    else:
        real = sets.real()
        _set(table, "real", real, SIZES, IRRELEVANT_SEEDS, aims=True)
        _set(table, "synthetic, fold B", sets.spoken("B") + sets.ordinary("B"), COMPARED, ())
        interims.measure(table, [one for one in real if one.terms])
    _example(table, quick)
    table.notes.append("[95 % bootstrap interval]; voices are synthesisers wherever a row does not say real")
    return table


def _set(
    table: Table,
    name: str,
    utterances: list[Utterance],
    sizes: Sequence[int],
    seeds: Sequence[int],
    aims: bool = False,
) -> None:
    grouped = {size: tuple(sets.groups(utterances, size, SEED)) for size in sizes}
    conditions = [bare(utterances)]
    for size, groups in grouped.items():
        alone = MEANS if size in COMPARED and len(sizes) > len(QUICK_SIZES) else ()
        conditions += [Condition(f"{means} {size}", means, groups) for means in ("both", *alone)]
    useless = {seed: sets.irrelevant(utterances, 1000, seed) for seed in seeds}
    conditions += [Condition(f"irrelevant {seed}", "both", (group,)) for seed, group in useless.items()]
    told = hear(utterances, conditions)
    report.keep(f"biasing {name}", ({"condition": c, **line} for c, lines in told.items() for line in lines.values()))
    _overview(table, name, utterances, grouped)
    for size, groups in grouped.items():
        columns = {means: _heard(told, f"{means} {size}", groups) for means in ("both", *MEANS)}
        columns["replaced"] = _replaced(told, groups)
        lost = findings.lines(f"{name}, {size}", columns["both"], told[f"both {size}"])
        findings.keep(lost)
        _size(table, f"{name}, {size} terms", size, columns, aims)
        _cost(table, f"{name}, {size} terms", size, told, f"both {size}", aims)
    if seeds:
        _irrelevant(table, name, told, useless)


def _overview(table: Table, name: str, utterances: list[Utterance], grouped: dict[int, tuple[Group, ...]]) -> None:
    minutes = sum(len(one.samples) for one in utterances) / corpus.RATE_HZ / 60
    terms = len({term for one in utterances for term in one.terms})
    table.notes.append(
        f"{name}: {minutes:.1f} minutes, {sets.occurrences(utterances)} occurrences of {terms} terms; "
        + ", ".join(f"{len(groups)} lists of {size}" for size, groups in grouped.items())
    )


def _heard(told: Told, condition: str, groups: Sequence[Group]) -> list[Heard]:
    """Empty when that condition was not run."""
    lines = told.get(condition, {})
    return [
        Heard(one, lines[one.id]["text"], told["none"][one.id]["text"], group.terms)
        for group in groups
        for one in group.utterances
        if one.id in lines
    ]


def _replaced(told: Told, groups: Sequence[Group]) -> list[Heard]:
    texts = {name: line["text"] for name, line in told["none"].items()}
    return [
        Heard(one, replacing.replace(texts[one.id], group.terms), texts[one.id], group.terms)
        for group in groups
        for one in group.utterances
    ]


def _size(table: Table, name: str, size: int, columns: dict[str, list[Heard]], aims: bool) -> None:
    ours = columns["both"]
    titles = {**MEANS, "replaced": REPLACING}
    others = {titles[key]: heard for key, heard in columns.items() if key != "both" and heard}
    hits, said = recall(ours, missed_only=True)
    reach = REACH_RECALL.get(size) if aims else None
    table.add(
        f"{name}: terms missed without help that come back",
        f"**{share(ours, True)}**",
        f"≥ {reach:.0f} %" if reach else "",
        100 * hits >= reach * said if reach else None,
        {title: share(heard, True) for title, heard in others.items()},
    )
    cells = {title: share(heard, False) for title, heard in others.items()}
    table.add("… terms written, of all said", share(ours, False), peers=cells)
    invented = [term for one in ours for term in one.invented]
    none = 0 if aims and size == 50 else None
    table.add(
        "… terms invented",
        _named(invented),
        "0" if none is not None else "",
        not invented if none is not None else None,
        {title: str(sum(len(one.invented) for one in heard)) for title, heard in others.items()},
    )
    before, after = wer(ours)
    cells = {title: f"{wer(heard)[1]:.2f} %" for title, heard in others.items()}
    table.add("… WER, all words", f"{before:.2f} → {after:.2f} %", *_aim(aims, "falls", after < before), cells)
    before, after = wer(ours, others=True)
    cells = {title: f"{wer(heard, True)[1]:.2f} %" for title, heard in others.items()}
    low, high = spread(ours, _other_rise)
    table.add(
        "… WER, words outside the terms",
        f"{before:.2f} → {after:.2f} % (change [{low:+.2f}–{high:+.2f}])",
        *_aim(aims, f"rises ≤ {MOST_OTHER_RISE}", after - before <= MOST_OTHER_RISE),
        cells,
    )


def _aim(aims: bool, reach: str, reached: bool) -> tuple[str, bool | None]:
    return (reach, reached) if aims else ("", None)


def _other_rise(heard: Sequence[Heard]) -> float:
    before = rate([one.bare_errors(True) for one in heard])
    return rate([one.errors(True) for one in heard]) - before


def _named(terms: list[str]) -> str:
    return f"{len(terms)}" + (f" ({', '.join(terms)})" if terms else "")


def _cost(table: Table, name: str, size: int, told: Told, condition: str, aims: bool) -> None:
    """Processor time of a final with the list less that without, final by final."""
    extra: list[float] = []
    for one, line in told[condition].items():
        without = told["none"][one]["cpu_ms"]
        if len(without) == len(line["cpu_ms"]):
            extra += [with_ - bare_ms for with_, bare_ms in zip(line["cpu_ms"], without, strict=True)]
    mean = sum(extra) / len(extra) if extra else float("nan")
    most = REACH_CPU_MS.get(size) if aims else None
    opened = [ms for line in told[condition].values() for ms in line["open_ms"]]
    table.add(
        "… CPU added to a final, mean · p50 · p95 ms (its latency on a free core)",
        f"{mean:.0f} · {quantile(extra, 0.5):.0f} · {quantile(extra, 0.95):.0f}",
        f"mean ≤ {most:.0f}" if most else "",
        mean <= most if most else None,
    )
    table.add("… CPU to open a stream, first time · median ms", f"{max(opened[:3]):.0f} · {quantile(opened, 0.5):.1f}")


def _irrelevant(table: Table, name: str, told: Told, useless: dict[int, Group]) -> None:
    """Lists of which nothing is said: everything written from them is invented."""
    heard = [_heard(told, f"irrelevant {seed}", (group,)) for seed, group in useless.items()]
    invented = [term for one in heard for each in one for term in each.invented]
    for seed, each in zip(useless, heard, strict=True):
        findings.keep(
            findings.lines(
                f"{name}, irrelevant {seed}", [one for one in each if one.invented], told[f"irrelevant {seed}"]
            )
        )
    minutes = sum(len(each.utterance.samples) for one in heard for each in one) / corpus.RATE_HZ / 60
    per_20 = 20 * len(invented) / minutes
    near = {pair for group in useless.values() for pair in _close(group)}
    before = wer(heard[0], others=False)[0]
    table.add(
        f"{name}, 1000 irrelevant terms, {len(heard)} lists, {minutes:.0f} minutes: invented per 20 minutes",
        f"{per_20:.1f} ({_named(invented)})",
        f"≤ {MOST_FALSE_PER_20_MIN:.0f}",
        per_20 <= MOST_FALSE_PER_20_MIN,
    )
    afters = ", ".join(f"{wer(one)[1]:.2f}" for one in heard)
    table.add("… WER, all words", f"{before:.2f} → {afters} %")
    table.notes.append(f"{name}: {len(near)} irrelevant terms are spelled nearly like a word that is said")


def _close(group: Group) -> list[tuple[str, str]]:
    return distractors.close(group.terms, [one.reference for one in group.utterances])


def _example(table: Table, quick: bool) -> None:
    """Each form of context, in every voice; and contexts of no use, under which nothing may change."""
    utterances = example.utterances(quick)
    if not utterances:
        table.add("example", "not run: no synthesiser is here")
        return
    group = (Group((example.TERM,), tuple(utterances)),)
    helpful, useless = example.helpful(), example.useless()
    conditions = [Condition(form, "both", group, text) for form, text in {**helpful, **useless}.items()]
    told = hear(utterances, [bare(utterances), *conditions])
    report.keep("biasing example", ({"condition": c, **line} for c, ls in told.items() for line in ls.values()))
    hits, said = recall(_heard(told, "none", group), missed_only=False)
    table.add("example, no context: voices in which the term is written", f"{hits} of {said}")
    for form in helpful:
        hits, said = recall(_heard(told, form, group), missed_only=False)
        table.add(f"example, {form}", f"{hits} of {said}", "≥ 11 of 12", 12 * hits >= 11 * said)
    for form in useless:
        changed = sum(told[form][one.id]["text"] != told["none"][one.id]["text"] for one in utterances)
        table.add(f"example, {form}: texts changed", f"{changed} of {said}", "0", changed == 0)
