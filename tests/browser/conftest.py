"""A real server in a process of its own, a real browser with a recording for a microphone, and a page between them."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from browser.serving import KEY, ServerProcess
from conftest import speech_folder, speech_rows

RATE_HZ = 48_000
NAMES = ("chromium", "chromium-browser", "google-chrome")
SPOKEN = ("lj-LJ001-0002.flac", "lj-LJ001-0005.flac", "lj-LJ001-0008.flac")
PAUSE_S = 1.6
"""After each recording: long enough to end a sentence."""
PATIENCE_MS = 60_000
"""A guard against hanging, not a claim."""

OpenPage = Callable[..., Page]
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def chromium() -> str:
    found = os.environ.get("STENOWIRE_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium here: install it (Debian: apt install chromium) or name one in STENOWIRE_CHROMIUM")
    return found


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Its event loop counts as running for as long as it lives, and so would stop asynchronous tests after these."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sentences with a pause after each, as a microphone hears them: 48 kHz, 16 bit."""
    rows = speech_rows()
    if not rows:
        pytest.skip(f"no recordings: set STENOWIRE_SPEECH to a folder of them (looked in {speech_folder()})")
    parts = [np.zeros(RATE_HZ // 2)]
    for file in SPOKEN:
        samples, rate_hz = soundfile.read(speech_folder() / file)
        parts += [soxr.resample(samples, rate_hz, RATE_HZ), np.zeros(int(PAUSE_S * RATE_HZ))]
    return _wav(tmp_path_factory.mktemp("sound") / "spoken.wav", np.concatenate(parts))


@pytest.fixture(scope="session")
def silence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _wav(tmp_path_factory.mktemp("sound") / "silence.wav", np.zeros(RATE_HZ))


def _wav(path: Path, samples: np.ndarray) -> Path:
    soundfile.write(path, samples, RATE_HZ, subtype="PCM_16")
    return path


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory, moonshine_folder: Path, silero_folder: Path
) -> Iterator[ServerProcess]:
    """One for all tests that leave it as it is."""
    with ServerProcess(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def open_browser(playwright: Playwright, chromium: str) -> Iterator[Callable[[Path], Browser]]:
    """One browser for each sound that its microphone hears."""
    browsers: dict[Path, Browser] = {}

    def opened(sound: Path) -> Browser:
        if sound not in browsers:
            options = [
                "--no-sandbox",
                "--no-first-run",
                "--disable-background-networking",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-audio-capture={sound}%noloop",
                "--host-resolver-rules=MAP talk.test 127.0.0.1",
            ]
            browsers[sound] = playwright.chromium.launch(executable_path=chromium, headless=True, args=options)
        return browsers[sound]

    yield opened
    for browser in browsers.values():
        browser.close()


@pytest.fixture
def open_page(open_browser: Callable[[Path], Browser], server: ServerProcess, spoken: Path) -> Iterator[OpenPage]:
    """`open_page("/", sound=…, server=…, **context)`: a page in a fresh profile. It must log no error."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def opened(
        path: str = "/", sound: Path = spoken, at: str = "", scripts: tuple[str, ...] = (), **options: object
    ) -> Page:
        given = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **options}
        context = open_browser(sound).new_context(**given)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        for script in scripts:
            context.add_init_script(script)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto((at or server.url) + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not faults


@pytest.fixture
def signed_in(open_page: OpenPage, server: ServerProcess) -> Callable[..., Page]:
    """A page that already has a key of its own."""

    def opened(path: str = "/", at: ServerProcess = server, **options: object) -> Page:
        page = open_page(path, at=at.url, **options)
        page.evaluate(
            "async (key) => (await import('/web/keys.js')).exchange(key, false)",
            KEY,
        )
        return page

    return opened
