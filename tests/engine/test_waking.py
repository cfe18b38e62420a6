"""Objects that are not in memory, read for an event loop: their calls are as true as any, whatever comes between."""

import asyncio
import time

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from objects.engine.waking import Waking
from teams.problems import NoSuch
from tests.engine.loops import incr, is_free
from tests.grove import Grove


@pytest.fixture
def reads(monkeypatch) -> list[int]:
    """How many objects each look of all loops asked for."""
    counts: list[int] = []
    have_read = Waking._have_read

    def counted(waking, asked, outcome):
        counts.append(len(asked))
        have_read(waking, asked, outcome)

    monkeypatch.setattr(Waking, "_have_read", counted)
    return counts


async def test_what_is_asked_for_at_once_is_read_at_once_and_run_on_the_loop(ours, ran, grove, reads, patient):
    paths = [grove.new() for _ in range(50)]

    outcomes = await asyncio.gather(*(incr(ours, path) for path in paths))
    again = await asyncio.gather(*(incr(ours, path) for path in paths))

    assert [outcome.value for outcome in outcomes + again] == [1] * 50 + [2] * 50
    assert (reads, ran.in_threads) == ([50], 0)
    assert [await asyncio.to_thread(grove.call, path, "state.get", key="n") for path in paths[::10]] == [2] * 5


async def test_calls_on_one_object_keep_their_order_while_it_is_read(ours, grove, reads):
    path = grove.new()

    outcomes = await asyncio.gather(
        *(incr(ours, path, key="once" if number in (3, 7) else None) for number in range(10))
    )

    assert [outcome.value for outcome in outcomes] == [1, 2, 3, 4, 5, 6, 7, 4, 8, 9]
    assert reads == [1]


async def test_what_another_process_did_since_it_was_read_is_seen(ours, ran, grove, monkeypatch):
    path = grove.new()
    have_read = Waking._have_read

    def late(waking, asked, outcome):
        grove.call(path, "state.incr", key="n", by=10)  # by an engine of its own
        have_read(waking, asked, outcome)

    monkeypatch.setattr(Waking, "_have_read", late)

    outcomes = await asyncio.gather(incr(ours, path), incr(ours, path))

    assert [outcome.value for outcome in outcomes] == [11, 12]
    assert ran.in_threads > 0  # the guess was wrong


async def test_pages_that_were_read_are_used_once(ours, ran, grove):
    path = grove.new()
    await incr(ours, path)
    ours.engine.known.clear()
    ours.engine.cache.clear()

    first, second = asyncio.ensure_future(incr(ours, path)), asyncio.ensure_future(incr(ours, path))
    await first
    ours.engine.cache.clear()  # a commit later, what was read is older than the row
    third = await incr(ours, path)

    assert [first.result().value, (await second).value, third.value] == [2, 3, 4]


async def test_an_object_that_is_not_there_or_moved_is_told_as_by_a_thread(ours, grove):
    path = grove.new()
    await asyncio.to_thread(grove.call, path, "tree.move", to=f"{path}-moved")

    moved, absent = await asyncio.gather(incr(ours, path), incr(ours, f"{path}-absent"))

    assert moved.problem.extra["to"] == f"{path}-moved"
    assert isinstance(absent.problem, NoSuch)


async def test_a_command_that_only_reads_is_left_to_threads_from_the_second_time_on(ours, grove, reads):
    paths = [grove.new() for _ in range(3)]
    for path in paths:
        outcome = await ours.engine.acall(ours.schema, path, "state.list", {}, ours.caller)
        assert outcome.problem is None

    assert reads == [1]


async def test_threads_take_what_postgres_lets_wait(ours, ran, grove, monkeypatch):
    monkeypatch.setattr("objects.engine.waking.PATIENCE_S", 0.0)
    paths = [grove.new() for _ in range(5)]

    outcomes = await asyncio.gather(*(incr(ours, path) for path in paths for _ in range(2)))

    assert sorted(outcome.value for outcome in outcomes) == [1] * 5 + [2] * 5


async def test_a_team_whose_tables_are_locked_holds_up_no_other(ours, grove, new_team, caller, monkeypatch):
    monkeypatch.setattr("objects.engine.waking.PATIENCE_S", 0.05)
    other = await asyncio.to_thread(lambda: caller(new_team()))
    others = Grove(ours.engine, other, "/others")
    locked, free = grove.new(), await asyncio.to_thread(others.new)
    ours.engine.known.clear()

    with psycopg.connect(grove.engine.conninfo) as holding:
        holding.execute(SQL("LOCK TABLE {}").format(Identifier(grove.schema, "object")))
        waiting = asyncio.ensure_future(incr(ours, locked))
        await asyncio.sleep(0)
        passed = [(await incr(others, free)).value for _ in range(2)]
        is_waiting = not waiting.done()
        holding.rollback()

    assert (passed, is_waiting, (await waiting).value) == ([1, 2], True, 1)


async def test_a_connection_that_the_database_cut_is_opened_again(ours, ran, grove):
    waking = (await is_free(ours.engine)).waking
    pid = waking._connection.info.backend_pid
    paths = [grove.new() for _ in range(3)]

    with psycopg.connect(grove.engine.conninfo, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    outcomes = await asyncio.gather(*(incr(ours, path) for path in paths))
    await is_free(ours.engine)

    assert [outcome.value for outcome in outcomes] == [1, 1, 1]
    assert waking._connection.info.backend_pid != pid


def test_a_loop_that_is_closed_leaves_what_waits_to_the_threads(grove, engine_with, never_slow):
    engine = engine_with()
    ours, path = grove.through(engine), grove.new()

    async def leave() -> int:
        here = await is_free(engine)
        left = asyncio.ensure_future(incr(ours, path))
        await asyncio.sleep(0)
        assert not left.done()
        return len(here.waking.waiting)

    assert asyncio.run(leave()) == 1
    ends_at = time.monotonic() + 30
    while grove.call(path, "state.list")["entries"] == [] and time.monotonic() < ends_at:
        time.sleep(0.05)

    assert grove.call(path, "state.get", key="n") == 1
