"""The documentation holds: its links lead somewhere, its tables name what the code has, its commands exist."""

import inspect
import re
from pathlib import Path

import pytest

from stenowire import errors
from stenowire.cli.exits import Status
from stenowire.cli.main import app
from stenowire.dialects.task_wire import FilterList, Parameters, WordFilter
from stenowire.settings import Settings

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def named_in_first_column(text: str) -> set[str]:
    """Names in code marks in the first cell of each row of each table."""
    cells = re.findall(r"^\| (.*?) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in target]
    missing = [target for target in targets if not (page.parent / target.partition("#")[0]).exists()]
    assert not missing


def test_every_page_is_reached_from_the_readme() -> None:
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in reached:
            continue
        reached.add(page)
        targets = [
            (page.parent / t.partition("#")[0]).resolve() for t in LINK.findall(page.read_text(encoding="utf-8"))
        ]
        todo += [target for target in targets if target.suffix == ".md" and target.exists()]
        todo += [inner for target in targets if target.is_dir() for inner in target.glob("*.md")]
    assert set(PAGES) <= reached


def test_every_setting_is_in_the_table_and_no_other() -> None:
    settings = read("docs/deploy.md").partition("## Settings")[2]
    assert named_in_first_column(settings) == set(Settings.model_fields)


def test_every_parameter_of_the_wire_is_described() -> None:
    described = set(
        re.findall(r"`(\w+)", read("docs/protocols.md").partition("## Parameters")[2].partition("## Errors")[0])
    )
    quiet = {"transcription_enabled", "translation_target_languages"}
    known = {*Parameters.__struct_fields__, *WordFilter.__struct_fields__} - {*FilterList.__struct_fields__} - quiet
    assert known <= described


def test_every_error_that_a_task_can_end_with_is_described() -> None:
    page = read("docs/protocols.md").partition("## Errors")[2].partition("## Timers")[0]
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.StenowireError)]
    of_other_protocols = {errors.AccessDenied.code, errors.EmptyBuffer.code} - {errors.InvalidParameter.code}
    assert {kind.code for kind in kinds} - of_other_protocols <= set(re.findall(r"`([\w.]+)`", page))


def test_every_exit_status_is_in_the_readme() -> None:
    sentence = read("README.md").partition("`transcribe` ends with")[2].partition("Errors are one line")[0]
    assert {int(number) for number in re.findall(r"\b\d+\b", sentence)} == {int(status) for status in Status}


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    named = {
        name
        for page in PAGES
        for name in re.findall(r"(?:`|^ {4})make ([a-z]+)", page.read_text(encoding="utf-8"), re.M)
    }
    assert named <= targets and {"run", "setup", "test", "check"} <= named


def test_every_command_that_is_named_exists() -> None:
    groups = {group.name for group in app.registered_groups}
    commands = groups | {
        command.name or command.callback.__name__ for command in app.registered_commands if command.callback
    }
    named = {
        name
        for page in PAGES
        for name in re.findall(r"(?:`|^ {4})stenowire ([a-z]+)", page.read_text(encoding="utf-8"), re.M)
    }
    assert named <= commands and commands - {"version"} <= named
