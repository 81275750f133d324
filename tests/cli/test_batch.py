"""`stenowire transcribe` of several recordings, against a real server whose engine reads its words from the audio."""

import asyncio
import functools
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.terminal import piped
from cli.test_cli_transcribe import wav_bytes
from live_server import KEY, live, pcm

pytestmark = pytest.mark.faults


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    folder = tmp_path / "talks"
    (folder / "deep").mkdir(parents=True)
    for name, words in (("one", "w1 w2"), ("two", "w3 w4"), ("deep/three", "w5 w6")):
        (folder / f"{name}.wav").write_bytes(wav_bytes(pcm(words, 1500)))
    return folder


def texts(folder: Path, pattern: str = "*.txt") -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob(pattern))}


SAID = {"deep/three.txt": "w5 w6\n", "one.txt": "w1 w2\n", "two.txt": "w3 w4\n"}


async def test_a_folder_is_transcribed_beside_its_recordings_and_what_is_done_is_not_done_again(
    tmp_path: Path, talks: Path
) -> None:
    async with live(tmp_path) as server:

        def run(*more: str) -> str:
            done = piped("transcribe", talks, "--url", server.server.url, *more, STENOWIRE_API_KEY=KEY)
            assert (done.returncode, done.stdout) == (0, "")
            return done.stderr

        first = await asyncio.to_thread(run)
        assert texts(talks) == SAID and "3 files done; " in first
        (talks / "two.txt").unlink()
        (talks / "one.txt").write_text("mine")
        again = await asyncio.to_thread(run)
        assert "1 file done, 2 skipped as done before" in again
        assert texts(talks) == SAID | {"one.txt": "mine"}
        await asyncio.to_thread(run, "--overwrite", "--jobs", "1")
        assert texts(talks) == SAID


async def test_one_bad_recording_does_not_keep_the_others_from_their_results(tmp_path: Path, talks: Path) -> None:
    (talks / "bad.mp3").write_bytes(b"no sound at all")
    out = tmp_path / "out"
    async with live(tmp_path) as server:
        arguments = ["transcribe", talks, "-f", "json", "-o", out, "--url", server.server.url, "--api-key", KEY]
        done = await asyncio.to_thread(piped, *arguments)
    assert done.returncode == 1 and "3 files done, 1 failed" in done.stderr
    assert f"✗ {talks / 'bad.mp3'} is no audio known here" in done.stderr.replace("\n", "")
    assert {name: json.loads(text)["text"] for name, text in texts(out, "*.json").items()} == {
        "deep/three.json": "w5 w6",
        "one.json": "w1 w2",
        "two.json": "w3 w4",
    }


async def test_a_refused_key_ends_all_of_it_with_status_4(tmp_path: Path, talks: Path) -> None:
    async with live(tmp_path) as server:
        done = await asyncio.to_thread(piped, "transcribe", talks, "--url", server.server.url, "--api-key", "sk-wrong")
    assert done.returncode == 4 and texts(talks) == {}
    assert "refused the key" in done.stderr


async def test_a_server_that_is_full_for_a_moment_is_asked_again(tmp_path: Path, talks: Path) -> None:
    async with live(tmp_path, max_streams=1) as server:
        arguments = ["transcribe", talks, "--jobs", "3", "--url", server.server.url, "--api-key", KEY]
        done = await asyncio.to_thread(piped, *arguments)
    assert done.returncode == 0, done.stderr
    assert texts(talks) == SAID


@contextmanager
def files_at(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


async def test_a_recording_is_fetched_from_its_address_when_that_is_allowed(tmp_path: Path, talks: Path) -> None:
    async with live(tmp_path) as server:
        with files_at(talks) as base:
            how = ["--url", server.server.url, "--api-key", KEY, "--allow-urls"]
            one = await asyncio.to_thread(piped, "transcribe", f"{base}/one.wav", *how)
            none = await asyncio.to_thread(piped, "transcribe", f"{base}/none.wav", *how)
    assert (one.returncode, one.stdout) == (0, "w1 w2\n")
    assert (none.returncode, none.stderr) == (5, "stenowire: none.wav cannot be fetched: HTTP 404\n")


def test_an_address_without_leave_is_wrong_usage() -> None:
    done = piped("transcribe", "http://127.0.0.1:1/talk.wav")
    assert done.returncode == 2 and "--allow-urls" in done.stderr
