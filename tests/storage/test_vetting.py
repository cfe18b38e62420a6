"""A file from outside gets in as a fresh copy, or is refused; neither hurts the process that asked."""

import random
import sqlite3
import time

import pytest

from objects.storage.tables import TABLES
from objects.storage.vetting import Vetter, vet
from teams.problems import OutOfTime, TooLarge, WrongArgument
from tests.fair import fair


@pytest.fixture
def made(tmp_path):
    """Make SQLite files: `made("CREATE TABLE t(a)")`."""

    def new(*statements: str):
        path = tmp_path / "upload.sqlite"
        path.unlink(missing_ok=True)
        file = sqlite3.connect(path, isolation_level=None)
        for sql in statements:
            file.execute(sql)
        file.close()
        return path

    return new


def refused(path) -> str:
    with pytest.raises(WrongArgument) as problem:
        vet(path)
    assert problem.value.field == "file"
    return problem.value.detail


def test_a_sound_file_comes_out_fresh_with_our_page_size_and_modes(made):
    path = made(
        "PRAGMA page_size = 1024",
        "PRAGMA auto_vacuum = full",
        "PRAGMA journal_mode = wal",
        "CREATE TABLE t(a)",
        "INSERT INTO t VALUES ('kept')",
        "CREATE VIEW v AS SELECT a FROM t",
        "CREATE VIRTUAL TABLE f USING fts5(body)",
        "INSERT INTO f VALUES ('hello world')",
        TABLES["_state"],
        "INSERT INTO _state VALUES ('n', '1')",
        TABLES["sqlar"],
    )
    before = path.read_bytes()

    with vet(path) as clean:
        content = b"".join(clean.chunks())
        file = sqlite3.connect(clean.path)
        modes = [file.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "auto_vacuum", "journal_mode")]
        assert modes == [4096, 0, "delete"]
        assert file.execute("SELECT * FROM v, _state").fetchall() == [("kept", "n", "1")]
        assert file.execute("SELECT body FROM f WHERE f MATCH 'hello'").fetchall() == [("hello world",)]
        file.close()
        assert (len(content), clean.page_count) == (clean.page_count * 4096, clean.path.stat().st_size // 4096)
        assert {"t", "v", "f"} <= set(clean.tables)
        assert not {"_state", "sqlar"} & set(clean.tables)

    assert not clean.path.exists()
    assert path.read_bytes() == before


def test_an_empty_file_is_an_empty_object(tmp_path):
    path = tmp_path / "empty"
    path.touch()

    with vet(path) as clean:
        assert (clean.page_count, clean.tables) == (0, ())


@pytest.mark.parametrize(
    ("statements", "detail"),
    [
        (("CREATE TABLE _mine(a)",), "table _mine: names that start with _ and sqlar"),
        (("CREATE TABLE _state(key, value)",), "table _state: names"),
        (("CREATE TABLE sqlar(name)",), "table sqlar: names"),
        (("CREATE TABLE SQLAR(name)",), "table SQLAR: names"),
        (("CREATE VIEW _state AS SELECT 1",), "view _state: names"),
        ((TABLES["_state"], "CREATE TRIGGER x AFTER INSERT ON _state BEGIN SELECT 1; END"), "trigger x: names"),
        ((TABLES["_state"], "CREATE INDEX x ON _state(value)"), "index x: names"),
        ((TABLES["_state"], "ALTER TABLE _state ADD COLUMN more"), "table _state: names"),
        (("CREATE TABLE t(a)", "CREATE TRIGGER _x AFTER INSERT ON t BEGIN SELECT 1; END"), "trigger _x: names"),
        (("CREATE VIRTUAL TABLE f USING fts4(a)",), "table f: the module fts4 is not here."),
        (('CREATE VIRTUAL TABLE "a using fts5(" USING fts4(a)',), "table a using fts5(: the module fts4 is not here."),
    ],
)
def test_what_claims_the_platforms_names_or_unknown_modules_is_refused(made, statements, detail):
    assert refused(made(*statements)).startswith(detail)


def test_what_is_no_database_is_refused(tmp_path):
    path = tmp_path / "text"
    path.write_text("hello" * 1000)

    assert refused(path) == "this is no SQLite database: it does not begin like one."


def test_a_file_larger_than_an_object_is_refused(made):
    with pytest.raises(TooLarge):
        vet(made("CREATE TABLE t(a)"), most_bytes=4096)


def test_a_schema_without_sense_is_refused(made):
    path = made("CREATE TABLE t(a)", "PRAGMA writable_schema = on", "UPDATE sqlite_schema SET sql = 'CREATE TABLE t(('")

    assert refused(path).startswith("the file is damaged: ")


def test_checking_ends_in_time(made):
    path = made(
        "CREATE TABLE t(a)",
        "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r WHERE x < 60000)"
        " INSERT INTO t SELECT hex(zeroblob(400)) FROM r",
    )
    started = time.monotonic()

    with pytest.raises(OutOfTime):
        vet(path, seconds=0.05)

    assert time.monotonic() - started < fair(2)


def test_damage_anywhere_is_refused_or_harmless(made):
    path = made(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE)",
        "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r WHERE x < 600)"
        " INSERT INTO t SELECT x, hex(randomblob(40)) FROM r",
        "CREATE VIRTUAL TABLE f USING fts5(body)",
        "INSERT INTO f SELECT b FROM t",
        "CREATE VIRTUAL TABLE box USING rtree(id, x1, x2)",
        "INSERT INTO box SELECT a, a, a + 1 FROM t",
    )
    sound = path.read_bytes()
    chance = random.Random(11)
    outcomes = set()

    for _ in range(25):
        damaged = bytearray(sound)
        for _ in range(chance.choice([1, 3, 30])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        if chance.random() < 0.2:
            del damaged[chance.randrange(len(damaged)) :]
        path.write_bytes(damaged)
        try:
            with vet(path) as clean, sqlite3.connect(clean.path) as file:
                assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                outcomes.add("clean")
        except WrongArgument:
            outcomes.add("refused")

    assert "refused" in outcomes


def test_a_hundred_files_take_one_process(made):
    path = made("CREATE TABLE t(a)", "INSERT INTO t VALUES ('kept')")
    vet(path).path.unlink()
    started = time.monotonic()

    with Vetter() as vetter:
        for _ in range(100):
            with vetter.vet(path) as clean:
                assert clean.tables == ("t",)

    assert time.monotonic() - started < fair(5)  # a process each took 20 s


def test_a_file_after_one_that_was_refused_or_killed_its_checker_is_checked_like_any_other(made, tmp_path):
    sound = made("CREATE TABLE t(a)").rename(tmp_path / "sound.sqlite")
    wrong = made("CREATE TABLE _state(a)")

    with Vetter() as vetter:
        with pytest.raises(WrongArgument, match="kept for the platform"):
            vetter.vet(wrong)
        with vetter.vet(sound) as clean:
            assert clean.tables == ("t",)
        vetter._process.kill()
        with pytest.raises(WrongArgument, match="damaged so badly"):
            vetter.vet(sound)
        with vetter.vet(sound) as clean:
            assert clean.tables == ("t",)
