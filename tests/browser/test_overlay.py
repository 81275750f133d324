"""The overlay: what is said on the page stands in the picture, on nothing, and only what its address allows."""

import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.serving import ServerProcess

pytestmark = pytest.mark.browser

SignedIn = Callable[..., Page]
OpenPage = Callable[..., Page]


def overlay_address(page: Page) -> str:
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Let an overlay read along").check()
    expect(page.locator("#overlayAddress")).to_have_value(re.compile("/overlay.*#name=.*key=sw-"))
    return page.locator("#overlayAddress").input_value()


def test_the_overlay_shows_what_is_said_and_is_transparent(
    signed_in: SignedIn, open_page: OpenPage, server: ServerProcess, spoken: Path
) -> None:
    page = signed_in()
    address = overlay_address(page)
    overlay = open_page(address.removeprefix(server.url), viewport={"width": 1280, "height": 200})
    with page.expect_file_chooser() as chooser:
        page.get_by_label("File", exact=True).check()
        page.get_by_role("button", name="Start captions").click()
    chooser.value.set_files(spoken)
    expect(overlay.locator("#captions")).to_contain_text("comparatively modern")
    picture = overlay.screenshot(omit_background=True)
    assert overlay.evaluate("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
    assert transparent_rows(picture) > 20
    expect(overlay.locator("#captions")).to_contain_text("never been surpassed")
    expect(page.locator("#stateText")).to_have_text("Ready")
    assert page.locator("#list li.final").count() == 3


def transparent_rows(png: bytes) -> int:
    """How many rows at the top are all zero: transparent, whatever a row's filter is (PNG, RGBA)."""
    width, _, _, colour = struct.unpack(">IIBB", png[16:26])
    assert colour == 6
    data, at = b"", 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        data += png[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    raw, size = zlib.decompress(data), 4 * width + 1
    rows = [raw[begin + 1 : begin + size] for begin in range(0, len(raw), size)]
    return next((number for number, row in enumerate(rows) if any(row)), len(rows))


def test_the_looks_are_those_of_the_address_and_nothing_else(open_page: OpenPage) -> None:
    good = open_page(
        "/overlay?lines=3&size=60&font=DejaVu Serif&colour=ffee00&background=00000080&align=center#name=a&key=b"
    )
    style = good.evaluate(
        "(({ fontSize, fontFamily, color, textAlign }) => [fontSize, fontFamily, color, textAlign])"
        "(getComputedStyle(document.body))"
    )
    assert style[0] == "60px" and style[1].startswith('"DejaVu Serif"') and style[2:] == ["rgb(255, 238, 0)", "center"]
    expect(good.locator("#problem")).to_contain_text("The key in this address is not good any more")
    bad = open_page("/overlay?lines=0&size=9999&font=x;}body{display:none&colour=url(//evil)&quiet=1#name=a&key=b")
    expect(bad.locator("#problem")).to_be_visible()
    assert bad.evaluate("getComputedStyle(document.body).fontSize") == "48px"


def test_an_address_without_a_key_says_so(open_page: OpenPage) -> None:
    expect(open_page("/overlay").locator("#problem")).to_contain_text("The address is not whole")
