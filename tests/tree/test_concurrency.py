"""However many change the tree at once, it stays whole: each live object is in a live one, where its path says."""

import random
import threading
import time

import psycopg
import pytest

from objects.tree import tree
from objects.tree.paths import ObjectPath
from teams.problems import Conflict, Moved, NoSuch, Problem
from tests.tree.conftest import connect

FOLDERS = ["/a", "/b", "/c", "/a/x", "/b/y", "/c/z", "/a/x/1", "/b/y/2"]


def in_transaction(connection, act):
    """Do as the engine does: one transaction; begin again after a deadlock. Gives the Problem or the result."""
    while True:
        try:
            with connection.transaction():
                return act()
        except psycopg.errors.DeadlockDetected:
            continue
        except Problem as problem:
            return problem


def something(chance: random.Random, connection, schema: str) -> object:
    """Do one thing to the tree, whatever chance says."""
    live = grown_paths(connection, schema) or ["/"]
    if len(live) > 60:
        return tree.trash(connection, schema, f"/{live[0].split('/')[1]}")
    path, above = chance.choice([*live, *FOLDERS]), chance.choice([*live, *FOLDERS])
    new = f"{above if above != '/' else ''}/{chance.choice('pqrxyz')}"
    match chance.randrange(7):
        case 0:
            return tree.create(connection, schema, new, "object", parents=chance.random() < 0.5)
        case 1:
            return tree.create(connection, schema, path, "object", parents=True)
        case 2:
            return tree.move(connection, schema, path, new)
        case 3:
            return tree.copy(connection, schema, path, new)
        case 4:
            return tree.trash(connection, schema, path)
        case 5:
            return tree.set_settings(connection, schema, path, {"sql.rows": chance.randint(1, 9)})
    deleted = tree.trashed(connection, schema)
    return tree.restore(connection, schema, deleted[-1].id) if deleted else None


def at_random(schema: str, seed: int, stop_at: float, faults: list[BaseException]) -> None:
    chance = random.Random(seed)
    try:
        with connect() as connection:
            while time.monotonic() < stop_at:
                in_transaction(connection, lambda: something(chance, connection, schema))
    except BaseException as fault:  # noqa: BLE001 -- told by the main thread
        faults.append(fault)


def grown_paths(connection, schema: str) -> list[str]:
    rows = connection.execute(
        f"select path from \"{schema}\".object where trashed_at is null and path <> '/' order by id"
    )
    return [path for (path,) in rows]


@pytest.mark.parametrize("seed", range(3))
def test_the_tree_stays_whole_whatever_is_done_to_it_at_once(grown, seed):
    grown.plant(*FOLDERS)
    faults: list[BaseException] = []
    stop_at = time.monotonic() + 2.0
    threads = [
        threading.Thread(target=at_random, args=(grown.schema, seed * 10 + no, stop_at, faults)) for no in range(4)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert faults == []
    assert grown.faults() == []


def beside(act):
    """Run in a thread of its own; gives the thread and a list that will hold the result."""
    results: list[object] = []

    def run() -> None:
        with connect() as connection:
            results.append(in_transaction(connection, lambda: act(connection)))

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


def waits_for_a_lock(grown) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if grown.sql("select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"):
            return True
        time.sleep(0.01)
    return False


def test_what_is_created_while_a_move_waits_comes_along(grown):
    grown.plant("/a/b")
    with connect() as other, other.transaction():
        tree.create(other, grown.schema, "/a/b/new", "object")

        mover, moved = beside(lambda connection: tree.move(connection, grown.schema, "/a", "/z"))
        assert waits_for_a_lock(grown)
    mover.join(10)

    assert moved == [tree.Placed("/z", 3)]
    assert grown.live() == ["/z", "/z/b", "/z/b/new"]


def test_a_create_that_waits_for_a_move_is_told_where_it_went(grown):
    grown.plant("/a")
    with connect() as other, other.transaction():
        tree.move(other, grown.schema, "/a", "/z")

        creator, created = beside(lambda connection: tree.create(connection, grown.schema, "/a/b", "object"))
        assert waits_for_a_lock(grown)
    creator.join(10)

    assert [(type(problem), problem.extra) for problem in created] == [(Moved, {"to": "/z/b"})]


def test_a_create_that_waits_for_a_deletion_finds_no_parent(grown):
    grown.plant("/a")
    with connect() as other, other.transaction():
        tree.trash(other, grown.schema, "/a")

        creator, created = beside(lambda connection: tree.create(connection, grown.schema, "/a/b", "object"))
        assert waits_for_a_lock(grown)
    creator.join(10)

    assert [type(problem) for problem in created] == [NoSuch]
    assert grown.live() == []


def test_two_who_move_into_each_other_do_not_make_a_circle(grown):
    grown.plant("/a", "/b")
    with connect() as other, other.transaction():
        tree.move(other, grown.schema, "/a", "/b/a")

        mover, moved = beside(lambda connection: tree.move(connection, grown.schema, "/b", "/a/b"))
        assert waits_for_a_lock(grown)
    mover.join(10)

    assert [type(problem) for problem in moved] == [Moved]
    assert grown.live() == ["/b", "/b/a"]


def test_of_two_who_create_the_same_one_is_told_of_the_other(grown):
    with connect() as other, other.transaction():
        tree.create(other, grown.schema, "/a", "lamp")

        creator, created = beside(lambda connection: tree.create(connection, grown.schema, "/a", "object"))
        assert waits_for_a_lock(grown)
    creator.join(10)

    assert [type(problem) for problem in created] == [Conflict]
    assert grown.resolve("/a").kind == "lamp"


def test_creating_below_an_object_at_work_does_not_wait_for_it(grown):
    grown.plant("/a")
    with connect() as other, other.transaction():
        other.execute(
            f"select from \"{grown.schema}\".object where path = '/a' for no key update"
        )  # as the engine locks

        creator, created = beside(lambda connection: tree.create(connection, grown.schema, "/a/b", "object"))
        creator.join(10)

    assert [node.path for node in created] == ["/a/b"]


@pytest.mark.parametrize(
    "make",
    [
        lambda connection, schema: tree.create(connection, schema, "/a", "lamp"),
        lambda connection, schema: tree.create_many(connection, schema, {ObjectPath("/a"): "lamp"})[0],
    ],
    ids=["create", "create_many"],
)
def test_what_is_made_where_a_move_is_leaving_takes_the_path_over(grown, make):
    grown.plant("/a/b")
    with connect() as other, other.transaction():
        tree.move(other, grown.schema, "/a", "/z")

        maker, made = beside(lambda connection: make(connection, grown.schema))
        assert waits_for_a_lock(grown)
    maker.join(10)

    assert [node.path for node in made] == ["/a"]
    assert grown.live() == ["/a", "/z", "/z/b"]
    assert grown.where_to(ObjectPath("/a/b")) is None
