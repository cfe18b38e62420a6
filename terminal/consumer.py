"""The terminal over a WebSocket: `/ws/terminal/{team}/{path}`.

Binary frames are the bytes of a terminal: what is typed one way, what is shown the other. Text frames are JSON objects.

The client's first frame should be a text frame that says hello, within HELLO_S; all members may be left out:

    {"resize": [cols, rows],   the terminal's size; 80 × 24 otherwise
     "colours": 16777216,      or 256, 16, 0
     "pictures": "sixel",      or "iterm" or "": how a picture can be shown inline
     "plain": true,            for screen readers: nothing is ever redrawn
     "resume": "session id",   go on with an earlier session,
     "seen": n,                of which n bytes were received
     "share": "link id"}       look on at, or type along in, somebody else's session

The server answers {"session": id, "at": n, "resumed": bool}: the bytes that follow are the session's from its n-th on.
Where `at` is not the `seen` of the client, the terminal has to be cleared first. A session that cannot be resumed (it
ended, or is somebody else's) is answered by a new one: `resumed` is false.

Later the client sends

    {"resize": [cols, rows]}   whenever the size changes
    {"seen": n}                how many bytes of the session it has shown: its `at` and all since. From the
                               first of these on, at most TERMINAL_WINDOW_BYTES are on the way; without them a
                               flood fills buffers that no Ctrl-C can empty. Send one for every 16 KiB or so.

and the server

    {"title": text}            for the window or tab
    {"size": [cols, rows]}     to one who looks on: the terminal's size, which is its owner's
    {"exit": reason,           the session is over, here at least: do not connect again by yourself; then it closes
     "problem": {…}}           with the members of the problem, where there was one

Who: `Authorization: Bearer …`, the subprotocols "grove" and "bearer.<token>", or the cookie of a signed-in person from
our own origin, as for `/ws/v1/`. `?plain=1` in the address is the same as "plain" in the hello.

Closed with 1000 (left), 1012 (this process stops: connect again with `resume`), 4401 (who are you), 4403 (not yours),
4404 (no such thing, any more), 4409 (opened elsewhere), 4429 (too many), each with a reason.

A connection that breaks ends nothing: the session waits TERMINAL_AWAY_S, its commands go on, and after that (or a
restart) it is brought back with its scroll-back, directory, variables and unfinished line. Which web process the client
comes back to does not matter: `terminal.relay` leads to the one where the session lives.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import orjson

from objects.surfaces import addresses, identity
from teams.access import Caller
from teams.problems import BadRequest, NoSuch, Problem
from terminal import sharing
from terminal.relay import Visit
from terminal.session import LARGEST, SMALLEST, Attachment, Terminal
from terminal.sessions import sessions

log = logging.getLogger("grove.terminal")

PREFIX = b"/ws/terminal/"
HELLO_S = 2.0
COLOURS = (0, 16, 256, 16_777_216)
PICTURES = ("", "sixel", "iterm")
AGAIN = 1012  # the code of a close after which clients connect again
LOST = "The process with this session ended. Connect again."
STOPPING = "This process is stopping. Connect again."

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def terminal(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a socket below `/ws/terminal/` until one side closes it."""
    await receive()
    offered = scope.get("subprotocols", ())
    chosen = identity.SUBPROTOCOL if identity.SUBPROTOCOL in offered else None
    await send({"type": "websocket.accept", "subprotocol": chosen})
    connection = Connection(scope, receive, send)
    try:
        await connection.begin()
        await connection.follow()
    except Gone:
        pass
    except Problem as problem:
        connection.close(problem.detail, problem)
    except asyncio.CancelledError:
        await connection.stop()
        raise
    except Exception:
        log.exception("a terminal failed by a fault of ours")
        connection.close("Grove made a mistake. It is in the log.")
    finally:
        await connection.end()


class Gone(Exception):  # noqa: N818 -- no error
    """The other side closed the socket."""


class Connection:
    """One open socket; the `Reader` of a session."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self._attachment: Attachment | Visit | None = None
        self._first: Message | None = None  # a frame that came instead of the hello
        self._is_open = True
        self._out: asyncio.Queue[Message | None] = asyncio.Queue()
        self._teller: asyncio.Task[None] | None = None

    # Reading

    async def begin(self) -> None:
        """Find out who is there and what they want, and attach them to a session."""
        address = addresses.read(self.scope, PREFIX)
        if address.command is not None:
            raise BadRequest(f"The address ends in ':{address.command}'. Type the command in the terminal.")
        who = await identity.of_socket(self.scope, dict(self.scope["headers"]), address.team)
        caller = await who.caller()
        if not caller.sees(address.path):
            raise NoSuch(f"{address.path}: no such object.")
        hello = await self._hello()
        caller = await who.caller()  # the hello may have taken its time
        wanted = _terminal(hello, self.scope)
        if isinstance(who, identity.Cookie):  # then this is our own page, and its origin our address
            wanted.site = dict(self.scope["headers"]).get(b"origin", b"").decode("latin-1")
        here = sessions()
        seen = hello.get("seen") if "resume" in hello else None
        if seen is not None and type(seen) is not int:
            raise BadRequest("seen: how many bytes of the session were received, a whole number.")
        if "share" in hello:
            share = _text(hello, "share")
            if sharing.is_of_this_process(share) or not await self._visit(f"share:{share}", who, caller, None):
                await self._look_on(sharing.find(share, caller), who, caller.name)
            return
        session = None
        if "resume" in hello:
            wanted_id = _text(hello, "resume")
            if wanted_id not in here.by_id and await self._visit(f"session:{wanted_id}", who, caller, seen):
                if "resize" in hello and self._attachment is not None:
                    self._attachment.resize(wanted.width, wanted.height)
                return
            session = await here.resume(wanted_id, who, caller, wanted)
        resumed = session is not None
        if session is None:
            session, seen = await here.open(who, caller, address.path, wanted, via="socket"), None
        place = (
            seen if seen is not None and session.output.start <= seen <= session.output.end else session.output.start
        )
        await self._send_json({"session": session.id, "at": place, "resumed": resumed})
        self._attachment = session.attach(self, seen=place)
        if resumed and "resize" in hello:
            self._attachment.resize(*_size(hello["resize"]))

    async def _visit(self, channel: str, who: identity.Identity, caller: Caller, seen: int | None) -> bool:
        """Attach to a session of another process; False where none has it."""
        visit = Visit(self, who)
        if not await visit.ask(channel, caller, seen):
            return False
        self._attachment = visit
        await self._send_json({
            "session": visit.session_id, "at": visit.at, "resumed": channel.startswith("session:"),
        })  # fmt: skip
        visit.start()
        return True

    async def _look_on(self, share: sharing.Share, who: identity.Identity, name: str) -> None:
        session = share.session
        await self._send_json({"session": session.id, "at": session.output.start, "resumed": False})
        self._attachment = session.attach(self, seen=None, guest=who, name=name, types=share.may_type)

    async def _hello(self) -> dict[str, Any]:
        try:
            async with asyncio.timeout(HELLO_S):
                message = await self._next()
        except TimeoutError:
            return {}
        if message.get("text") is None:
            self._first = message
            return {}
        return _control(message["text"])

    async def _next(self) -> Message:
        message = await self._receive()
        if message["type"] != "websocket.receive":
            raise Gone
        return message

    async def follow(self) -> None:
        """Take frames until the socket is closed."""
        assert self._attachment is not None
        message = self._first or await self._next()
        while True:
            if self._is_open:
                typed = message.get("bytes")
                if typed is not None:
                    self._attachment.feed(typed)
                else:
                    self._take(_control(message["text"]))
            message = await self._next()

    def _take(self, control: dict[str, Any]) -> None:
        assert self._attachment is not None
        if "resize" in control:
            self._attachment.resize(*_size(control["resize"]))
        seen = control.get("seen")
        if type(seen) is int:
            self._attachment.saw(seen)

    # The reader of a session

    async def send(self, data: bytes) -> None:
        """Show bytes; waits while the way to the client is full."""
        if self._is_open:
            await self._send({"type": "websocket.send", "bytes": data})

    def tell(self, message: Mapping[str, Any]) -> None:
        """Tell what is not shown."""
        if self._is_open:
            self._post({"type": "websocket.send", "text": orjson.dumps(message).decode()})

    def close(self, reason: str, problem: Problem | None = None) -> None:
        """End the connection, and say why."""
        if not self._is_open:
            return
        message = {"exit": reason} | ({"problem": problem.members()} if problem is not None else {})
        self.tell(message)
        self._is_open = False
        code = 1000 if problem is None else 4000 + problem.status
        self._post({"type": "websocket.close", "code": code, "reason": reason})
        self._post(None)

    async def stop(self) -> None:
        """Keep the session for another process, and let the client know that it should come back."""
        with contextlib.suppress(Exception):
            await sessions().keep_all()
        if self._is_open:
            self._is_open = False
            with contextlib.suppress(Exception):
                await self._send({"type": "websocket.close", "code": AGAIN, "reason": STOPPING})

    def come_back(self) -> None:
        """Let the client connect again: the process where its session lived is gone."""
        if self._is_open:
            self._is_open = False
            self._post({"type": "websocket.close", "code": AGAIN, "reason": LOST})
            self._post(None)

    async def end(self) -> None:
        """Leave the session to itself."""
        self._is_open = False
        if self._attachment is not None:
            self._attachment.leave()
        if self._teller is not None:
            self._post(None)
            with contextlib.suppress(Exception):
                await self._teller

    def _post(self, message: Message | None) -> None:
        self._out.put_nowait(message)
        if self._teller is None:
            self._teller = asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        while (message := await self._out.get()) is not None:
            await self._send(message)

    async def _send_json(self, message: Mapping[str, Any]) -> None:
        await self._send({"type": "websocket.send", "text": orjson.dumps(message).decode()})


def _control(text: str) -> dict[str, Any]:
    try:
        control = orjson.loads(text)
    except orjson.JSONDecodeError:
        control = None
    if type(control) is not dict:
        raise BadRequest('A text frame is a JSON object such as {"resize": [80, 24]}. Send what is typed as binary.')
    return control


def _text(control: dict[str, Any], name: str) -> str:
    value = control[name]
    if type(value) is not str or not 0 < len(value) <= 100 or not value.isprintable():
        raise BadRequest(f"{name}: is a text of up to 100 characters.")
    return value


def _size(value: Any) -> tuple[int, int]:
    if not (type(value) is list and len(value) == 2 and all(type(each) is int for each in value)):
        raise BadRequest("resize: is the size as [columns, rows], two whole numbers.")
    width, height = value
    return min(max(width, SMALLEST[0]), LARGEST[0]), min(max(height, SMALLEST[1]), LARGEST[1])


def _terminal(hello: dict[str, Any], scope: Scope) -> Terminal:
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    made = Terminal(plain=hello.get("plain") is True or query.get("plain") == ["1"])
    if "resize" in hello:
        made.width, made.height = _size(hello["resize"])
    if "colours" in hello:
        if hello["colours"] not in COLOURS:
            raise BadRequest(f"colours: is one of {', '.join(map(str, COLOURS))}.")
        made.colours = hello["colours"]
    if "pictures" in hello:
        if hello["pictures"] not in PICTURES:
            raise BadRequest("pictures: is sixel, iterm or an empty text.")
        made.pictures = hello["pictures"]
    return made
