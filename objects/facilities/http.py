"""HTTP: asks other sites for something, as a task. Addresses of the operator's own network are out of reach.

A body that is JSON is parsed, other text is text, the rest is `{"base64": "…"}`. Any status is an answer; `--tries`
says how often it is asked where the other side is away, busy or broken (408, 425, 429, 5xx).
"""

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

import orjson

from objects.sdk import (
    Answer,
    Between,
    Conflict,
    Facility,
    Help,
    HttpRequest,
    Json,
    Length,
    OutOfTime,
    Seconds,
    Secret,
    Size,
    Task,
    TaskContext,
    TryAgain,
    Unreachable,
    WrongArgument,
    command,
    show_bytes,
)

TRIES: Final = 10
GONE: Final = 410
HOOK_BYTES: Final = 64 << 10  # what a webhook answers is of no interest
BUSY: Final = (408, 425, 429, 500, 502, 503, 504)
SHOWN_BYTES: Final = 4 << 20  # a body inside an answer; a larger one is kept as a file

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
Url = Annotated[str, Length(1, 4_000), Help("http:// or https://")]
Headers = Annotated[dict[str, Secret] | None, Help("such as accept=text/csv; what they say is kept nowhere")]
Save = Annotated[str, Help("keep the body as this file of the object")]
Tries = Annotated[int, Between(1, TRIES), Help("how often it is asked where that may help")]
Limit = Annotated[Seconds, Between(0.1, 600), Help("from the first name to the last byte")]
Most = Annotated[Size, Help("the most that is taken of the answer")]


@dataclass(frozen=True, slots=True)
class Response:
    """What another site answered."""

    status: int
    reason: str
    url: str  # where it came from in the end
    via: list[str]  # the addresses that led there
    type: str
    size: Size
    headers: dict[str, str]
    body: Json  # null where it was kept as a file
    file: str  # "" where it was not


@dataclass(frozen=True, slots=True)
class Delivered:
    """That a webhook took a message."""

    status: int
    tries: int
    id: str


class Http(Facility):
    """Asks other sites for something."""

    name = "http"

    @command(task=Task(seconds=660, tries=TRIES, pause_s=2))
    def get(
        self,
        url: Url,
        *,
        headers: Headers = None,
        save: Save = "",
        tries: Tries = 1,
        seconds: Limit = 30.0,
        most: Most = 8 << 20,
    ) -> Response:
        """Fetch an address.

        > http get http://example.com/
        status   200
        reason   OK
        url      http://example.com/
        …
        body     Hello, you!
        …
        """
        return self._asked(HttpRequest("GET", url, headers or {}, b"", seconds, self._most(most)), save, tries)

    @command(task=Task(seconds=660, tries=TRIES, pause_s=2, repeatable=False))
    def request(
        self,
        method: Method,
        url: Url,
        body: Annotated[Json, Help("a text, or any JSON, which is sent as such")] = None,
        *,
        headers: Headers = None,
        save: Save = "",
        tries: Tries = 1,
        seconds: Limit = 30.0,
        most: Most = 8 << 20,
    ) -> Response:
        """Send a request. Where its worker dies it is not sent again by itself: nobody knows whether it arrived.

        > http request POST http://example.com/orders '{"item": "basil", "count": 2}'
        status   200
        …
        body     {"order": 17}
        …
        """
        sent = dict(headers or {})
        content = b""
        if isinstance(body, str):
            content = body.encode()
        elif body is not None:
            content = orjson.dumps(body)
            if not any(name.lower() == "content-type" for name in sent):
                sent["content-type"] = Secret("application/json")
        return self._asked(HttpRequest(method, url, sent, content, seconds, self._most(most)), save, tries)

    @command(task=Task(seconds=660, tries=TRIES, pause_s=5))
    def hook(
        self,
        url: Url,
        body: Annotated[Json, Help("any JSON")],
        *,
        id: Annotated[str, Length(0, 100), Help("the same for the same message; by default the task's")] = "",
        secret: Annotated[Secret, Help("whsec_…: what it is signed with, as standardwebhooks.com has it")] = "",
        tries: Tries = TRIES,
        seconds: Limit = 30.0,
    ) -> Delivered:
        """Tell a webhook something, again and again until it answers 2xx.

        All tries have the same `webhook-id`, by which the other side knows a message that came twice.

        > http hook http://example.com/hook '{"item": "basil"}'
        status 200  tries 1  id …
        """
        content, now = orjson.dumps(body), int(self._worked.clock())
        number = id or self._worked.task
        sent = {"content-type": "application/json", "webhook-id": number, "webhook-timestamp": str(now)}
        if secret:
            sent["webhook-signature"] = signed(secret, number, now, content)
        request = HttpRequest("POST", url, sent, content, seconds, HOOK_BYTES, redirects=0)
        answer = fetched(self.context, request, tries)
        if not 200 <= answer.status < 300:
            said = f"{url}: answered {answer.status} {reason(answer.status)}".rstrip() + "."
            if answer.status != GONE and self._worked.tries < tries:
                raise TryAgain(said)
            raise Conflict(said)
        return Delivered(answer.status, self._worked.tries, number)

    @property
    def _worked(self) -> TaskContext:
        context: Any = self.context
        worked: TaskContext = context
        return worked

    def _most(self, most: int) -> int:
        context: Any = self.context
        limit: int = context.limits.HTTP_BYTES
        if most > limit:
            raise WrongArgument("most", f"{show_bytes(most)} is more than {show_bytes(limit)} (limit HTTP_BYTES).")
        return most

    def _asked(self, request: HttpRequest, save: str, tries: int) -> Response:
        answer = fetched(self.context, request, tries)
        kind = answer.header("content-type")
        file = save
        if save:
            content = {"base64": base64.b64encode(answer.body).decode()}
            context: Any = self.context
            context.finish_with("files.put", name=save, content=content)
        elif len(answer.body) > SHOWN_BYTES:
            raise WrongArgument(
                "save", f"the body has {show_bytes(len(answer.body))}: keep it as a file with --save NAME."
            )
        return Response(
            answer.status, reason(answer.status), answer.url, list(answer.via), kind.partition(";")[0].strip().lower(),
            len(answer.body), _joined(answer.headers), None if save else _read(answer.body, kind), file,
        )  # fmt: skip


def signed(secret: str, number: str, at: int, content: bytes) -> str:
    """Sign a message to a webhook; raises WrongArgument for what is no secret."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        raise WrongArgument("secret", "secret: it is whsec_ and base64.") from None
    said = b".".join([number.encode(), str(at).encode(), content])
    return "v1," + base64.b64encode(hmac.digest(key, said, "sha256")).decode()


def fetched(context: Any, request: HttpRequest, tries: int) -> Answer:
    """Ask for something, write down how it went, and try again where that may help."""
    context.write(f"{request.method} {request.url}\n")
    try:
        answer: Answer = context.fetch(request)
    except (Unreachable, OutOfTime) as problem:
        if context.tries < tries:
            raise TryAgain(problem.detail) from problem
        raise
    context.write("".join(f"from {each}\n" for each in answer.via))
    context.write(f"{answer.status}, {show_bytes(len(answer.body))}\n")
    if answer.status in BUSY and context.tries < tries:
        wanted = answer.header("retry-after")
        after_s = min(300.0, float(wanted)) if re.fullmatch(r"[0-9]{1,6}", wanted) else None
        raise TryAgain(f"{request.url}: {answer.status} {reason(answer.status)}", after_s=after_s)
    return answer


def reason(status: int) -> str:
    """Name a status as the standard does, "" where it has no name."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _joined(headers: list[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _read(body: bytes, kind: str) -> Any:
    """Give a body as a JSON value."""
    if not body:
        return ""
    parts: Mapping[str, str] = dict(re.findall(r";\s*([\w-]+)=\"?([\w.:-]+)", kind))
    name = kind.partition(";")[0].strip().lower()
    if name == "application/json" or name.endswith("+json"):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass  # it says that it is JSON, and is not: then it is text
    is_text = (
        name.startswith("text/") or name.endswith(("json", "xml", "javascript", "x-www-form-urlencoded")) or not name
    )
    if is_text:
        try:
            text = body.decode(parts.get("charset", "utf-8"))
        except (LookupError, UnicodeDecodeError):
            text = ""
        if text and "\0" not in text:
            return text
    return {"base64": base64.b64encode(body).decode()}
