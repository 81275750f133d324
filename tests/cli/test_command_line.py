"""The command line itself: help at once, one-line errors, statuses that scripts can trust."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import stenowire
from cli.terminal import COMMAND, Terminal, piped, plain

pytestmark = pytest.mark.unit

COMMANDS = ["serve", "transcribe", "listen", "demo", "doctor", "bench", "models", "version"]


def test_help_does_not_wait_for_models_servers_or_arrays() -> None:
    heavy = ["onnxruntime", "onnx", "numpy", "uvicorn", "websockets", "starlette", "soxr", "pydantic"]
    code = f"import sys, stenowire.cli.main; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_help_names_every_command() -> None:
    done = piped("--help")
    assert done.returncode == 0
    assert all(f" {command} " in done.stdout for command in COMMANDS)


def test_no_command_at_all_shows_the_help() -> None:
    assert piped().stdout == piped("--help").stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    done = piped(command, "--help")
    assert done.returncode == 0 and f"stenowire {command}" in done.stdout


@pytest.mark.parametrize("arguments", [["version"], ["--version"]])
def test_the_version_is_the_packages(arguments: list[str]) -> None:
    assert piped(*arguments).stdout == stenowire.__version__ + "\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["sing"], "stenowire: No such command 'sing'; see stenowire --help"),
        (["transcribe"], "stenowire: Missing argument 'FILE'; see stenowire transcribe --help"),
        (["serve", "--port", "70000"], "stenowire: Invalid value for '--port': "),
        (["transcribe", "a.wav", "-f", "docx"], "stenowire: Invalid value for '--format' / '-f': "),
        (
            ["models", "pull", "no-such-model"],
            "stenowire: no model named 'no-such-model'; there are: ",
        ),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(arguments: list[str], line: str) -> None:
    done = piped(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(line) and done.stderr.count("\n") == 1


def test_settings_are_printed_with_their_secrets_masked(tmp_path: Path) -> None:
    config = tmp_path / "stenowire.toml"
    config.write_text("idle_s = 11.0\nport = 1\n")
    done = piped("serve", "--print-settings", "--port", "7001", "--config", config, STENOWIRE_API_KEYS="sk-secret")
    assert done.returncode == 0
    assert "port = 7001" in done.stdout and "idle_s = 11.0" in done.stdout
    assert "api_keys" in done.stdout and "sk-secret" not in done.stdout


def test_bad_settings_are_one_line_and_status_2(tmp_path: Path) -> None:
    config = tmp_path / "stenowire.toml"
    config.write_text("colour = 'red'\nport = 'x'\n")
    done = piped("serve", "--config", config)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "colour: there is no such setting" in done.stderr and "port: " in done.stderr


def test_models_are_listed_one_per_line_for_programs(tmp_path: Path) -> None:
    rows = [line.split("\t") for line in piped("models", STENOWIRE_MODELS=str(tmp_path)).stdout.splitlines()]
    assert {("moonshine-tiny-en", "no"), ("silero-vad", "no")} <= {(name, here) for name, here, *_ in rows}


def test_models_are_a_table_for_people(tmp_path: Path) -> None:
    with Terminal("models", STENOWIRE_MODELS=str(tmp_path)) as terminal:
        assert terminal.read_all() == 0
    assert "licence" in plain(terminal.out) and str(tmp_path) in plain(terminal.out)


def test_a_reader_who_has_seen_enough_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*COMMAND, "--help"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.engine
def test_models_that_are_here_are_named_with_their_folders(moonshine_folder: Path, silero_folder: Path) -> None:
    done = piped("models", "pull")
    assert done.returncode == 0
    assert {str(moonshine_folder), str(silero_folder)} <= set(done.stdout.splitlines())
