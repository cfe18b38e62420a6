"""What one socket listens to: subscriptions to objects, each to all topics or to some."""

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings

from objects import live
from objects.commands.spec import CommandSpec
from objects.engine.engine import Engine
from objects.surfaces import json
from objects.surfaces.frames import Wire
from objects.tree.paths import ObjectPath
from teams.access import Caller, Role, decide
from teams.problems import Problem, TooLarge, WrongArgument

EVENT = b'{"jsonrpc":"2.0","method":"event","params":%b}'


class _Listening:
    """A subscription to one object. topics: None is all. spec: the command that began it, if one did."""

    __slots__ = ("spec", "subscription", "topics")

    def __init__(self, topics: frozenset[str] | None, spec: CommandSpec | None) -> None:
        self.topics = topics
        self.spec = spec
        self.subscription: live.Subscription


class Subscriptions:
    """The subscriptions of one socket, whose events go out on `wire`. let_go: called when it is too slow to be kept."""

    def __init__(self, wire: Wire, engine: Engine, let_go: Callable[[], None]) -> None:
        self._wire = wire
        self._engine = engine
        self._let_go = let_go
        self._listening: dict[str, _Listening] = {}

    async def subscribe(self, caller: Caller, path: str, params: Any) -> tuple[Any, int]:
        """Listen to an object; give the answer and the object's version. Raises Problem."""
        path, topics = _what(path, params, {"topics", "path"})
        # Listening begins before the object is looked at: what is committed after the version told is told too.
        before = self._listening.get(path)
        topics_before = None if before is None else before.topics
        self._listen(caller, path, topics)
        try:
            decide(caller, caller.schema, path, command="subscribe", verb="reads", needs=Role.VIEWER)
            outcome = await self._engine.acall(caller.schema, path, "tree.describe", {}, caller, via="socket")
            if outcome.problem is not None:
                raise outcome.problem
        except Problem:
            if before is None:
                self.drop(path)
            else:
                self._listening[path].topics = topics_before
            raise
        self._listening[path].spec = None
        return {"path": path, "topics": None if topics is None else sorted(topics)}, outcome.version

    def unsubscribe(self, path: str, params: Any) -> bool:
        """Listen no more; tell whether it did. Raises WrongArgument."""
        path, _ = _what(path, params, {"path"})
        return self.drop(path)

    def follow(self, caller: Caller, path: str, spec: CommandSpec, arguments: dict[str, Any]) -> None:
        """Listen to what follows the answer of a command. Raises Problem."""
        more = frozenset({spec.topic_of(spec.check(arguments))})
        known = self._listening.get(path)
        self._listen(caller, path, more if known is None else known.topics and known.topics | more, spec)

    def drop(self, path: str) -> bool:
        """Listen to an object no more; tell whether it did."""
        listening = self._listening.pop(path, None)
        if listening is not None:
            listening.subscription.cancel()
        return listening is not None

    def clear(self) -> None:
        """Listen to nothing more."""
        for path in list(self._listening):
            self.drop(path)

    def check(self, caller: Caller) -> list[bytes]:
        """Drop what is not the caller's to hear any more, and give the notes that say so."""
        notes = []
        for path, listening in list(self._listening.items()):
            spec = listening.spec
            command, needs = ("subscribe", Role.VIEWER) if spec is None else (spec.name, spec.needs)
            verb = "task" if spec is not None and spec.task else "reads"
            operators = "" if spec is None else spec.operators
            try:
                decide(caller, caller.schema, path, command=command, verb=verb, needs=needs, operators=operators)
            except Problem as problem:
                self.drop(path)
                told = {"path": path, "problem": problem.members()}
                notes.append(json.written({"jsonrpc": "2.0", "method": "unsubscribed", "params": told}))
        return notes

    def _listen(
        self, caller: Caller, path: str, topics: frozenset[str] | None, spec: CommandSpec | None = None
    ) -> None:
        known = self._listening.get(path)
        if known is not None:
            known.topics = topics
            return
        limit = settings.GROVE.SOCKET_SUBSCRIPTIONS
        if len(self._listening) >= limit:
            raise TooLarge(f"A socket listens to {limit:,} objects at most (limit SOCKET_SUBSCRIPTIONS). Open another.")
        listening = self._listening[path] = _Listening(topics, spec)

        def hear(news: Sequence[live.News]) -> None:
            self._hear(listening, news)

        listening.subscription = live.ears().subscribe(caller.schema, path, hear)

    def _hear(self, listening: _Listening, news: Sequence[live.News]) -> None:
        topics = listening.topics
        encoded = [
            each.frame(self._event)
            for each in news
            if topics is None or each.topic in topics or each.topic == live.RESYNC
        ]
        if encoded:
            self._wire.write(encoded)
            if self._wire.is_over:
                self._let_go()

    def _event(self, params: bytes) -> bytes:
        return self._wire.encode(EVENT % params)


def other(path: Any) -> ObjectPath:
    """Read the path of another object than the socket's own. Raises WrongArgument."""
    if type(path) is not str:
        raise WrongArgument("path", "path: is the path of an object, such as /project/42.")
    return ObjectPath.parse(path)


def _what(path: str, params: Any, known: set[str]) -> tuple[str, frozenset[str] | None]:
    if type(params) is not dict:
        raise WrongArgument("params", "params: give them by name.")
    for name in params:
        if name not in known:
            raise WrongArgument(name[:60], f"{name[:60]}: no such argument. There are: {', '.join(sorted(known))}.")
    if "path" in params:
        path = other(params["path"])
    topics = params.get("topics")
    if topics is None:
        return path, None
    if type(topics) is not list or not all(type(topic) is str for topic in topics):
        raise WrongArgument("topics", 'topics: is a list of texts, such as ["changed"].')
    return path, frozenset(topics)
