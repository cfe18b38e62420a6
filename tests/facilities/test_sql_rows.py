"""Rows are looked through page by page, in any order, none twice and none left out; and changed one by one by key."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from objects.sdk import Conflict, NoSuch, WrongArgument

VALUES = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from(["a", "b", "ä"]), st.floats(-1, 1))


def walk(grove, path: str, table: str, **options) -> tuple[list[list], list[dict]]:
    """All rows and keys, page by page."""
    rows, keys, after = [], [], ""
    while True:
        page = grove.call(path, "sql.browse", table=table, after=after, **options)
        rows += page["rows"]
        keys += page["keys"]
        if page["next"] is None:
            return rows, keys
        after = page["next"]


def filled(grove, *statements: str) -> str:
    path = grove.new()
    for statement in statements:
        grove.call(path, "sql", query=statement)
    return path


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(VALUES, max_size=12), limit=st.integers(1, 5), sort=st.sampled_from(["", "v", "-v"]))
def test_pages_give_every_row_once_in_the_order_of_sqlite(grove, values, limit, sort):
    path = filled(grove, "create table t(v)", "create table w(k text primary key, v) without rowid")
    for number, value in enumerate(values):
        grove.call(path, "sql", query="insert into t values (?)", params=[value])
        grove.call(path, "sql", query="insert into w values (?, ?)", params=[f"k{number}", value])
    order = {"": "", "v": "v, ", "-v": "v desc, "}[sort]

    for table, key in (("t", "rowid"), ("w", "k")):
        rows, keys = walk(grove, path, table, limit=limit, sort=sort)
        expected = grove.call(path, "sql.query", query=f"select * from {table} order by {order}{key}")["rows"]

        assert rows == expected
        assert len({tuple(each.values()) for each in keys}) == len(values)


def test_rows_that_come_meanwhile_move_no_page(grove):
    path = filled(grove, "create table t(n int)", "insert into t values (10), (20), (30), (40)")

    first = grove.call(path, "sql.browse", table="t", sort="n", limit=2)
    grove.call(path, "sql", query="insert into t values (1), (35)")
    second = grove.call(path, "sql.browse", table="t", sort="n", limit=9, after=first["next"])

    assert (first["rows"], second["rows"]) == ([[10], [20]], [[30], [35], [40]])


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([{"column": "city", "value": "Oslo"}], [1, 3]),
        ([{"column": "CITY", "test": "!=", "value": "Oslo"}], [2, 4]),
        ([{"column": "total", "test": ">=", "value": 20}], [2, 3]),
        ([{"column": "total", "test": ">=", "value": "20"}], [2, 3]),
        ([{"column": "city", "test": "contains", "value": "%"}], []),
        ([{"column": "city", "test": "starts", "value": "os"}], [1, 3]),
        ([{"column": "city", "test": "null"}], [4]),
        ([{"column": "city", "test": "not null"}, {"column": "total", "test": "<", "value": 25}], [1, 2]),
    ],
)
def test_filters_are_all_met(grove, filters, found):
    path = filled(
        grove,
        "create table o(id integer primary key, city text, total real)",
        "insert into o values (1, 'Oslo', 10), (2, 'Rome', 20), (3, 'Oslo', 30), (4, null, null)",
    )

    page = grove.call(path, "sql.browse", table="O", filters=filters)

    assert ([row[0] for row in page["rows"]], page["total"]) == (found, len(found))


def test_facets_count_what_passes_the_filters(grove):
    path = filled(
        grove, "create table o(city text, paid int)", "insert into o values ('Oslo',1),('Oslo',0),('Rome',1),(null,1)"
    )

    page = grove.call(
        path, "sql.browse", table="o", facets=["city"], filters=[{"column": "paid", "value": 1}], search="", limit=1
    )

    assert page["facets"] == [{
        "column": "city", "note": "",
        "values": [{"value": None, "rows": 1}, {"value": "Oslo", "rows": 1}, {"value": "Rome", "rows": 1}],
    }]  # fmt: skip


def test_search_looks_into_every_column(grove):
    path = filled(
        grove, "create table p(a text, b text)", "insert into p values ('x_y', 'q'), ('xzy', 'X_Y'), ('n', 'n')"
    )

    assert grove.call(path, "sql.browse", table="p", search="x_y")["rows"] == [["x_y", "q"], ["xzy", "X_Y"]]


def test_a_view_is_paged_and_has_no_keys(grove):
    path = filled(grove, "create table t(n)", "insert into t values (1), (2), (3)", "create view v as select n from t")

    rows, keys = walk(grove, path, "v", limit=2, sort="-n")

    assert (rows, keys) == ([[3], [2], [1]], [{}, {}, {}])
    with pytest.raises(Conflict):
        grove.call(path, "sql.delete_rows", table="v", keys=[{"rowid": 1}])


def test_names_are_names_and_never_sql(grove):
    path = filled(grove, 'create table "a""; drop table b; --"("c"" d" text)', "create table b(x)")

    grove.call(path, "sql.add_row", table='a"; drop table b; --', values={'c" d': "'); drop table b; --"})

    page = grove.call(path, "sql.browse", table='a"; drop table b; --', sort='c" d', facets=['c" d'])
    assert page["rows"] == [["'); drop table b; --"]]
    assert [each["name"] for each in grove.call(path, "sql.tables")] == ['a"; drop table b; --', "b"]


@pytest.mark.parametrize("table", ["_state", "sqlar", "sqlite_schema", "nothing"])
@pytest.mark.parametrize("command", ["sql.browse", "sql.add_row", "sql.drop_table"])
def test_the_platforms_tables_are_no_tables(grove, table, command):
    path = grove.new()
    grove.call(path, "state.set", key="secret", value=1)
    arguments = {"table": table} | ({"values": {"key": "x"}} if command == "sql.add_row" else {})

    with pytest.raises(NoSuch):
        grove.call(path, command, **arguments)


def test_a_row_is_added_changed_and_deleted_by_its_key(grove):
    path = filled(grove, "create table p(name text, n int default 7, twice as (n * 2))")

    added = grove.call(path, "sql.add_row", table="p", values={"name": "basil"})
    changed = grove.call(path, "sql.set_row", table="p", key=added["key"], values={"n": "8", "name": None})
    seen = grove.call(path, "sql.row", table="p", key=added["key"])
    gone = grove.call(path, "sql.delete_rows", table="p", keys=[added["key"]])

    assert added == {"key": {"rowid": 1}, "values": {"name": "basil", "n": 7, "twice": 14}}
    assert changed == seen == {"key": {"rowid": 1}, "values": {"name": None, "n": 8, "twice": 16}}
    assert (gone, grove.call(path, "sql.browse", table="p")["rows"]) == (1, [])


def test_a_key_of_several_columns_tells_a_row_apart(grove):
    path = filled(
        grove, "create table p(a, b, c, primary key (b, a)) without rowid", "insert into p values (1, 2, 3), (1, 3, 4)"
    )
    keys = grove.call(path, "sql.browse", table="p")["keys"]

    grove.call(path, "sql.set_row", table="p", key={"a": 1, "b": 3}, values={"c": "new"})

    assert keys == [{"b": 2, "a": 1}, {"b": 3, "a": 1}]
    assert grove.call(path, "sql.browse", table="p")["rows"] == [[1, 2, 3], [1, 3, "new"]]


def test_a_change_that_was_overtaken_is_refused(grove):
    path = filled(grove, "create table p(n)", "insert into p values (1)")
    grove.call(path, "sql.set_row", table="p", key={"rowid": 1}, values={"n": 2})

    with pytest.raises(Conflict, match="changed meanwhile"):
        grove.call(path, "sql.set_row", table="p", key={"rowid": 1}, values={"n": 3}, expect={"n": 1})
    assert grove.call(path, "sql.browse", table="p")["rows"] == [[2]]


@pytest.mark.parametrize(
    ("command", "arguments", "field"),
    [
        ("sql.add_row", {"values": {"nothing": 1}}, "values"),
        ("sql.add_row", {"values": {"twice": 1}}, "values"),
        ("sql.add_row", {"values": {"n": "many"}}, "values"),
        ("sql.set_row", {"key": {"name": 1}, "values": {"n": 1}}, "key"),
        ("sql.set_row", {"key": {"rowid": 1}, "values": {}}, "values"),
        ("sql.browse", {"sort": "nothing"}, "sort"),
        ("sql.browse", {"facets": ["nothing"]}, "facets"),
        ("sql.browse", {"after": "x"}, "after"),
        ("sql.browse", {"after": "W10"}, "after"),
        ("sql.browse", {"filters": [{"column": "nothing"}]}, "filters"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_field(grove, command, arguments, field):
    path = filled(
        grove, "create table p(n int check (typeof(n) = 'integer'), twice as (n * 2))", "insert into p values (1)"
    )

    with pytest.raises(WrongArgument) as refusal:
        grove.call(path, command, table="p", **arguments)

    assert list(refusal.value.extra["fields"]) == [field]


def test_deleting_is_all_or_nothing(grove):
    path = filled(grove, "create table p(n)", "insert into p values (1), (2)")

    with pytest.raises(NoSuch):
        grove.call(path, "sql.delete_rows", table="p", keys=[{"rowid": 1}, {"rowid": 9}])
    assert grove.call(path, "sql.browse", table="p")["rows"] == [[1], [2]]


def test_rows_of_a_full_text_table_are_changed_too(grove):
    path = filled(grove, "create virtual table f using fts5(text)")
    grove.call(path, "sql.add_row", table="f", values={"text": "lemon tree"})

    changed = grove.call(path, "sql.set_row", table="f", key={"rowid": 1}, values={"text": "orange tree"})

    assert changed == {"key": {"rowid": 1}, "values": {"text": "orange tree"}}


def test_tables_are_made_and_altered_without_sql(grove):
    path = grove.new()
    columns = [
        {"name": "id", "type": "INTEGER", "key": True}, {"name": "it's", "not_null": True, "default": "a 'b'"},
    ]  # fmt: skip

    grove.call(path, "sql.create_table", table="t", columns=columns)
    grove.call(path, "sql.add_column", table="t", name="n", type="REAL", default=1.5)
    grove.call(path, "sql.rename_column", table="t", old="it's", new="name")
    grove.call(path, "sql.add_index", table="t", columns=["name"], unique=True)
    grove.call(path, "sql.rename_table", table="t", new="u")
    grove.call(path, "sql.add_row", table="u", values={})

    assert grove.call(path, "sql.browse", table="u")["rows"] == [[1, "a 'b'", 1.5]]
    with pytest.raises(WrongArgument):
        grove.call(path, "sql.add_row", table="u", values={})


def test_dropping_says_what_goes_and_asks_first(grove):
    path = filled(grove, "create table t(n, m)", "insert into t values (1, 2), (3, 4)", "create view v as select 1")

    asked = [grove.outcome(path, "sql.drop_table", {"table": each}).problem.detail for each in ("t", "v")]
    column = grove.outcome(path, "sql.drop_column", {"table": "t", "name": "m"}).problem.detail

    assert asked == [
        "Removes the table t with 2 rows.", "Removes the view v. The rows that it shows stay where they are.",
    ]  # fmt: skip
    assert column == "Removes the column m of t with the values of 2 rows."


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_a_file_has_the_rows_that_are_found_in_the_order_that_is_shown(grove, format):
    path = filled(
        grove,
        "create table t(n int, who text)",
        "insert into t values (3, 'ann'), (1, 'bob'), (2, 'ann'), (3, 'al%'), (null, 'ann')",
    )
    asked = {"filters": [{"column": "n", "test": ">", "value": 1}], "search": "a", "sort": "-n"}

    file = grove.call(path, "sql.export", source="T", format=format, **asked).read().decode()

    page = grove.call(path, "sql.browse", table="t", **asked)
    assert page["rows"] == [[3, "ann"], [3, "al%"], [2, "ann"]]
    assert (
        file
        == {
            "csv": "n,who\r\n3,ann\r\n3,al%\r\n2,ann\r\n",
            "jsonl": '{"n":3,"who":"ann"}\n{"n":3,"who":"al%"}\n{"n":2,"who":"ann"}\n',
        }[format]
    )


@pytest.mark.parametrize(
    ("source", "asked", "field"),
    [
        ("select 1", {"sort": "n"}, "sort"),
        ("select 1", {"search": "x"}, "search"),
        ("select 1", {"filters": [{"column": "n"}]}, "filters"),
        ("t", {"sort": "x"}, "sort"),
        ("t", {"filters": [{"column": "x"}]}, "filters"),
    ],
)
def test_a_file_of_what_cannot_be_filtered_so_is_refused(grove, source, asked, field):
    path = filled(grove, "create table t(n int)")

    with pytest.raises(WrongArgument) as refused:
        grove.call(path, "sql.export", source=source, **asked)

    assert refused.value.field == field
