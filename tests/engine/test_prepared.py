"""Statements by libpq alone: several are one transaction, what is kept is bounded, and a lost connection is told."""

import psycopg
import pytest

from objects.engine import prepared
from objects.engine.prepared import Prepared


@pytest.fixture
def connection(grove):
    with grove.engine_connection() as made:
        made.execute("create temporary table seen (n int unique)")
        yield made


def kept(connection):
    """Tell how many statements Postgres has prepared for us."""
    rows = connection.execute("select name from pg_prepared_statements where name like 'grove%'", prepare=False)
    return len(rows.fetchall())


INSERT = b"insert into seen values ($1::int) returning n"


def test_rows_come_in_binary_form_and_the_first_one_alone_as_text(connection):
    asking = Prepared(connection)

    assert asking.run(b"select n from generate_series($1::int, $2::int) n", [5, 7]) == [b"5"]
    assert asking.ask(b"select n, null from generate_series($1::int, $2::int) n", [5, 6]) == [
        [b"\0\0\0\5", None],
        [b"\0\0\0\6", None],
    ]


def test_several_statements_are_one_transaction(connection):
    asking = Prepared(connection)

    both = asking.run_all([(INSERT, [1]), (b"select count(*)::int from seen", [])])
    with pytest.raises(psycopg.errors.UniqueViolation):
        asking.run_all([(INSERT, [2]), (INSERT, [1])])

    assert both == [[[b"\0\0\0\1"]], [[b"\0\0\0\1"]]]
    assert connection.execute("select n from seen").fetchall() == [(1,)]
    assert asking.run_all([(INSERT, [3])]) == [[[b"\0\0\0\3"]]]


def test_what_postgres_forgot_is_prepared_anew(connection):
    asking = Prepared(connection)
    statements: list[prepared.Asked] = [(b"select 1", []), (b"select 2", [])]
    asking.run_all(statements)

    connection.execute("deallocate all", prepare=False)

    assert asking.run_all(statements) == [[[b"\0\0\0\1"]], [[b"\0\0\0\2"]]]
    connection.execute("deallocate all", prepare=False)
    assert asking.run(b"select 1", []) == [b"1"]


def test_those_used_last_are_kept_and_none_makes_room_for_its_neighbour(connection, monkeypatch):
    monkeypatch.setattr(prepared, "KEPT", 2)
    asking = Prepared(connection)

    asking.run_all([(b"select 1", []), (b"select 2", [])])
    asking.run_all([(b"select 1", []), (b"select 3", [])])

    assert kept(connection) == 2
    assert list(asking._names) == [b"select 1", b"select 3"]


def test_a_lost_connection_is_told_while_several_statements_are_under_way(grove, connection):
    asking = Prepared(connection)
    asking.run_all([(b"select 1", []), (b"select 2", [])])

    with pytest.raises(psycopg.OperationalError):
        asking.run_all([(b"select pg_terminate_backend(pg_backend_pid())", []), (b"select 2", [])])

    assert connection.broken
