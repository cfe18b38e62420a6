"""Quick calls on an event loop's own thread: as true as on a thread of the engine, whatever comes between."""

import asyncio
from contextlib import contextmanager

import psycopg
from psycopg.sql import SQL, Identifier

from objects.models import JournalLine
from teams.problems import NotAllowed
from tests.engine.loops import incr, is_free


async def test_calls_on_an_object_in_memory_run_on_the_loop_and_are_durable(ours, ran, grove):
    path = grove.new()

    values = [(await incr(ours, path)).value for _ in range(5)]

    assert values == [1, 2, 3, 4, 5]
    assert (ran.in_threads, ran.on_loop) == (0, 5)
    assert await asyncio.to_thread(kept, grove, path) == (5, 5)


def kept(grove, path) -> tuple[int, int]:
    """What another engine reads, and how many lines the journal has."""
    with grove.tables():
        lines = JournalLine.objects.filter(object_id=grove.id(path), command="state.incr")
        return grove.call(path, "state.get", key="n"), lines.count()


async def test_calls_that_come_together_are_one_batch_in_their_order(ours, ran, grove, patient):
    path = grove.new()
    await incr(ours, path)

    outcomes = await asyncio.gather(*(incr(ours, path) for _ in range(40)))

    assert [outcome.value for outcome in outcomes] == list(range(2, 42))
    assert ran.in_threads == 0
    assert ran.on_loop < 20  # the first goes at once; what comes while it is committed goes together


async def test_what_another_process_did_meanwhile_is_seen(ours, ran, grove):
    path = grove.new()
    await incr(ours, path)
    await incr(ours, path)

    await asyncio.to_thread(grove.call, path, "state.incr", key="n")
    outcome = await incr(ours, path)

    assert outcome.value == 4
    assert (ran.on_loop, ran.in_threads) == (3, 1)  # the wrong guess was run again by a thread


async def test_a_call_with_a_key_goes_to_a_thread_and_keeps_its_place(ours, ran, grove):
    path = grove.new()
    await incr(ours, path)

    outcomes = await asyncio.gather(
        *(incr(ours, path, key="once" if number in (3, 7) else None) for number in range(10))
    )

    assert [outcome.value for outcome in outcomes] == [2, 3, 4, 5, 6, 7, 8, 5, 9, 10]
    assert [number for number, outcome in enumerate(outcomes) if outcome.replayed] == [7]


async def test_a_call_that_reaches_another_object_is_left_to_a_thread(ours, ran, purse):
    rich, poor = await asyncio.to_thread(purse, 100), await asyncio.to_thread(purse)
    call = ours.engine.acall
    for _ in range(2):
        await call(ours.schema, rich, "put_in", {"amount": 1}, ours.caller)

    paid = await call(ours.schema, rich, "pay", {"to": poor, "amount": 30}, ours.caller)

    assert paid.problem is None
    assert [(await call(ours.schema, path, "balance", {}, ours.caller)).value for path in (rich, poor)] == [72, 30]
    assert ours.engine.pace["pay"] > 0.1  # the loop does not try again soon


async def test_a_refusal_changes_nothing_and_its_neighbours_take_place(ours, ran, grove, patient):
    path = grove.new()
    await incr(ours, path)
    call = ours.engine.acall

    outcomes = await asyncio.gather(
        incr(ours, path), call(ours.schema, path, "state.incr", {"key": ""}, ours.caller), incr(ours, path)
    )

    assert [outcome.value for outcome in outcomes] == [2, None, 3]
    assert outcomes[1].problem.status == 422
    assert ran.in_threads == 0


async def test_rights_are_decided_on_the_loop_too(ours, grove, caller, member, team):
    path = grove.new()
    await incr(ours, path)
    viewer = await asyncio.to_thread(lambda: caller(team, member(team)))

    outcome = await ours.engine.acall(ours.schema, path, "state.incr", {"key": "n"}, viewer)

    assert isinstance(outcome.problem, NotAllowed)
    assert (await incr(ours, path)).value == 2


async def test_connections_that_the_database_cut_are_opened_again(ours, ran, grove):
    here = ours.engine.on_loop()
    path = grove.new()
    await incr(ours, path)
    await incr(ours, path)

    pid = here._connection.info.backend_pid
    with psycopg.connect(grove.engine.conninfo, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    values = [(await incr(ours, path)).value for _ in range(3)]
    here = await is_free(ours.engine)

    assert values == [3, 4, 5]
    assert here._connection.info.backend_pid != pid


async def test_a_commit_that_waits_for_a_lock_lets_other_calls_pass(ours, ran, grove):
    held, free = grove.new(), grove.new()
    for path in (held, free) * 2:
        await incr(ours, path)

    with locked(grove, held):
        waiting = asyncio.ensure_future(incr(ours, held))
        await asyncio.sleep(0.05)
        passed = [(await incr(ours, free)).value for _ in range(3)]
        is_waiting = not waiting.done()

    assert (passed, is_waiting, (await waiting).value) == ([3, 4, 5], True, 3)


async def test_what_comes_while_a_commit_is_under_way_is_run_and_committed_next(ours, ran, grove, patient):
    held, other = grove.new(), grove.new()
    for path in (held, other) * 2:
        await incr(ours, path)

    with locked(grove, held):
        calls = [asyncio.ensure_future(incr(ours, held))]
        await committing(ours)
        calls += [asyncio.ensure_future(incr(ours, path)) for path in (held, other, held)]
        await ahead(ours, calls=3)
        calls += [asyncio.ensure_future(incr(ours, path)) for path in (other, held)]
        await ahead(ours, calls=5)
        are_done = any(call.done() for call in calls)
    outcomes = await asyncio.gather(*calls)

    assert not are_done
    assert [outcome.value for outcome in outcomes] == [3, 4, 3, 5, 4, 6]
    assert [outcome.version for outcome in outcomes] == [3, 4, 3, 4, 3, 4]  # two commits: the first, and all others
    assert await asyncio.to_thread(kept, grove, held) == (6, 6)
    assert await asyncio.to_thread(kept, grove, other) == (4, 4)


async def test_what_was_run_ahead_of_a_wrong_guess_is_run_again(ours, ran, grove, patient):
    path = grove.new()
    for _ in range(2):
        await incr(ours, path)

    with locked(grove, path) as other:
        calls = [asyncio.ensure_future(incr(ours, path))]
        await committing(ours)
        calls += [asyncio.ensure_future(incr(ours, path)) for _ in range(3)]
        await ahead(ours, calls=3)
        # Another transaction wrote the row: so the commit that waits for it finds its guess to be wrong.
        other.execute(SQL("UPDATE {} SET changed_at = now() WHERE path = %s").format(table(grove)), (path,))
        other.commit()
    outcomes = await asyncio.gather(*calls)

    assert [outcome.value for outcome in outcomes] == [3, 4, 5, 6]
    assert await asyncio.to_thread(kept, grove, path) == (6, 6)


async def test_a_refusal_ahead_leaves_its_neighbours_and_one_that_needs_a_thread_comes_in_its_turn(
    ours, ran, grove, patient, purse
):
    rich, poor = await asyncio.to_thread(purse, 100), await asyncio.to_thread(purse)
    call = ours.engine.acall
    for path in (rich, poor) * 2:
        await call(ours.schema, path, "put_in", {"amount": 1}, ours.caller)

    with locked(grove, rich):
        calls = [asyncio.ensure_future(call(ours.schema, rich, "put_in", {"amount": 1}, ours.caller))]
        await committing(ours)
        further = ("put_in", {"amount": 1}), ("put_in", {"amount": -1}), ("pay", {"to": poor, "amount": 30})
        for command, arguments in (*further, ("put_in", {"amount": 7})):
            calls.append(asyncio.ensure_future(call(ours.schema, rich, command, arguments, ours.caller)))
        await asyncio.sleep(0.05)
    outcomes = await asyncio.gather(*calls)

    assert [outcome.problem and outcome.problem.status for outcome in outcomes] == [None, None, 422, None, None]
    assert [(await call(ours.schema, path, "balance", {}, ours.caller)).value for path in (rich, poor)] == [81, 32]


def table(grove) -> Identifier:
    return Identifier(grove.schema, "object")


@contextmanager
def locked(grove, path):
    """Hold an object's row, as another process would, and give the connection."""
    with psycopg.connect(grove.engine.conninfo) as other:
        other.execute(SQL("SELECT FROM {} WHERE path = %s FOR UPDATE").format(table(grove)), (path,))
        yield other
        other.rollback()


async def committing(grove) -> None:
    """Wait until a commit is under way."""
    while grove.engine.on_loop()._turn is None:  # noqa: ASYNC110 -- nothing tells of it
        await asyncio.sleep(0)


async def ahead(grove, *, calls: int) -> None:
    """Wait until so many calls were run behind the commit that is under way."""
    here = grove.engine.on_loop()
    while here._ahead is None or len(here._ahead.ran) < calls:  # noqa: ASYNC110 -- nothing tells of it
        await asyncio.sleep(0)


def test_a_loop_that_is_closed_with_a_call_under_way_leaves_its_object_to_others(grove, engine_with, never_slow):
    engine = engine_with()
    ours, path = grove.through(engine), grove.new()

    async def leave() -> None:
        here = await is_free(engine)
        for _ in range(2):
            await incr(ours, path)
        left = asyncio.ensure_future(incr(ours, path))
        while here._turn is None:  # noqa: ASYNC110 -- nothing tells of it
            await asyncio.sleep(0)
        assert not left.done()

    asyncio.run(leave())

    assert ours.call(path, "state.incr", key="n") == 4
