"""What one process commits, every other sees; any moment within the retention can be rebuilt."""

import itertools
import random
import sqlite3
from functools import partial

import pytest

from objects.storage import pages
from objects.storage.image import Image
from objects.storage.pages import Write

ids = itertools.count(1_000_001)


class Stored:
    """An object whose pages are in Postgres: each `change` is a commit in a time bucket."""

    def __init__(self, postgres, schema) -> None:
        self.postgres, self.schema, self.id = postgres, schema, next(ids)
        self.version = self.page_count = 0

    def image(self, bucket=None) -> Image:
        if bucket is None:
            image = Image(self.id, self.version, self.page_count)
            image.begin(partial(pages.fetch, self.postgres, self.schema, self.id))
        else:
            page_count, past = pages.at(self.postgres, self.schema, self.id, bucket)
            image = Image(self.id, 0, page_count)
            image.begin(past)
        return image

    def change(self, bucket: int, *statements: str, tidy: bool = False) -> None:
        image = self.image()
        with image.savepoint():
            for sql in statements:
                image.database.run(sql)
        if tidy:
            image.database.tidy()
        change = image.commit()
        self.version += 1
        self.page_count = change.page_count
        pages.write(self.postgres, self.schema, [Write(self.id, self.version, change)], bucket)
        image.close()

    def rows(self, sql: str, bucket=None) -> list:
        image = self.image(bucket)
        try:
            return image.database.run(sql)
        finally:
            image.close()

    def history(self) -> list[tuple[int, int, int]]:
        return self.postgres.execute(
            f'select no, bucket, length(data) from "{self.schema}".page_history where object_id = %s order by 1, 2',
            (self.id,),
        ).fetchall()

    def file(self, bucket=None) -> bytes:
        count = self.page_count if bucket is None else pages.page_count_at(self.postgres, self.schema, self.id, bucket)
        return b"".join(pages.export(self.postgres, self.schema, self.id, count, bucket))


@pytest.fixture
def stored(postgres, schema) -> Stored:
    return Stored(postgres, schema)


CREATE = "CREATE TABLE t(a INTEGER PRIMARY KEY, b)"


def many(count: int) -> str:
    return (
        f"WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r WHERE x < {count})"
        " INSERT INTO t(b) SELECT hex(zeroblob(1400)) FROM r"
    )


def test_what_one_process_commits_another_sees(stored, postgres, new_postgres, schema):
    stored.change(1, CREATE, "INSERT INTO t VALUES (1, 'from A')")
    postgres.commit()

    with new_postgres() as other:
        image = Image(stored.id, stored.version, stored.page_count)
        image.begin(partial(pages.fetch, other, schema, stored.id))
        assert image.database.run("SELECT * FROM t") == [(1, "from A")]
        image.close()


def test_pages_of_many_objects_are_one_statement_in_a_pipeline(postgres, schema):
    objects = [Stored(postgres, schema) for _ in range(20)]
    writes = []
    for one in objects:
        image = one.image()
        with image.savepoint():
            image.database.run(CREATE)
            image.database.run("INSERT INTO t VALUES (?, ?)", (1, one.id))
        change = image.commit()
        one.page_count, one.version = change.page_count, 1
        writes.append(Write(one.id, 1, change))
        image.close()

    with postgres.pipeline():
        pages.write(postgres, schema, writes, 7)

    assert [one.rows("SELECT b FROM t") for one in objects] == [[(one.id,)] for one in objects]
    first = pages.fetch_many(postgres, schema, [one.id for one in objects], 1)
    assert {object_id: set(found) for object_id, found in first.items()} == {one.id: {0} for one in objects}


def test_an_older_page_is_kept_once_a_bucket(stored):
    stored.change(1, CREATE, "INSERT INTO t VALUES (1, 'a')")
    for text in "bcd":
        stored.change(2, f"UPDATE t SET b = '{text}'")
    stored.change(3, "UPDATE t SET b = 'e'")

    assert [(no, bucket) for no, bucket, _ in stored.history() if no == 1] == [(1, 1), (1, 2)]


def test_every_moment_can_be_rebuilt_as_it_was_when_its_bucket_ended(stored):
    chance = random.Random(5)
    seen = {0: None}
    stored.change(1, CREATE)
    for bucket in range(1, 25):
        for _ in range(chance.randrange(3)):
            kind = chance.randrange(5)
            if kind == 0:
                stored.change(bucket, many(chance.randrange(1, 60)))
            elif kind == 1:
                stored.change(bucket, f"DELETE FROM t WHERE a % 3 = {chance.randrange(3)}", "SELECT 1", tidy=True)
            else:
                stored.change(bucket, f"INSERT INTO t(b) VALUES ({chance.random()})")
        seen[bucket] = stored.rows("SELECT * FROM t")

    for bucket, rows in seen.items():
        if rows is None:
            assert pages.page_count_at(stored.postgres, stored.schema, stored.id, bucket) == 0
        else:
            assert stored.rows("SELECT * FROM t", bucket) == rows
            check = sqlite3.connect(":memory:")
            check.deserialize(stored.file(bucket))
            assert check.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

    for before in (5, 12, 24):
        while pages.trim_history(stored.postgres, stored.schema, before, most=7) == 7:
            pass
        for bucket in range(before, 25):
            assert stored.rows("SELECT * FROM t", bucket) == seen[bucket]
    assert stored.history() == []


def test_a_clock_that_runs_behind_makes_no_page_older_than_its_history(stored):
    stored.change(9, CREATE, "INSERT INTO t VALUES (1, 'a')")
    stored.change(8, "UPDATE t SET b = 'b'")

    assert stored.rows("SELECT b FROM t", 9) == [("b",)]
    assert stored.history() == []


def test_a_file_cut_short_keeps_what_it_was(stored):
    stored.change(1, CREATE, many(300))
    before = stored.page_count
    stored.change(2, "DELETE FROM t WHERE a > 1", tidy=True)

    assert stored.page_count < 5 < before
    held = stored.postgres.execute(
        f'select count(*) from "{stored.schema}".page where object_id = %s', (stored.id,)
    ).fetchone()
    assert held == (stored.page_count,)
    assert stored.rows("SELECT count(*) FROM t", 1) == [(300,)]
    assert stored.rows("SELECT count(*) FROM t", 2) == [(1,)]


def test_the_exported_file_opens_in_plain_sqlite_and_is_sound(stored, tmp_path):
    stored.change(
        1,
        CREATE,
        many(2000),
        "CREATE VIRTUAL TABLE words USING fts5(body)",
        "INSERT INTO words VALUES ('to be or not to be')",
        "CREATE VIRTUAL TABLE box USING rtree(id, x1, x2)",
        "DELETE FROM t WHERE a BETWEEN 10 AND 1500",
    )
    path = tmp_path / "out.sqlite"
    chunks = list(pages.export(stored.postgres, stored.schema, stored.id, stored.page_count))
    path.write_bytes(b"".join(chunks))

    assert max(map(len, chunks)) == 2**20
    with sqlite3.connect(path) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert file.execute("SELECT count(*) FROM t").fetchall() == [(509,)]
        assert file.execute("SELECT * FROM words WHERE words MATCH 'not'").fetchall() == [("to be or not to be",)]


def test_a_copy_is_made_inside_of_postgres_and_goes_its_own_way(stored):
    stored.change(1, CREATE, many(50))
    copy = Stored(stored.postgres, stored.schema)

    copied = pages.copy(stored.postgres, stored.schema, [(stored.id, copy.id)], bucket=2)
    copy.page_count, copy.version = stored.page_count, 1
    copy.change(3, "DELETE FROM t")

    assert copied == stored.page_count
    assert (stored.rows("SELECT count(*) FROM t"), copy.rows("SELECT count(*) FROM t")) == ([(50,)], [(0,)])
    assert copy.rows("SELECT count(*) FROM t", 2) == [(50,)]


def test_a_stored_file_takes_the_place_of_the_old_one_which_can_be_rebuilt(stored, tmp_path):
    stored.change(1, CREATE, many(500))
    path = tmp_path / "in.sqlite"
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE imported(a)")
        file.execute("INSERT INTO imported VALUES (7)")
    content = path.read_bytes()
    odd = [content[:1000], content[1000:5000], content[5000:]]

    stored.page_count = pages.store(
        stored.postgres, stored.schema, stored.id, 9, odd, bucket=2, old_page_count=stored.page_count
    )

    assert stored.page_count == 2
    assert stored.file() == content
    assert stored.rows("SELECT a FROM imported") == [(7,)]
    assert stored.rows("SELECT count(*) FROM t", 1) == [(500,)]


def test_half_a_page_is_not_stored(stored):
    with pytest.raises(ValueError, match="1 pages and 904 bytes is not whole"):
        pages.store(stored.postgres, stored.schema, stored.id, 1, [bytes(5000)], bucket=1)


def test_erased_is_erased_with_its_history(stored):
    stored.change(1, CREATE)
    stored.change(2, "INSERT INTO t VALUES (1, 'a')")

    pages.erase(stored.postgres, stored.schema, [stored.id])

    assert stored.history() == []
    assert pages.fetch(stored.postgres, stored.schema, stored.id, 0, 100) == {}


def test_no_schema_no_pages(postgres):
    from psycopg.errors import UndefinedTable

    with pytest.raises(UndefinedTable):
        pages.fetch(postgres, "public", 1, 0, 1)
