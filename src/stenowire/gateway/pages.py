"""The captions page and the overlay: files of the package, served as they are.

Input: requests for `/`, `/overlay` and `/web/...`. Output: files with the headers that let a browser run nothing but
them. All are read once, so no path of a request ever meets the disk.
"""

import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors "
)
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "microphone=(self), display-capture=(self), camera=(), geolocation=()",
    "cache-control": "no-cache",
}
"""no-cache: a browser asks each time whether what it has is still good, which the hash of the content answers."""


class Page(msgspec.Struct, frozen=True):
    body: bytes
    etag: str
    headers: dict[str, str]


def routes() -> list[Route]:
    pages = Pages()
    return [
        Route("/", pages.captions, include_in_schema=False),
        Route("/overlay", pages.overlay, include_in_schema=False),
        Route("/web/{name:path}", pages.file, include_in_schema=False),
    ]


class Pages:
    def __init__(self) -> None:
        root = files("stenowire") / "web"
        self._files = {entry.name: _page(entry) for entry in root.iterdir() if _type(entry.name)}

    async def captions(self, request: Request) -> Response:
        return _answer(request, self._files["index.html"])

    async def overlay(self, request: Request) -> Response:
        return _answer(request, self._files["overlay.html"])

    async def file(self, request: Request) -> Response:
        page = self._files.get(request.path_params["name"])
        if page is None:
            return Response(status_code=404)
        return _answer(request, page)


def _type(name: str) -> str | None:
    return next((kind for ending, kind in TYPES.items() if name.endswith(ending)), None)


def _page(entry: Traversable) -> Page:
    body = entry.read_bytes()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    # Mixers show the overlay in a frame of theirs; it reads and can be asked for nothing.
    frames = "*" if entry.name.startswith("overlay") else "'none'"
    policy = {"content-security-policy": POLICY + frames, "content-type": _type(entry.name) or ""}
    return Page(body, etag, {**HEADERS, **policy, "etag": etag})


def _answer(request: Request, page: Page) -> Response:
    if page.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=page.headers)
    return Response(page.body, headers=page.headers)
