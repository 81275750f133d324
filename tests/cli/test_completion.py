"""Shells complete commands and options; help shows how each command is used."""

import shutil
import subprocess
from pathlib import Path

import pytest

from cli.terminal import COMMAND, environment, piped
from stenowire.cli.main import app

pytestmark = pytest.mark.unit

PLAIN = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}


@pytest.mark.parametrize(
    ("shell", "line", "offered"),
    [
        ("bash", {"COMP_WORDS": "stenowire listen -f ", "COMP_CWORD": "3"}, "tsv"),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "stenowire tran"}, '"transcribe":"Turn recordings into text or subtitles."'),
    ],
)
def test_what_is_begun_is_completed(shell: str, line: dict[str, str], offered: str) -> None:
    done = piped(_STENOWIRE_COMPLETE=f"complete_{shell}", **line)
    assert offered in done.stdout and done.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_script_for_a_shell_is_shown(shell: str) -> None:
    done = piped("--show-completion", shell, **PLAIN)
    assert done.returncode == 0 and f"_STENOWIRE_COMPLETE=complete_{shell}" in done.stdout


def test_bash_itself_completes_with_the_script(tmp_path: Path) -> None:
    if not shutil.which("bash"):
        pytest.skip("no bash here")
    command = tmp_path / "stenowire"
    command.write_text(f'#!/bin/sh\nexec {" ".join(COMMAND)} "$@"\n')
    command.chmod(0o755)
    script = piped("--show-completion", "bash", **PLAIN).stdout
    typed = (
        f'{script}\nCOMP_WORDS=(stenowire doc); COMP_CWORD=1; _stenowire_completion stenowire; echo "${{COMPREPLY[@]}}"'
    )
    path = environment()["PATH"]
    done = subprocess.run(
        ["bash", "--norc", "-c", typed],
        env=environment(PATH=f"{tmp_path}:{path}"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "doctor\n"


def test_completion_is_installed_where_the_shell_looks(tmp_path: Path) -> None:
    done = piped("--install-completion", "bash", HOME=str(tmp_path), **PLAIN)
    assert done.returncode == 0
    [line] = [line for line in (tmp_path / ".bashrc").read_text().splitlines() if "stenowire" in line]
    assert Path(line.removeprefix("source ").strip("'")).is_file()


def test_every_command_shows_an_example() -> None:
    commands = [(info.name or info.callback.__name__, info.epilog) for info in app.registered_commands if info.callback]
    groups = [(group.name, group.typer_instance.info.epilog) for group in app.registered_groups if group.typer_instance]
    without = [name for name, epilog in (*commands, *groups) if f"stenowire {name}" not in str(epilog)]
    assert without == []
