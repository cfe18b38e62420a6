"""Which calls an event loop runs itself: SQL too, as long as what its team writes is quick."""

import asyncio
import time

import pytest

from objects.engine import running
from objects.engine.calls import Call
from objects.engine.quick import Quick
from objects.engine.transaction import Transaction
from tests.engine.loops import sql
from tests.grove import Grove


@pytest.fixture
async def others(ours, new_team, caller):
    """Another team, through the same engine."""
    other = await asyncio.to_thread(lambda: caller(new_team()))
    return Grove(ours.engine, other, "/others")


@pytest.fixture
def table():
    """Make an object with a table: `await table(grove)` gives its path."""

    def made(grove):
        elsewhere = grove.through(running.engine())
        path = elsewhere.new()
        elsewhere.outcome(path, "sql", {"query": "create table t(x)"}, check=True)
        return path

    async def made_beside(grove):
        return await asyncio.to_thread(made, grove)

    return made_beside


LONG = (
    "insert into t with recursive c(n) as (select 1 union all select n + 1 from c where n < 50000) select max(n) from c"
)


async def test_sql_that_overruns_is_taken_back_and_its_team_kept_off_the_loop(ours, ran, table, others, monkeypatch):
    path, theirs = await table(ours), await table(others)
    await sql(ours, path, "insert into t values(1)")
    monkeypatch.setattr("objects.engine.transaction.OVERRUN_S", 0.002)
    monkeypatch.setattr("objects.engine.quick.ALLOWED_S", 0.001)
    monkeypatch.setattr("objects.engine.quick.ALLOWED_AGAIN", 0.0)

    outcome = await sql(ours, path, LONG)
    before = ran.on_loop, ran.in_threads
    rows = await sql(ours, path, "select x from t")
    away = ran.on_loop, ran.in_threads
    await sql(others, theirs, "insert into t values(1)")

    assert outcome.problem is None
    assert rows.value["rows"] == [[1], [50_000]]
    assert away == (before[0], before[1] + 1)
    assert (ran.on_loop, ran.in_threads) == (away[0] + 1, away[1])  # other teams' SQL stays


async def test_sql_that_works_long_counts_once_and_keeps_its_team_off_the_loop_for_a_while(
    ours, ran, table, monkeypatch
):
    monkeypatch.setattr("objects.engine.quick.ALLOWED_S", 0.001)
    monkeypatch.setattr("objects.engine.quick.ALLOWED_AGAIN", 0.0)
    path = await table(ours)

    await sql(ours, path, LONG)
    before = ran.on_loop, ran.in_threads
    rows = await sql(ours, path, "select x from t")
    ours.engine.on_loop()._quick._debts.clear()  # as if the while were over
    await sql(ours, path, "select x from t")

    assert rows.value["rows"] == [[50_000]]
    assert before == (1, 0)  # it did not overrun: it was not run again
    assert (ran.on_loop, ran.in_threads) == (2, 1)


async def test_waiting_for_the_processor_keeps_nobody_off_the_loop(ours, ran, table, monkeypatch):
    path = await table(ours)
    carry_out = Transaction.carry_out

    def late(tx, call):
        time.sleep(0.02)
        return carry_out(tx, call)

    monkeypatch.setattr(Transaction, "carry_out", late)

    for _ in range(3):
        await sql(ours, path, "insert into t values(1)")

    assert (ran.on_loop, ran.in_threads) == (3, 0)


# Each may work long in a single step of SQLite's machine, in which nobody can stop it.
STEPS = (
    ("select instr('haystack', 'st')", 4),
    ("select replace('haystack', 'st', '')", "hayack"),
    ("select 'haystack' like '%st%'", 1),
    ("select length(zeroblob(100))", 100),
    ("pragma integrity_check", "ok"),
    ("create index i on t(x); select count(*) from t", 0),
    ("with r(s) as (select 'abcdefgh' union all select s || s from r limit 15) select max(length(s)) from r", 131_072),
)  # fmt: skip


@pytest.mark.parametrize(("query", "told"), STEPS)
async def test_what_may_take_long_in_one_step_is_left_to_threads(ours, ran, table, query, told):
    path = await table(ours)

    outcome = await sql(ours, path, query)
    again = await sql(ours, path, "insert into t values(1)")

    assert (outcome.value["rows"], again.problem) == ([[told]], None)
    assert (ran.on_loop, ran.in_threads) == (2, 1)  # it was begun on the loop and refused there; the next one is not


async def test_words_that_are_no_commands_are_not_remembered(ours, ran, grove):
    path = grove.new()
    for command in ("state.incr", *(f"nothing-{number}" for number in range(20))):
        await ours.engine.acall(ours.schema, path, command, {"key": "n"}, ours.caller)

    quick = ours.engine.on_loop()._quick
    known = {*ours.engine.pace, *quick._unfit, *(command for _, command in quick._fits)}

    assert {"state.incr"} == {command for command in known if command.startswith(("state.incr", "nothing-"))}


def test_what_held_the_loop_up_is_made_good_by_time_and_only_its_team_pays(grove, monkeypatch):
    moment = 1_000.0
    monkeypatch.setattr("objects.engine.quick.time.monotonic", lambda: moment)
    quick = Quick(grove.engine.registry, {})
    ours, theirs = (
        Call(schema, "/a", "sql", {"query": "select 1"}, grove.caller, lambda _: None) for schema in ("ours", "theirs")
    )

    def suit() -> tuple[bool, bool]:
        return quick.suits(ours, "object"), quick.suits(theirs, "object")

    quick.held_up(ours, 0.03)
    once = suit()
    quick.held_up(ours, 0.03)
    twice = suit()
    moment += 1.0

    assert (once, twice, suit()) == ((True, True), (False, True), (True, True))
