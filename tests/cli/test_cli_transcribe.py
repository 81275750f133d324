"""`stenowire transcribe --url`, as a process, against a real server whose engine reads its words from the audio."""

import asyncio
import io
import json
import re
import socket
import subprocess
import wave
from pathlib import Path
from typing import Any

import pysubs2
import pytest

from cli.terminal import Terminal, piped, plain
from live_server import KEY, live, pcm

pytestmark = pytest.mark.faults

SPEECH = pcm("w1 w2 w3", 1500, "w4 w5", 1500)
SAID = "w1 w2 w3\nw4 w5\n"
DIM = "\x1b[2m"


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.wav"
    path.write_bytes(wav_bytes(SPEECH))
    return path


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    path = tmp_path / "endless.wav"
    path.write_bytes(wav_bytes(pcm("w1 w2 w3", 1500, *["w4 w5 w6"] * 200)))
    return path


@pytest.fixture
def not_pcm(talk: Path) -> Path:
    data = bytearray(talk.read_bytes())
    data[20:22] = b"\x55\x00"  # the codec: MP3
    talk.write_bytes(data)
    return talk


def wav_bytes(samples: bytes) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples)
    return out.getvalue()


async def transcribed(data: Path, *arguments: str | Path, **how: Any) -> subprocess.CompletedProcess[str]:
    """Run against a server of its own."""
    async with live(data) as server:
        how = {"STENOWIRE_API_KEY": KEY} | how
        return await asyncio.to_thread(piped, "transcribe", *arguments, "--url", server.server.url, **how)


async def test_text_in_a_pipe_is_a_plain_line_per_sentence(tmp_path: Path, talk: Path) -> None:
    done = await transcribed(tmp_path, talk)
    assert (done.returncode, done.stdout, done.stderr) == (0, SAID, "")


async def test_a_whole_endpoint_serves_as_well_as_a_base(tmp_path: Path, talk: Path) -> None:
    async with live(tmp_path) as server:
        url = server.http + "/api-ws/v1/inference/"
        done = await asyncio.to_thread(piped, "transcribe", talk, "--url", url, "--api-key", KEY)
    assert (done.returncode, done.stdout) == (0, SAID)


async def test_audio_may_come_from_standard_input(tmp_path: Path, talk: Path) -> None:
    done = await transcribed(tmp_path, "-", stdin=wav_bytes(SPEECH))
    assert (done.returncode, done.stdout) == (0, SAID)


async def test_real_time_gives_the_same_text(tmp_path: Path, talk: Path) -> None:
    done = await transcribed(tmp_path, talk, "--realtime")
    assert (done.returncode, done.stdout) == (0, SAID)


@pytest.mark.parametrize("format", ["srt", "vtt"])
async def test_subtitles_are_written_to_the_file(tmp_path: Path, talk: Path, format: str) -> None:
    out = tmp_path / f"talk.{format}"
    done = await transcribed(tmp_path, talk, "-f", format, "-o", out)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    read = pysubs2.load(str(out), format_=format)
    assert [event.plaintext for event in read] == ["w1 w2 w3", "w4 w5"]
    assert read[0].end <= read[1].start


async def test_json_has_sentences_and_words_with_times(tmp_path: Path, talk: Path) -> None:
    document = json.loads((await transcribed(tmp_path, talk, "-f", "json")).stdout)
    assert list(document) == ["model", "text", "sentences"]
    assert document["text"] == "w1 w2 w3 w4 w5"
    first = document["sentences"][0]
    assert list(first) == ["id", "begin_ms", "end_ms", "text", "words"]
    assert list(first["words"][0]) == ["begin_ms", "end_ms", "text", "mark"]
    times = [
        word[key] for sentence in document["sentences"] for word in sentence["words"] for key in ("begin_ms", "end_ms")
    ]
    assert times == sorted(times) and times[-1] < 4500


# ---- keys -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (["--api-key", KEY], {"STENOWIRE_API_KEY": "wrong", "DASHSCOPE_API_KEY": "wrong"}),
        ([], {"STENOWIRE_API_KEY": KEY, "DASHSCOPE_API_KEY": "wrong"}),
        ([], {"STENOWIRE_API_KEY": "", "DASHSCOPE_API_KEY": KEY}),
    ],
)
async def test_the_key_is_the_options_then_ours_then_the_vendors(
    tmp_path: Path, talk: Path, arguments: list[str], env: dict[str, str]
) -> None:
    assert (await transcribed(tmp_path, talk, *arguments, **env)).returncode == 0


async def test_a_refused_key_is_status_4(tmp_path: Path, talk: Path) -> None:
    done = await transcribed(tmp_path, talk, STENOWIRE_API_KEY="wrong")
    assert (done.returncode, done.stdout) == (4, "")
    assert "refused the key" in done.stderr and done.stderr.count("\n") == 1


# ---- what goes wrong ------------------------------------------------------------------------------------------------


async def test_a_failed_recognition_is_status_1_with_the_request_to_quote(tmp_path: Path, talk: Path) -> None:
    done = await transcribed(tmp_path, talk, "--model", "no-such-model")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("stenowire: recognition failed: ")
    assert "Model not exist. (Model.NotExist, request " in done.stderr
    assert done.stderr.count("\n") == 1


def test_nobody_there_is_status_3(talk: Path, unused_tcp_port: int) -> None:
    done = piped("transcribe", talk, "--url", f"ws://127.0.0.1:{unused_tcp_port}")
    assert done.returncode == 3
    assert done.stderr.endswith("Connection refused\n") and done.stderr.count("\n") == 1


def test_a_url_that_is_none_is_status_2(talk: Path) -> None:
    done = piped("transcribe", talk, "--url", "ftp://example.org")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("content", [b"", b"\0\0\0\x20ftypM4A " + bytes(100), b"no sound"])
def test_unreadable_audio_is_status_5_before_anything_is_sent(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "talk.wav"
    file.write_bytes(content)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        done = piped("transcribe", file, "--url", f"ws://127.0.0.1:{nobody.getsockname()[1]}")
        nobody.setblocking(False)
        with pytest.raises(BlockingIOError):
            nobody.accept()
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (5, "", 1)


async def test_a_wav_that_holds_something_else_is_status_5(tmp_path: Path, not_pcm: Path) -> None:
    done = await transcribed(tmp_path, not_pcm)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (5, "", 1)


def test_a_file_that_cannot_be_written_is_status_2(tmp_path: Path, talk: Path) -> None:
    done = piped("transcribe", talk, "--url", "ws://127.0.0.1:1", "-o", tmp_path / "none" / "talk.srt")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


# ---- in a terminal --------------------------------------------------------------------------------------------------


async def in_terminal(data: Path, use: Any, *arguments: str | Path, stdout: Any = None) -> tuple[int, str]:
    """Run in a terminal against a server of its own; `use` is told the terminal. (status, everything on the screen)"""

    def drive(url: str) -> tuple[int, str]:
        with Terminal("transcribe", *arguments, "--url", url, stdout=stdout, STENOWIRE_API_KEY=KEY) as terminal:
            use(terminal)
            return terminal.read_all(), terminal.out

    async with live(data) as server:
        return await asyncio.to_thread(drive, server.server.url)


def just_watch(terminal: Terminal) -> None:
    pass


async def test_in_a_terminal_captions_grow_dim_and_settle_plain(tmp_path: Path, talk: Path) -> None:
    status, out = await in_terminal(tmp_path, just_watch, talk, "--realtime")
    assert status == 0
    assert re.search(r"00:00\.0 → \.\.\. +w1", plain(out)) and re.search(re.escape(DIM) + " ?w1", out), "it grows dim"
    assert re.search(r"00:00\.0 → 00:01\.\d\S*  w1 w2 w3\r\n", out), "it stays plain, with its times"
    assert "━" in out, "there is a progress bar"


async def test_text_for_a_file_leaves_the_progress_on_the_terminal(tmp_path: Path, talk: Path) -> None:
    written = tmp_path / "talk.txt"
    status, out = await in_terminal(tmp_path, just_watch, talk, "-o", written)
    assert (status, written.read_text()) == (0, SAID)
    assert "━" in out and "w1" not in out


async def test_ctrl_c_shows_the_last_words_and_is_status_130(tmp_path: Path, endless: Path) -> None:
    def interrupt(terminal: Terminal) -> None:
        terminal.read_until(lambda screen: "w4 w5" in screen)
        terminal.press_ctrl_c()

    status, out = await in_terminal(tmp_path, interrupt, endless, "--realtime")
    assert status == 130
    assert re.search(r"00:02\.\d → 00:0\d\.\d  w4 w5", plain(out)), "the open sentence got its end"
    assert "Traceback" not in out


async def test_ctrl_c_keeps_what_was_said_in_the_file(tmp_path: Path, endless: Path) -> None:
    def interrupt(terminal: Terminal) -> None:
        terminal.read_until(lambda screen: "00:04." in screen)
        terminal.press_ctrl_c()

    written = tmp_path / "talk.srt"
    status, _ = await in_terminal(tmp_path, interrupt, endless, "--realtime", "-f", "srt", "-o", written)
    assert status == 130
    assert [event.plaintext.split()[0] for event in pysubs2.load(str(written))] == ["w1", "w4"]
