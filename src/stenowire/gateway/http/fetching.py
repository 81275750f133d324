"""Fetches a recording from another server, and from nowhere that is not meant to be reached.

In: an address that a client wrote. Out: the bytes, in a file. Only hosts that the settings name are asked, only by http
and https, and only at addresses of the public internet: each name is looked up once, all that it stands for is checked,
and the connection is made to an address that was checked, so that a name which changes its mind gains nothing.
Redirects go the same way from the start.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, BinaryIO
from urllib.parse import SplitResult, urljoin, urlsplit

import httptools

from stenowire import __version__
from stenowire.gateway.http.faults import InvalidUrl

MOST_REDIRECTS = 5
MOST_HEADER_BYTES = 64 << 10
READ_BYTES = 64 << 10
STALL_S = 30.0
"""A server that sends nothing for this long has failed."""

TRANSLATED = tuple(ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
"""IPv6 addresses that stand for IPv4 ones (NAT64, 6to4, Teredo; RFC 6052, 8215, 3056, 4380): a way around the check."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Permit = Callable[[str], bool]


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet, and to one machine."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif any(ip in network for network in TRANSLATED):
            return False
    return ip.is_global and not ip.is_multicast


async def resolve(host: str, port: int) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Fetcher:
    def __init__(
        self, hosts: Sequence[str], most_bytes: int, resolve: Resolve = resolve, permit: Permit = is_public
    ) -> None:
        self._hosts = hosts
        self._most_bytes = most_bytes
        self._resolve = resolve
        self._permit = permit

    async def fetch(self, url: str, file: BinaryIO) -> None:
        """Write what is there into the file. Raises InvalidUrl."""
        for _ in range(MOST_REDIRECTS + 1):
            try:
                location = await self._get(self._checked(url), file)
            except (OSError, TimeoutError, httptools.HttpParserError, ssl.SSLError) as error:
                raise _failed(f"the recording could not be fetched: {type(error).__name__}") from error
            if location is None:
                return
            url = urljoin(url, location)
        raise _failed(f"more than {MOST_REDIRECTS} redirects")

    def _checked(self, url: str) -> SplitResult:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise InvalidUrl("the address of the recording is not a valid URL") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise InvalidUrl("the address of a recording begins with http:// or https:// and a host")
        if parts.username is not None or not url.isascii() or not url.isprintable() or " " in url:
            raise InvalidUrl("the address of a recording has plain characters and no password")
        if not self._may_ask(parts.hostname):
            raise InvalidUrl("recordings are not fetched from this host; its server's settings say from which")
        return parts

    def _may_ask(self, host: str) -> bool:
        return any(
            pattern in ("*", host) or (pattern.startswith("*.") and host.endswith(pattern[1:]))
            for pattern in self._hosts
        )

    async def _get(self, url: SplitResult, file: BinaryIO) -> str | None:
        """Where to look instead, or None once the file has been written."""
        async with asyncio.timeout(STALL_S):
            reader, writer = await self._connect(url)
        try:
            writer.write(_request(url))
            answer = Answer()
            async for data in _received(reader, answer):
                if answer.status in (301, 302, 303, 307, 308) and answer.headers_done:
                    return answer.headers.get("location") or ""
                answer.check(self._most_bytes)
                file.write(data)
            return None
        finally:
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                writer.transport.abort()

    async def _connect(self, url: SplitResult) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host = url.hostname or ""
        port = url.port or (443 if url.scheme == "https" else 80)
        addresses = await self._resolve(host, port)
        if not addresses or not all(self._permit(address) for address in addresses):
            raise InvalidUrl("recordings are not fetched from addresses inside a network")
        tls = ssl.create_default_context() if url.scheme == "https" else None
        return await asyncio.open_connection(
            addresses[0], port, ssl=tls, server_hostname=host if tls else None, limit=READ_BYTES
        )


class Answer:
    """One response, as the parser reads it."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.status = 0
        self.headers_done = self.done = False
        self.body: list[bytes] = []
        self.received = 0
        self._header_bytes = 0
        self._parser: Any = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> bytes:
        """What of the body is in it."""
        self._parser.feed_data(data)
        self.status = self._parser.get_status_code()
        if not self.headers_done:
            self._header_bytes += len(data)
            if self._header_bytes > MOST_HEADER_BYTES:
                raise _failed("the header of the answer is too long")
        body, self.body = b"".join(self.body), []
        self.received += len(body)
        return body

    def check(self, most_bytes: int) -> None:
        """Raises InvalidUrl when this is not the recording, or too much of it."""
        if not self.headers_done:
            return
        if self.status != 200:
            raise InvalidUrl(f"the recording's server answered with status {self.status}", _subtask_code(self.status))
        if self.headers.get("content-encoding", "identity") != "identity":
            raise _failed("the recording's server compressed its answer unasked")
        announced = self.headers.get("content-length", "0")
        if max(self.received, int(announced) if announced.isdecimal() else 0) > most_bytes:
            raise _failed(f"the recording is larger than {most_bytes} bytes")

    # What the parser calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.headers_done = True

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        self.done = True


async def _received(reader: asyncio.StreamReader, answer: Answer) -> AsyncGenerator[bytes, None]:
    """Pieces of the body, the first as soon as the header is there."""
    while not answer.done:
        async with asyncio.timeout(STALL_S):
            data = await reader.read(READ_BYTES)
        if not data:
            break
        yield answer.feed(data)
    if not answer.headers_done:
        raise _failed("the recording's server closed the connection")
    if not answer.done and ("content-length" in answer.headers or "transfer-encoding" in answer.headers):
        raise InvalidUrl("the recording ended before its announced length", "CONTENT_LENGTH_CHECK_FAILED")


def _request(url: SplitResult) -> bytes:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {url.netloc}",
        f"User-Agent: stenowire/{__version__}",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
    ]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("ascii")


def _subtask_code(status: int) -> str:
    if status == 404:
        return "FILE_404_NOT_FOUND"
    if status in (401, 403):
        return "FILE_403_FORBIDDEN"
    return "FILE_SERVER_ERROR" if status >= 500 else "FILE_DOWNLOAD_FAILED"


def _failed(why: str) -> InvalidUrl:
    return InvalidUrl(why, "FILE_DOWNLOAD_FAILED")
