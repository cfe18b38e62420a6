"""Requests as an HTTP archive.

Source: http://www.softwareishard.com/blog/har-12-spec/
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from playwright.async_api import Error, Request

ASK_S: Final = 2.0


async def har(requests: Iterable[Request]) -> dict[str, Any]:
    """Give requests with their headers and answers, without bodies."""
    entries = [await _entry(each) for each in list(requests)]
    return {"log": {"version": "1.2", "creator": {"name": "Grove", "version": "1"}, "entries": entries}}


async def _entry(request: Request) -> dict[str, Any]:
    response = request.existing_response
    headers: list[Any] = []
    told: list[Any] = []
    with suppress(Error, TimeoutError):
        headers = list(await asyncio.wait_for(request.headers_array(), ASK_S))
        if response is not None:
            told = list(await asyncio.wait_for(response.headers_array(), ASK_S))
    timing = request.timing
    wait = max(0.0, timing["responseStart"] - max(0.0, timing["requestStart"]))
    receive = max(0.0, timing["responseEnd"] - timing["responseStart"])
    began = datetime.fromtimestamp(timing["startTime"] / 1_000, UTC) if timing["startTime"] > 0 else datetime.now(UTC)
    body = request.post_data_buffer
    posted = {"postData": {"mimeType": "", "text": body.decode(errors="replace")}} if body is not None else {}
    query = [{"name": name, "value": value} for name, value in parse_qsl(urlsplit(request.url).query)]
    kind = next((each["value"] for each in told if each["name"].lower() == "content-type"), "")
    return {
        "startedDateTime": began.isoformat(),
        "time": wait + receive,
        "request": {
            "method": request.method, "url": request.url, "httpVersion": "HTTP/1.1", "cookies": [], "headers": headers,
            "queryString": query, "headersSize": -1, "bodySize": len(body or b""), **posted,
        },
        "response": {
            "status": response.status if response else 0, "statusText": response.status_text if response else "",
            "httpVersion": "HTTP/1.1", "cookies": [], "headers": told, "redirectURL": "", "headersSize": -1,
            "bodySize": -1, "content": {"size": -1, "mimeType": kind},
        },
        "cache": {},
        "timings": {"send": 0, "wait": wait, "receive": receive},
    }  # fmt: skip
