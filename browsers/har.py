"""Requests as an HTTP archive, with what was sent and answered as far as it is not too much.

Source: http://www.softwareishard.com/blog/har-12-spec/; what begins with `_` as Chromium's developer tools write it.
"""

import asyncio
import base64
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import orjson
from playwright.async_api import Error, Page, Request, ResourceTiming, Response

from browsers.talks import Talk

ASK_S: Final = 2.0  # for one answer of Chromium's about a request
ALL_S: Final = 20.0  # for all of them
AT_ONCE: Final = 8
BODY_BYTES: Final = 1 << 20  # of one body; one that is longer is left out
ALL_BYTES: Final = 12 << 20  # of all bodies
ENTRIES: Final = 2_000
_TEXTS: Final = ("json", "xml", "javascript", "ecmascript", "x-www-form-urlencoded", "svg")


@dataclass(slots=True)
class Entry:
    """A request as it stands in the archive. page: whose it is. goes: it brought that page elsewhere."""

    page: Page | None
    goes: bool
    told: dict[str, Any]


class Archive:
    """Takes requests as they end, so that their bodies are still there."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._left_bytes = ALL_BYTES
        self._left_out = 0
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, request: Request) -> None:
        """Add a request that was answered, or failed."""
        if len(self._entries) + len(self._tasks) >= ENTRIES:
            self._left_out += 1
            return
        task = asyncio.get_running_loop().create_task(self._take(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, request: Request) -> None:
        async with self._turns:
            with suppress(Error):
                self._entries.append(await self._entry(request))

    async def finish(self, talks: Iterable[Talk] = (), version: str = "") -> bytes:
        """Give the file. version: of Chromium."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=ALL_S)
            for task in late:
                task.cancel()
            self._left_out += len(late)
        entries = sorted(self._entries, key=lambda each: str(each.told["startedDateTime"]))
        pages: list[dict[str, Any]] = []
        shown: dict[Page, str] = {}
        for each in entries:
            if each.page is None:
                continue
            if each.goes or each.page not in shown:
                shown[each.page] = f"page_{len(pages) + 1}"
                pages.append(
                    {
                        "startedDateTime": each.told["startedDateTime"], "id": shown[each.page],
                        "title": each.told["request"]["url"], "pageTimings": {"onContentLoad": -1, "onLoad": -1},
                    }
                )  # fmt: skip
            each.told["pageref"] = shown[each.page]
        told = [each.told for each in entries] + [_talk(each) for each in talks]
        log = {
            "version": "1.2",
            "creator": {"name": "Grove", "version": "1"},
            "browser": {"name": "Chromium", "version": version},
            "pages": pages,
            "entries": sorted(told, key=lambda each: str(each["startedDateTime"])),
        }
        if self._left_out:
            log["comment"] = f"{self._left_out} requests were left out: {ENTRIES} are the most."
        return orjson.dumps({"log": log})

    async def _entry(self, request: Request) -> Entry:
        response = request.existing_response
        headers: list[Any] = []
        told: list[Any] = []
        sizes: Mapping[str, int] = {}
        protocol = "HTTP/1.1"
        with suppress(Error, TimeoutError):
            async with asyncio.timeout(ASK_S):
                headers = list(await request.headers_array())
                if response is not None:
                    told = list(await response.headers_array())
                    protocol = await response.http_version()
                    if not request.failure:
                        sizes = dict(await request.sizes())  # type: ignore[arg-type]
        page, goes = _page(request)
        timings = _timings(request.timing)
        began_ms = request.timing["startTime"]
        began = datetime.fromtimestamp(began_ms / 1_000, UTC) if began_ms > 0 else datetime.now(UTC)
        posted = _posted(request, headers)
        return Entry(
            page,
            goes,
            {
                "startedDateTime": began.isoformat(timespec="milliseconds"),
                "time": sum(each for name, each in timings.items() if name != "ssl" and each >= 0),
                "request": {
                    "method": request.method, "url": request.url, "httpVersion": protocol,
                    "cookies": _cookies(_value(headers, "cookie")), "headers": headers,
                    "queryString": _pairs(urlsplit(request.url).query),
                    "headersSize": sizes.get("requestHeadersSize", -1),
                    "bodySize": sizes.get("requestBodySize", len(request.post_data_buffer or b"")), **posted,
                },
                "response": await self._answer(request, response, told, sizes, protocol),
                "cache": {},
                "timings": timings,
                "_resourceType": request.resource_type,
            },
        )  # fmt: skip

    async def _answer(
        self,
        request: Request,
        response: Response | None,
        headers: Sequence[Mapping[str, str]],
        sizes: Mapping[str, int],
        protocol: str,
    ) -> dict[str, Any]:
        is_redirect = response is not None and 300 <= response.status < 400
        cookies = [_set_cookie(line) for each in headers if each["name"].lower() == "set-cookie"
                   for line in each["value"].split("\n")]  # fmt: skip
        answer: dict[str, Any] = {
            "status": response.status if response else 0, "statusText": response.status_text if response else "",
            "httpVersion": protocol, "cookies": cookies, "headers": list(headers),
            "redirectURL": _value(headers, "location") if is_redirect else "",
            "headersSize": sizes.get("responseHeadersSize", -1), "bodySize": sizes.get("responseBodySize", -1),
            "content": await self._content(response, headers, sizes, is_redirect=is_redirect),
        }  # fmt: skip
        if request.failure:
            answer["_error"] = request.failure
        return answer

    async def _content(
        self,
        response: Response | None,
        headers: Sequence[Mapping[str, str]],
        sizes: Mapping[str, int],
        *,
        is_redirect: bool,
    ) -> dict[str, Any]:
        kind = _value(headers, "content-type")
        sent_bytes = sizes.get("responseBodySize", 0)
        about: dict[str, Any] = {"size": max(0, sent_bytes), "mimeType": kind or "x-unknown"}
        if response is None or is_redirect or sent_bytes <= 0:
            return about
        if sent_bytes > min(BODY_BYTES, self._left_bytes):
            return about | {"comment": "The body was left out: it is too long."}
        body: bytes | None = None
        with suppress(Error, TimeoutError):  # it went with its page, where another was opened there
            body = await asyncio.wait_for(response.body(), ASK_S)
        if body is None:
            return about | {"comment": "The body was not kept by the browser."}
        about |= {"size": len(body), "compression": len(body) - sent_bytes}
        if len(body) > min(BODY_BYTES, self._left_bytes):
            return about | {"comment": "The body was left out: it is too long."}
        self._left_bytes -= len(body)
        return about | _written(body, kind)


def _written(body: bytes, kind: str) -> dict[str, str]:
    """Give a body as text where it is text, else as base64."""
    if kind.startswith("text/") or any(each in kind for each in _TEXTS):
        with suppress(UnicodeDecodeError):
            return {"text": body.decode()}
    return {"text": base64.b64encode(body).decode(), "encoding": "base64"}


def _page(request: Request) -> tuple[Page | None, bool]:
    try:
        frame = request.frame
        return frame.page, request.is_navigation_request() and frame.parent_frame is None
    except Error:  # of a service worker, or of a page that is only being made
        return None, False


def _timings(timing: ResourceTiming) -> dict[str, float]:
    """Part what Chromium measured, in milliseconds from its start, as the archive does; -1: there was no such part."""

    def between(begin: str, end: str) -> float:
        began, ended = float(measured[begin]), float(measured[end])
        return round(ended - began, 3) if 0 <= began <= ended else -1.0

    measured: dict[str, Any] = dict(timing)
    firsts = (measured[each] for each in ("domainLookupStart", "connectStart", "requestStart"))
    return {
        "blocked": round(next((each for each in firsts if each >= 0), -1.0), 3),
        "dns": between("domainLookupStart", "domainLookupEnd"),
        "connect": between("connectStart", "connectEnd"),
        "ssl": between("secureConnectionStart", "connectEnd"),
        "send": 0.0,
        "wait": max(0.0, between("requestStart", "responseStart")),
        "receive": max(0.0, between("responseStart", "responseEnd")),
    }


def _posted(request: Request, headers: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    body = request.post_data_buffer
    if body is None:
        return {}
    kind = _value(headers, "content-type")
    posted: dict[str, Any] = {"mimeType": kind, "text": body[:BODY_BYTES].decode(errors="replace")}
    if kind.startswith("application/x-www-form-urlencoded"):
        posted["params"] = _pairs(str(posted["text"]))
    return {"postData": posted}


def _value(headers: Sequence[Mapping[str, str]], name: str) -> str:
    return next((each["value"] for each in headers if each["name"].lower() == name), "")


def _pairs(text: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in parse_qsl(text, keep_blank_values=True)]


def _cookies(header: str) -> list[dict[str, str]]:
    pairs = (each.partition("=") for each in header.split(";") if each.strip())
    return [{"name": name.strip(), "value": value.strip()} for name, _, value in pairs]


def _set_cookie(line: str) -> dict[str, Any]:
    first, *rest = line.split(";")
    name, _, value = first.partition("=")
    cookie: dict[str, Any] = {"name": name.strip(), "value": value.strip(), "httpOnly": False, "secure": False}
    for each in rest:
        key, _, said = (part.strip() for part in each.partition("="))
        match key.lower():
            case "path" | "domain":
                cookie[key.lower()] = said
            case "httponly":
                cookie["httpOnly"] = True
            case "secure":
                cookie["secure"] = True
            case "samesite":
                cookie["sameSite"] = said
            case "expires":
                with suppress(ValueError, TypeError):
                    cookie["expires"] = parsedate_to_datetime(said).astimezone(UTC).isoformat()
    return cookie


def _talk(talk: Talk) -> dict[str, Any]:
    """Give a WebSocket as Chromium's developer tools do: as a request that was answered with another protocol."""
    began = datetime.fromtimestamp(talk.began_at, UTC)
    took_ms = round(((talk.ended_at or talk.began_at) - talk.began_at) * 1_000, 3)
    return {
        "startedDateTime": began.isoformat(timespec="milliseconds"),
        "time": took_ms,
        "request": {
            "method": "GET", "url": talk.url, "httpVersion": "HTTP/1.1", "cookies": [], "headers": [],
            "queryString": _pairs(urlsplit(talk.url).query), "headersSize": -1, "bodySize": 0,
        },
        "response": {
            "status": 0 if talk.problem else 101, "statusText": "" if talk.problem else "Switching Protocols",
            "httpVersion": "HTTP/1.1", "cookies": [], "headers": [], "redirectURL": "", "headersSize": -1,
            "bodySize": -1, "content": {"size": 0, "mimeType": "x-unknown"},
            **({"_error": talk.problem} if talk.problem else {}),
        },
        "cache": {},
        "timings": {"blocked": -1, "dns": -1, "connect": -1, "ssl": -1, "send": 0, "wait": 0, "receive": took_ms},
        "_resourceType": "websocket",
        "_webSocketMessages": [
            {"type": each.way, "time": each.at, "opcode": 1 if each.is_text else 2, "data": each.text}
            for each in talk.messages
        ],
        **({"comment": f"{talk.left_out} messages were left out."} if talk.left_out else {}),
    }  # fmt: skip
