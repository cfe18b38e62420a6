"""What a worker does with the objects that a dispatcher handed to it: it lets each do what is due, in a transaction.

What is due may take the worker down with it, or undo its whole transaction (a statement that runs into the time limit
does). Then it is done piece by piece, and a piece that can't be done at all is told to the facility as broken.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

import psycopg
from django.conf import settings

from objects.commands.registry import registry
from objects.engine import running
from objects.engine.calls import Call, Outcome
from objects.engine.context import Context
from objects.timing import index
from objects.timing.index import Begun, Taken
from teams import clock
from teams.access import Caller
from teams.problems import Conflict, Fault, Moved, NoSuch, Problem

log = logging.getLogger("grove.timing")

Pg = psycopg.Connection[Any]

KNOWN: Final = 100_000  # paths that a process remembers
PIECEMEAL: Final = 3  # after so many starts that no worker lived to end, pieces are done one by one
GIVEN_UP: Final = 6  # after so many, the first piece counts as what took the workers down
PAUSE_S: Final = 1.0  # before something is tried again that is not to blame


class _Places:
    """Where objects were when last looked: an object whose turn comes each minute is not looked up each time."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], str] = {}

    def of(self, connection: Pg, all_begun: Sequence[Begun]) -> dict[Begun, str]:
        """Give the paths of objects; what is gone is left out. Another object may be there by now: see `_Elsewhere`."""
        found: dict[Begun, str] = {}
        unknown: dict[str, list[Begun]] = {}
        for each in all_begun:
            path = self._known.get(each[:2])
            if path is None:
                unknown.setdefault(each.schema, []).append(each)
            else:
                found[each] = path
        for schema, some in unknown.items():
            paths = _paths(connection, schema, [each.object_id for each in some])
            for each in some:
                if each.object_id in paths:
                    found[each] = self._keep(each, paths[each.object_id])
        return found

    def again(self, connection: Pg, begun: Begun) -> str | None:
        """Look where an object is that was not where it was thought to be; None where it is gone."""
        self._known.pop(begun[:2], None)
        path = _paths(connection, begun.schema, [begun.object_id]).get(begun.object_id)
        return None if path is None else self._keep(begun, path)

    def _keep(self, begun: Begun, path: str) -> str:
        if len(self._known) >= KNOWN:
            self._known.clear()
        self._known[begun[:2]] = path
        return path


_places = _Places()


def work_off(connection: Pg, taken: Sequence[Taken]) -> None:
    """Let objects do what is due. connection: in autocommit mode."""
    all_begun = index.begin(connection, taken, now=clock.now(), lease_s=settings.GROVE.WAKE_LEASE_S)
    places = _places.of(connection, all_begun)
    waiting = [(each, path, _submitted(each, path)) for each, path in places.items()]
    for each, thought, future in waiting:
        path, outcome = thought, future.result()
        if isinstance(outcome.problem, _Elsewhere | Moved | NoSuch):
            there = _places.again(connection, each)
            if there is not None and there != path:
                path = there
                outcome = _submitted(each, path).result()
        problem = _settled(each, path, outcome)
        if problem is not None:
            log.warning("not done now: schema=%s path=%s source=%s: %s", each.schema, path, each.source, problem)
            until = clock.now() + (problem.retry_after_s or PAUSE_S) * min(64, 2 ** (each.starts - 1))
            index.postpone(connection, each.schema, [(each.object_id, each.source)], until=until)


def _paths(connection: Pg, schema: str, object_ids: Sequence[int]) -> dict[int, str]:
    try:
        return index.paths(connection, schema, object_ids)
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        log.info("a team is gone, and what was due in it with it: schema=%s", schema)
        index.forget(connection, schema)
        return {}


def _submitted(begun: Begun, path: str) -> "Future[Outcome]":
    """Let the object do what is due, as much of it as its past starts let hope for."""
    if begun.starts >= GIVEN_UP:
        return _call(begun, path, 1, Fault(f"It ended the worker that ran it, {begun.starts - 1} times."))
    return _call(begun, path, 1 if begun.starts >= PIECEMEAL else settings.GROVE.WAKE_AT_ONCE)


def _settled(begun: Begun, path: str, outcome: Outcome) -> Problem | None:
    """See to it that what was broken is told; gives why nothing could be done, which has to be tried again later."""
    tries = [(1, False), (1, True)]
    while (problem := outcome.problem) is not None:
        if isinstance(problem, NoSuch | _Elsewhere) or problem.retry_after_s is not None or not tries:
            return problem
        most, is_broken = tries.pop(0)
        outcome = _call(begun, path, most, problem if is_broken else None).result()
    if outcome.value is not None:
        registry.facility(begun.source).after_due(begun.schema, begun.object_id, path, outcome.value)
    return None


class _Elsewhere(Conflict):
    """The object moved between two looks, and another one is at its path now."""


def _call(begun: Begun, path: str, most: int, broken: Problem | None = None) -> "Future[Outcome]":
    future: Future[Outcome] = Future()
    call = Call(
        begun.schema,
        path,
        f"{begun.source}.due",
        {},
        Caller.system(begun.schema),
        future.set_result,
        via=begun.source,
        work=partial(_due, begun=begun, most=most, broken=broken),
    )
    try:
        running.engine().submit(call)
    except Problem as problem:
        future.set_result(Outcome(problem=problem))
    return future


def _due(context: Context, *, begun: Begun, most: int, broken: Problem | None) -> Any:
    if context.row.id != begun.object_id:
        raise _Elsewhere(f"{context.path} is another object now.")
    if context.row.is_paused:  # since a moment ago: what is due sleeps already
        return None
    return context.facility(begun.source).due(most, broken)
