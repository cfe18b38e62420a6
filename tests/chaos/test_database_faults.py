"""Faults of Postgres and of those who share it: others are answered in time, and go on when it is over."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection
from psycopg.sql import SQL, Identifier, Literal

from config.up.environment import ROOT
from objects.models import JournalLine
from teams.problems import Overloaded
from tests.fair import fair


@pytest.fixture
def postgres(grove):
    with psycopg.connect(grove.engine.conninfo, autocommit=True, application_name="test") as opened:
        yield opened


def test_a_stopped_process_loses_its_locks_and_its_call_still_takes_place_once(grove, purse, engine_with, postgres):
    source, target, bystander = purse(10), purse(0), purse(0)
    database = connection.settings_dict
    address = (
        f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    )
    environment = {
        "DATABASE_URL": address, "GROVE_CALL_SECONDS": "2", "GROVE_KIND_PACKAGES": "tests.engine.purse",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.chaos.holder", grove.schema, source, target]
    holder = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, text=True)
    hasty = grove.through(engine_with(CALL_SECONDS=2))
    wait_until_idle_in_transaction(postgres)

    os.kill(holder.pid, signal.SIGSTOP)
    stopped_at = time.monotonic()
    stranger = hasty.call(bystander, "put_in", amount=1)
    waits = []
    while (outcome := hasty.outcome(target, "put_in", {"amount": 5})).problem is not None:
        waits.append(outcome.problem.status)
    free_s = time.monotonic() - stopped_at
    os.kill(holder.pid, signal.SIGCONT)
    said, _ = holder.communicate(timeout=30)
    print(f"\nlocks of a stopped process were free after {free_s:.1f} s (CALL_SECONDS=2)")

    assert stranger == 1
    assert set(waits) <= {504}
    assert free_s < fair(5)
    # It may have run out of its own time while it was stopped; then nothing of it took place.
    paid = {"9\n": 1, "out-of-time\n": 0}[said]
    assert [grove.call(path, "balance") for path in (source, target)] == [10 - paid, 5 + paid]


def test_a_full_disk_is_said_and_nothing_is_changed_until_there_is_room(grove, postgres):
    path = grove.new()
    grove.call(path, "state.set", key="n", value=1)
    names = {"page": Identifier(grove.schema, "page"), "full": Identifier(grove.schema, "full")}
    # Postgres itself says that there is no room, where it would: when pages are written.
    postgres.execute(SQL(
        "CREATE FUNCTION {full}() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$"
    ).format(**names))  # fmt: skip
    postgres.execute(
        SQL("CREATE TRIGGER full_disk BEFORE INSERT ON {page} FOR EACH ROW EXECUTE FUNCTION {full}()").format(**names)
    )

    started = time.monotonic()
    refused = grove.outcome(path, "state.set", {"key": "n", "value": 2}).problem
    took_s = time.monotonic() - started
    read = grove.call(path, "state.get", key="n")
    postgres.execute(SQL("DROP FUNCTION {full} CASCADE").format(**names))
    grove.call(path, "state.set", key="n", value=3)

    assert (
        refused.members()
        == Overloaded(
            "state.set: the database's disk is full. Nothing was changed. Its operator has to make room.",
            retry_after_s=30,
        ).members()
    )
    assert took_s < 1
    assert [read, grove.call(path, "state.get", key="n")] == [1, 3]


def test_no_connection_left_is_said_in_time_and_forgotten_when_there_is_one(grove, engine_with, postgres):
    path = grove.new()
    poor = grove.through(engine_with(CALL_SECONDS=1))

    with no_more_connections(postgres, grove.engine.conninfo) as conninfo:
        poor.engine.conninfo = conninfo
        started = time.monotonic()
        refused = poor.outcome(path, "state.set", {"key": "n", "value": 1}).problem
        took_s = time.monotonic() - started
    after = grove.through(engine_with()).call(path, "state.incr", key="n")

    assert (refused.type, refused.status) == ("out-of-time", 504)
    assert took_s < 3
    assert after == 1


@contextmanager
def no_more_connections(postgres, conninfo: str) -> Iterator[str]:
    """Give an address at which Postgres takes no connection. A limit of the database does not hold for superusers."""
    (is_superuser,) = postgres.execute("SELECT usesuper FROM pg_user WHERE usename = current_user").fetchone()
    name = Identifier(postgres.info.dbname)
    if not is_superuser:
        postgres.execute(SQL("ALTER DATABASE {} CONNECTION LIMIT 0").format(name))
        yield conninfo
        postgres.execute(SQL("ALTER DATABASE {} CONNECTION LIMIT -1").format(name))
        return
    role = f"few_{os.getpid()}"
    password = str(psycopg.conninfo.conninfo_to_dict(conninfo).get("password", "none"))
    made = SQL("CREATE ROLE {} LOGIN CONNECTION LIMIT 0 PASSWORD {}")
    postgres.execute(made.format(Identifier(role), Literal(password)))
    yield psycopg.conninfo.make_conninfo(conninfo, user=role)
    postgres.execute(SQL("DROP ROLE {}").format(Identifier(role)))


def test_a_clock_that_goes_back_loses_nothing(grove, monkeypatch):
    path = grove.new()
    real = time.time

    told = [grove.call(path, "state.incr", key="n")]
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: real() - 7_200)
        told += [grove.call(path, "state.incr", key="n") for _ in range(2)]
    told += [grove.call(path, "state.incr", key="n")]

    assert told == [1, 2, 3, 4]
    with grove.tables():
        lines = JournalLine.objects.filter(object_id=grove.id(path), command="state.incr").order_by("id")
        assert [line.version for line in lines] == [1, 2, 3, 4]


def test_a_reader_never_sees_half_of_what_another_process_cut_off(grove, engine_with):
    path = grove.new()
    writer, reader = grove.through(engine_with()), grove.through(engine_with())
    writer.call(path, "sql", query="create table t (n, body)")
    over = threading.Event()
    numbers = "with recursive n(v) as (values (1) union all select v + 1 from n where v < 300)"
    fill = f"{numbers} insert into t select v, randomblob(3000) from n"
    seen: set[tuple[int, ...]] = set()

    def write() -> None:
        while not over.is_set():
            writer.call(path, "sql", query=fill)
            writer.call(path, "sql", query="delete from t")

    writing = threading.Thread(target=write)
    writing.start()
    began = time.monotonic()
    while (lasted_s := time.monotonic() - began) < 3 or (len(seen) < 2 and lasted_s < 60):
        reader.engine.cache.clear()  # so that its pages come in several queries
        (row,) = reader.call(path, "sql.query", query="select count(*), count(distinct n), sum(length(body)) from t")[
            "rows"
        ]
        seen.add(tuple(row))
    over.set()
    writing.join()

    assert seen <= {(300, 300, 900_000), (0, 0, None)}
    assert len(seen) == 2


def wait_until_idle_in_transaction(postgres) -> None:
    ends_at = time.monotonic() + 60  # it begins with a process of its own
    asked = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
        " AND application_name = 'grove engine' AND clock_timestamp() - state_change > interval '50 ms'"
    )
    while not postgres.execute(asked).fetchone()[0]:
        assert time.monotonic() < ends_at, "the other process did not begin"
        time.sleep(0.02)
