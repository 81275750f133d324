"""The page for everyone: axe finds nothing serious in any theme or width, and the keyboard reaches all of it."""

import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.test_safety import say_payload

pytestmark = pytest.mark.browser

SignedIn = Callable[..., Page]
CACHE = Path(__file__).parents[2] / ".cache" / "axe"
VERSION = "4.14.1"
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "has_touch": True},
}


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, fetched once."""
    package = CACHE / f"axe-core-{VERSION}.tgz"
    if not package.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("axe-core is not here and there is no npm to fetch it with")
        CACHE.mkdir(parents=True, exist_ok=True)
        command = [npm, "pack", "--silent", f"axe-core@{VERSION}", "--pack-destination", str(CACHE)]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("axe-core is not here and npm could not fetch it")
    with tarfile.open(package) as archive:
        member = archive.extractfile("package/axe.min.js")
        assert member is not None
        return member.read().decode("utf-8")


def serious(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)
    found = page.evaluate("axe.run(document).then(({ violations }) => JSON.stringify(violations))")
    return [
        f"{problem['id']}: {node['html']} {node['failureSummary']}"
        for problem in json.loads(found)
        if problem["impact"] in ("serious", "critical")
        for node in problem["nodes"]
    ]


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_serious(look: str, signed_in: SignedIn, silence: Path, axe: str) -> None:
    page = signed_in(sound=silence, **LOOKS[look])
    page.route_web_socket("**/api-ws/v1/inference*", say_payload)
    assert serious(page, axe) == []
    page.get_by_role("button", name="Start captions").click()
    expect(page.locator("#list li.final")).to_be_visible()
    unsettled = "document.querySelector('#list p').firstChild.className = 'unsettled'"
    page.evaluate(f"() => {{ {unsettled} }}")
    assert serious(page, axe) == []
    page.get_by_role("button", name="Settings").click()
    assert serious(page, axe) == []
    page.get_by_role("button", name="Settings").click()
    for button, dialog in (("History", "#historyDialog"), ("Help", "#helpDialog")):
        page.get_by_role("button", name=button).click()
        expect(page.locator(dialog)).to_be_visible()
        assert serious(page, axe) == []
        page.keyboard.press("Escape")


def test_the_keyboard_alone_starts_reads_and_stops(signed_in: SignedIn, silence: Path) -> None:
    page = signed_in(sound=silence)
    page.route_web_socket("**/api-ws/v1/inference*", say_payload)
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(page.locator("#list li.final")).to_be_visible()
    page.keyboard.press("s")
    expect(page.locator("#settings")).to_be_visible()
    page.get_by_label("What it is about").focus()
    page.keyboard.type("t ?")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.locator("#captions").focus()
    page.keyboard.press("t")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.keyboard.press("?")
    expect(page.locator("#helpDialog")).to_be_visible()
    page.get_by_label("Use these keys").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "start":
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert (page.evaluate("document.activeElement.id"), outline) == ("start", "solid")
    page.keyboard.press("Enter")
    expect(page.locator("#stateText")).to_have_text("Ready")


def test_presenting_gives_the_whole_screen_to_the_words(signed_in: SignedIn, silence: Path) -> None:
    page = signed_in(sound=silence)
    page.route_web_socket("**/api-ws/v1/inference*", say_payload)
    page.keyboard.press("Space")
    expect(page.locator("#list li.final")).to_be_visible()
    page.keyboard.press("p")
    expect(page.locator(".dock")).to_be_hidden()
    expect(page.locator("#list li.final")).to_be_in_viewport(ratio=0.9)
    height = page.evaluate("document.querySelector('#captions').clientHeight / innerHeight")
    assert height == 1
    page.keyboard.press("Escape")
    expect(page.locator(".dock")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 768])
def test_nothing_is_wider_than_a_small_screen(width: int, signed_in: SignedIn, silence: Path) -> None:
    page = signed_in(sound=silence, viewport={"width": width, "height": 720})
    page.get_by_role("button", name="Settings").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
