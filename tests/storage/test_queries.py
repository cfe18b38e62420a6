"""Users' SQL may do all that SQLite can inside the object's own tables, and nothing outside of them."""

import time

import apsw
import pytest

from objects.storage import guard
from objects.storage.database import Limits, Rows
from objects.storage.tables import TABLES
from teams.problems import OutOfTime, TooLarge, WrongArgument
from tests.fair import fair


@pytest.fixture
def store(image):
    """A database with the platform's tables, a file, and a user's table `note`."""
    with image.savepoint():
        image.database.need("_state")
        image.database.need("sqlar")
        image.database.run("INSERT INTO _state VALUES ('secret', '42')")
        image.database.run("INSERT INTO sqlar VALUES ('a.txt', 33188, 0, 2, x'6869')")
        image.database.run("CREATE TABLE note(id INTEGER PRIMARY KEY, text UNIQUE)")
        image.database.run("INSERT INTO note VALUES (1, 'one'), (2, 'two')")
    return image.database


def everything(store) -> list:
    schema = store.run("SELECT type, name, sql FROM sqlite_schema ORDER BY name")
    return [schema, *(store.run(f"SELECT * FROM {name}") for name in ("_state", "sqlar", "note"))]


def test_the_answer_is_that_of_the_last_statement_with_rows_and_counts_all_changes(store):
    answer = store.ask("INSERT INTO note VALUES (3, 'three'), (4, 'four'); SELECT * FROM note; DELETE FROM note")

    assert answer == Rows(["id", "text"], [[1, "one"], [2, "two"], [3, "three"], [4, "four"]], changed=6, rewritten=4)


def test_values_keep_their_types(store):
    answer = store.ask("SELECT NULL, 9223372036854775807, 1.5, 'é', x'00ff', 9e999")

    assert answer.rows == [[None, 2**63 - 1, 1.5, "é", b"\x00\xff", float("inf")]]


def test_parameters_by_place_and_by_name(store):
    assert store.ask("SELECT ?, ?", [1, "b"]).rows == [[1, "b"]]
    assert store.ask("SELECT :a, $b, :a", {"a": 1, "b": None}).rows == [[1, None, 1]]


@pytest.mark.parametrize(
    ("sql", "params", "detail"),
    [
        ("SELECT ?, ?", [1], "Incorrect number of bindings supplied.  The current statement uses 2 and there are 1"),
        ("SELECT :a", {"b": 1}, "there is no value for :a. Give an object with every name that the query has."),
        ("SELECT ?", [[1]], "Bad binding argument type supplied - argument #1: type list. A value is"),
        ("SELECT ?", [2**70], "int too big to convert. A value is null, a number of 64 bits, a text or bytes."),
        ("SELECT ?", ["\ud800"], "'utf-8' codec can't encode character"),
    ],
)
def test_wrong_parameters_are_named(store, sql, params, detail):
    with pytest.raises(WrongArgument) as refused:
        store.ask(sql, params)

    assert refused.value.field == "params"
    assert refused.value.detail.startswith(detail)


@pytest.mark.parametrize(
    ("sql", "detail"),
    [
        ("SELEC 1", 'near "SELEC": syntax error (line 1, column 1)'),
        ("SELECT 1;\nSELECT 'é', nope", "no such column: nope (line 2, column 13)"),
        ("SELECT * FROM nowhere", "no such table: nowhere"),
        ("INSERT INTO note VALUES (9, 'one')", "UNIQUE constraint failed: note.text"),
        ("SELECT abs(-9223372036854775808)", "integer overflow"),
        ("SELECT 'open", 'unrecognized token: "\'open" (line 1, column 8)'),
        ("SELECT 1 \0", "the query has a NUL character in it. Leave it out."),
        ("SELECT cast(x'ff' AS TEXT)", "a text in the answer is not UTF-8. Ask for it as hex(column) or a blob."),
        ('SELECT "text here"', 'no such column: "text here" - should this be a string literal in single-quotes?'),
    ],
)
def test_a_mistake_is_told_in_sqlites_words_with_its_place(store, sql, detail):
    with pytest.raises(WrongArgument) as refused:
        store.ask(sql)

    assert refused.value.field == "query"
    assert refused.value.detail.startswith(detail)


def test_several_statements_are_done_all_or_none(store):
    with pytest.raises(WrongArgument):
        store.ask("DELETE FROM note; SELECT nope")

    assert store.run("SELECT count(*) FROM note") == [(2,)]


def test_an_empty_query_answers_nothing(store):
    assert store.ask("") == Rows()
    assert store.ask(" ; -- nothing\n") == Rows()


HOSTILE = [
    # other files
    "ATTACH DATABASE '/tmp/stolen' AS other",
    "ATTACH ':memory:' AS other",
    "DETACH main",
    "VACUUM",
    "VACUUM INTO '/tmp/stolen'",
    "/* first */ VACUUM",
    "SELECT load_extension('/tmp/evil')",
    "SELECT load_extension('/tmp/evil', 'entry')",
    "SELECT readfile('/etc/passwd')",
    "SELECT writefile('/tmp/x', 'y')",
    "SELECT edit('x')",
    "SELECT fts3_tokenizer('simple', x'00')",
    "SELECT sqlite_log(1, 'x')",
    "SELECT fts5(1)",
    "SELECT rtreecheck('note')",
    "SELECT json_patch('{}', '{}')",
    # settings
    "PRAGMA writable_schema = on",
    "PRAGMA journal_mode = off",
    "PRAGMA journal_mode",
    "PRAGMA locking_mode = normal",
    "PRAGMA synchronous = full",
    "PRAGMA foreign_keys = off",
    "PRAGMA defer_foreign_keys = on",
    "PRAGMA ignore_check_constraints = on",
    "PRAGMA trusted_schema = on",
    "PRAGMA cell_size_check = off",
    "PRAGMA cache_size = 1000000",
    "PRAGMA cache_spill = on",
    "PRAGMA mmap_size = 1000000000",
    "PRAGMA max_page_count = 4294967294",
    "PRAGMA page_size = 65536",
    "PRAGMA temp_store = file",
    "PRAGMA temp_store_directory = '/tmp'",
    "PRAGMA hard_heap_limit = 1",
    "PRAGMA soft_heap_limit = 1",
    "PRAGMA threads = 8",
    "PRAGMA schema_version = 7",
    "PRAGMA wal_checkpoint",
    "PRAGMA incremental_vacuum",
    "PRAGMA auto_vacuum = 1",
    "PRAGMA encoding = 'UTF-16'",
    "PRAGMA database_list",
    "PRAGMA optimize",
    "PRAGMA legacy_alter_table = on",
    "PRAGMA recursive_triggers = off",
    "PRAGMA case_sensitive_like = on",
    "PRAGMA shrink_memory",
    "SELECT * FROM pragma_journal_mode",
    "SELECT * FROM pragma_database_list",
    # the transaction is the call's
    "BEGIN",
    "BEGIN IMMEDIATE",
    "COMMIT",
    "END",
    "ROLLBACK",
    "SAVEPOINT a",
    "RELEASE s0",
    "ROLLBACK TO s0",
    "SELECT 1; COMMIT",
    # temporary things
    "CREATE TEMP TABLE t(a)",
    "CREATE TABLE temp.t(a)",
    "CREATE TEMP VIEW v AS SELECT 1",
    "CREATE TEMP TRIGGER t AFTER INSERT ON note BEGIN SELECT 1; END",
    # the platform's tables
    "SELECT * FROM _state",
    'SELECT * FROM "_state"',
    "SELECT * FROM main._state",
    "SELECT * FROM _STATE",
    "SELECT count(*) FROM _state",
    "SELECT 1 FROM _state",
    "SELECT (SELECT value FROM _state)",
    "SELECT * FROM note WHERE EXISTS (SELECT 1 FROM _state)",
    "WITH s AS (SELECT * FROM _state) SELECT * FROM s",
    "INSERT INTO _state VALUES ('a', '1')",
    "INSERT OR REPLACE INTO _state VALUES ('secret', '1')",
    "UPDATE _state SET value = '1'",
    "DELETE FROM _state",
    "DROP TABLE _state",
    "ALTER TABLE _state ADD COLUMN a",
    "ALTER TABLE _state RENAME TO mine",
    "CREATE INDEX mine ON _state(value)",
    "CREATE TRIGGER mine AFTER INSERT ON _state BEGIN SELECT 1; END",
    "CREATE TABLE mine AS SELECT * FROM _state",
    "CREATE TRIGGER mine AFTER INSERT ON note BEGIN DELETE FROM _state; END; INSERT INTO note VALUES (9, 'x')",
    "CREATE VIEW mine AS SELECT * FROM _state; SELECT * FROM mine",
    "CREATE TABLE mine(a REFERENCES _state(key)); INSERT INTO mine VALUES ('secret')",
    "CREATE VIRTUAL TABLE mine USING fts5(value, content='_state'); SELECT * FROM mine",
    "REPLACE INTO sqlar VALUES ('a.txt', 0, 0, 0, x'')",
    "INSERT INTO sqlar VALUES ('b.txt', 0, 0, 0, x'')",
    "UPDATE sqlar SET data = x''",
    "UPDATE SQLAR SET data = x''",
    "DELETE FROM sqlar",
    "DROP TABLE sqlar",
    "ALTER TABLE sqlar RENAME COLUMN data TO content",
    "CREATE INDEX mine ON sqlar(sz)",
    "CREATE TRIGGER mine BEFORE DELETE ON sqlar BEGIN SELECT RAISE(ABORT, 'no'); END",
    # names of the platform's
    "CREATE TABLE _mine(a)",
    "CREATE TABLE main._mine(a)",
    'CREATE TABLE "_mine"(a)',
    "CREATE TABLE Sqlar(a)",
    "CREATE TABLE sqlite_mine(a)",
    "CREATE VIEW _mine AS SELECT 1",
    "CREATE INDEX _mine ON note(text)",
    "CREATE TRIGGER _mine AFTER INSERT ON note BEGIN SELECT 1; END",
    "CREATE VIRTUAL TABLE _mine USING fts5(a)",
    "ALTER TABLE note RENAME TO _mine",
    "CREATE VIEW v AS SELECT 1 AS a; ALTER TABLE note RENAME TO _links",
    # the schema itself
    "UPDATE sqlite_schema SET sql = 'x'",
    "DELETE FROM sqlite_master",
    "INSERT INTO sqlite_schema VALUES ('table', 'x', 'x', 2, 'CREATE TABLE x(a)')",
    "DROP TABLE sqlite_schema",
    # modules and tables that show what lies below
    "CREATE VIRTUAL TABLE v USING fts3(a)",
    "CREATE VIRTUAL TABLE v USING fts4(a)",
    "CREATE VIRTUAL TABLE v USING fts4aux(note)",
    "CREATE VIRTUAL TABLE v USING dbstat(main)",
    "CREATE VIRTUAL TABLE v USING csv(filename='/etc/passwd')",
    "SELECT * FROM dbstat",
    "SELECT * FROM sqlite_dbpage",
    "SELECT * FROM sqlite_stmt",
    "SELECT * FROM bytecode('SELECT 1')",
    "SELECT * FROM fts3tokenize('simple')",
    "CREATE VIRTUAL TABLE f USING fts5(a); INSERT INTO f_data VALUES (1, x'00')",
    "CREATE VIRTUAL TABLE f USING fts5(a); DROP TABLE f_data",
]


@pytest.mark.parametrize("sql", HOSTILE)
def test_a_hostile_statement_is_refused_and_leaves_no_trace(store, sql):
    before = everything(store)

    with pytest.raises(WrongArgument) as refused:
        store.ask(sql)

    assert refused.value.field in {"query", "params"}
    assert everything(store) == before


def test_the_text_of_a_refusal_tells_the_way_out(store):
    def told(sql: str) -> str:
        with pytest.raises(WrongArgument) as refused:
            store.ask(sql)
        return refused.value.detail

    assert told("BEGIN") == (
        "each call is a transaction of its own already: leave BEGIN, COMMIT, ROLLBACK and SAVEPOINT out."
    )
    assert told("SELECT * FROM _state") == (
        "the table _state is the platform's: read it by the commands of its facility."
    )
    assert told("CREATE TABLE _mine(a)") == (
        "the name _mine is kept for the platform: choose one that is not sqlar and does not start with _."
    )
    assert told("PRAGMA foreign_keys=off") == "PRAGMA foreign_keys can be read but not set."


@pytest.mark.parametrize("table", sorted(set(TABLES) - {"sqlar"}))
@pytest.mark.parametrize(
    "sql", ["SELECT * FROM {}", "DELETE FROM {}", "INSERT INTO {} DEFAULT VALUES", "DROP TABLE {}"]
)
def test_no_table_of_the_platforms_is_open_to_users(store, image, table, sql):
    with image.savepoint():
        store.need(table)

    with pytest.raises(WrongArgument, match=f"{table} is (the platform's|kept for the platform)"):
        store.ask(sql.format(table))


@pytest.mark.parametrize("table", ["_schedule", "_message"])
def test_nobody_writes_a_row_that_runs_with_rights_by_an_update(store, image, table):
    with image.savepoint():
        store.need(table)

    with pytest.raises(WrongArgument, match=f"{table} is the platform's"):
        store.ask(f"UPDATE {table} SET caller = 'system'")


def test_a_statement_compiled_for_the_platform_is_not_handed_to_a_user(store):
    sql = "SELECT value FROM _state WHERE key = 'secret'"
    assert [store.run(sql) for _ in range(3)] == [[("42",)]] * 3

    with pytest.raises(WrongArgument):
        store.ask(sql)

    assert store.run(sql) == [("42",)]


def test_what_a_user_asks_does_not_make_the_platforms_statements_compile_again(store):
    compiled = []
    store._connection.authorizer = lambda *step: compiled.append(step) or apsw.SQLITE_OK
    store.run("SELECT value FROM _state")
    assert compiled
    store.ask("SELECT 1")
    compiled.clear()

    store.run("SELECT value FROM _state")

    assert compiled == []


def test_a_users_trigger_cannot_reach_the_platforms_tables_through_the_platforms_own_write(store):
    store.ask("CREATE TRIGGER mine AFTER INSERT ON note BEGIN DELETE FROM _state; END")

    with pytest.raises(apsw.AuthError):
        store.run("INSERT INTO note VALUES (9, 'imported')")

    assert store.run("SELECT * FROM _state") == [("secret", "42")]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name, sz, data FROM sqlar",
        "PRAGMA table_info(note)",
        "SELECT name FROM pragma_table_xinfo('note')",
        "PRAGMA index_list(note)",
        "PRAGMA table_list",
        "PRAGMA foreign_key_list(note)",
        "PRAGMA foreign_key_check",
        "PRAGMA integrity_check",
        "PRAGMA page_count",
        "PRAGMA user_version = 7; PRAGMA user_version",
        "SELECT name FROM sqlite_schema",
        "EXPLAIN QUERY PLAN SELECT * FROM note",
        "ANALYZE; SELECT * FROM sqlite_stat1",
        "REINDEX",
        "CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (1); DELETE FROM sqlite_sequence",
        "ALTER TABLE note ADD COLUMN more; ALTER TABLE note RENAME COLUMN more TO less; ALTER TABLE note RENAME TO n",
        "CREATE TABLE t(a INT) STRICT",
        "INSERT INTO note VALUES (1, 'x') ON CONFLICT DO UPDATE SET text = excluded.text RETURNING *",
        "SELECT value FROM json_each('[1,2]')",
        "SELECT json(jsonb_patch('{\"a\":1}', '{\"a\":null}'))",
        "WITH _a AS (SELECT 1 AS x) SELECT x FROM _a",
    ],
)
def test_what_harms_nobody_is_open(store, sql):
    assert store.ask(sql).truncated is False


def test_full_text_search(store):
    answer = store.ask(
        "CREATE VIRTUAL TABLE doc USING fts5(body, tokenize='porter');"
        "INSERT INTO doc VALUES ('a running dog'), ('a sleeping cat');"
        "SELECT highlight(doc, 0, '[', ']'), bm25(doc) < 0 FROM doc WHERE doc MATCH 'run'"
    )

    assert answer.rows == [["a [running] dog", 1]]
    assert store.ask("DROP TABLE doc").changed == 0


def test_boxes_in_an_r_tree(store):
    answer = store.ask(
        "CREATE VIRTUAL TABLE box USING rtree(id, x1, x2, y1, y2);"
        "INSERT INTO box VALUES (1, 0, 1, 0, 1), (2, 5, 6, 5, 6);"
        "SELECT id FROM box WHERE x1 >= 4"
    )

    assert answer.rows == [[2]]


def test_windows_json_views_triggers_and_generated_columns(store):
    answer = store.ask(
        """
        CREATE TABLE sale(id INTEGER PRIMARY KEY, doc TEXT CHECK (json_valid(doc)), price AS (doc ->> 'price') STORED);
        CREATE TABLE audit(line);
        CREATE TRIGGER seen AFTER INSERT ON sale BEGIN INSERT INTO audit VALUES (new.price); END;
        INSERT INTO sale(doc) VALUES ('{"price": 3}'), ('{"price": 4}');
        CREATE VIEW running AS SELECT id, sum(price) OVER (ORDER BY id) AS total FROM sale;
        SELECT total, (SELECT count(*) FROM audit) FROM running
        """
    )

    assert (answer.columns, answer.rows) == (["total", "(SELECT count(*) FROM audit)"], [[3, 2], [7, 2]])


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM note",
        "SELECT 1; INSERT INTO note VALUES (3, 'x')",
        "CREATE TABLE t(a)",
        "DROP TABLE note",
        "UPDATE note SET text = 'x' RETURNING id",
        "PRAGMA user_version = 3",
        "ANALYZE",
        "REINDEX",
        "WITH a AS (SELECT 1) DELETE FROM note",
    ],
)
def test_a_call_that_only_reads_refuses_what_writes(store, sql):
    before = everything(store)

    with pytest.raises(WrongArgument) as refused:
        store.ask(sql, reads_only=True)

    assert refused.value.detail == "this call only reads: the query may not write. Use the command that changes."
    assert everything(store) == before


def test_a_call_that_only_reads_reads(store):
    assert store.ask("SELECT text FROM note; PRAGMA user_version", reads_only=True).rows == [[0]]


ENDLESS = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT"


@pytest.mark.parametrize(
    "sql",
    [
        f"{ENDLESS} count(*) FROM r",
        f"{ENDLESS} sum(length(replace(hex(zeroblob(900000)), '00', 'ab'))) FROM r",
        f"{ENDLESS} sum(hex(zeroblob(900000)) LIKE '%1%1%1%1%1%1%1%1%1%1%1%1%') FROM r",
        f"{ENDLESS} sum(instr(hex(zeroblob(900000)), hex(zeroblob(400000)) || '1')) FROM r",
        f"{ENDLESS} count(*) FROM r a, r b",
        "SELECT count(*) FROM ("
        + " UNION ALL ".join(["SELECT 1"] * 50)
        + ") a, "
        + ", ".join(f"({' UNION ALL '.join(['SELECT 1'] * 50)}) a{n}" for n in range(6)),
        f"INSERT INTO note(text) {ENDLESS} x FROM r",
        f"SELECT 1; {ENDLESS} x FROM r WHERE x < 0",
    ],
)
def test_a_query_without_end_is_stopped_in_time(store, sql):
    started = time.monotonic()

    with pytest.raises(OutOfTime) as refused:
        store.ask(sql, limits=Limits(seconds=0.2))

    assert time.monotonic() - started < fair(3)
    assert refused.value.detail == (
        "the query was stopped after 0.2 s (limit sql.seconds). Nothing was changed;"
        " an index or a narrower WHERE may help."
    )
    assert store.run("SELECT count(*) FROM note") == [(2,)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT trim(hex(zeroblob(900000)), hex(zeroblob(900000)))",
        "SELECT rtrim(hex(zeroblob(900000)), hex(zeroblob(900000)))",
        "SELECT replace(hex(zeroblob(900000)), '0', hex(zeroblob(900000)))",
        "SELECT jsonb_patch(hex(zeroblob(900000)), hex(zeroblob(900000)))",
        "SELECT zeroblob(3000000)",
        "SELECT randomblob(100000000)",
        "SELECT printf('%100000000d', 1)",
        "SELECT group_concat(hex(zeroblob(500000))) FROM (VALUES (1), (2), (3), (4))",
    ],
)
def test_a_value_that_is_too_big_is_refused_at_once(store, sql):
    started = time.monotonic()

    with pytest.raises(TooLarge):
        store.ask(sql)

    assert time.monotonic() - started < fair(1)


def test_a_query_that_takes_too_much_memory_is_stopped(store):
    with pytest.raises(TooLarge) as refused:
        store.ask(f"{ENDLESS} x FROM r ORDER BY randomblob(1000)", limits=Limits(seconds=20, memory_bytes=20 * 2**20))

    assert refused.value.detail.startswith("the query needed more than 20,971,520 bytes of memory")


def test_rows_past_the_limit_are_cut_and_the_answer_says_so(store):
    answer = store.ask(f"{ENDLESS} x FROM r", limits=Limits(rows=3))

    note = "cut at 3 rows (limit sql.rows). Use LIMIT and OFFSET to get the rest."
    assert answer == Rows(["x"], [[1], [2], [3]], truncated=True, note=note)


def test_bytes_past_the_limit_are_cut_and_the_answer_says_so(store):
    answer = store.ask(f"{ENDLESS} hex(zeroblob(500)) FROM r", limits=Limits(bytes=2500))

    assert (len(answer.rows), answer.truncated) == (2, True)
    assert answer.note == "cut at 2,500 bytes (limit sql.bytes). Ask for fewer columns or rows."


def test_statements_after_a_cut_answer_still_run(store):
    answer = store.ask("SELECT * FROM note; DELETE FROM note", limits=Limits(rows=1))

    assert (answer.rows, answer.truncated, answer.changed) == ([[1, "one"]], True, 2)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "-(" * 2000 + "1" + ")" * 2000,
        "SELECT " + "+".join(["1"] * 2000),
        " UNION ALL ".join(["SELECT 1"] * 200),
        "SELECT max(" + ",".join(["1"] * 200) + ")",
        "SELECT 'a' LIKE '" + "%a" * 200 + "'",
        "CREATE TABLE t(" + ",".join(f"c{n}" for n in range(1500)) + ")",
        "SELECT ?40000",
        "SELECT '" + "x" * 1_100_000 + "'",
    ],
)
def test_a_statement_that_is_too_deep_or_too_long_is_refused(store, sql):
    with pytest.raises((WrongArgument, TooLarge)):
        store.ask(sql)


def test_a_limit_of_one_query_does_not_stay(store):
    with pytest.raises(OutOfTime):
        store.ask(f"{ENDLESS} count(*) FROM r", limits=Limits(seconds=0.05))
    time.sleep(0.06)

    assert store.ask("SELECT count(*) FROM note").rows == [[2]]
    assert store.run("SELECT length(zeroblob(30000000))") == [(30_000_000,)]


@pytest.mark.parametrize(
    "expression",
    [
        "instr('héllo', 'l')", "instr('a', 'b')", "instr(x'0102', x'02')", "instr(123, 2)", "instr('a', NULL)",
        "instr(1.5, '.5')", "instr('', '')", "instr(x'6162', 'b')", "replace('aXbX', 'X', 'é')",
        "replace('a', '', 'b')",
        "replace(1212, 2, 3)", "replace(NULL, 'a', 'b')", "replace('a', 'a', NULL)", "replace(x'6161', 'a', 'b')",
        "trim('xxaxx', 'x')", "ltrim('xa', 'x')", "rtrim('ax', 'x')", "trim(1.0, '0')", "trim(NULL, 'a')",
        "trim('  a ')", "json(jsonb_patch('{\"a\":1}', '{\"b\":2}'))",
    ],
)  # fmt: skip
def test_functions_that_differ_in_cost_do_not_differ_in_what_they_answer(store, expression):
    expected = apsw.Connection(":memory:").execute(f"SELECT {expression}, typeof({expression})").fetchall()

    assert store.run(f"SELECT {expression}, typeof({expression})") == expected


def test_every_function_that_sqlite_does_not_hold_for_innocuous_is_known_here(store):
    innocuous = 0x200000
    listed = apsw.Connection(":memory:").execute("SELECT name, flags FROM pragma_function_list").fetchall()

    # An SQLite that brings a new one fails this test: somebody then decides whether queries may use it.
    assert {name for name, flags in listed if not flags & innocuous} - guard.FUNCTIONS_REFUSED <= {
        "changes", "fts5_get_locale", "fts5_insttoken", "fts5_locale", "fts5_source_id", "geopoly_debug",
        "last_insert_rowid", "match", "matchinfo", "median", "offsets", "percentile", "percentile_cont",
        "percentile_disc", "optimize", "rtreedepth", "rtreenode", "snippet",
        "sqlite_compileoption_get", "sqlite_compileoption_used", "sqlite_source_id", "sqlite_version", "total_changes",
        "highlight", "bm25", "glob", "like", "regexp",
    }  # fmt: skip
