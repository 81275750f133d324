"""`stenowire listen` in a terminal, as people use it: a microphone that goes and comes, a server that is restarted, and
Ctrl-C in the middle of a sentence."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pysubs2
import pytest

from cli.terminal import piped
from faults.sound_server import Room, room, write_wav
from faults.tmux import Tmux
from live_server import KEY, live, pcm

pytestmark = pytest.mark.faults

OPEN = re.compile(r"^\d\d:\d\d\.\d → \.\.\. +(.+)$", re.MULTILINE)
CLOSED = re.compile(r"^\d\d:\d\d\.\d → \d\d:\d\d\.\d +(.+)$", re.MULTILINE)


def spoken(screen: str) -> list[str]:
    """The words of all captions, without their times."""
    return re.sub(r"^\d\d:\d\d\.\d → \S+", "", screen, flags=re.MULTILINE).split()


@pytest.fixture
def sound(tmp_path: Path) -> Iterator[Room]:
    with room(tmp_path) as made:
        yield made


def test_captions_grow_and_ctrl_c_shows_and_writes_the_last_words(
    tmp_path: Path, moonshine_folder: Path, silero_folder: Path
) -> None:
    out = tmp_path / "talk.srt"
    with Tmux("listen", "--from", moonshine_folder / "two_cities.wav", "-f", "srt", "-o", out) as terminal:
        short = terminal.until(lambda screen: bool(OPEN.search(screen)))
        assert "Ctrl-C ends" in short and "━" in short, "the line below shows how loud it is"
        words = len(OPEN.findall(short)[-1].split())
        terminal.until(lambda screen: len((OPEN.findall(screen) or [""])[-1].split()) > words + 3)
        terminal.until(lambda screen: bool(CLOSED.search(screen) and OPEN.search(screen)))
        first = pysubs2.load(str(out))[0].plaintext.replace("\n", " ")
        terminal.press("C-c")
        status, screen = terminal.ended()
    assert status == 130
    assert "It was the best of times" in first, "the file is written while one speaks"
    sentences = CLOSED.findall(screen)
    assert len(sentences) == 2 and not OPEN.search(screen), "the open sentence got its end"
    assert "Traceback" not in screen
    written = " ".join(cue.plaintext.replace("\n", " ") for cue in pysubs2.load(str(out)))
    assert written.split() == spoken(screen), "the last words are in the file, too"


async def test_a_microphone_that_hangs_is_told_and_goes_on_when_it_is_back(tmp_path: Path, sound: Room) -> None:
    talk = write_wav(tmp_path / "talk.wav", pcm(*["w1 w2 w3", 1500] * 20))

    def drive(url: str) -> None:
        with Tmux("listen", "--device", "pulse", "--url", url, STENOWIRE_API_KEY=KEY, **sound.env) as terminal:
            terminal.until(lambda screen: "only silence is arriving" in screen)
            with sound.playing(talk):
                terminal.until(lambda screen: " w1" in screen and "silence" not in screen)
                sound.freeze()
                terminal.until(lambda screen: "no audio is arriving" in screen)
                sound.thaw()
                terminal.until(lambda screen: "arriving" not in screen and len(CLOSED.findall(screen)) > 1)
            terminal.press("C-c")
            assert terminal.ended()[0] == 130

    async with live(tmp_path) as server:
        await asyncio.to_thread(drive, server.server.url)


async def test_a_dropped_connection_is_told_and_loses_nothing(tmp_path: Path) -> None:
    said = " ".join(f"w{number}" for number in range(1, 41))
    talk = write_wav(tmp_path / "talk.wav", pcm(said, 1500))

    async with live(tmp_path) as server:
        with Tmux("listen", "--from", talk, "--url", server.server.url, "--api-key", KEY) as terminal:
            await asyncio.to_thread(terminal.until, lambda screen: "w3" in screen)
            for open_socket in server.sockets:
                open_socket.transport.abort()
            status, screen = await asyncio.to_thread(terminal.ended)
    assert status == 0, screen
    assert " ".join(spoken(screen)) == said


async def test_the_second_ctrl_c_leaves_at_once(tmp_path: Path) -> None:
    """With a server that never answers again."""
    talk = write_wav(tmp_path / "talk.wav", pcm(*["w1 w2 w3", 1500] * 20))

    async with live(tmp_path) as server:
        with Tmux("listen", "--from", talk, "--url", server.server.url, "--api-key", KEY) as terminal:
            await asyncio.to_thread(terminal.until, lambda screen: "w1 w2" in screen)
            for open_socket in server.sockets:
                open_socket.transport.pause_reading()
            terminal.press("C-c")
            await asyncio.to_thread(terminal.until, lambda screen: "Ctrl-C again leaves at once" in screen)
            terminal.press("C-c")
            status, screen = await asyncio.to_thread(terminal.ended)
    assert status == 130 and "w1 w2" in screen


def test_what_the_machine_plays_is_not_captioned_and_what_is_said_is(
    tmp_path: Path, sound: Room, moonshine_folder: Path, silero_folder: Path
) -> None:
    """The microphone hears the loudspeaker, a little later, and when that is silent a person."""
    pytest.importorskip("livekit", reason="the extra `microphone` is not installed")
    sound.control("load-module", "module-loopback", "source=room.monitor", "sink=mouth", "latency_msec=60")
    environment = sound.env | {"PULSE_SOURCE": "mouth.monitor"}
    heard = {}
    for option in ("", "--echo-cancel"):
        more = [option] if option else []
        with Tmux("listen", "--device", "pulse", *more, **environment) as terminal:
            terminal.until(lambda screen: "Ctrl-C ends" in screen or "arriving" in screen)
            with sound.playing(moonshine_folder / "two_cities.wav"):
                terminal.until(lambda screen: bool(re.search(r"00:2\d\.\d", screen)))
            closed = CLOSED.findall(terminal.until(lambda screen: not OPEN.search(screen)))
            heard[option] = len(" ".join(closed).split())
            if option:
                with sound.playing(moonshine_folder / "beckett.wav", sink="mouth"):
                    terminal.until(lambda screen: "fail better" in screen.lower())
            terminal.press("C-c")
            status, screen = terminal.ended()
        assert status == 130, screen
        assert option or "the age of wisdom" in " ".join(spoken(screen))
    assert heard[""] > 15 and heard["--echo-cancel"] * 10 < heard[""], heard


def test_without_a_microphone_one_line_says_so(tmp_path: Path) -> None:
    (tmp_path / "none.conf").write_text("pcm.!default { type null }\n")
    done = piped("listen", "--device", "no such thing", ALSA_CONFIG_PATH=str(tmp_path / "none.conf"))
    assert done.returncode == 1 and done.stderr.startswith("stenowire: ") and done.stderr.count("\n") == 1
