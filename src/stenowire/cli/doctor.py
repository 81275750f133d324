"""`stenowire doctor`: what works on this machine and what does not, each with its remedy.

In: settings, and a server's address. Out: a line for each finding, or JSON; 1 when there is a problem.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from stenowire.cli.check_machine import machine
from stenowire.cli.check_server import here, there
from stenowire.cli.check_sound import sound
from stenowire.cli.exits import Status
from stenowire.cli.findings import Finding, Grade, ok, problem
from stenowire.settings import BadSettings, Settings

MARKS: dict[Grade, tuple[str, str]] = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}
INDENT = 24


def doctor(given: dict[str, Any], config: Path | None, url: str | None, key: str, as_json: bool) -> int:
    console = Console(highlight=False)
    findings = []
    for finding in examined(given, config, url, key):
        findings.append(finding)
        if not as_json:
            console.print(line(finding), soft_wrap=True)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode({"worst": worst(findings), "findings": findings})).decode())
    else:
        console.print(f"\n{summary(findings)}", soft_wrap=True)
    return Status.FAILED if worst(findings) == "problem" else Status.OK


def examined(given: dict[str, Any], config: Path | None, url: str | None, key: str) -> Iterator[Finding]:
    """With `url` the server there is what counts, and not the port here."""
    settings, found = _settings(given, config)
    yield found
    yield from machine(settings)
    yield from sound()
    if url is not None:
        yield from there(url, key)
    elif settings is not None:
        yield from here(settings)


def _settings(given: dict[str, Any], config: Path | None) -> tuple[Settings | None, Finding]:
    try:
        return Settings.load(config, **given), ok("settings", "can be used")
    except BadSettings as error:
        said = "; ".join(str(error).splitlines())
        return None, problem(
            "settings", said, "correct them; `stenowire serve --print-settings` shows what is in force"
        )


def line(finding: Finding) -> Text:
    mark, style = MARKS[finding.grade]
    text = Text.assemble((f"{mark} ", style), f"{finding.subject:<{INDENT}}  ", finding.what)
    if finding.remedy:
        text.append(f"\n{'':<{INDENT + 4}}→ {finding.remedy}", style)
    return text


def worst(findings: list[Finding]) -> Grade:
    grades = [finding.grade for finding in findings]
    return "problem" if "problem" in grades else "warning" if "warning" in grades else "ok"


def summary(findings: list[Finding]) -> str:
    count = {grade: sum(finding.grade == grade for finding in findings) for grade in MARKS}
    if not count["problem"] and not count["warning"]:
        return "All is well."
    return ", ".join(
        f"{number} {grade}{'s' * (number > 1)}" for grade, number in count.items() if number and grade != "ok"
    )
