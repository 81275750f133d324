"""Settings: where they come from, which source wins, and how a bad one is told."""

from pathlib import Path

import pytest

from stenowire.settings import BadSettings, Settings

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "HOST", "API_KEYS", "CONFIG", "DATA", "MODELS", "WORKERS"):
        monkeypatch.delenv(f"STENOWIRE_{name}", raising=False)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "stenowire.toml"
    path.write_text('port = 1111\nhost = "0.0.0.0"\nbacklog_s = 5.5\n', encoding="utf-8")
    return path


def test_defaults_listen_on_this_machine_only() -> None:
    settings = Settings.load()
    assert (settings.host, settings.port) == ("127.0.0.1", 8090)
    assert settings.models_dir == settings.data / "models"


def test_an_argument_wins_over_the_environment_and_that_over_the_file(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Settings.load(config).port == 1111
    monkeypatch.setenv("STENOWIRE_PORT", "2222")
    assert Settings.load(config).port == 2222
    assert Settings.load(config, port=3333).port == 3333
    assert Settings.load(config, port=3333).backlog_s == 5.5


def test_an_argument_that_was_not_given_changes_nothing(config: Path) -> None:
    assert Settings.load(config, port=None).port == 1111


def test_the_environment_can_name_the_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STENOWIRE_CONFIG", str(config))
    assert Settings.load().host == "0.0.0.0"


def test_keys_are_separated_by_commas_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STENOWIRE_API_KEYS", "sk-one, sk-two,")
    settings = Settings.load()
    assert [key.get_secret_value() for key in settings.api_keys] == ["sk-one", "sk-two"]
    for shown in (settings.effective(), repr(settings), str(settings)):
        assert "sk-one" not in shown and "sk-two" not in shown


def test_an_empty_variable_is_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STENOWIRE_API_KEYS", "")
    assert Settings.load().api_keys == ()


def test_effective_settings_can_be_read_back(tmp_path: Path) -> None:
    written = tmp_path / "again.toml"
    settings = Settings.load(port=7, data=tmp_path / 'a "quoted" folder')
    written.write_text(settings.effective(), encoding="utf-8")
    assert Settings.load(written) == settings


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"port": 70_000}, "port"),
        ({"workers": 0}, "workers"),
        ({"backlog_s": "much"}, "backlog_s"),
        ({"beam": "sometimes"}, "beam"),
        ({"api_keys": "sk-with blank"}, "api_keys"),
        ({"api_keys": "sk-ключ"}, "api_keys"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_value_is_told_in_one_line_that_names_the_setting(given: dict[str, object], name: str) -> None:
    with pytest.raises(BadSettings) as failure:
        Settings.load(**given)
    assert str(failure.value).startswith(f"{name}: ")
    assert "\n" not in str(failure.value)


def test_a_bad_value_says_where_it_came_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("port = -1\nworkerz = 3\n", encoding="utf-8")
    with pytest.raises(BadSettings) as failure:
        Settings.load(path)
    lines = str(failure.value).splitlines()
    assert len(lines) == 2 and all(str(path) in line for line in lines)
    monkeypatch.setenv("STENOWIRE_PORT", "http")
    with pytest.raises(BadSettings, match="STENOWIRE_PORT"):
        Settings.load()


def test_a_bad_key_is_not_repeated_in_the_complaint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STENOWIRE_API_KEYS", "sk-secret secret")
    with pytest.raises(BadSettings) as failure:
        Settings.load()
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize("content", [None, "port = = 3", b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: str | bytes | None) -> None:
    path = tmp_path / "settings.toml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadSettings, match=r"settings\.toml"):
        Settings.load(path)
