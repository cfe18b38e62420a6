"""Readers of sessions that live in another process: what they type goes there, what is shown comes here.

A session stays where it was opened, with what runs in it. Whoever comes back by another web process, or by a link to a
session of another one (also of the one that serves SSH), is attached by messages on the bus. `Visit` is the end where
the connection is, `Visitor` the other one, at the session; each notices within seconds when the other is gone.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

from teams.access import Caller, Role, Scope
from teams.problems import NoSuch, NotSignedIn, Problem
from terminal import sharing
from terminal.bus import bus
from terminal.session import Attachment, Reader, Session
from terminal.world import Operator, Who

log = logging.getLogger("grove.terminal")

ANSWER_S = 2.0  # how long a process that has the session may take to say so
HERE_S = 0.5  # between two words of a visit: that it is there, and with which rights
SILENT_S = 10.0  # after which a visitor is taken for gone
RIGHTS_LAST_S = 5.0  # how long a word about a visitor's rights holds


class Post(Reader, Protocol):
    """A connection here."""

    def come_back(self) -> None:
        """Close, so that the client connects again and goes on with its session."""


# ---- Where the connection is ----


class Visit:
    """A connection here, attached to a session elsewhere: takes what `terminal.session.Attachment` takes.

    session_id, at: of the session, and the place from which its bytes come.
    """

    def __init__(self, post: Post, who: Who) -> None:
        self.session_id = ""
        self.at = 0
        self._post = post
        self._who = who
        self._id = secrets.token_urlsafe(12)
        self._answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._shown: asyncio.Queue[bytes] = asyncio.Queue()  # bounded by the window of the session's output
        self._tasks: list[asyncio.Task[None]] = []
        self._says_seen = False  # the client itself says what it has shown
        self._is_over = False

    async def ask(self, channel: str, caller: Caller, seen: int | None) -> bool:
        """Attach to the session behind a channel; False where no process has it. Raises the other side's Problem."""
        try:
            await bus().listen(f"visit:{self._id}", self._hear)
            asked = {"do": "open", "visit": self._id, "caller": packed(caller), "seen": seen, "team": self._who.team}
            if await bus().reach(channel, asked):
                async with asyncio.timeout(ANSWER_S):
                    if await self._answer:
                        return True
        except (OSError, TimeoutError):
            log.warning("a session of another process could not be reached")
        except Problem:
            self._end()
            raise
        self._end()
        return False

    def start(self) -> None:
        """Begin to show what comes."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._show()), loop.create_task(self._stay())]
        bus().on_lost.append(self._lost)

    def feed(self, data: bytes) -> None:
        """Hand on what was typed."""
        self._send({"do": "type"}, data)

    def resize(self, width: int, height: int) -> None:
        """Hand on the size of the terminal."""
        self._send({"do": "size", "size": [width, height]})

    def saw(self, seen: int) -> None:
        """Hand on how many bytes the client has shown."""
        self._says_seen = True
        self._send({"do": "saw", "seen": seen})

    def leave(self) -> None:
        """Read no more."""
        if not self._is_over:
            self._send({"do": "leave"})
        self._end()

    def _send(self, message: dict[str, Any], content: bytes = b"") -> None:
        if not self._is_over:
            channel = f"session:{self.session_id}"
            bus().send(channel, message | {"visit": self._id}, content, on_nobody=self._lost)

    def _hear(self, message: Mapping[str, Any], content: bytes) -> None:
        match message["do"]:
            case "show":
                self._shown.put_nowait(content)
            case "tell":
                self._post.tell(message["message"])
            case "close":
                problem = _problem(message["problem"]) if message["problem"] else None
                self._end()
                self._post.close(message["reason"], problem)
            case "opened":
                self.session_id, self.at = message["session"], message["at"]
                self._settle(answer=True)
            case "none":
                self._settle(answer=False)
            case "refused" if not self._answer.done():
                self._answer.set_exception(_problem(message["problem"]))

    def _settle(self, *, answer: bool) -> None:
        if not self._answer.done():
            self._answer.set_result(answer)

    async def _show(self) -> None:
        seen = self.at
        while True:
            data = await self._shown.get()
            await self._post.send(data)
            seen += len(data)
            if not self._says_seen:
                self._send({"do": "saw", "seen": seen})

    async def _stay(self) -> None:
        """Say again and again that the connection is there, and end it with its rights."""
        while True:
            await asyncio.sleep(HERE_S)
            try:
                caller = await self._who.caller()
            except Problem as problem:
                if problem.status < 500:
                    self.leave()
                    self._post.close(problem.detail, problem)
                    return
                continue
            self._send({"do": "here", "caller": packed(caller)})

    def _lost(self) -> None:
        """The process with the session is gone, or Valkey: the client comes back, wherever the session is then."""
        if not self._is_over:
            self._end()
            self._post.come_back()

    def _end(self) -> None:
        self._is_over = True
        bus().forget(f"visit:{self._id}")
        if self._lost in bus().on_lost:
            bus().on_lost.remove(self._lost)
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()


# ---- Where the session is ----


class Elsewhere:
    """Somebody who is known by another process: that one says again and again who they are."""

    def __init__(self, team: str, caller: Caller) -> None:
        self.team = team
        self._told = caller
        self._told_at = time.monotonic()

    def is_told(self, caller: Caller) -> None:
        """Take the word of the other process."""
        self._told, self._told_at = caller, time.monotonic()

    def known(self) -> Caller | None:
        """The caller, as far as told lately."""
        return self._told if time.monotonic() - self._told_at < RIGHTS_LAST_S else None

    async def caller(self) -> Caller:
        """The caller. Raises NotSignedIn when the other process says no more."""
        found = self.known()
        if found is None:
            raise NotSignedIn("The connection was lost. Connect again.")
        return found


class Visitor:
    """The `Reader` of a session here whose connection is elsewhere."""

    def __init__(self, visit: str, who: Elsewhere) -> None:
        self.visit = visit
        self.who = who
        self.heard_at = time.monotonic()
        self.attachment: Attachment | None = None

    async def send(self, data: bytes) -> None:
        """Hand bytes on; how many are on the way, the session's window bounds."""
        self._post({"do": "show"}, data)

    def tell(self, message: Mapping[str, Any]) -> None:
        """Hand on what is not shown."""
        self._post({"do": "tell", "message": dict(message)})

    def close(self, reason: str, problem: Problem | None = None) -> None:
        """End the connection there, and say why."""
        _visitors.pop(self.visit, None)
        members = problem.members() if problem is not None else None
        self._post({"do": "close", "reason": reason, "problem": members})

    def leave(self) -> None:
        """The connection is gone."""
        _visitors.pop(self.visit, None)
        if self.attachment is not None:
            self.attachment.leave()

    def _post(self, message: dict[str, Any], content: bytes = b"") -> None:
        bus().send(f"visit:{self.visit}", message, content, on_nobody=self.leave)


_visitors: dict[str, Visitor] = {}


def welcome(session: Session) -> None:
    """Let people of other processes come to a session, until it ends."""
    _listen(f"session:{session.id}", partial(_hear, session), session)


def welcome_guests(share: sharing.Share) -> None:
    """Let people of other processes come by a link."""
    _listen(f"share:{share.id}", partial(_hear_guest, share), share.session)


def drop_silent() -> None:
    """Let visitors go of whose process nothing was heard for long."""
    for visitor in list(_visitors.values()):
        if time.monotonic() - visitor.heard_at > SILENT_S:
            visitor.leave()


def _listen(channel: str, hear: Any, session: Session) -> None:
    async def listen() -> None:
        try:
            await bus().listen(channel, hear)
        except (OSError, TimeoutError):
            log.warning("other processes cannot come to a session here: Valkey is away")

    def forget() -> None:
        task.cancel()
        bus().forget(channel)

    task = asyncio.get_running_loop().create_task(listen())
    session.on_end.append(forget)


def _hear(session: Session, message: Mapping[str, Any], content: bytes) -> None:
    if message["do"] == "open":
        _open(session, message)
        return
    visitor = _visitors.get(message["visit"])
    if visitor is None or visitor.attachment is None or visitor.attachment.session is not session:
        return
    visitor.heard_at = time.monotonic()
    attachment = visitor.attachment
    match message["do"]:
        case "type":
            attachment.feed(content)
        case "size":
            attachment.resize(*message["size"])
        case "saw":
            attachment.saw(message["seen"])
        case "here":
            visitor.who.is_told(unpacked(message["caller"]))
        case "leave":
            visitor.leave()


def _open(session: Session, message: Mapping[str, Any]) -> None:
    """Attach the session's own person."""
    caller, channel = unpacked(message["caller"]), f"visit:{message['visit']}"
    if session.is_over or session.person != caller.id or session.world.caller.schema != caller.schema:
        bus().send(channel, {"do": "none"})
        return
    if caller.id.startswith("p"):  # they may have signed in anew; a token is the same as before
        session.world.who = Operator(message["team"], int(caller.id[1:]))
    visitor = Visitor(message["visit"], Elsewhere(message["team"], caller))
    seen = message["seen"]
    output = session.output
    place = seen if seen is not None and output.start <= seen <= output.end else output.start
    bus().send(channel, {"do": "opened", "session": session.id, "at": place})
    _visitors[visitor.visit] = visitor
    visitor.attachment = session.attach(visitor, seen=place)
    visitor.attachment.saw(place)


def _hear_guest(share: sharing.Share, message: Mapping[str, Any], content: bytes) -> None:  # noqa: ARG001
    caller, channel = unpacked(message["caller"]), f"visit:{message['visit']}"
    try:
        found = sharing.find(share.id, caller)
    except NoSuch as problem:
        bus().send(channel, {"do": "refused", "problem": problem.members()})
        return
    session = found.session
    visitor = Visitor(message["visit"], Elsewhere(message["team"], caller))
    place = session.output.start
    bus().send(channel, {"do": "opened", "session": session.id, "at": place})
    _visitors[visitor.visit] = visitor
    visitor.attachment = session.attach(visitor, seen=None, guest=visitor.who, name=caller.name, types=found.may_type)
    visitor.attachment.saw(place)


# ---- Words between processes ----


def packed(caller: Caller) -> dict[str, Any]:
    """Write a caller as JSON values."""
    scope = caller.scope
    return {
        "name": caller.name,
        "schema": caller.schema,
        "id": caller.id,
        "is_operator": caller.is_operator,
        "grants": [[path, int(role)] for path, role in caller.grants],
        "scope": None if scope is None else {
            "paths": list(scope.paths), "verbs": sorted(scope.verbs), "ceiling": int(scope.ceiling), "rate": scope.rate,
        },
    }  # fmt: skip


def unpacked(written: Mapping[str, Any]) -> Caller:
    """Read a caller again."""
    limits = written["scope"]
    scope = None if limits is None else Scope(
        tuple(limits["paths"]), frozenset(limits["verbs"]), Role(limits["ceiling"]), limits["rate"]
    )  # fmt: skip
    grants = tuple((path, Role(role)) for path, role in written["grants"])
    return Caller(written["name"], written["schema"], grants, scope, written["id"], is_operator=written["is_operator"])


def _problem(members: Mapping[str, Any]) -> Problem:
    """Make the problem of another process one of ours."""
    known = next((kind for kind in _kinds(Problem) if kind.type == members["type"]), Problem)
    return known(members["detail"])


def _kinds(kind: type[Problem]) -> list[type[Problem]]:
    return [kind, *(each for below in kind.__subclasses__() for each in _kinds(below))]
