"""Where models lie."""

from pathlib import Path

import pytest

from stenowire.models.paths import default_root

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STENOWIRE_MODELS", raising=False)
    monkeypatch.delenv("STENOWIRE_DATA", raising=False)


def test_models_lie_under_the_users_data_folder() -> None:
    assert default_root().parts[-2:] == ("stenowire", "models")


def test_a_data_folder_takes_its_models_along(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STENOWIRE_DATA", "/elsewhere")
    assert default_root() == Path("/elsewhere/models")
    assert default_root(tmp_path) == tmp_path / "models"


def test_the_models_variable_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STENOWIRE_MODELS", "/models")
    assert default_root(tmp_path) == Path("/models")
