"""A connection that breaks around a commit: the call takes place once and its caller is told so, without any key."""

import dataclasses
import os
import random
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from config.up.servers import start_servers
from config.up.supervisor import Supervisor
from objects.commands.registry import registry
from objects.engine.engine import Engine
from objects.engine.interruptions import CommitUnknown
from objects.engine.prepared import Prepared
from objects.engine.statements import statements
from objects.engine.worker import Worker
from objects.models import JournalLine
from tests.chaos.wire import Wire
from tests.grove import Grove


@pytest.fixture
def wire(grove) -> Iterator[Wire]:
    made = Wire(grove.engine.conninfo)
    yield made
    made.close()


@pytest.fixture
def wired(grove, wire) -> Iterator[Grove]:
    """The same through an engine at the end of the wire."""
    engine = Engine(wire.conninfo, registry=registry, limits=grove.engine.limits, publish=grove.engine.publish)
    yield grove.through(engine)
    engine.stop()


@pytest.mark.parametrize("cut", ["before", "after", "stuck"])
@pytest.mark.parametrize("way", ["guessing", "locking"])
def test_a_call_whose_commit_was_cut_off_takes_place_once_and_is_answered(grove, wire, wired, cut, way):
    path = grove.new()
    wired.call(path, "state.incr", key="n")
    if way == "locking":
        wired.engine.known.clear()

    wire.cut = cut
    outcome = wired.outcome(path, "state.incr", {"key": "n"})

    assert (outcome.problem, outcome.value, wire.cuts) == (None, 2, 1)
    assert grove.call(path, "state.get", key="n") == 2
    with grove.tables():
        assert JournalLine.objects.filter(object_id=grove.id(path), command="state.incr").count() == 2


def test_whose_process_a_lost_connection_was_is_known_when_its_commit_is_asked_after(grove):
    with (
        psycopg.connect(grove.engine.conninfo, autocommit=True) as lost,
        psycopg.connect(grove.engine.conninfo, autocommit=True) as other,
    ):
        pid, prepared = lost.info.backend_pid, Prepared(lost)
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        with pytest.raises(psycopg.OperationalError):
            prepared.run(b"SELECT 1", [])

        assert (lost.info.backend_pid, prepared.backend_pid) == (0, pid)


def test_many_lost_commits_among_calls_without_keys_lose_and_repeat_none(grove, wire, wired):
    paths = [grove.new() for _ in range(4)]
    told: dict[str, list[int]] = {path: [] for path in paths}
    over = threading.Event()

    def count(path: str) -> None:
        while not over.is_set():
            told[path].append(wired.call(path, "state.incr", key="n"))

    counting = [threading.Thread(target=count, args=(path,)) for path in paths]
    for thread in counting:
        thread.start()
    chance = random.Random(1)
    ends_at = time.monotonic() + 60
    while wire.cuts < 20 and time.monotonic() < ends_at:
        time.sleep(0.05)
        wire.cut = chance.choice(["before", "after"])
    over.set()
    for thread in counting:
        thread.join(30)
    print(f"\n{wire.cuts} commits lost among {sum(map(len, told.values()))} calls without keys")

    assert [told[path] for path in paths] == [list(range(1, len(told[path]) + 1)) for path in paths]
    assert [grove.call(path, "state.get", key="n") for path in paths] == [len(told[path]) for path in paths]
    assert wire.cuts >= 20


def test_a_number_that_postgres_gave_to_another_transaction_after_its_crash_is_not_taken_for_ours(grove):
    path = grove.new()
    grove.call(path, "state.incr", key="n")
    with psycopg.connect(grove.engine.conninfo) as other:
        (xid,) = other.execute("SELECT pg_current_xact_id()::text").fetchone() or ("",)
    with grove.tables():
        line = JournalLine.objects.filter(object_id=grove.id(path)).latest("id")
    took_place = statements(grove.schema).took_place
    worker = Worker(grove.engine)
    call = type("Call", (), {"deadline": time.monotonic() + 5})()
    ours = (line.object_id, line.version, line.at.timestamp())
    lost = (line.object_id, line.version, line.at.timestamp() + 1)

    never = str(int(xid) + 1_000_000)

    said = [
        worker._took_place(CommitUnknown(number, 0, took_place, written), [call])  # type: ignore[list-item]
        for number, written in ((xid, ours), (xid, lost), (never, lost))
    ]

    assert said == [True, False, False]


def test_postgres_calls_a_lost_transaction_committed_once_its_number_belongs_to_another(monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    directory = Path(tempfile.mkdtemp(prefix="grove-chaos-"))  # where Postgres's user may go
    directory.chmod(0o755)
    with Supervisor(first_delay_s=0.05) as supervisor:
        url = start_servers(supervisor, directory, is_quiet=True)["DATABASE_URL"]
        lost = psycopg.connect(url)
        (number,) = lost.execute("SELECT pg_current_xact_id()::text").fetchone() or ("",)
        os.killpg(supervisor.pids()["postgres"], signal.SIGKILL)
        supervisor.wait_until(lambda: "postgres" not in supervisor.children, 10)
        supervisor.wait_until(lambda: answers(url), 30)
        with psycopg.connect(url) as other:
            (again,) = other.execute("SELECT pg_current_xact_id()::text").fetchone() or ("",)
            other.commit()
            (status,) = other.execute("SELECT pg_xact_status(%s::xid8)", (number,)).fetchone() or ("",)
    shutil.rmtree(directory)

    assert (again, status) == (number, "committed")  # so the engine must not believe it: see Worker._took_place


def answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def test_a_commit_that_nobody_can_tell_about_is_said_to_be_so_in_time(grove, wire, monkeypatch):
    monkeypatch.setattr("objects.engine.worker.UNKNOWN_S", 0.3)
    limits = dataclasses.replace(grove.engine.limits, CALL_SECONDS=0.5, ENGINE_THREADS=1)
    engine = Engine(wire.conninfo, registry=registry, limits=limits, publish=grove.engine.publish)
    path = grove.new()
    wired = grove.through(engine)
    wired.call(path, "state.incr", key="n")

    wire.cut = "before"
    wire.close()
    started = time.monotonic()
    outcome = wired.outcome(path, "state.incr", {"key": "n"})
    took_s = time.monotonic() - started
    engine.stop()

    assert outcome.problem.members() == {
        "type": "overloaded",
        "title": "Too much is waiting",
        "status": 503,
        "detail": "state.incr: the database went away during the commit, so nobody knows whether it took place. "
        "Ask again with the same idempotency key, or look at the object.",
        "retry_after": 5,
    }
    assert took_s < 2


@pytest.mark.parametrize("known", [True, False], ids=["a guess", "locked"])
def test_a_database_that_neither_answers_nor_ends_holds_nobody_for_ever(grove, wire, known):
    limits = dataclasses.replace(grove.engine.limits, CALL_SECONDS=1, ENGINE_THREADS=1)
    engine = Engine(wire.conninfo, registry=registry, limits=limits, publish=grove.engine.publish)
    path = grove.new()
    wired = grove.through(engine)
    wired.call(path, "state.incr", key="n")
    if not known:
        engine.known.clear()

    wire.cut = "deaf"
    started = time.monotonic()
    outcome = wired.outcome(path, "state.incr", {"key": "n"})
    took_s = time.monotonic() - started

    assert (outcome.problem.type, outcome.problem.status) == ("out-of-time", 504)
    assert took_s < 8
    assert wired.call(path, "state.incr", key="n") == 2
    engine.stop()


def test_a_statement_that_works_longer_than_a_call_may_is_not_cut_off(grove, wire, monkeypatch):
    monkeypatch.setattr("objects.engine.worker.LATE_S", 0.1)
    limits = dataclasses.replace(grove.engine.limits, CALL_SECONDS=0.5, ENGINE_THREADS=1)
    engine = Engine(wire.conninfo, registry=registry, limits=limits, publish=grove.engine.publish)
    path = grove.new()
    wired = grove.through(engine)
    wired.call(path, "state.incr", key="n")
    engine.known.clear()

    with psycopg.connect(grove.engine.conninfo, autocommit=True) as other:
        journal, slowly = Identifier(grove.schema, "journal"), Identifier(grove.schema, "slowly")
        body = "LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1.5); RETURN NEW; END'"
        other.execute(SQL("CREATE FUNCTION {}() RETURNS trigger " + body).format(slowly))
        other.execute(SQL("CREATE TRIGGER slowly BEFORE INSERT ON {} EXECUTE FUNCTION {}()").format(journal, slowly))
        try:
            outcome = wired.outcome(path, "state.incr", {"key": "n"})
        finally:
            other.execute(SQL("DROP FUNCTION {} CASCADE").format(slowly))
    engine.stop()

    assert (outcome.problem, outcome.value) == (None, 2)
