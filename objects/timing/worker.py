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
from teams.problems import Conflict, Fault, NoSuch, Problem

log = logging.getLogger("grove.timing")

PIECEMEAL: Final = 3  # after so many starts that no worker lived to end, pieces are done one by one
GIVEN_UP: Final = 6  # after so many, the first piece counts as what took the workers down
PAUSE_S: Final = 1.0  # before something is tried again that is not to blame


def work_off(connection: psycopg.Connection[Any], taken: Sequence[Taken]) -> None:
    """Let objects do what is due. connection: in autocommit mode."""
    waiting = []
    for schema in dict.fromkeys(row.schema for row in taken):
        theirs = [(row.object_id, row.source) for row in taken if row.schema == schema]
        waiting += [(schema, each, _submitted(schema, each)) for each in _begun(connection, schema, theirs)]
    for schema, each, future in waiting:
        problem = _settled(schema, each, future.result())
        if problem is not None:
            log.warning("not done now: schema=%s path=%s source=%s: %s", schema, each.path, each.source, problem)
            until = clock.now() + (problem.retry_after_s or PAUSE_S) * min(64, 2 ** (each.starts - 1))
            index.postpone(connection, schema, [(each.object_id, each.source)], until=until)


def _begun(connection: psycopg.Connection[Any], schema: str, taken: Sequence[tuple[int, str]]) -> list[Begun]:
    try:
        return index.begin(connection, schema, taken, now=clock.now(), lease_s=settings.GROVE.WAKE_LEASE_S)
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        log.info("a team is gone, and what was due in it with it: schema=%s", schema)
        index.forget(connection, schema)
        return []


def _submitted(schema: str, begun: Begun) -> "Future[Outcome]":
    """Let the object do what is due, as much of it as its past starts let hope for."""
    if begun.starts >= GIVEN_UP:
        return _call(schema, begun, 1, Fault(f"It ended the worker that ran it, {begun.starts - 1} times."))
    return _call(schema, begun, 1 if begun.starts >= PIECEMEAL else settings.GROVE.WAKE_AT_ONCE)


def _settled(schema: str, begun: Begun, outcome: Outcome) -> Problem | None:
    """See to it that what was broken is told; gives why nothing could be done, which has to be tried again later."""
    tries = [(1, False), (1, True)]
    while (problem := outcome.problem) is not None:
        if isinstance(problem, NoSuch | _Elsewhere) or problem.retry_after_s is not None or not tries:
            return problem
        most, is_broken = tries.pop(0)
        outcome = _call(schema, begun, most, problem if is_broken else None).result()
    if outcome.value is not None:
        registry.facility(begun.source).after_due(schema, begun.object_id, begun.path, outcome.value)
    return None


class _Elsewhere(Conflict):
    """The object moved between two looks, and another one is at its path now."""


def _call(schema: str, begun: Begun, most: int, broken: Problem | None = None) -> "Future[Outcome]":
    future: Future[Outcome] = Future()
    call = Call(
        schema,
        begun.path,
        f"{begun.source}.due",
        {},
        Caller.system(schema),
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
        raise _Elsewhere(f"{begun.path} is another object now.")
    if context.row.is_paused:  # since a moment ago: what is due sleeps already
        return None
    return context.facility(begun.source).due(most, broken)
