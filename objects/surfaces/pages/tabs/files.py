"""Files: folders and files, each looked at where browsers can show it safely, and edited where it is text.

What a file holds was made by its team and may be meant to harm: it comes from this site, where whoever looks is signed
in. So only types that run nothing are shown at all, and those in a sandbox without rights (`raw`); whatever else there
is can only be downloaded, as an attachment.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from django.http import HttpResponse, StreamingHttpResponse

from objects.commands.types import Download
from objects.surfaces.pages.object_tabs import TabRequest
from teams.problems import NoSuch, TooLarge

LISTED: Final = 200
TEXT_BYTES: Final = 1 << 19  # of a file that is opened in the editor
IMAGES: Final = (
    "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp", "image/vnd.microsoft.icon",
    "image/x-icon", "image/svg+xml",
)  # fmt: skip
AUDIO: Final = (
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "audio/x-wav",
    "audio/flac",
    "audio/x-flac",
    "audio/mp4",
    "audio/aac",
)
VIDEO: Final = ("video/mp4", "video/webm", "video/ogg", "video/quicktime")
PDF: Final = "application/pdf"
SHOWN: Final = frozenset({*IMAGES, *AUDIO, *VIDEO, PDF})

# Nothing runs, nothing is fetched, no form is sent, and the origin is none: also where an SVG is opened by itself.
SANDBOX: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
# A browser's own viewer does not open in a sandbox. It runs a PDF's scripts in a place of its own, never as this site.
FOR_PDF: Final = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'self'"

EDITORS: Final = {
    "json": "json", "jsonl": "json", "css": "css", "html": "html", "htm": "html", "js": "js", "mjs": "js", "ts": "js",
    "md": "md", "py": "py", "sql": "sql",
}  # fmt: skip
_RANGE: Final = re.compile(r"bytes=(\d{1,12})-(\d{0,12})")


@dataclass(frozen=True, slots=True)
class Step:
    """A folder on the way to what is shown."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder in a list."""

    name: str
    full_name: str
    address: str
    is_folder: bool
    about: Any
    sort: str  # folder, image, audio, video, pdf, text, other


def show(tab: TabRequest) -> HttpResponse:
    """Show a folder (`:/files/photos/`), a file (`:/files/photos/a.jpg`), or its bytes alone (`?raw`)."""
    if tab.rest and not tab.rest.endswith("/"):
        return raw(tab, tab.rest) if "raw" in tab.query else _file(tab, tab.rest)
    folder = tab.rest.rstrip("/")
    listing = tab.ask("files.list", folder=folder, after=tab.query.get("after", ""), limit=LISTED)
    if folder and not listing["files"] and not tab.query.get("after"):
        raise NoSuch(f"{folder}/: no such folder. It may be empty now: a folder is there as long as a file is in it.")
    entries = [
        Entry(
            name=each["name"].rstrip("/").rpartition("/")[2],
            full_name=each["name"],
            address=tab.at(each["name"]),
            is_folder=each["type"] == "folder",
            about=each,
            sort=_sort(each["type"]),
        )
        for each in listing["files"]
    ]
    folder_name = f"{folder}/" if folder else ""
    return tab.show(entries=entries, folder=folder_name, steps=_steps(tab, folder), next=listing["next"])


def _file(tab: TabRequest, name: str) -> HttpResponse:
    about = tab.ask("files.info", name=name)
    sort = _sort(about["type"])
    text = _text(tab, name, about["size"]) if sort in ("text", "other") else None
    if sort == "other" and text is not None:
        sort = "text"
    return tab.show(
        "tabs/files_file.html",
        file=about,
        name=name,
        short_name=name.rpartition("/")[2],
        sort=sort,
        text=text,
        editor=EDITORS.get(name.rpartition(".")[2].lower(), "text"),
        raw=f"{tab.at(name)}?raw",
        steps=_steps(tab, name.rpartition("/")[0]),
        folder=tab.at(name.rpartition("/")[0] + "/") if "/" in name else tab.at(),
    )


def raw(tab: TabRequest, name: str) -> HttpResponse:
    """Give the bytes of a file of a type that browsers show without running anything."""
    about = tab.ask("files.info", name=name)
    kind = about["type"]
    if kind not in SHOWN:
        raise NoSuch(f"{name}: a file of the type {kind} is not shown here. Download it.")
    download = tab.ask("files.get", name=name)
    assert isinstance(download, Download)
    size_bytes = download.size or 0
    first, last, status = _range(tab.request.headers.get("Range", ""), size_bytes)
    response = StreamingHttpResponse(_part(download.chunks(), first, last), content_type=kind, status=status)
    response.headers["Content-Length"] = str(last - first)
    response.headers["Accept-Ranges"] = "bytes"
    if status == HTTPStatus.PARTIAL_CONTENT:
        response.headers["Content-Range"] = f"bytes {first}-{last - 1}/{size_bytes}"
    response.headers["Content-Disposition"] = f"inline; filename*=UTF-8''{quote(name.rpartition('/')[2], safe='')}"
    response.headers["Content-Security-Policy"] = FOR_PDF if kind == PDF else SANDBOX
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, no-store"
    return response  # type: ignore[return-value]


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


def _text(tab: TabRequest, name: str, size_bytes: int) -> str | None:
    """Give what a file says, None where it is no text or too long for an editor."""
    if size_bytes > TEXT_BYTES:
        return None
    try:
        download = tab.ask("files.get", name=name)
        text = b"".join(download.chunks()).decode()
    except (UnicodeDecodeError, TooLarge):
        return None
    return None if "\0" in text else text


def _sort(kind: str) -> str:
    if kind == "folder":
        return "folder"
    for sort, kinds in (("image", IMAGES), ("audio", AUDIO), ("video", VIDEO), ("pdf", (PDF,))):
        if kind in kinds:
            return sort
    return "text" if kind.startswith("text/") or kind in ("application/json", "application/xml") else "other"


def _steps(tab: TabRequest, folder: str) -> list[Step]:
    parts = folder.split("/") if folder else []
    return [Step(part, tab.at("/".join(parts[: number + 1]) + "/")) for number, part in enumerate(parts)]
