"""Calls over a WebSocket, `/ws/v1/{team}/{path}`: JSON-RPC 2.0, whose methods are commands.

    -> {"jsonrpc": "2.0", "id": 1, "method": "state.incr", "params": {"key": "visits"}}
    <- {"jsonrpc": "2.0", "result": {"value": 1, "version": 7}, "id": 1}

`params` is an object of arguments by name, or a list of them in order. Beside the members of JSON-RPC a request may
have `path` (another object of the team), `key` (idempotency key), `create` (make the object, of this kind, where there
is none) and `confirm: true` (of a dangerous command). Calls on one object are carried out in the order in which they
came; answers come in any order. Batches are answered by one batch.

`subscribe {"topics": […]}` and `unsubscribe {}` say of which object events are told: `{"jsonrpc": "2.0", "method":
"event", "params": {"path", "topic", "data", "version", "at"}}`. Without topics all are told; the topic "changed" is
every commit, "resync" says that events may have been missed. A command whose answer is followed by events subscribes to
them; so does one that is a task, whose answer is only that it was started. `{"method": "unsubscribed", "params":
{"path", "problem"}}` tells that the rights to listen are gone.

Errors of JSON-RPC itself have its codes (-32700 not JSON, -32600 no request, -32601 no such command, -32602 wrong
arguments); all others have the status of their problem as code. `data` always has the members of the problem.

Closed with 1003 (binary), 1008 (too many messages that cannot be read), 1009 (too large), 4401 (who are you), 4403
(not yours any more), 4404 (no such thing) and 4408 (too slow to be kept), each with a reason.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from django.conf import settings

from objects.commands.registry import registry
from objects.commands.spec import CommandSpec
from objects.commands.types import Download
from objects.engine.calls import Call, Outcome
from objects.engine.running import engine
from objects.surfaces import addresses, following, identity, json
from objects.surfaces.frames import Wire, wire
from objects.surfaces.identity import Identity
from objects.surfaces.listening import Subscriptions, other
from objects.surfaces.lookup import kept_kind, spec_of, streaming
from objects.surfaces.rpc import NO_METHOD, NO_REQUEST, NOT_JSON, WRONG_PARAMS, Batch, Refused, error, named, understood
from objects.surfaces.sweeping import sweeper
from objects.tree.paths import ObjectPath
from teams import callers
from teams.access import Caller
from teams.problems import BadRequest, Fault, NoSuch, Problem, TooLarge, WrongArgument

log = logging.getLogger("grove.socket")

PREFIX = b"/ws/v1/"
MISTAKES = 100  # messages in a row that cannot be read, after which a socket is closed
LARGE_BYTES = 64 * 1024  # a message that is read beside the event loop
KEY_LENGTH = 255
BINARY, TOO_MANY_MISTAKES, TOO_SLOW = 1003, 1008, 4408
LISTENING = ("subscribe", "unsubscribe")

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def socket(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a socket below `/ws/v1/` until one side closes it."""
    await receive()
    offered = scope.get("subprotocols", ())
    chosen = identity.SUBPROTOCOL if identity.SUBPROTOCOL in offered else None
    await send({"type": "websocket.accept", "subprotocol": chosen})
    try:
        address = addresses.read(scope, PREFIX)
        if address.command is not None:
            raise BadRequest(f"The address ends in ':{address.command}'. Name a command as the method of a request.")
        who = await identity.of_socket(scope, dict(scope["headers"]), address.team)
        caller = await who.caller()
        if not caller.sees(address.path):
            raise NoSuch(f"{address.path}: no such object.")
    except Problem as problem:
        await send({"type": "websocket.close", "code": 4000 + problem.status, "reason": problem.detail})
        return
    session = Session(who, address.path, wire(scope, send), send)
    swept = sweeper()
    swept.sessions.add(session)
    try:
        await session.read(receive)
    except asyncio.CancelledError:
        session.close(1012, "This process is stopping. Connect again.")
        raise
    except Exception:
        log.exception("a socket failed by a fault of ours")
        session.close(1011, "Grove made a mistake. It is in the log.")
    finally:
        swept.sessions.discard(session)
        session.end()


class Pending:
    """A call under way; called by the engine, from a thread of its own, with the outcome."""

    __slots__ = ("batch", "is_notification", "method", "request_id", "session", "spec_arguments", "target")

    def __init__(
        self,
        session: "Session",
        method: str,
        target: str,
        batch: Batch | None,
        request_id: Any,
        *,
        is_notification: bool,
    ) -> None:
        self.session = session
        self.method = method
        self.target = target
        self.batch = batch
        self.is_notification = is_notification
        self.request_id = request_id
        self.spec_arguments: tuple[CommandSpec, dict[str, Any]] | None = None  # of a command that events follow

    def __call__(self, outcome: Outcome) -> None:
        self.session.returns.put(self, outcome)


class Returns:
    """Outcomes on their way from the engine's threads to one event loop: one wake-up for all that come together."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._waiting: deque[tuple[Pending, Outcome]] = deque()
        self._woken = False
        self._thread = threading.get_ident()

    def put(self, pending: Pending, outcome: Outcome) -> None:
        """Let the loop answer; from any thread."""
        self._waiting.append((pending, outcome))
        if not self._woken:
            self._woken = True
            if threading.get_ident() == self._thread:
                pending.session.on_loop.afterwards(self._answer)
                return
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self.loop.call_soon_threadsafe(self._answer)

    def _answer(self) -> None:
        self._woken = False  # first: an outcome that comes now wakes the loop again
        waiting = self._waiting
        answered: dict[Session, None] = {}
        while waiting:
            pending, outcome = waiting.popleft()
            session = pending.session
            session.answer(pending, outcome)
            answered[session] = None
        for session in answered:
            session.flush()


class Session:
    """One open socket."""

    def __init__(self, who: Identity, path: ObjectPath, line: Wire, send: Send) -> None:
        self.who = who
        self.path = path
        self.wire = line
        self.returns = _returns()
        self.is_open = True
        self._send = send
        self._out: list[bytes] = []
        self._outstanding = 0
        self._mistakes = 0
        self._limit = settings.GROVE.SOCKET_CALLS
        self._room: asyncio.Future[None] | None = None
        self._engine = engine()
        self.on_loop = self._engine.on_loop()
        self.listening = Subscriptions(line, self._engine, self._let_go)
        self._is_idle = False  # nothing that came before is still being read
        self._caller: Caller
        self._tasks: set[asyncio.Task[Any]] = set()
        line.on_room = self._has_room
        line.on_texts(self.take)

    # Reading

    async def read(self, receive: Receive) -> None:
        """Take messages in their order until the socket is closed."""
        while True:
            self._is_idle = True
            message = await receive()
            self._is_idle = False
            if message["type"] != "websocket.receive":
                return
            if not self.is_open:
                continue
            text = message.get("text")
            if text is None:
                self.close(BINARY, "A binary message: send JSON as text.")
                continue
            try:
                self._caller = self.who.known() or await self.who.caller()
            except Problem as problem:
                self.close(4000 + problem.status, problem.detail)
                continue
            await self._take(text.encode())
            self.flush()
            # The other side is read no further while too much of what it asked for is under way, or not yet fetched.
            while (self._outstanding >= self._limit or self.wire.is_full) and self.is_open:
                self._room = self.returns.loop.create_future()
                await self._room

    def take(self, texts: Sequence[bytes]) -> int:
        """Take messages at once, as long as they are plain calls; tell how many. What is left comes to `read`.

        So many calls that came together wait together, and are answered together.
        """
        caller = self.who.known() if self._is_idle and self.is_open else None
        if caller is None:
            return 0
        self._caller = caller
        taken = 0
        try:
            for text in texts:
                if (
                    self._outstanding >= self._limit
                    or self.wire.is_full
                    or not self._take_plain(text, more=len(texts) > 1)
                ):
                    break
                taken += 1
        except Exception:
            log.exception("a socket failed by a fault of ours")
            self.close(1011, "Grove made a mistake. It is in the log.")
            return len(texts)
        if taken:
            self._mistakes = 0
            self.flush()
        return taken

    def _take_plain(self, text: bytes, *, more: bool) -> bool:
        """Carry out a request for which nothing has to be waited for; False, and nothing done, for all else."""
        try:
            request = json.read(text)
            method, params, request_id = understood(request)
        except (BadRequest, Refused):
            return False
        if method in LISTENING or self._must_look(method, params):
            return False
        pending = Pending(self, method, self.path, None, request_id, is_notification="id" not in request)
        try:
            self._spend(pending, request)
            self._submit(pending, method, params, request, more=more)
        except Problem as problem:
            self._answer_problem(pending, problem)
        return True

    @staticmethod
    def _must_look(method: str, params: Any) -> bool:
        """Whether the command's declaration has to be known before the engine is asked."""
        return type(params) is list or method in streaming() or method in following.tasks()

    async def _take(self, body: bytes) -> None:
        try:
            message = await self._read(body)
            if type(message) is not list:
                await self._request(message, None)
        except Refused as refused:
            self._out.append(self.wire.encode(refused.error()))
            self._mistakes += 1
            if self._mistakes >= MISTAKES:
                self.close(TOO_MANY_MISTAKES, f"{MISTAKES} messages in a row cannot be read. Look at the errors sent.")
            return
        self._mistakes = 0
        if type(message) is list:
            batch = Batch(len(message))
            for request in message:
                try:
                    await self._request(request, batch)
                except Refused as refused:
                    self._answered(batch, refused.error())

    async def _read(self, body: bytes) -> Any:
        try:
            message = json.read(body) if len(body) < LARGE_BYTES else await identity.in_thread(json.read, body)
        except BadRequest as problem:
            raise Refused(NOT_JSON, problem) from None
        if type(message) is list and not 0 < len(message) <= self._limit:
            raise Refused(
                NO_REQUEST,
                BadRequest(
                    f"The batch has {len(message):,} requests: 1 to {self._limit} may be in one (limit SOCKET_CALLS)."
                ),
            )
        return message

    async def _request(self, request: Any, batch: Batch | None) -> None:
        """Carry out one request. Raises Refused where it is none."""
        method, params, request_id = understood(request)
        pending = Pending(self, method, self.path, batch, request_id, is_notification="id" not in request)
        try:
            self._spend(pending, request)
            if method == "subscribe":
                answer = await self.listening.subscribe(self._caller, pending.target, params)
                self._answer_value(pending, *answer)
            elif method == "unsubscribe":
                self._answer_value(pending, self.listening.unsubscribe(pending.target, params), None)
            else:
                if self._must_look(method, params):
                    spec = await spec_of(self._caller, pending.target, method, create=_create(request))
                    if type(params) is list:
                        params = named(spec, params)
                    if spec.streams or spec.task:
                        pending.spec_arguments = spec, params
                self._submit(pending, method, params, request)
        except Problem as problem:
            self._answer_problem(pending, problem)

    def _spend(self, pending: Pending, request: Message) -> None:
        callers.spend(self._caller)
        if "path" in request:
            pending.target = other(request["path"])

    def _submit(
        self, pending: Pending, method: str, params: dict[str, Any], request: Message, *, more: bool = False
    ) -> None:
        key, confirm = request.get("key"), request.get("confirm", False)
        if key is not None and not (type(key) is str and 0 < len(key) <= KEY_LENGTH and key.isprintable()):
            raise WrongArgument("key", f"key: the idempotency key is 1 to {KEY_LENGTH} printable characters.")
        create = _create(request)
        if type(confirm) is not bool:
            raise WrongArgument("confirm", "confirm: is true or false.")
        call = Call(
            self._caller.schema, pending.target, method, params, self._caller, pending,
            key=key, via="socket", create=create, confirmed=confirm,
        )  # fmt: skip
        self.on_loop.submit(call, more=more)
        self._outstanding += 1

    # Answering

    def answer(self, pending: Pending, outcome: Outcome) -> None:
        """Take the outcome of a call back; `flush` sends the answers."""
        self._outstanding -= 1
        if outcome.problem is not None:
            self._answer_problem(pending, outcome.problem)
            return
        value = outcome.value
        if type(value) is Download:
            self._spawn(self._answer_download(pending, value, outcome))
            return
        if pending.spec_arguments is not None:
            try:
                self.listening.follow(self._caller, pending.target, *pending.spec_arguments)
            except Problem as problem:
                self._answer_problem(pending, problem)
                return
        self._answer_value(pending, value, outcome.version, replayed=outcome.replayed)

    async def _answer_download(self, pending: Pending, download: Download, outcome: Outcome) -> None:
        limit = settings.GROVE.RESULT_BYTES
        if download.size * 4 // 3 > limit:
            problem = TooLarge(
                f"{download.name}: {download.size:,} bytes are too many for a message "
                f"(limit RESULT_BYTES, {limit:,}). Fetch it over HTTP."
            )
            self._answer_problem(pending, problem)
            self.flush()
            return
        try:
            value = await identity.in_thread(download.plain)
            self._answer_value(pending, value, outcome.version, replayed=outcome.replayed)
        except Problem as problem:
            self._answer_problem(pending, problem)
        except Exception:
            log.exception("a file could not be read by a fault of ours")
            self._answer_problem(pending, Fault("Grove made a mistake. It is in the log."))
        self.flush()

    def _answer_value(self, pending: Pending, value: Any, version: int | None, *, replayed: bool = False) -> None:
        if pending.is_notification:
            self._answered(pending.batch, None)
            return
        result = {"value": value} if version is None else {"value": value, "version": version}
        if replayed:
            result["replayed"] = True
        self._answered(pending.batch, json.written({"jsonrpc": "2.0", "result": result, "id": pending.request_id}))

    def _answer_problem(self, pending: Pending, problem: Problem) -> None:
        if pending.is_notification:
            self._answered(pending.batch, None)
            return
        self._answered(pending.batch, error(self._code(pending, problem), problem, pending.request_id))

    def _code(self, pending: Pending, problem: Problem) -> int:
        if isinstance(problem, WrongArgument):
            return WRONG_PARAMS
        if isinstance(problem, NoSuch):
            kind = kept_kind(self._caller.schema, pending.target)
            if kind is not None and pending.method not in (*registry.commands(kind), *LISTENING):
                return NO_METHOD
        return problem.status

    def _answered(self, batch: Batch | None, text: bytes | None) -> None:
        if batch is not None:
            batch.left -= 1
            if text is not None:
                batch.answers.append(text)
            if batch.left or not batch.answers:
                return
            text = b"[" + b",".join(batch.answers) + b"]"
        if text is not None:
            self._out.append(self.wire.encode(text))

    def flush(self) -> None:
        """Send what was answered, together, and read on where that waited for it."""
        if self._out:
            if self.is_open:
                self.wire.write(self._out)
                if self.wire.held_bytes > settings.GROVE.SOCKET_BYTES:
                    self._let_go()
            self._out = []
        self._has_room()

    def _has_room(self) -> None:
        room = self._room
        if room is not None and not room.done() and self._outstanding < self._limit and not self.wire.is_full:
            room.set_result(None)

    # Ending

    def check(self, caller: Caller) -> None:
        """Look whether all that this socket does is still its caller's to do."""
        if not caller.sees(self.path):
            self.close(4403, f"{self.path} is not yours to see any more.")
            return
        notes = self.listening.check(caller)
        if notes:
            self._out += map(self.wire.encode, notes)
            self.flush()

    def _let_go(self) -> None:
        limit = settings.GROVE.SUBSCRIBER_QUEUE
        self.wire.drop()
        self.close(
            TOO_SLOW, f"Too slow: more than {limit:,} messages waited (SUBSCRIBER_QUEUE). Connect anew, read faster."
        )

    def close(self, code: int, reason: str) -> None:
        """Say no more, and why."""
        if self.is_open:
            self.is_open = False
            self._out.clear()
            self.end()
            self._spawn(self._send({"type": "websocket.close", "code": code, "reason": reason}))
            if self._room is not None and not self._room.done():
                self._room.set_result(None)

    def end(self) -> None:
        """Listen to nothing more."""
        self.listening.clear()

    def _spawn(self, work: Any) -> None:
        task = self.returns.loop.create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._tasks.discard)


_all_returns: dict[asyncio.AbstractEventLoop, Returns] = {}


def _returns() -> Returns:
    loop = asyncio.get_running_loop()
    found = _all_returns.get(loop)
    if found is None:
        for closed in [known for known in _all_returns if known.is_closed()]:
            del _all_returns[closed]
        found = _all_returns[loop] = Returns(loop)
    return found


def _create(request: Message) -> str | None:
    create = request.get("create")
    if create is not None and type(create) is not str:
        raise WrongArgument("create", "create: is the name of a kind.")
    return create
