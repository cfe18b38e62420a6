"""The tree as one shell sees it: every step is a call to the engine with the caller's rights of that moment."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from objects import live
from objects.commands.registry import registry
from objects.commands.spec import CommandSpec
from objects.engine.running import engine
from objects.surfaces import following, identity
from teams import callers
from teams.access import Caller, Role, decide, may_operate
from teams.keys import is_registered
from teams.problems import NoSuch, NotSignedIn
from terminal.ports import Answer

KIND_KEEP_S = 2.0  # how long a terminal may take an object for what it was
KINDS_KEPT = 500
MISSED = "Some events are not shown here: more came than could be taken. It goes on with the next."
RIGHTS_S = 1.0  # between two looks at the rights of one who listens to events


class Who(Protocol):
    """Somebody whose rights can be asked for again and again; see `objects.surfaces.identity`."""

    @property
    def team(self) -> str:
        """The slug."""

    def known(self) -> Caller | None:
        """The caller, if found within the last second. Never blocks."""

    async def caller(self) -> Caller:
        """The caller. Raises NotSignedIn or NoSuch."""


@dataclass(slots=True, eq=False)
class KeyHolder:
    """Whoever holds a registered SSH key. The key is asked for once a second: one that was removed ends sessions."""

    team: str
    person_id: int
    fingerprint: str
    _checked_at: float = field(default=-RIGHTS_S)

    def known(self) -> Caller | None:
        """The caller, if found within the last second. Never blocks."""
        is_fresh = time.monotonic() - self._checked_at < RIGHTS_S
        return callers.known(self.team, person_id=self.person_id) if is_fresh else None

    def find(self) -> Caller:
        """The caller; blocks. Raises NotSignedIn when the key was removed, NoSuch for a stranger to the team."""
        if not is_registered(self.fingerprint, person_id=self.person_id):
            raise NotSignedIn("This SSH key is not registered any more. Add it again, or use another one.")
        caller = callers.for_person(self.person_id, self.team)
        self._checked_at = time.monotonic()
        return caller

    async def caller(self) -> Caller:
        """The caller; the event loop goes on meanwhile."""
        found: Caller = self.known() or await identity.in_thread(self.find)
        return found


@dataclass(frozen=True, slots=True)
class Operator:
    """Whoever has a shell on the machine itself, acting as a person of the team."""

    team: str
    person_id: int

    def known(self) -> Caller | None:
        """The caller, if found within the last second. Never blocks."""
        return callers.known(self.team, person_id=self.person_id)

    async def caller(self) -> Caller:
        """The caller; the event loop goes on meanwhile."""
        found: Caller = self.known() or await identity.in_thread(callers.for_person, self.person_id, self.team)
        return found


class TeamWorld:
    """`terminal.ports.World` over this process's engine.

    who: may be replaced when the same person comes back by another way. caller: as found last.
    """

    def __init__(self, who: Who, caller: Caller) -> None:
        self.who = who
        self.team = who.team
        self.caller = caller
        self._kinds: OrderedDict[str, tuple[str, float]] = OrderedDict()

    async def fresh(self) -> Caller:
        """Give the caller with the rights of now. Raises NotSignedIn or NoSuch when they are gone."""
        self.caller = self.who.known() or await self.who.caller()
        return self.caller

    async def call(
        self, path: str, command: str, arguments: Mapping[str, Any], *, text: bool = False, confirmed: bool = False
    ) -> Answer:
        """Run a command of an object. Raises Problem; NeedsConfirmation for a dangerous one that is not confirmed."""
        caller = await self.fresh()
        callers.spend(caller)
        kind = await self.kind_of(path)
        spec = registry.command(kind, command)
        outcome = await engine().acall(
            caller.schema, path, command, dict(arguments), caller, via="terminal", text=text, confirmed=confirmed
        )
        if spec.verb != "reads":
            self._kinds.clear()  # it may have made, moved or deleted objects
        if outcome.problem is not None:
            raise outcome.problem
        return Answer(outcome.value, spec, outcome.version)

    async def kind_of(self, path: str) -> str:
        """Give the kind of the object at a path; two seconds old at most. Raises NoSuch, also for what is hidden."""
        caller = await self.fresh()
        if not caller.sees(path):
            raise NoSuch(f"{path}: no such object.")
        now = time.monotonic()
        kept = self._kinds.get(path)
        if kept is not None and kept[1] > now:
            return kept[0]
        outcome = await engine().acall(caller.schema, path, "tree.describe", {}, caller, via="terminal")
        if outcome.problem is not None:
            self._kinds.pop(path, None)
            raise outcome.problem
        kind = str(outcome.value["kind"])
        self._kinds[path] = (kind, now + KIND_KEEP_S)
        self._kinds.move_to_end(path)
        if len(self._kinds) > KINDS_KEPT:
            self._kinds.popitem(last=False)
        return kind

    async def commands(self, path: str) -> Mapping[str, CommandSpec]:
        """Give what the object at a path can do and this caller may."""
        kind = await self.kind_of(path)
        caller = self.caller
        role, scope = caller.role_at(path), caller.scope
        return {
            name: spec
            for name, spec in registry.commands(kind).items()
            if role >= spec.needs
            and (scope is None or scope.permits(name, spec.verb))
            and (not spec.operators or may_operate(caller, spec.operators))
        }

    async def task(self, path: str, task: str) -> AsyncIterator[dict[str, Any]]:
        """Give what is told of a task as it comes, at last the whole of it, as `task.show` has it."""
        while True:
            async for told in following.follow(await self.fresh(), path, task, RIGHTS_S):
                yield told
                if "created_at" in told:
                    return

    async def events(self, path: str, topic: str) -> AsyncIterator[Any]:
        """Give an object's events on a topic as they come ("" is all of them), until closed or the rights are gone.

        Gives MISSED in place of those that could not be had: a reader was too slow, or Valkey was away.
        Raises NoSuch when the object may not be seen (any more).
        """
        caller = await self.fresh()
        decide(caller, caller.schema, path, command="subscribe", verb="reads", needs=Role.VIEWER)
        listener = live.Listener(caller.schema, path)
        try:
            while True:
                try:
                    news = await listener.next(RIGHTS_S)
                except live.TooSlow:
                    listener = live.Listener(caller.schema, path)
                    yield MISSED
                    continue
                caller = await self.fresh()
                decide(caller, caller.schema, path, command="subscribe", verb="reads", needs=Role.VIEWER)
                for event in news:
                    if event.topic == live.RESYNC:
                        yield MISSED
                    elif not topic or event.topic == topic:
                        yield event.data
                if not news:
                    await asyncio.sleep(0)
        finally:
            listener.close()
