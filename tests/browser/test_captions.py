"""A talk in the browser: words come and settle, nothing is lost with a server, and what was said can be taken along."""

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pysubs2
import pytest
import webvtt
from playwright.sync_api import Page, WebSocketRoute, expect

from browser.conftest import SPOKEN
from browser.serving import ServerProcess
from conftest import speech_rows

pytestmark = pytest.mark.browser

SignedIn = Callable[..., Page]


def finals(page: Page) -> list[str]:
    return [text.strip() for text in page.locator("#list li.final p").all_inner_texts()]


def words(texts: list[str]) -> list[str]:
    return re.findall(r"[a-z0-9']+", " ".join(texts).lower())


def said() -> list[str]:
    return words([speech_rows()[file]["text"] for file in SPOKEN])


def start(page: Page) -> None:
    page.get_by_role("button", name="Start captions").click()


def stop(page: Page) -> None:
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#stateText")).to_have_text("Ready")


def heard_to_the_end(page: Page) -> None:
    """Until the last sentence of the recording is finished."""
    expect(page.locator("#list li.final")).to_have_count(len(SPOKEN))
    expect(page.locator("#list li.open")).to_have_count(0)


@pytest.fixture(scope="module")
def undisturbed() -> list[str]:
    """What the page showed when nothing happened to it; the first test fills it in."""
    return []


@pytest.mark.parametrize("wanted", [True, False])
def test_the_browser_is_asked_to_cancel_echo_unless_that_is_unticked(signed_in: SignedIn, wanted: bool) -> None:
    page = signed_in()
    page.evaluate(
        """() => {
          const devices = navigator.mediaDevices, ask = devices.getUserMedia.bind(devices);
          devices.getUserMedia = (wish) => { window.wish = wish; return ask(wish); };
        }"""
    )
    if not wanted:
        page.evaluate("document.querySelector('[name=echoCancellation]').click()")
    start(page)
    page.wait_for_function("window.wish !== undefined")
    assert page.evaluate("window.wish.audio.echoCancellation") is wanted


def test_words_appear_settle_and_are_announced_once(
    signed_in: SignedIn, undisturbed: list[str], tmp_path: Path
) -> None:
    page = signed_in()
    start(page)
    expect(page.locator("#list .open .unsettled").first).to_be_visible()
    expect(page.locator("#list .open .settled").nth(2)).to_be_visible()
    heard_to_the_end(page)
    undisturbed += finals(page)
    assert distance(words(undisturbed), said()) <= len(said()) // 10
    assert words(page.locator("#live p").all_inner_texts()) == words(undisturbed[-3:])
    assert page.locator("#delayText").inner_text().startswith("words after ")
    page.locator("#list li").first.get_by_role("button").click()
    expect(page.locator("#trouble")).to_be_hidden()
    stop(page)
    assert finals(page) == undisturbed
    check_downloads(page, undisturbed, tmp_path)
    check_history(page, undisturbed)


def check_downloads(page: Page, texts: list[str], folder: Path) -> None:
    saved = {}
    for kind in ("SRT", "VTT", "Text", "JSON"):
        page.locator("#downloads summary").click()
        with page.expect_download() as download:
            page.get_by_role("button", name=kind).click()
        saved[kind] = folder / download.value.suggested_filename
        download.value.save_as(saved[kind])
    lines = [line for kind in ("SRT", "VTT") for line in [pysubs2.load(str(saved[kind])).events]]
    for cues in lines:
        assert words([cue.plaintext for cue in cues]) == words(texts)
        assert all(cue.start < cue.end for cue in cues) and cues == sorted(cues, key=lambda cue: cue.start)
    assert words([cue.text for cue in webvtt.read(saved["VTT"])]) == words(texts)
    assert words([cue.text for cue in webvtt.from_srt(saved["SRT"])]) == words(texts)
    assert saved["Text"].read_text(encoding="utf-8").splitlines() == texts
    told = json.loads(saved["JSON"].read_text(encoding="utf-8"))["sentences"]
    assert [sentence["id"] for sentence in told] == list(range(1, len(texts) + 1))
    times = [word[name] for sentence in told for word in sentence["words"] for name in ("begin_ms", "end_ms")]
    assert times == sorted(times)


def check_history(page: Page, texts: list[str]) -> None:
    page.reload()
    page.get_by_role("button", name="History").click()
    page.get_by_role("button", name="Open the talk").click()
    assert finals(page) == texts
    page.get_by_role("button", name="History").click()
    page.get_by_role("button", name="Delete the talk").click()
    expect(page.locator("#talks")).to_have_text("Nothing yet.")


def without_points(line: WebSocketRoute) -> None:
    """The server as one that has never heard of resuming."""
    server = line.connect_to_server()

    def pass_on(message: str | bytes) -> None:
        if isinstance(message, str):
            told = json.loads(message)
            told["payload"].get("parameters", {}).pop("resume", None)
            message = json.dumps(told)
        server.send(message)

    line.on_message(pass_on)


@pytest.mark.parametrize(
    ("by", "resumes"), [(signal.SIGKILL, True), (signal.SIGTERM, False)], ids=["killed", "stopped-without-points"]
)
def test_a_server_that_goes_and_comes_back_costs_no_word_and_doubles_none(
    by: signal.Signals,
    resumes: bool,
    signed_in: SignedIn,
    undisturbed: list[str],
    tmp_path: Path,
    moonshine_folder: Path,
) -> None:
    assert undisturbed, "the test before this one says what is to be heard"
    with ServerProcess(tmp_path) as server:
        page = signed_in(at=server)
        if not resumes:
            page.route_web_socket("**/api-ws/v1/inference*", without_points)
        sent: list[str | bytes] = []
        page.on("websocket", lambda line: line.on("framesent", lambda frame: sent.append(frame)))
        start(page)
        expect(page.locator("#list li.final").first).to_be_visible()
        expect(page.locator("#list .open span").nth(6)).to_be_visible()
        server.end(by)
        expect(page.locator("#stateText")).to_have_text(re.compile("Server away|Connecting again"))
        server.start()
        heard_to_the_end(page)
        stop(page)
        assert finals(page) == undisturbed
        if resumes:
            openings = [json.loads(frame) for frame in sent if isinstance(frame, str) and "run-task" in frame]
            assert openings[-1]["payload"]["parameters"]["resume"]["point"]["sentences"] == 1


def test_the_sound_of_a_tab_arrives(signed_in: SignedIn, silence: Path) -> None:
    """The browser's fake tab beeps: its sound is sent, whatever is made of it."""
    page = signed_in(sound=silence)
    page.get_by_label("Tab", exact=True).check()
    start(page)
    expect(page.locator("#time")).to_have_text("0:02")
    expect(page.locator("#stateText")).to_have_text("Listening")
    stop(page)


def distance(a: list[str], b: list[str]) -> int:
    """Levenshtein's, in words."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row, former = [i], row
        for j, y in enumerate(b, 1):
            row.append(min(former[j] + 1, row[-1] + 1, former[j - 1] + (x != y)))
    return row[-1]
