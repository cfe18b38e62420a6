"""Calls over HTTP: a thin ASGI application that translates, makes one call to the engine, and translates the answer.

    POST /api/v1/{team}/{path}:{command}   a JSON object of arguments -> {"value": …, "version": n}
    GET  /api/v1/{team}/{path}:{command}   a command that only reads, arguments in the query
    GET  /api/v1/{team}/{path}             what the object is, and its commands
    GET  /api/v1/{team}/openapi.json       all commands as OpenAPI 3.1

Query of a POST: `create=KIND` makes the object where there is none, `confirm=yes` confirms a dangerous command. A
command that is a task answers 202 and the address that tells how it goes; `wait=10` waits up to so many seconds for its
result, which is then answered like any other. Header
`Idempotency-Key`: the call takes place once, later ones get the same answer with `Idempotency-Replayed: true`. A body
that is not JSON is the file of a command that takes one; its other arguments are in the query then. A file as a result
streams out, unless `Accept: application/json` asks for it inside JSON. A command whose answer is followed by events
answers with Server-Sent Events, unless JSON is asked for. Refusals are problem details, RFC 9457.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl, quote

from django.conf import settings

from objects import live
from objects.commands.registry import registry
from objects.commands.spec import CommandSpec
from objects.commands.types import Download, Upload
from objects.engine.calls import Outcome, seconds_for
from objects.engine.running import engine
from objects.surfaces import addresses, following, identity, json
from objects.surfaces.addresses import Address
from objects.surfaces.identity import Headers, Identity
from objects.surfaces.lookup import spec_of, streaming
from objects.surfaces.refusals import NO_STORE, Header, WrongContentType, WrongMethod, answer_of
from teams import callers
from teams.access import Caller, decide
from teams.problems import BadRequest, Fault, Moved, OverLimit, Problem, TooLarge, WrongArgument

log = logging.getLogger("grove.http")

PREFIX = "/api/v1/"
OPENAPI = "/openapi.json"
METHODS = ("GET", "HEAD", "POST", "OPTIONS")
HEARTBEAT_S = 15.0  # of silence in a stream of events, after which a comment shows that it still lives
RIGHTS_S = 1.0  # between two looks at the rights of one who listens
QUERY_FIELDS = 200
WAIT_S = 60.0  # the longest that a caller can wait for a task
KEY = re.compile(r"[\x20-\x7e]{1,255}")
LARGE_BYTES = 64 * 1024  # a body that is read beside the event loop
JSON: list[Header] = [(b"content-type", b"application/json"), *NO_STORE]

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Gone(Exception):  # noqa: N818 -- no error: the other side went away, and nobody waits for an answer
    """The client closed the connection before it had sent everything."""


async def api(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request below `/api/v1/`."""
    request = Request(scope, receive, send)
    try:
        await request.answer()
    except Gone:
        pass
    except Exception as error:
        problem = error if isinstance(error, Problem) else Fault("Grove made a mistake. It is in the log.")
        if request.is_under_way:
            # The server cuts the connection, so that nobody takes a part of a file for the whole.
            raise Truncated(f"{scope['path']}: {error}") from error
        if problem is not error:
            log.exception("a request failed by a fault of ours")
        await _send(send, *answer_of(problem), request.method)


class Truncated(Exception):  # noqa: N818 -- what happened
    """An answer under way could not be brought to its end."""


class Request:
    """One request, while it is answered.

    is_under_way: status and headers are sent, so a problem can't be told any more.
    """

    __slots__ = ("address", "headers", "is_under_way", "method", "query", "receive", "scope", "send", "wait_s", "who")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.method: str = scope["method"]
        self.headers: Headers = dict(scope["headers"])
        self.query: dict[str, Any] = {}
        self.is_under_way = False
        self.wait_s = 0.0
        self.address: Address
        self.who: Identity

    async def answer(self) -> None:
        """Carry the request out. Raises Problem."""
        if self.method == "OPTIONS":
            # No CORS: pages of other sites call with their own server, or not at all.
            await _send(self.send, 204, [(b"allow", ", ".join(METHODS).encode())], b"", self.method)
            return
        if self.method not in METHODS:
            raise WrongMethod(f"{self.method}: an object is asked by GET and called by POST.", METHODS)
        self.address = addresses.read(self.scope, b"/api/v1/")
        self.who = await identity.of_request(self.scope, self.headers, self.address.team)
        caller = self.who.known() or await self.who.caller()
        callers.spend(caller)
        if self.scope["query_string"]:
            self.query = _query(self.scope["query_string"])
        try:
            await self._route(caller)
        except Moved as moved:
            await self._redirect(moved)

    async def _route(self, caller: Caller) -> None:
        command = self.address.command
        if command is None:
            if self.method == "POST":
                raise WrongMethod(f"POST calls a command: POST {PREFIX}…/path:command", METHODS[:2])
            if self.address.path == OPENAPI:
                await self._openapi()
            else:
                await self._describe(caller)
        elif self.method == "POST":
            await self._post(caller, command)
        else:
            await self._get(caller, command)

    # What is asked

    async def _post(self, caller: Caller, command: str) -> None:
        create, confirm = self.query.pop("create", None), self.query.pop("confirm", None)
        self.wait_s = _seconds(self.query.pop("wait", "0"))
        if isinstance(create, list) or confirm not in (None, "yes"):
            raise WrongArgument(
                "create" if isinstance(create, list) else "confirm", "Write ?create=KIND and ?confirm=yes, once each."
            )
        content_type = self.headers.get(b"content-type", b"")
        is_json = b"json" in content_type or not content_type
        if is_json:
            if self.query:
                name = next(iter(self.query))
                raise WrongArgument(
                    name,
                    f"{name}: the query of a JSON call takes create, confirm and wait only. Put it into the body.",
                )
            arguments, is_text = await self._arguments(), False
        else:
            arguments, is_text = await self._upload(caller, command, content_type, create), True
        try:
            await self._call(caller, command, arguments, text=is_text, create=create, confirmed=confirm == "yes")
        finally:
            if not is_json:
                for upload in arguments.values():
                    if isinstance(upload, Upload):
                        upload.close()

    async def _get(self, caller: Caller, command: str) -> None:
        spec = await spec_of(caller, self.address.path, command)
        if spec.verb != "reads":
            raise WrongMethod(f"{command} changes the object: call it by POST.", ("POST", "OPTIONS"))
        await self._call(caller, command, self.query, text=True, create=None, confirmed=False, spec=spec)

    async def _arguments(self) -> dict[str, Any]:
        body = await self._body(settings.GROVE.ARGUMENT_BYTES)
        if not body:
            return {}
        value = json.read(body) if len(body) < LARGE_BYTES else await identity.in_thread(json.read, body)
        if type(value) is not dict:
            raise BadRequest('The body is not a JSON object of arguments, such as {"key": "colour", "value": "red"}.')
        return value

    async def _body(self, limit_bytes: int) -> bytes:
        self._refuse_large(limit_bytes, "ARGUMENT_BYTES")
        message = await self._next()
        if not message.get("more_body"):
            body: bytes = message.get("body", b"")
            if len(body) > limit_bytes:
                raise _too_large(limit_bytes, "ARGUMENT_BYTES")
            return body
        parts = [message["body"]]
        size = len(parts[0])
        while message.get("more_body"):
            message = await self._next()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit_bytes:
                raise _too_large(limit_bytes, "ARGUMENT_BYTES")
        return b"".join(parts)

    async def _upload(self, caller: Caller, command: str, content_type: bytes, create: str | None) -> dict[str, Any]:
        """Take the body as the file of a command; its other arguments are in the query."""
        spec = await spec_of(caller, self.address.path, command, create=create)
        if not spec.uploads:
            raise WrongContentType(f"{command} takes no file: send its arguments as application/json.")
        if spec.uploads in self.query:
            raise WrongArgument(spec.uploads, f"{spec.uploads}: is in the query and in the body. Send the body alone.")
        self._decide(caller, spec)
        limit: int = getattr(settings.GROVE, spec.upload_limit)
        self._refuse_large(limit, spec.upload_limit)
        upload = Upload(limit_bytes=limit, content_type=content_type.decode("latin-1"))
        try:
            while True:
                message = await self._next()
                upload.write(message.get("body", b""))
                if not message.get("more_body"):
                    break
        except BaseException:
            upload.close()
            raise
        return self.query | {spec.uploads: upload}

    def _decide(self, caller: Caller, spec: CommandSpec) -> None:
        decide(
            caller,
            caller.schema,
            self.address.path,
            command=spec.name,
            verb=spec.verb,
            needs=spec.needs,
            operators=spec.operators,
        )

    def _refuse_large(self, limit_bytes: int, limit: str) -> None:
        length = self.headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > limit_bytes:
            raise _too_large(limit_bytes, limit)

    async def _next(self) -> Message:
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise Gone
        return message

    def _key(self) -> str | None:
        raw = self.headers.get(b"idempotency-key")
        if raw is None:
            return None
        key = raw.decode("latin-1")
        if not KEY.fullmatch(key):
            raise WrongArgument("Idempotency-Key", "Idempotency-Key: write 1 to 255 printable ASCII characters.")
        return key

    # What is answered

    async def _call(
        self,
        caller: Caller,
        command: str,
        arguments: dict[str, Any],
        *,
        text: bool,
        create: str | None,
        confirmed: bool,
        spec: CommandSpec | None = None,
    ) -> None:
        path = self.address.path
        streams = command in streaming() and await self._streams(caller, command, create, spec)
        listener = live.Listener(caller.schema, path) if streams else None
        try:
            serving = engine()
            serving.on_loop()  # runs quick calls
            outcome = await serving.acall(
                caller.schema, path, command, arguments, caller,
                key=self._key(), via="http", create=create, confirmed=confirmed, text=text,
                seconds=seconds_for(arguments, settings.GROVE) if text else 0.0,
            )  # fmt: skip
            if outcome.problem is not None:
                raise outcome.problem
            if streams and listener is not None:
                await self._events(streams, arguments, outcome, listener, text=text)
            elif command in following.tasks() and await self._is_task(caller, command, create):
                await self._send_task(caller, outcome)
            else:
                await self._send_outcome(outcome)
        finally:
            if listener is not None:
                listener.close()

    async def _streams(
        self, caller: Caller, command: str, create: str | None, spec: CommandSpec | None
    ) -> CommandSpec | None:
        if self.method == "HEAD" or self._wants_json():
            return None
        spec = spec or await spec_of(caller, self.address.path, command, create=create)
        return spec if spec.streams else None

    def _wants_json(self) -> bool:
        return self.headers.get(b"accept", b"").partition(b";")[0].strip() == b"application/json"

    async def _is_task(self, caller: Caller, command: str, create: str | None) -> bool:
        return (await spec_of(caller, self.address.path, command, create=create)).task is not None

    async def _send_task(self, caller: Caller, outcome: Outcome) -> None:
        """Answer with the result of a task, where it is over before the caller stops waiting, or with its address."""
        path, task = self.address.path, outcome.value["task"]
        if self.wait_s:
            left = asyncio.ensure_future(self._left())
            waiting = asyncio.ensure_future(following.result(caller, path, task, self.wait_s))
            try:
                await asyncio.wait((left, waiting), return_when=asyncio.FIRST_COMPLETED)
                if not waiting.done():
                    raise Gone
                is_over, value = waiting.result()
            finally:
                left.cancel()
                waiting.cancel()
            if is_over:
                await self._send_outcome(Outcome(value=value, version=outcome.version, replayed=outcome.replayed))
                return
        location = f"{addresses.written(PREFIX, self.address.team, path, 'task.show')}?task={task}"
        headers = [*JSON, (b"location", location.encode())]
        if outcome.replayed:
            headers.append((b"idempotency-replayed", b"true"))
        body = json.written({"value": outcome.value, "version": outcome.version})
        await _send(self.send, 202, headers, body, self.method)

    async def _send_outcome(self, outcome: Outcome) -> None:
        headers = JSON
        value = outcome.value
        if outcome.replayed:
            headers = [*JSON, (b"idempotency-replayed", b"true")]
        if type(value) is Download:
            if not self._wants_json():
                await self._stream(value, outcome.version)
                return
            if value.size * 4 // 3 > settings.GROVE.RESULT_BYTES:
                raise TooLarge(
                    f"{value.name}: {value.size:,} bytes are too many for a JSON answer "
                    f"(limit RESULT_BYTES, {settings.GROVE.RESULT_BYTES:,}). Ask without 'Accept: application/json'."
                )
            value = await identity.in_thread(value.plain)
        body = json.written({"value": value, "version": outcome.version})
        await _send(self.send, 200, headers, body, self.method)

    async def _stream(self, download: Download, version: int) -> None:
        """Send a file in pieces, each read when the one before is on its way."""
        self.is_under_way = True
        await self.send({
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", _content_type(download.content_type)),
                (b"content-length", str(download.size).encode()),
                (b"content-disposition", disposition(download.name)),
                (b"object-version", str(version).encode()),
                (b"content-security-policy", b"sandbox; default-src 'none'"),
                *NO_STORE,
            ],
        })  # fmt: skip
        if self.method != "HEAD":
            pieces: Iterator[bytes] = iter(download.chunks())
            sent = 0
            while (piece := await identity.in_thread(next, pieces, None)) is not None:
                sent += len(piece)
                await self.send({"type": "http.response.body", "body": piece, "more_body": True})
            if sent != download.size:
                raise Truncated(f"{download.name}: {sent} of {download.size} bytes")
        await self.send({"type": "http.response.body", "body": b""})

    async def _events(
        self, spec: CommandSpec, arguments: dict[str, Any], outcome: Outcome, listener: live.Listener, *, text: bool
    ) -> None:
        """Send the answer, then the events of the command's topic until the listener leaves or may hear no more."""
        topic = spec.topic_of(spec.check(arguments, text=text))
        self.is_under_way = True
        await self.send({
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/event-stream"), (b"x-accel-buffering", b"no"), *NO_STORE],
        })  # fmt: skip
        first = json.written({"value": outcome.value, "version": outcome.version})
        await self._say(b"event: answer\ndata: " + first + b"\n\n")
        left = asyncio.ensure_future(self._left())
        spoke_at = monotonic()
        try:
            while not left.done():
                try:
                    heard = await listener.next(RIGHTS_S)
                    self._decide(await self.who.caller(), spec)
                except live.TooSlow:
                    raise OverLimit(
                        f"You fell more than {settings.GROVE.SUBSCRIBER_QUEUE:,} events behind "
                        "(limit SUBSCRIBER_QUEUE) and are let go. Ask again, and read faster."
                    ) from None
                told = b"".join(
                    b"event: %b\nid: %d\ndata: %b\n\n" % (_event_name(news.topic), news.version, news.params)
                    for news in heard
                    if news.topic in (topic, live.RESYNC)
                )
                if told or monotonic() - spoke_at > HEARTBEAT_S:
                    await self._say(told or b": alive\n\n")
                    spoke_at = monotonic()
        except Problem as problem:
            await self._say(b"event: closed\ndata: " + json.written(problem.members()) + b"\n\n")
        finally:
            left.cancel()
        await self.send({"type": "http.response.body", "body": b""})

    async def _say(self, text: bytes) -> None:
        await self.send({"type": "http.response.body", "body": text, "more_body": True})

    async def _left(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def _describe(self, caller: Caller) -> None:
        self._refuse_query()
        path = self.address.path
        outcome = await engine().acall(caller.schema, path, "tree.describe", {}, caller, via="http")
        if outcome.problem is not None:
            raise outcome.problem
        kind = outcome.value["kind"]
        commands = [
            {
                "name": spec.name,
                "verb": spec.verb,
                "role": spec.needs.word,
                "usage": spec.usage(),
                "summary": spec.summary,
            }
            for spec in registry.commands(kind).values()
        ]
        value = outcome.value | {"commands": commands}
        await _send(self.send, 200, JSON, json.written({"value": value, "version": outcome.version}), self.method)

    async def _openapi(self) -> None:
        self._refuse_query()
        from objects.commands import schemas  # noqa: PLC0415 -- heavy, only this page uses it

        document = await identity.in_thread(schemas.openapi, registry, registry.kinds, self.address.team, "/")
        await _send(self.send, 200, JSON, json.written(document), self.method)

    def _refuse_query(self) -> None:
        if self.query:
            name = next(iter(self.query))
            raise WrongArgument(name, f"{name}: this address takes no arguments in the query.")

    async def _redirect(self, moved: Moved) -> None:
        status, headers, body = answer_of(moved)
        to = moved.extra.get("to")
        if isinstance(to, str):
            location = addresses.written(PREFIX, self.address.team, to, self.address.command)
            if self.scope["query_string"]:
                location += "?" + self.scope["query_string"].decode("ascii", "ignore")
            headers = [*headers, (b"location", location.encode())]
        await _send(self.send, status, headers, body, self.method)


async def _send(send: Send, status: int, headers: list[Header], body: bytes, method: str) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


def _query(raw: bytes) -> dict[str, Any]:
    """Read a query: a name that comes several times has a list of values."""
    found: dict[str, Any] = {}
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=QUERY_FIELDS)
    except UnicodeDecodeError:
        raise BadRequest("The query is not UTF-8. Percent-encode its values as UTF-8.") from None
    except ValueError:
        raise BadRequest(f"The query has more than {QUERY_FIELDS} fields. Use a JSON body.") from None
    for name, value in pairs:
        if name in found:
            before = found[name]
            found[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            found[name] = value
    return found


def _seconds(text: Any) -> float:
    try:
        seconds = float(text)
    except (TypeError, ValueError):
        seconds = -1.0
    if not 0 <= seconds <= WAIT_S:
        raise WrongArgument("wait", f"wait: write 0 to {WAIT_S:g} seconds, such as ?wait=10.")
    return seconds


def _too_large(limit_bytes: int, limit: str) -> TooLarge:
    return TooLarge(f"The body: larger than {limit_bytes:,} bytes (limit {limit}). Send less.")


def _content_type(text: str) -> bytes:
    """Keep what is one, so that no stored text becomes a header of its own."""
    return (
        text.encode()
        if re.fullmatch(r"[\w.+-]+/[\w.+-]+(;[\x20-\x7e]*)?", text, re.ASCII)
        else b"application/octet-stream"
    )


def disposition(name: str) -> bytes:
    """Name a file for saving (RFC 6266): in ASCII for old clients, in full for the others."""
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", name)
    text = f'attachment; filename="{plain}"'
    if plain != name:
        text += f"; filename*=UTF-8''{quote(name, safe='')}"
    return text.encode()


def _event_name(topic: str) -> bytes:
    return re.sub(r"[\r\n]", " ", topic).encode()
