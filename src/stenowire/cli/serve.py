"""`stenowire serve`: settings, then models, then the server.

In: options and the configuration. Out: the server's exit status, once it has drained.
"""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from rich.console import Console

from stenowire.cli.exits import Status, Stop
from stenowire.cli.progress import reporting
from stenowire.models import fetch, manifest
from stenowire.models.errors import ModelUnavailable
from stenowire.settings import BadSettings, Settings


def serve(given: dict[str, Any], config: Path | None, *, print_settings: bool, stop_with_stdin: bool) -> int:
    settings = load_settings(given, config)
    if print_settings:
        print(settings.effective())
        return Status.OK
    check_noise_reduction(settings)
    fetch_models(settings.models_dir)
    if stop_with_stdin:
        threading.Thread(target=_wait_for_stdin, daemon=True).start()
    from stenowire.gateway.server import serve as run_server

    return run_server(settings)


def load_settings(given: dict[str, Any], config: Path | None) -> Settings:
    try:
        return Settings.load(config, **given)
    except BadSettings as error:
        raise Stop(Status.USAGE, "; ".join(str(error).splitlines())) from error


def check_noise_reduction(settings: Settings) -> None:
    """Refuse to start without what the settings ask for; say where `auto` can do nothing."""
    from stenowire.audio.rnnoise import available

    if settings.noise_reduction == "off" or available():
        return
    missing = "no noise suppressor is installed (pip install 'stenowire[noise]')"
    if settings.noise_reduction != "auto":
        raise Stop(Status.USAGE, f"noise_reduction: {missing}")
    print(f"Noise is not reduced: {missing}", file=sys.stderr)


def fetch_models(root: Path) -> None:
    """Have every model on disk, with progress on standard error; silent and offline when they are there."""
    try:
        with reporting(Console(stderr=True)) as report:
            for name in manifest.packaged():
                fetch.ensure(name, root, report)
    except ModelUnavailable as error:
        raise Stop(Status.FAILED, error.message) from error


def _wait_for_stdin() -> None:
    """However the process that holds the other end dies, this one drains and leaves with it."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
