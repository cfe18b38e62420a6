"""Serves the demo site on a port of loopback, in the event loop of whoever starts it.

Browsers reach it by its name alone, through the proxy; the name is one of its own, so that it shares no cookie and no
origin with Grove's pages.
"""

import asyncio
import re
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, Final

import uvicorn
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, HttpResponseBase

from browsers.demo import pages

HOST: Final = "demo.localhost"  # Chromium takes *.localhost for as safe as https: service workers and geolocation work
ADDRESS: Final = f"http://{HOST}/"
BODY_BYTES: Final = 128 << 20
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "media-src 'self'; frame-src 'self'; frame-ancestors 'self'; form-action 'self'; base-uri 'none'"
)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Site:
    """The site. `place` is where it is, from the moment that it is made; `start` begins to answer."""

    def __init__(self) -> None:
        self._door = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.place: tuple[str, int] = self._door.getsockname()
        config = uvicorn.Config(application, lifespan="off", access_log=False, log_level="warning", server_header=False)
        self._server = uvicorn.Server(config)
        self._serving: asyncio.Task[None] | None = None

    @property
    def own_sites(self) -> dict[tuple[str, int], tuple[str, int]]:
        """Give the one exception that the proxy makes for it."""
        return {(HOST, 80): self.place}

    def start(self) -> None:
        """Begin to answer, in the loop that runs."""
        self._serving = asyncio.get_running_loop().create_task(self._server.serve([self._door]))

    async def stop(self) -> None:
        """Answer no more."""
        self._server.should_exit = self._server.force_exit = True
        if self._serving is not None:
            await asyncio.gather(self._serving, return_exceptions=True)
        self._door.close()


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer a request. Whoever comes by another name than the site's own is told it."""
    if scope["type"] != "http":
        return
    host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
    with tempfile.SpooledTemporaryFile(max_size=1 << 20) as body:
        is_whole = await _read(receive, body)
        if host.partition(":")[0] != HOST:
            response: HttpResponseBase = HttpResponse(f"This is {ADDRESS}\n", status=421, content_type="text/plain")
        elif not is_whole:
            response = HttpResponse("At most 128 MB.\n", status=413, content_type="text/plain")
        else:
            body.seek(0)
            request = ASGIRequest(scope, body)
            view, words = _found(request.path)
            await pages.wait(request)
            response = await sync_to_async(view)(request, **words)
        response["Content-Security-Policy"] = POLICY
        response["Referrer-Policy"] = "same-origin"
        response["X-Content-Type-Options"] = "nosniff"
        await _answer(response, send, is_head=scope["method"] == "HEAD")


async def _read(receive: Receive, body: Any) -> bool:
    size = 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size <= BODY_BYTES:
            body.write(part)
        if not message.get("more_body"):
            return size <= BODY_BYTES


def _found(path: str) -> tuple[Callable[..., HttpResponseBase], dict[str, str]]:
    for pattern, view in pages.PAGES:
        if match := re.fullmatch(pattern, path):
            return view, match.groupdict()
    return pages.missing, {}


async def _answer(response: HttpResponseBase, send: Send, *, is_head: bool) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
    headers += [(b"set-cookie", each.OutputString().encode("latin-1")) for each in response.cookies.values()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    if not is_head:
        async for part in _parts(response):
            await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body"})


async def _parts(response: Any) -> AsyncIterator[bytes]:
    if not response.streaming:
        yield response.content
        return
    parts: Iterable[bytes] = response.streaming_content
    for part in parts:
        yield part
        await asyncio.sleep(0)  # others have their turn
