"""Pictures for the documentation, made by the tests that come by, and only when STENOWIRE_SCREENSHOTS is set."""

import os
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

IMAGES = Path(__file__).parents[2] / "docs" / "images"


def keep(page: Page, name: str, **options: Any) -> None:
    if os.environ.get("STENOWIRE_SCREENSHOTS"):
        page.screenshot(path=IMAGES / f"{name}.png", **options)
