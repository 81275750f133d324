"""The page of the examples captions a microphone: served by somebody else, with a temporary key in its address."""

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from browser.serving import KEY, OPENER, ServerProcess

pytestmark = pytest.mark.browser

EXAMPLES = Path(__file__).parents[2] / "examples"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *given: object) -> None:
        pass


@pytest.fixture
def host() -> Iterator[str]:
    """What `python -m http.server --directory examples` does."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=EXAMPLES)) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


def temporary_key(server: ServerProcess) -> str:
    request = urllib.request.Request(
        f"{server.url}/api/v1/tokens?expire_in_seconds=60",
        method="POST",
        headers={"Authorization": f"Bearer {KEY}"},
    )
    with OPENER.open(request) as answer:
        return str(json.load(answer)["token"])


@pytest.fixture(autouse=True)
def log(server: ServerProcess) -> Iterator[None]:
    """Shown by pytest beside a failure, and only there."""
    yield
    print((server.data / "server.log").read_text(encoding="utf-8", errors="replace")[-3000:])


def test_a_plain_page_captions_its_microphone_and_ends_with_the_last_words(
    open_browser: Callable[[Path], Browser], server: ServerProcess, spoken: Path, host: str
) -> None:
    with open_browser(spoken).new_context() as context:
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        socket = server.url.replace("http", "ws")
        page.goto(f"{host}/browser.html?url={socket}#{temporary_key(server)}")
        page.get_by_role("button", name="Start").click()
        expect(page.locator("#state")).to_have_text("listening")
        expect(page.locator("#captions")).to_contain_text("modern", ignore_case=True)
        expect(page.locator("#open")).not_to_be_empty()
        page.get_by_role("button", name="Stop").click()
        expect(page.locator("#state")).to_have_text("done")
        expect(page.locator("#open")).to_be_empty()
        expect(page.locator("#captions br")).to_have_count(2)
        expect(page.get_by_role("button", name="Start")).to_be_enabled()
    assert not faults


def test_a_key_that_is_refused_is_said(
    open_browser: Callable[[Path], Browser], server: ServerProcess, spoken: Path, host: str
) -> None:
    with open_browser(spoken).new_context() as context:
        page = context.new_page()
        page.goto(f"{host}/browser.html?url={server.url.replace('http', 'ws')}#st-wrong")
        page.get_by_role("button", name="Start").click()
        expect(page.locator("#state")).to_contain_text("no connection")
