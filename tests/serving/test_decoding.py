"""Decoders are processes of their own: what happens in one stays there."""

import asyncio
import os
import signal
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from audio.coded import cut, encode, packets, voice, wavs
from stenowire.errors import BadAudio, UnsupportedFormat
from stenowire.serving import decoding
from stenowire.serving.decoding import Decoders
from stenowire.serving.decoding_stream import Decoding
from stenowire.serving.decoding_wire import LARGEST_MESSAGE_BYTES
from stenowire.types import Encoding

pytestmark = pytest.mark.unit

OGG = encode(voice(48_000, 2), 48_000, "libopus", "ogg", 24_000)
MP3 = encode(voice(16_000, 2), 16_000, "libmp3lame", "mp3", 32_000)
PATIENCE_S = 20.0


@asynccontextmanager
async def decoders(answer_s: float = PATIENCE_S) -> AsyncIterator[Decoders]:
    some = Decoders(answer_s)
    try:
        yield some
    finally:
        await some.stop()


async def read(decoding: Decoding, pieces: list[bytes], flush: bool = True) -> bytes:
    told = [wav for piece in pieces async for wav in decoding.feed(piece)]
    return b"".join(told + ([wav async for wav in decoding.flush()] if flush else []))


async def whole(some: Decoders, encoding: Encoding, data: bytes, step: int = 3200) -> bytes:
    decoding = await some.open(encoding)
    try:
        return await read(decoding, cut(data, step))
    finally:
        decoding.close()


def proc(pid: int, name: str) -> str:
    """What Linux tells about a process."""
    if not Path("/proc/self/limits").exists():
        pytest.skip("processes are looked at through Linux's /proc, which is not here")
    return Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")


def children(pid: int) -> list[int]:
    return [int(child) for child in proc(pid, f"task/{pid}/children").split()]


def cpu_s(pid: int) -> float:
    return sum(map(int, proc(pid, "stat").split()[13:15])) / os.sysconf("SC_CLK_TCK")


def open_files() -> int:
    proc(os.getpid(), "limits")
    return len(list(Path("/proc/self/fd").iterdir()))


def parent(some: Decoders) -> int:
    assert some._parent is not None
    return some._parent.process.pid


async def childless(some: Decoders) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while children(parent(some)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("encoding", "data"), [("opus", OGG), ("mp3", MP3)])
async def test_a_process_gives_what_the_transcoder_gives(encoding: Encoding, data: bytes) -> None:
    async with decoders() as some:
        for step in (700, 100_000):
            assert await whole(some, encoding, data, step) == wavs(encoding, [data])


async def test_bare_packets_keep_their_borders() -> None:
    coded = packets(voice(48_000, 1), 48_000, "libopus", 24_000)
    async with decoders() as some:
        decoding = await some.open("opus_packets")
        assert await read(decoding, coded) == wavs("opus_packets", coded)
        decoding.close()


async def test_where_bare_packets_are_taken_a_container_comes_in_pieces_of_any_size() -> None:
    large = encode(voice(48_000, 4), 48_000, "libopus", "ogg", 250_000)
    assert len(large) > LARGEST_MESSAGE_BYTES
    async with decoders() as some:
        assert await whole(some, "opus_packets", large, len(large)) == wavs("opus", [large])
        with pytest.raises(BadAudio, match="no packet is so long"):
            await whole(some, "opus_packets", b"\x0b" * len(large), len(large))


async def test_the_server_itself_never_loads_ffmpeg() -> None:
    code = "import sys, stenowire.gateway.server, stenowire.cli.main; sys.exit('av' in sys.modules)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await process.wait() == 0


async def test_streams_run_side_by_side_and_leave_nothing_behind() -> None:
    async with decoders() as some:
        before = open_files()
        expected = wavs("opus", [OGG])
        for _ in range(3):
            assert set(await asyncio.gather(*(whole(some, "opus", OGG) for _ in range(10)))) == {expected}
        await childless(some)
        await asyncio.sleep(0)
        # The socket to the parent, and what the loop needs to watch for its end.
        assert open_files() - before <= 3


@pytest.mark.parametrize(
    ("data", "why"), [(b"#EXTM3U\nfile:///etc/passwd\n" * 20, "neither Ogg"), (b"", "neither Ogg")]
)
async def test_what_cannot_be_decoded_says_why(data: bytes, why: str) -> None:
    async with decoders() as some:
        with pytest.raises(BadAudio, match=f"Failed to decode audio as opus: {why}"):
            await whole(some, "opus", data)
        assert await whole(some, "opus", OGG) == wavs("opus", [OGG])


async def test_a_decoder_that_crashes_ends_its_own_stream_only() -> None:
    async with decoders() as some:
        first, second = await some.open("opus"), await some.open("opus")
        half = len(OGG) // 2
        told = await read(second, [OGG[:half]], flush=False)
        await read(first, [OGG[:half]], flush=False)
        os.kill(min(children(parent(some))), signal.SIGSEGV)
        with pytest.raises(BadAudio, match="broke off"):
            await read(first, [OGG[half:]])
        assert told + await read(second, [OGG[half:]]) == wavs("opus", [OGG])
        first.close()
        second.close()


async def test_a_decoder_that_hangs_is_given_up_and_killed() -> None:
    async with decoders(answer_s=0.3) as some:
        hanging = await some.open("opus")
        await read(hanging, [OGG[:2000]], flush=False)
        (child,) = children(parent(some))
        os.kill(child, signal.SIGSTOP)
        with pytest.raises(BadAudio, match="took too long"):
            await read(hanging, [OGG[2000:]])
        hanging.close()
        await childless(some)


async def test_a_parent_that_dies_is_replaced_and_its_streams_go_on() -> None:
    async with decoders() as some:
        running = await some.open("opus")
        half = len(OGG) // 2
        told = await read(running, [OGG[:half]], flush=False)
        first = parent(some)
        os.kill(first, signal.SIGKILL)
        assert await whole(some, "mp3", MP3) == wavs("mp3", [MP3])
        assert parent(some) != first
        assert told + await read(running, [OGG[half:]]) == wavs("opus", [OGG])
        running.close()


def silent_flac(blocks: int) -> bytes:
    """Silence as FLAC writes it, 65,535 samples in 18 bytes: an hour in some 16 KB."""
    info = struct.pack(">HH6xQ16x", 65_535, 65_535, 16_000 << 44 | 15 << 36 | 0)
    stream = b"fLaC\x80\0\0\x22" + info
    for number in range(blocks):
        header = b"\xff\xf8\x75\x08" + _utf8(number) + b"\xff\xfe"
        frame = header + bytes([_crc(header, 8, 0x07)]) + b"\0\0\0"
        stream += frame + _crc(frame, 16, 0x8005).to_bytes(2, "big")
    return stream


def _utf8(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([0xC0 | number >> 6, 0x80 | number & 63])


def _crc(data: bytes, bits: int, polynomial: int) -> int:
    crc = 0
    for byte in data:
        crc ^= byte << (bits - 8)
        for _ in range(8):
            crc = (crc << 1 ^ (polynomial if crc >> (bits - 1) else 0)) & ((1 << bits) - 1)
    return crc


async def test_a_bomb_waits_until_what_came_of_it_has_been_taken() -> None:
    bomb = silent_flac(900)
    assert len(bomb) < 16_000
    async with decoders() as some:
        decoding = await some.open("flac")
        taken = 0
        feed = decoding.feed(bomb)
        async for wav in feed:
            taken += len(wav)
            if taken > 100_000:
                break
        await asyncio.sleep(0.2)
        # What lies ready between the processes: a socket's buffers, and what is read ahead.
        ready = len(decoding._reader._buffer)  # type: ignore[attr-defined]
        assert ready < 400_000
        (child,) = children(parent(some))
        assert cpu_s(child) < 2
        async for wav in feed:
            taken += len(wav)
        assert taken == pytest.approx(900 * 65_535 * 2, rel=0.01)
        await feed.aclose()
        decoding.close()
        await childless(some)


async def test_a_decoder_may_do_nothing_but_decode() -> None:
    """What a client could make it do if it found a hole in a decoder."""
    async with decoders() as some:
        decoding = await some.open("opus")
        await read(decoding, [OGG[:2000]], flush=False)
        (child,) = children(parent(some))
        status = dict(line.split(":\t", 1) for line in proc(child, "status").splitlines())
        limits = {line[:26].strip(): line[26:47].strip() for line in proc(child, "limits").splitlines()}
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2"
        assert "0" not in status["Uid"].split()
        assert {
            limits[name] for name in ("Max open files", "Max file size", "Max processes", "Max core file size")
        } == {"0"}
        assert int(limits["Max address space"]) < 1 << 30
        assert int(limits["Max cpu time"]) <= 3600
        decoding.close()


async def test_a_decoder_knows_no_secret_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STENOWIRE_API_KEYS", "sk-secret")
    async with decoders() as some:
        await whole(some, "mp3", MP3)
        assert "PATH=" in proc(parent(some), "environ")
        assert "sk-secret" not in proc(parent(some), "environ")


async def test_a_confined_process_is_refused_whatever_it_tries() -> None:
    code = """
import os, socket, stenowire.serving.confinement as c
c.confine()
def refused(act):
    try:
        act()
    except OSError:
        return True
print(*map(refused, (
    lambda: open("/etc/passwd"),
    lambda: socket.socket(),
    lambda: os.fork(),
    lambda: os.kill(os.getppid(), 0),
    lambda: os.execv("/bin/true", ["true"]),
    lambda: os.stat("/"),
    lambda: os.setuid(0),
)), len(bytes(1 << 20)))
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert said.split() == [b"True"] * 7 + [b"1048576"]


async def test_without_the_extra_a_coded_format_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_installed", lambda: False)
    async with decoders() as some:
        with pytest.raises(UnsupportedFormat, match=r"'mp3' needs stenowire\[codecs\]"):
            await some.open("mp3")


async def test_a_server_that_is_killed_leaves_no_process_behind() -> None:
    code = """
import asyncio, stenowire.serving.decoding as d
async def main():
    some = d.Decoders()
    streams = [await some.open("opus") for _ in range(3)]
    print(some._parent.process.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert server.stdout is not None
    first = int(await server.stdout.readline())
    left = [first, *children(first)]
    assert len(left) == 4
    server.kill()
    await server.wait()
    async with asyncio.timeout(PATIENCE_S):
        while any(map(alive, left)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in proc(pid, "status")
    except FileNotFoundError:
        return False
