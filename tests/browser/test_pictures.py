"""The pictures of the documentation, made from a talk that is captioned while they are taken.

Only on request: `STENOWIRE_SCREENSHOTS=1 python -m pytest tests/browser/test_pictures.py` writes docs/images.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from playwright.sync_api import Page, expect

from browser.conftest import RATE_HZ
from browser.serving import ServerProcess

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SignedIn = Callable[..., Page]
LOOKS: dict[str, dict[str, Any]] = {
    "captions": {"color_scheme": "light"},
    "captions-dark": {"color_scheme": "dark"},
    "captions-phone": {
        "color_scheme": "light",
        "viewport": {"width": 390, "height": 844},
        "has_touch": True,
        "device_scale_factor": 1.5,
    },
}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not os.environ.get("STENOWIRE_SCREENSHOTS"),
        reason="pictures are made only on request: set STENOWIRE_SCREENSHOTS=1",
    ),
]


@pytest.fixture(scope="module")
def talk(moonshine_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    samples, rate_hz = soundfile.read(moonshine_folder / "two_cities.wav")
    path = tmp_path_factory.mktemp("sound") / "talk.wav"
    soundfile.write(path, np.asarray(soxr.resample(samples, rate_hz, RATE_HZ)), RATE_HZ, subtype="PCM_16")
    return path


@pytest.mark.parametrize("name", LOOKS)
def test_picture_of_the_page(name: str, signed_in: SignedIn, talk: Path) -> None:
    page = signed_in(sound=talk, **LOOKS[name])
    page.get_by_role("button", name="Start captions").click()
    expect(page.locator("#list li.final").nth(1 if "phone" in name else 2)).to_be_visible()
    expect(page.locator("#list .open .unsettled").first).to_be_visible()
    expect(page.locator("#list .open span").nth(7)).to_be_visible()
    page.screenshot(path=IMAGES / f"{name}.png")


def test_picture_of_the_overlay(signed_in: SignedIn, open_page: SignedIn, server: ServerProcess, talk: Path) -> None:
    page = signed_in(sound=talk)
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Let an overlay read along").check()
    expect(page.locator("#overlayAddress")).not_to_have_value("")
    address = page.locator("#overlayAddress").input_value().removeprefix(server.url)
    overlay = open_page(address, viewport={"width": 1280, "height": 360})
    ground = "linear-gradient(#d99a63, #8a4b45 60%, #2a2036)"
    overlay.evaluate(f"document.documentElement.style.background = '{ground}'")
    page.get_by_role("button", name="Start captions").click()
    expect(overlay.locator("#captions p").nth(1)).to_be_visible()
    expect(overlay.locator("#captions p").last).to_have_text(re.compile("everything before us.{12,}"))
    overlay.screenshot(path=IMAGES / "overlay.png")
