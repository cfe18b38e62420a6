"""An HTTP client that costs little: thousands of questions are asked in a few seconds, over one connection."""

import http.client
import json
import logging
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

# A line for each of thousands of requests hides what a test has to say.
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def told(self) -> tuple[int, str]:
        """Status and type of problem."""
        return self.status, json.loads(self.body)["type"] if self.status >= 400 else ""

    def same(self, name: str = "", instead: str = "") -> tuple[int, tuple[tuple[str, str], ...], bytes]:
        """All that can be told apart from outside, with one name in the place of another; but the time of day."""
        headers = tuple((key, value) for key, value in self.headers if key.lower() != "date")
        return self.status, headers, self.body.replace(name.encode(), instead.encode()) if name else self.body


class Asking:
    """One kept connection; addresses are below `prefix`."""

    def __init__(self, port: int, prefix: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.prefix = prefix

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.connection.close()

    def ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        *,
        query: dict[str, Any] | None = None,
        json_body: Any = None,
        body: bytes | None = None,
    ) -> Answer:
        headers = dict(headers or {})
        if json_body is not None:
            body = json.dumps(json_body).encode()
            headers["Content-Type"] = "application/json"
        self.connection.request(method, self.prefix + path + (f"?{urlencode(query)}" if query else ""), body, headers)
        answer = self.connection.getresponse()
        return Answer(answer.status, tuple(answer.getheaders()), answer.read())
