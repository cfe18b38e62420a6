"""An image is an SQLite database whose file is pages somewhere else; a failing call leaves nothing behind."""

import random
import sqlite3
import threading
import time

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objects.storage.database import Limits
from objects.storage.image import Change
from teams.problems import Conflict, OutOfTime, Problem, TooLarge, WrongArgument
from tests.storage.shelf import Shelf


def counted(image) -> int:
    return image.database.run("SELECT count(*) FROM note")[0][0]


@pytest.fixture
def notes(image, shelf):
    """The image of an object with an empty table `note`, saved."""
    with image.savepoint():
        image.database.run("CREATE TABLE note(id INTEGER PRIMARY KEY, text)")
    shelf.save(image)
    return image


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), st.integers(0, 40), st.integers(0, 9000)),
        st.tuples(st.just("update"), st.integers(0, 40), st.integers(0, 9000)),
        st.tuples(st.just("delete"), st.integers(0, 40), st.just(0)),
        st.tuples(st.just("fail"), st.integers(0, 40), st.integers(0, 9000)),
        st.tuples(st.sampled_from(["save", "reopen", "lose", "table", "drop"]), st.just(0), st.just(0)),
    ),
    max_size=30,
)


@settings(max_examples=120, deadline=None)
@given(STEPS)
def test_an_image_holds_what_plain_sqlite_holds_after_any_calls_failures_and_reopenings(steps):  # noqa: PLR0915
    shelf = Shelf()
    image = shelf.image()
    plain = sqlite3.connect(":memory:", isolation_level=None)
    saved = ""
    create = "CREATE TABLE IF NOT EXISTS note(id INTEGER PRIMARY KEY, text)"
    statements = {
        "insert": "INSERT OR REPLACE INTO note VALUES (?, hex(zeroblob(?)))",
        "update": "UPDATE note SET text = text || ? WHERE id <= ?",
        "delete": "DELETE FROM note WHERE id % 7 = ? % 7",
    }

    def both(sql, params=()):
        with image.savepoint():
            image.database.run(sql, params)
        plain.execute(sql, params)

    def dump(run):
        names = [name for (name,) in run("SELECT name FROM sqlite_schema ORDER BY name")]
        return [(name, run(f"SELECT * FROM {name} ORDER BY 1")) for name in names]

    both(create)
    for step, key, size in steps:
        if step == "insert":
            both(create)
            both(statements[step], (key, size))
        elif step == "update":
            both(create)
            both(statements[step], (size, key))
        elif step == "delete":
            both(create)
            both(statements[step], (key,))
        elif step == "table":
            both("CREATE TABLE IF NOT EXISTS other AS SELECT 1 AS a")
        elif step == "drop":
            both("DROP TABLE IF EXISTS note")
        elif step == "fail":
            with pytest.raises(ZeroDivisionError), image.savepoint():
                image.database.run(create)
                image.database.run(statements["insert"], (key, size))
                raise ZeroDivisionError
        elif step == "save":
            shelf.save(image)
            saved = "\n".join(plain.iterdump())
        elif step in {"reopen", "lose"}:
            if step == "lose":
                image.rollback()
                image.begin(shelf.fetch)
            else:
                image.close()
                image = shelf.image()
            plain = sqlite3.connect(":memory:", isolation_level=None)
            plain.executescript(saved)
        assert dump(image.database.run) == dump(lambda sql, plain=plain: plain.execute(sql).fetchall())
    shelf.save(image)
    file = sqlite3.connect(":memory:")
    if shelf.page_count:
        file.deserialize(shelf.file())
    assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert dump(lambda sql: file.execute(sql).fetchall()) == dump(lambda sql: plain.execute(sql).fetchall())
    image.close()


def test_an_untouched_object_has_no_page(image):
    with image.savepoint():
        assert image.database.has("_state") is False
        assert image.database.ask("SELECT 1 AS one").rows == [[1]]

    assert image.commit() is None


def test_reading_leaves_nothing_to_write(notes):
    with notes.savepoint():
        assert counted(notes) == 0

    assert notes.commit() is None


def test_a_second_change_writes_only_the_page_that_changed(notes, shelf):
    with notes.savepoint():
        notes.database.run("INSERT INTO note VALUES (1, 'a')")
    shelf.save(notes)

    with notes.savepoint():
        notes.database.run("UPDATE note SET text = 'b'")
    change = notes.commit()

    assert (set(change.pages), change.page_count, change.old_page_count) == ({1}, 2, 2)


def test_a_failing_call_takes_back_its_own_work_and_not_that_of_the_call_before(notes):
    with notes.savepoint():
        notes.database.run("INSERT INTO note VALUES (1, 'kept')")

    with pytest.raises(ZeroDivisionError), notes.savepoint():
        notes.database.run("INSERT INTO note VALUES (2, 'gone')")
        raise ZeroDivisionError

    assert notes.database.run("SELECT * FROM note") == [(1, "kept")]


def test_savepoints_nest(notes):
    with notes.savepoint():
        notes.database.run("INSERT INTO note VALUES (1, 'outer')")
        with pytest.raises(ZeroDivisionError), notes.savepoint():
            notes.database.run("INSERT INTO note VALUES (2, 'inner')")
            raise ZeroDivisionError
        with notes.savepoint():
            notes.database.run("INSERT INTO note VALUES (3, 'inner')")

    assert notes.database.run("SELECT id FROM note") == [(1,), (3,)]


def test_a_mark_rolled_back_takes_the_marks_inside_it_along(notes):
    outer = notes.mark()
    notes.database.run("INSERT INTO note VALUES (1, 'a')")
    inner = notes.mark()
    notes.database.run("INSERT INTO note VALUES (2, 'b')")
    notes.release(inner)

    notes.rollback_to(outer)

    assert notes.commit() is None


@pytest.mark.parametrize(
    ("sql", "changed"),
    [("SELECT * FROM note", False), ("INSERT INTO note VALUES (1, 'a')", True), ("CREATE TABLE t(a)", True)],
)
def test_a_mark_knows_whether_anything_was_written_since(notes, sql, changed):
    mark = notes.mark()
    notes.database.run(sql)

    assert notes.changed_since(mark) is changed

    notes.release(mark)


def test_a_table_made_in_a_failed_call_is_made_again_when_needed(image):
    with pytest.raises(ZeroDivisionError), image.savepoint():
        image.database.need("_state")
        raise ZeroDivisionError

    with image.savepoint():
        assert image.database.has("_state") is False
        image.database.need("_state")
        assert image.database.has("_state") is True
        image.database.run("INSERT INTO _state VALUES ('a', '1')")

    assert image.database.run("SELECT * FROM _state") == [("a", "1")]


def test_rollback_leaves_the_image_usable_at_its_old_version(notes, shelf):
    with notes.savepoint():
        notes.database.run("INSERT INTO note VALUES (1, hex(zeroblob(9000)))")
    notes.rollback()

    notes.begin(shelf.fetch)
    assert counted(notes) == 0
    with notes.savepoint():
        notes.database.run("INSERT INTO note VALUES (2, 'after')")
    assert notes.database.run("SELECT * FROM note") == [(2, "after")]


def test_a_time_out_undoes_its_call_but_not_the_calls_before_it_in_the_batch(notes):
    with notes.savepoint():
        notes.database.run("INSERT INTO note VALUES (1, 'before')")
    endless = "INSERT INTO note(text) WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r) SELECT x FROM r"

    with pytest.raises(OutOfTime), notes.savepoint():
        notes.database.run("INSERT INTO note VALUES (2, 'same call')")
        notes.database.ask(endless, limits=Limits(seconds=0.05))

    assert notes.database.run("SELECT * FROM note") == [(1, "before")]


def test_a_call_whose_transaction_sqlite_undid_cannot_go_on(notes):
    with pytest.raises(WrongArgument), notes.savepoint():
        notes.database.run("INSERT INTO note VALUES (1, 'first')")
        with pytest.raises(WrongArgument):
            notes.database.ask("INSERT OR ROLLBACK INTO note VALUES (1, 'twice')")
        notes.database.run("INSERT INTO note VALUES (3, 'not without the first')")

    assert counted(notes) == 0
    with notes.savepoint():
        notes.database.run("INSERT INTO note VALUES (4, 'the next call is well')")
    assert counted(notes) == 1


def test_a_call_that_kept_quiet_about_a_lost_transaction_fails_at_its_end(notes):
    with pytest.raises(WrongArgument), notes.savepoint():
        notes.database.run("INSERT INTO note VALUES (1, 'first')")
        with pytest.raises(WrongArgument):
            notes.database.ask("INSERT OR ROLLBACK INTO note VALUES (1, 'twice')")

    assert counted(notes) == 0


def test_a_deferred_foreign_key_without_its_row_is_refused_before_anything_is_kept(notes):
    with notes.savepoint():
        notes.database.run("CREATE TABLE child(note REFERENCES note(id) DEFERRABLE INITIALLY DEFERRED)")

    with pytest.raises(Conflict), notes.savepoint():
        notes.database.run("INSERT INTO child VALUES (9)")

    assert notes.database.run("SELECT * FROM child") == []


def test_the_quota_is_a_number_of_pages_and_is_named_when_met(notes):
    notes.database.max_pages = 10

    with pytest.raises(TooLarge) as refused, notes.savepoint():
        notes.database.run("INSERT INTO note VALUES (1, zeroblob(50000))")

    assert refused.value.detail == (
        "the object is full: its file may have 10 pages, 40,960 bytes (limit object.pages)."
        " Delete something, or have the quota raised."
    )
    assert counted(notes) == 0


class ConnectionLostError(Exception):
    pass


def test_what_the_fetch_raises_comes_through_as_itself(notes, shelf):
    with notes.savepoint():
        notes.database.execute_many("INSERT INTO note(text) VALUES (?)", [("x" * 900,)] * 400)
    shelf.save(notes)

    def lost(first, count):
        raise ConnectionLostError

    for work in (
        lambda image: image.database.run("SELECT sum(length(text)) FROM note"),
        lambda image: image.database.ask("SELECT sum(length(text)) FROM note"),
        lambda image: image.database.run("DELETE FROM note"),
    ):
        image = shelf.image()
        image.commit()
        image.begin(lost)
        with pytest.raises(ConnectionLostError), image.savepoint():
            work(image)
        image.rollback()
        image.begin(shelf.fetch)
        assert counted(image) == 400
        image.close()


def test_reading_straight_on_fetches_twice_as_much_each_time(notes, shelf):
    with notes.savepoint():
        notes.database.execute_many("INSERT INTO note(text) VALUES (?)", [("x" * 3000,)] * 1000)
    shelf.save(notes)
    image = shelf.image()
    shelf.asked.clear()

    image.database.run("SELECT sum(length(text)) FROM note")

    counts = sorted(count for _, count in shelf.asked)
    assert [counts.count(ahead) for ahead in (16, 32, 64, 128)] == [1, 1, 1, 1]
    assert counts.count(256) >= 2
    assert len(shelf.asked) < 15
    assert sum(count for _, count in shelf.asked) <= shelf.page_count + 16
    image.close()


def test_one_row_of_a_large_table_needs_few_pages(notes, shelf):
    with notes.savepoint():
        notes.database.execute_many("INSERT INTO note(text) VALUES (?)", [("x" * 3000,)] * 5000)
    shelf.save(notes)
    image = shelf.image()
    shelf.asked.clear()

    assert image.database.run("SELECT length(text) FROM note WHERE id = 4000") == [(3000,)]

    assert sum(count for _, count in shelf.asked) <= 40
    image.close()


def test_memory_stays_bounded_while_a_file_of_any_size_is_read(notes, shelf):
    with notes.savepoint():
        notes.database.execute_many("INSERT INTO note(text) VALUES (?)", [("x" * 3000,)] * 12_000)
    shelf.save(notes)
    assert shelf.page_count > 10_000
    image = shelf.image()

    assert image.database.run("SELECT sum(length(text)) FROM note") == [(36_000_000,)]

    assert image.memory_bytes < 20_000_000
    image.close()


def test_what_was_committed_is_read_again_also_when_sqlites_cache_has_let_it_go(notes, shelf):
    with notes.savepoint():
        notes.database.execute_many("INSERT INTO note(text) VALUES (?)", [("x" * 3000,)] * 1000)
    shelf.save(notes)
    image = shelf.image()
    assert image.database.run("SELECT count(*) FROM note WHERE text LIKE 'x%'") == [(1000,)]
    with image.savepoint():
        image.database.run("UPDATE note SET text = replace(text, 'x', 'y')")
    shelf.save(image)

    assert image.database.run("SELECT count(*) FROM note WHERE text LIKE 'y%'") == [(1000,)]
    image.close()


def test_a_quota_set_anew_holds_from_the_next_statement_on(notes):
    with pytest.raises(TooLarge), notes.savepoint():
        notes.database.run("INSERT INTO note VALUES (1, 'a')")
        notes.database.max_pages = 5
        notes.database.run("INSERT INTO note VALUES (2, zeroblob(50000))")

    notes.database.max_pages = 50
    with notes.savepoint():
        notes.database.run("INSERT INTO note VALUES (2, zeroblob(50000))")
    assert counted(notes) == 1


def test_pages_given_ahead_are_not_fetched(notes, shelf):
    shelf.save(notes)
    image = shelf.image()
    image.prime(dict(shelf.pages))
    shelf.asked.clear()

    assert counted(image) == 0

    assert shelf.asked == []
    image.close()


def test_opening_reads_no_page_and_needs_no_transaction(notes, shelf):
    image = Shelf.image(shelf)
    image.commit()

    assert shelf.asked == []
    with pytest.raises(RuntimeError, match="outside of begin"), image.savepoint():
        pass
    image.close()


def test_a_file_made_smaller_is_cut(notes, shelf):
    with notes.savepoint():
        notes.database.execute_many("INSERT INTO note(text) VALUES (?)", [("x" * 3000,)] * 100)
    shelf.save(notes)
    before = shelf.page_count
    with notes.savepoint():
        notes.database.run("DELETE FROM note WHERE id > 1")

    notes.database.tidy()
    change = notes.commit()

    assert isinstance(change, Change)
    assert (change.old_page_count, change.page_count) == (before, 2)
    assert set(change.pages) <= {0, 1}


def test_an_image_is_used_by_one_at_a_time(notes):
    with pytest.raises(RuntimeError, match="in use by thread"):
        notes.begin(lambda _first, _count: {})


def test_now_and_chance_are_those_of_the_database_on_each_thread(shelf):
    seen = {}

    def use(now: float) -> None:
        image = Shelf().image()
        chance = random.Random(now)
        image.database.chance = lambda: chance
        image.database.now = now
        time.sleep(0.02)
        seen[now] = image.database.run("SELECT unixepoch('now'), random(), hex(randomblob(4))")
        image.close()

    threads = [threading.Thread(target=use, args=(now,)) for now in (1.0, 2_000_000_000.0, 3.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    def expected(now: float) -> list:
        chance = random.Random(now)
        return [(int(now), chance.getrandbits(64) - 2**63, chance.randbytes(4).hex().upper())]

    assert seen == {now: expected(now) for now in seen}
    assert len(seen) == 3


def test_chance_works_in_defaults_and_triggers(image):
    with image.savepoint():
        image.database.ask("CREATE TABLE t(a, b DEFAULT (random())); INSERT INTO t(a) VALUES (1)")

    assert image.database.run("SELECT typeof(b) FROM t") == [("integer",)]


def test_a_blob_of_32_mb_is_written_and_read_in_parts(image, shelf):
    part = bytes(range(256)) * 4096
    with image.savepoint():
        image.database.need("sqlar")
        image.database.run("INSERT INTO sqlar VALUES ('big', 33188, 0, ?, zeroblob(?))", (32 * 2**20, 32 * 2**20))
        with image.database.blob("sqlar", "data", 1, writable=True) as blob:
            for _ in range(32):
                blob.write(part)
    shelf.save(image)

    again = shelf.image()
    with again.savepoint(), again.database.blob("sqlar", "data", 1) as blob:
        assert all(blob.read(2**20) == part for _ in range(32))
    assert again.memory_bytes < 25_000_000
    again.close()


def test_a_mistake_in_the_platforms_sql_is_no_ones_argument(image):
    with pytest.raises(apsw.SQLError), image.savepoint():
        image.database.run("SELEC 1")


def test_a_deadline_stops_the_platforms_sql_too(notes):
    notes.database.deadline = time.monotonic() + 0.05

    with pytest.raises(OutOfTime), notes.savepoint():
        notes.database.run("WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r) SELECT max(x) FROM r")


def test_a_damaged_file_is_a_problem_that_names_the_way_out(notes, shelf):
    shelf.pages[0] = b"garbage!" * 512
    image = shelf.image()

    with pytest.raises(Problem) as refused, image.savepoint():
        counted(image)

    assert refused.value.detail == "the object's file is damaged. Restore it as it was at an earlier moment."
    image.close()


def test_a_large_file_that_was_written_in_one_go_stays_in_no_memory(shelf):
    image = shelf.image()
    with image.savepoint():
        image.database.run("CREATE TABLE file (data)")
    shelf.save(image)
    before = image.memory_bytes

    with image.savepoint():
        image.database.run("INSERT INTO file VALUES (zeroblob(16000000))")
    shelf.save(image)
    grown = image.memory_bytes - before
    ((size,),) = image.database.run("SELECT length(data) FROM file")

    assert (grown < 3 << 20, size) == (True, 16_000_000)


def test_a_slim_image_reads_what_it_held_from_memory_and_goes_on(notes, shelf):
    notes.database.run("INSERT INTO note VALUES (1, 'kept')")
    shelf.save(notes)
    shelf.asked.clear()
    before = notes.memory_bytes

    notes.commit()
    notes.slim()
    slim = notes.memory_bytes
    notes.begin(shelf.fetch)
    with notes.savepoint():
        notes.database.run("INSERT INTO note VALUES (2, 'too')")

    assert notes.database.run("SELECT count(*) FROM note") == [(2,)]
    assert (shelf.asked, slim < before - 70_000) == ([], True)
