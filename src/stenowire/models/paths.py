"""The folder that holds the models. Output: a path; nothing is made on disk."""

import os
from pathlib import Path

import platformdirs


def default_root(data: Path | None = None) -> Path:
    """STENOWIRE_MODELS if set; else `models` under `data`, STENOWIRE_DATA or the user's data folder, in this order."""
    if root := os.environ.get("STENOWIRE_MODELS"):
        return Path(root).expanduser()
    data = data or Path(os.environ.get("STENOWIRE_DATA") or platformdirs.user_data_dir("stenowire", appauthor=False))
    return data.expanduser() / "models"
