"""Files on pages: which are shown, and how they are handed out.

What a file holds was made by its team and may be meant to harm: it comes from this site, where whoever looks is signed
in. So only types that run nothing are shown at all, and those in a sandbox without rights (`inline`); whatever else
there is can only be downloaded, as an attachment (`attachment`).
"""

import re
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from objects.commands.types import Download

IMAGES: Final = (
    "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp", "image/vnd.microsoft.icon",
    "image/x-icon", "image/svg+xml",
)  # fmt: skip
AUDIO: Final = (
    "audio/mpeg", "audio/ogg", "audio/wav", "audio/x-wav", "audio/flac", "audio/x-flac", "audio/mp4", "audio/aac",
)  # fmt: skip
VIDEO: Final = ("video/mp4", "video/webm", "video/ogg", "video/quicktime")
PDF: Final = "application/pdf"
SHOWN: Final = frozenset({*IMAGES, *AUDIO, *VIDEO, PDF})

# Nothing runs, nothing is fetched, no form is sent, and the origin is none: also where an SVG is opened by itself.
SANDBOX: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
# A browser's own viewer does not open in a sandbox. It runs a PDF's scripts in a place of its own, never as this site.
FOR_PDF: Final = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'self'"

_RANGE: Final = re.compile(r"bytes=(\d{1,12})-(\d{0,12})")


def sort_of(kind: str) -> str:
    """Say how a file of a type is shown: as image, audio, video, pdf or text; "other" is not."""
    for sort, kinds in (("image", IMAGES), ("audio", AUDIO), ("video", VIDEO), ("pdf", (PDF,))):
        if kind in kinds:
            return sort
    return "text" if kind.startswith("text/") or kind in ("application/json", "application/xml") else "other"


def inline(request: HttpRequest, download: Download, kind: str) -> HttpResponse:
    """Hand out a file of one of the types SHOWN, to be looked at: all of it, or the part that a player asks for."""
    assert kind in SHOWN
    size_bytes = download.size or 0
    first, last, status = _range(request.headers.get("Range", ""), size_bytes)
    response = _streamed(request, _part(download.chunks(), first, last), kind, last - first)
    response.status_code = status
    response.headers["Accept-Ranges"] = "bytes"
    if status == HTTPStatus.PARTIAL_CONTENT:
        response.headers["Content-Range"] = f"bytes {first}-{last - 1}/{size_bytes}"
    response.headers["Content-Disposition"] = f"inline; filename*=UTF-8''{_short(download.name)}"
    response.headers["Content-Security-Policy"] = FOR_PDF if kind == PDF else SANDBOX
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def attachment(request: HttpRequest, download: Download) -> HttpResponse:
    """Hand out a file of any type, to be kept and never shown."""
    response = _streamed(request, download.chunks(), "application/octet-stream", download.size)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{_short(download.name)}"
    return response


def _streamed(request: HttpRequest, chunks: Iterator[bytes], kind: str, size_bytes: int) -> HttpResponse:
    # Django's handler for ASGI would read an ordinary iterator to its end before it sends the first byte.
    pieces: Any = _in_turn(chunks) if isinstance(request, ASGIRequest) else chunks
    response: Any = StreamingHttpResponse(pieces, content_type=kind)
    response.headers["Content-Length"] = str(size_bytes)
    response.headers["Cache-Control"] = "private, no-store"
    return response  # type: ignore[no-any-return]


async def _in_turn(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    following = sync_to_async(lambda: next(chunks, b""), thread_sensitive=False)
    while chunk := await following():
        yield chunk


def _short(name: str) -> str:
    return quote(name.rpartition("/")[2], safe="")


def _range(header: str, size_bytes: int) -> tuple[int, int, int]:
    """Read which bytes are asked for, as players of sound and film do to go to a place; else all of them."""
    found = _RANGE.fullmatch(header)
    if found is None or int(found[1]) >= size_bytes:
        return 0, size_bytes, HTTPStatus.OK
    last = min(int(found[2]) + 1 if found[2] else size_bytes, size_bytes)
    first = int(found[1])
    return (first, last, HTTPStatus.PARTIAL_CONTENT) if last > first else (0, size_bytes, HTTPStatus.OK)


def _part(chunks: Iterator[bytes], first: int, last: int) -> Iterator[bytes]:
    at = 0
    for chunk in chunks:
        if at + len(chunk) > first and at < last:
            yield chunk[max(0, first - at) : last - at]
        at += len(chunk)
