"""What `stenowire doctor` asks of servers: the one that is to run here, and one that is reached by an address.

In: settings, or a URL and a key. Out: findings. A server is asked questions that change nothing.
"""

import asyncio
import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import msgspec

from stenowire import __version__
from stenowire.cli.findings import Finding, ok, problem, warning
from stenowire.client.errors import CannotConnect, KeyRefused
from stenowire.client.urls import BadUrl, endpoint, warm_url
from stenowire.client.warm import warm_up
from stenowire.settings import Settings

PATIENCE_S = 5.0
SOON_DAYS = 30
APART_S = 60.0
"""Two clocks that are further apart break what expires."""
ME = "stenowire"


class Answer(msgspec.Struct, frozen=True):
    status: int
    body: dict[str, Any]
    headers: dict[str, str]


# ---- the server that is to run here ------------------------------------------------------------------------------


def here(settings: Settings) -> Iterator[Finding]:
    yield port("127.0.0.1" if settings.address == "0.0.0.0" else settings.address, settings.port)
    if settings.cert is not None:
        yield from certificate(settings.cert, settings.cert_key or settings.cert)


def port(host: str, number: int) -> Finding:
    subject = f"port {number}"
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
            return ok(subject, f"free on {host}")
        except OSError as error:
            reason = error.strerror or str(error)
    for scheme in ("http", "https"):
        answer = ask(f"{scheme}://{host}:{number}/version", check=False)
        if answer is not None and answer.body.get("name") == ME:
            return ok(subject, f"Stenowire {answer.body.get('version')} serves there")
    if number < 1024:
        return problem(subject, f"cannot be had: {reason}", "choose one above 1023: stenowire serve --port 8090")
    return problem(subject, f"cannot be had: {reason}", "stop the other program, or stenowire serve --port 8091")


def certificate(cert: Path, key: Path) -> Iterator[Finding]:
    subject = "certificate"
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key)
        ends = _end_of(cert.read_bytes())
    except (OSError, ValueError) as error:
        yield problem(
            subject, f"{cert} and its key cannot be used: {error}", "name a certificate and its own key, in PEM"
        )
        return
    yield _judged(subject, str(cert), ends)


# ---- a server by its address -----------------------------------------------------------------------------------------


def there(url: str, key: str) -> Iterator[Finding]:
    subject = "server"
    try:
        endpoint(url)
        parts = urlsplit(warm_url(url))
    except BadUrl as error:
        yield problem(subject, str(error), "give host:port, ws://host:port, https://host or a whole endpoint")
        return
    try:
        with socket.create_connection((parts.hostname or "", parts.port or _usual(parts)), PATIENCE_S):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        yield problem(
            subject, f"{parts.netloc} cannot be reached: {reason}", "is it running there, and no firewall between?"
        )
        return
    if parts.scheme == "https":
        found = tls(parts)
        yield found
        if found.grade == "problem":
            return
    yield from _answers(f"{parts.scheme}://{parts.netloc}")
    yield accepted(url, key)


def _answers(base: str) -> Iterator[Finding]:
    version = ask(f"{base}/version")
    if version is None or version.body.get("name") != ME:
        yield warning(
            "server", f"{base} answers, and is not Stenowire", "fine for the vendor's service; else see the address"
        )
        return
    theirs = str(version.body.get("version"))
    if theirs == __version__:
        yield ok("server", f"Stenowire {theirs} at {base}")
    else:
        remedy = "install the same version on both sides"
        yield warning("server", f"Stenowire {theirs} at {base}, and {__version__} here", remedy)
    ready = ask(f"{base}/ready")
    state = str(ready.body.get("status", "?")) if ready else "?"
    if ready is not None and ready.status == 200:
        yield ok("ready", "takes sessions")
    else:
        yield problem(
            "ready", f"takes no sessions now: {state}", "wait while it loads or drains; when full, add a server"
        )
    yield from _apart(version.headers.get("date", ""))


def _apart(date: str) -> Iterator[Finding]:
    try:
        apart_s = abs(parsedate_to_datetime(date).timestamp() - time.time())
    except (ValueError, TypeError):
        return
    if apart_s > APART_S:
        yield warning("clock", f"{apart_s:.0f} s from the server's", "set both clocks by NTP")
    else:
        yield ok("clock", "agrees with the server's")


def accepted(url: str, key: str) -> Finding:
    if not key:
        return warning("key", "none was given", "--api-key, or STENOWIRE_API_KEY; `stenowire keys create` makes one")
    try:
        asyncio.run(warm_up(url, key=key, timeout_s=PATIENCE_S))
    except KeyRefused:
        return problem("key", "refused", "`stenowire keys list` on the server shows those that are good")
    except CannotConnect as error:
        return warning("key", f"not known: {error}", "ask again when the server takes sessions")
    return ok("key", "accepted")


def tls(parts: SplitResult) -> Finding:
    host, number = parts.hostname or "", parts.port or 443
    try:
        with (
            socket.create_connection((host, number), PATIENCE_S) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secured,
        ):
            ends = _end_of(secured.getpeercert(binary_form=True) or b"")
    except ssl.SSLCertVerificationError as error:
        remedy = "trust it: SSL_CERT_FILE=its.pem, or give the server one that is signed (--cert)"
        return problem("certificate", f"not trusted: {error.verify_message}", remedy)
    except (OSError, ValueError) as error:
        return problem("certificate", f"no TLS there: {error}", "use http or ws for a server without HTTPS")
    return _judged("certificate", host, ends)


# ---- asking ----------------------------------------------------------------------------------------------------------


def ask(url: str, *, check: bool = True) -> Answer | None:
    """A JSON object, or None. `check` is whether a certificate must be trusted."""
    context = ssl.create_default_context() if check else ssl._create_unverified_context()
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=context), urllib.request.ProxyHandler({} if not check else None)
    )
    try:
        with opener.open(url, timeout=PATIENCE_S) as answer:
            return _answer(answer.status, answer.read(1 << 16), answer.headers)
    except urllib.error.HTTPError as error:
        return _answer(error.code, error.read(1 << 16), error.headers)
    except (OSError, ValueError):
        return None


def _answer(status: int, body: bytes, headers: Any) -> Answer:
    try:
        told = json.loads(body)
    except ValueError:
        told = {}
    names = {name.lower(): value for name, value in headers.items()}
    return Answer(status, told if isinstance(told, dict) else {}, names)


def _end_of(cert: bytes) -> datetime:
    from cryptography import x509

    load = x509.load_pem_x509_certificate if b"-----BEGIN" in cert else x509.load_der_x509_certificate
    return load(cert).not_valid_after_utc


def _judged(subject: str, name: str, ends: datetime) -> Finding:
    left = (ends - datetime.now(UTC)).days
    said = f"{name}: good until {ends:%Y-%m-%d}"
    if left < 0:
        return problem(subject, f"{name}: ended {ends:%Y-%m-%d}", "renew it")
    return warning(subject, said, "renew it soon") if left < SOON_DAYS else ok(subject, said)


def _usual(parts: SplitResult) -> int:
    return 443 if parts.scheme == "https" else 80
