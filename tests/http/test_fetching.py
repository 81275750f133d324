"""Fetching a recording: what is asked of whom, and what is never reached."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from http_calls import ASYNC, CHAT, FILES, chat, client, ended, files, wav
from live_server import live
from stenowire.gateway.http import addresses, fetching
from stenowire.gateway.http.faults import InvalidUrl
from stenowire.gateway.http.fetching import Fetcher, is_public

pytestmark = pytest.mark.unit

HERE = "127.0.0.1"


class Site:
    """A web server that says what a test tells it to, and remembers what it was asked."""

    def __init__(self, port: int, answers: dict[str, bytes]) -> None:
        self.port = port
        self.answers = answers
        self.asked: list[str] = []

    def url(self, path: str, host: str = "files.example.org") -> str:
        return f"http://{host}:{self.port}{path}"


@asynccontextmanager
async def site(**answers: bytes) -> AsyncIterator[Site]:
    """`name=answer`: the whole answer to a GET of /name; none at all to other paths."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        made.asked.append(request)
        path = request.split()[1].partition("?")[0].removeprefix("/")
        writer.write(made.answers.get(path, b"").replace(b"{port}", str(made.port).encode()))
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, HERE, 0)
    made = Site(listening.sockets[0].getsockname()[1], answers)
    async with listening:
        yield made


def ok(body: bytes, *headers: str) -> bytes:
    fields = [f"Content-Length: {len(body)}", *headers]
    return b"HTTP/1.1 200 OK\r\n" + "".join(f"{field}\r\n" for field in fields).encode() + b"\r\n" + body


def moved(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def fetcher(hosts: Sequence[str] = ("*",), most_bytes: int = 1 << 20) -> Fetcher:
    async def everything_is_here(host: str, port: int) -> Sequence[str]:
        return [HERE]

    return Fetcher(hosts, most_bytes, everything_is_here, permit=lambda address: True)


async def fetched(url: str, by: Fetcher) -> bytes:
    file = io.BytesIO()
    async with asyncio.timeout(20):
        await by.fetch(url, file)
    return file.getvalue()


async def refused(url: str, by: Fetcher) -> str:
    with pytest.raises(InvalidUrl) as failure:
        await fetched(url, by)
    return failure.value.subtask_code


# ---- what is fetched ----------------------------------------------------------------------------------------------


async def test_a_file_arrives_as_it_is() -> None:
    body = bytes(range(256)) * 1000
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    unbounded = b"HTTP/1.0 200 OK\r\n\r\nuntil the end"
    async with site(plain=ok(body), chunked=chunked, unbounded=unbounded) as made:
        assert await fetched(made.url("/plain?x=1#part"), fetcher()) == body
        assert await fetched(made.url("/chunked"), fetcher()) == b"abcde"
        assert await fetched(made.url("/unbounded"), fetcher()) == b"until the end"
    first = made.asked[0]
    assert first.startswith("GET /plain?x=1 HTTP/1.1\r\n")
    assert f"Host: files.example.org:{made.port}\r\n" in first
    assert "authorization" not in first.lower() and "cookie" not in first.lower()


async def test_redirects_are_followed_so_far() -> None:
    answers = {f"r{n}": moved(f"/r{n + 1}") for n in range(5)} | {"r5": ok(b"here"), "loop": moved("loop")}
    async with site(**answers, far=moved("http://other.example.org:{port}/r5", 307)) as made:
        assert await fetched(made.url("/r0"), fetcher()) == b"here"
        assert await fetched(made.url("/far"), fetcher()) == b"here"
        assert await refused(made.url("/loop"), fetcher()) == "FILE_DOWNLOAD_FAILED"
        assert "Host: other.example.org" in made.asked[7]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "FILE_404_NOT_FOUND"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "FILE_403_FORBIDDEN"),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "FILE_SERVER_ERROR"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "FILE_DOWNLOAD_FAILED"),
        (ok(b"123") + b"", None),
        (ok(b"12345678")[:-3], "CONTENT_LENGTH_CHECK_FAILED"),
        (ok(b"x", "Content-Encoding: gzip"), "FILE_DOWNLOAD_FAILED"),
        (ok(b"x" * 2000), "FILE_DOWNLOAD_FAILED"),
        (b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 2000, "FILE_DOWNLOAD_FAILED"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n", "FILE_DOWNLOAD_FAILED"),
        (b"SSH-2.0-OpenSSH\r\n", "FILE_DOWNLOAD_FAILED"),
        (b"", "FILE_DOWNLOAD_FAILED"),
    ],
)
async def test_each_way_to_fail_has_its_code(answer: bytes, code: str | None) -> None:
    async with site(file=answer) as made:
        if code is None:
            assert await fetched(made.url("/file"), fetcher(most_bytes=1000)) == b"123"
        else:
            assert await refused(made.url("/file"), fetcher(most_bytes=1000)) == code


async def test_a_server_that_falls_silent_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "STALL_S", 0.2)

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silence, HERE, 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        assert await refused(f"http://files.example.org:{port}/", fetcher()) == "FILE_DOWNLOAD_FAILED"


async def test_nobody_listening_is_a_failed_download() -> None:
    async with site() as made:
        pass
    assert await refused(made.url("/file"), fetcher()) == "FILE_DOWNLOAD_FAILED"


# ---- what is never reached ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1", "2001:0:7f00:1::1"),
    ],
)
def test_an_address_inside_a_network_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_an_address_of_the_internet_is(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0", "[::1]", "[::ffff:127.0.0.1]", "LOCALHOST."],
)
async def test_no_spelling_of_this_machine_is_connected_to(host: str) -> None:
    async with site(secret=ok(b"secret")) as made:
        with pytest.raises(InvalidUrl):
            await fetched(made.url("/secret", host), Fetcher(["*"], 1 << 20))
    assert made.asked == []


async def test_a_redirect_to_the_inside_is_not_followed() -> None:
    """The first host is public by decree of the test; the second is judged as in earnest."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return [HERE] if host == "outside.example.org" else ["127.0.0.2"]

    def permit(address: str) -> bool:
        return address == HERE

    async with site(out=moved("http://inside.example.org:{port}/secret"), secret=ok(b"secret")) as made:
        by = Fetcher(["*"], 1 << 20, resolve, permit)
        assert await refused(made.url("/out", "outside.example.org"), by) == "REQUEST_INVALID_FILE_URL_VALUE"
    assert len(made.asked) == 1


async def test_a_name_is_looked_up_once_and_that_answer_is_connected_to() -> None:
    """A name that is public when it is checked and private when it is used gains nothing: there is no second time."""
    answers = iter([[HERE], ["10.0.0.1"]])

    async def resolve(host: str, port: int) -> Sequence[str]:
        return next(answers)

    async with site(file=ok(b"here")) as made:
        by = Fetcher(["*"], 1 << 20, resolve, lambda address: address == HERE)
        assert await fetched(made.url("/file"), by) == b"here"
        assert await refused(made.url("/file"), by) == "REQUEST_INVALID_FILE_URL_VALUE"


async def test_a_name_with_one_address_inside_is_refused_whole() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34", "10.0.0.1"]

    assert (
        await refused("http://files.example.org/", Fetcher(["*"], 1 << 20, resolve)) == "REQUEST_INVALID_FILE_URL_VALUE"
    )


@pytest.mark.parametrize(
    ("hosts", "host", "may"),
    [
        ((), "files.example.org", False),
        (("*",), "files.example.org", True),
        (("files.example.org",), "FILES.example.org", True),
        (("files.example.org",), "files.example.org.evil.net", False),
        (("files.example.org",), "xfiles.example.org", False),
        (("*.example.org",), "a.b.example.org", True),
        (("*.example.org",), "example.org", False),
        (("*.example.org",), "badexample.org", False),
    ],
)
async def test_only_hosts_that_the_settings_name_are_asked(hosts: tuple[str, ...], host: str, may: bool) -> None:
    async with site(file=ok(b"here")) as made:
        if may:
            assert await fetched(made.url("/file", host), fetcher(hosts)) == b"here"
        else:
            assert await refused(made.url("/file", host), fetcher(hosts)) == "REQUEST_INVALID_FILE_URL_VALUE"
    assert bool(made.asked) is may


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "ftp://files.example.org/x", "gopher://x/_", "//files.example.org/x", "http:///x", ""),
        *("http://files.example.org:99999/", "http://[::1/", "http://user:password@files.example.org/", "/etc/passwd"),
        *("http://files.example.org/a b", "http://files.example.org/\r\nX: y", "http://files.example.org:0/"),
        *("http://files.example.org/ä", "data:text/plain,x", "javascript:alert(1)", "http://files.example.org\\@x/"),
    ],
)
async def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        raise AssertionError("it was not even to be looked up")

    assert await refused(url, Fetcher(["*"], 1 << 20, resolve)) == "REQUEST_INVALID_FILE_URL_VALUE"


# ---- behind the doors ---------------------------------------------------------------------------------------------


async def test_by_default_no_door_fetches_anything(tmp_path: Path) -> None:
    async with site(file=ok(wav("w3"))) as made, live(tmp_path) as server, client(server) as visitor:
        answer = await visitor.post(CHAT, json=chat(made.url("/file", HERE)))
        task = (await visitor.post(FILES, json=files(made.url("/file", HERE)), headers=ASYNC)).json()
        told = await ended(visitor, task["output"]["task_id"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidURL")
    assert told["output"]["results"][0]["code"] == "REQUEST_INVALID_FILE_URL_VALUE"
    assert made.asked == []


async def test_where_it_is_allowed_both_doors_fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "Fetcher", partial(Fetcher, permit=lambda address: address == HERE))
    hosts = {"audio_url_hosts": "127.0.0.1"}
    async with site(file=ok(wav("w3 w4"))) as made, live(tmp_path, **hosts) as server, client(server) as visitor:
        answer = await visitor.post(CHAT, json=chat(made.url("/file", HERE)))
        task = (await visitor.post(FILES, json=files(made.url("/file", HERE)), headers=ASYNC)).json()
        told = await ended(visitor, task["output"]["task_id"])
        missing = await visitor.post(CHAT, json=chat(made.url("/missing", HERE)))
    assert answer.json()["choices"][0]["message"]["content"] == "w3 w4"
    assert told["output"]["results"][0]["subtask_status"] == "SUCCEEDED", json.dumps(told)
    assert missing.json()["error"]["code"] == "InvalidURL"
