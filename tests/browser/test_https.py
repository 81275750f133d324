"""HTTPS by one flag: a browser that goes on past the warning gets a microphone, and captions over wss."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.serving import ServerProcess

pytestmark = pytest.mark.browser

SignedIn = Callable[..., Page]


@pytest.fixture
def secure(tmp_path: Path, moonshine_folder: Path, silero_folder: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path, "--https") as running:
        yield running


def test_captions_come_over_https_with_the_certificate_made_here(secure: ServerProcess, signed_in: SignedIn) -> None:
    page = signed_in(at=secure, ignore_https_errors=True)
    assert page.url.startswith("https://") and page.evaluate("window.isSecureContext")
    page.get_by_role("button", name="Start captions").click()
    expect(page.locator("#list li.final").first).to_contain_text("comparatively modern")
    log = (secure.data / "server.log").read_text(encoding="utf-8")
    assert f"Captions in a browser: {secure.url}/" in log and "signed its certificate itself" in log
