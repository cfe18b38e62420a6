"""Rows leave as CSV and JSON Lines and come back the same; what is wrong in a file is told by line."""

import base64
import csv
import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from objects.commands.types import Content
from teams.problems import WrongArgument
from tests.grove import Grove

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
cells = st.tuples(
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(allow_nan=False),
    st.none() | texts,
    st.none() | st.binary(max_size=8),
)
RESULT = "select quote(i), quote(r), typeof(r), quote(t), quote(b) from {} order by rowid"


@pytest.fixture
def path(grove: Grove) -> str:
    return grove.new()


def exported(grove: Grove, path: str, source: str, format: str = "csv") -> bytes:
    data: bytes = grove.call(path, "sql.export", source=source, format=format).read()
    return data


def rows(grove: Grove, path: str, query: str) -> list[list[Any]]:
    found: list[list[Any]] = grove.call(path, "sql.query", query=query)["rows"]
    return found


def fill(grove: Grove, path: str, values: list[tuple[Any, ...]]) -> None:
    grove.call(path, "sql", query="drop table if exists t; create table t(i integer, r real, t text, b blob)")
    grove.call(path, "sql", query="drop table if exists u; create table u(i integer, r real, t text, b blob)")
    for i, r, t, b in values:
        params = [i, r, t, None if b is None else {"base64": base64.b64encode(b).decode()}]
        if r in (math.inf, -math.inf):
            params[1] = "9e999" if r > 0 else "-9e999"  # the column makes a number of it
        grove.call(path, "sql", query="insert into t values (?, ?, ?, ?)", params=params)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(cells, max_size=6))
def test_csv_comes_back_exactly(grove: Grove, path: str, values: list[tuple[Any, ...]]):
    fill(grove, path, values)

    grove.call(path, "sql.import", table="u", content=Content(exported(grove, path, "t")), format="csv")

    assert rows(grove, path, RESULT.format("u")) == rows(grove, path, RESULT.format("t"))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(cells.filter(lambda row: row[1] not in (math.inf, -math.inf)), min_size=1, max_size=6))
def test_json_lines_come_back_exactly(grove: Grove, path: str, values: list[tuple[Any, ...]]):
    fill(grove, path, values)

    grove.call(path, "sql.import", table="u", content=Content(exported(grove, path, "t", "jsonl")), format="jsonl")

    assert rows(grove, path, RESULT.format("u")) == rows(grove, path, RESULT.format("t"))


def test_other_tools_read_the_csv(grove: Grove, path: str):
    grove.call(path, "sql", query="""create table t("a,b", c); insert into t values ('x "y"', 1), (x'00', '=1+1')""")

    read = list(csv.reader(exported(grove, path, "t").decode().splitlines(keepends=True)))

    assert read == [["a,b", "c"], ['x "y"', "1"], ['{"base64": "AA=="}', "=1+1"]]


def test_a_file_makes_a_table_with_the_types_that_keep_it(grove: Grove, path: str):
    file = 'id,price,zip,note,mixed\r\n1,1.5,007,,1\r\n2,2,10115,"",x\r\n'

    made = grove.call(path, "sql.import", table="t", content=file)

    assert made == {"table": "t", "rows": 2, "created": True, "columns": ["id", "price", "zip", "note", "mixed"]}
    assert grove.call(path, "sql.schema") == (
        'CREATE TABLE "t" ("id" INTEGER, "price" REAL, "zip" TEXT, "note" TEXT, "mixed" TEXT);'
    )
    assert rows(grove, path, "select * from t") == [[1, 1.5, "007", None, "1"], [2, 2.0, "10115", "", "x"]]


def test_json_lines_make_columns_of_all_members(grove: Grove, path: str):
    lines = [{"a": 1, "b": [1, {"c": 2}]}, {"a": 2.5, "d": True}, {"e": {"base64": "AA=="}, "f": 2**60}, {"f": 0.5}]

    grove.call(path, "sql.import", table="t", content="\n".join(map(json.dumps, lines)))

    assert grove.call(path, "sql.tables")[0]["columns"] == {
        "a": "REAL", "b": "TEXT", "d": "INTEGER", "e": "BLOB", "f": "",
    }  # fmt: skip
    assert rows(grove, path, "select * from t") == [
        [1.0, '[1,{"c":2}]', None, None, None],
        [2.5, None, 1, None, None],
        [None, None, None, {"base64": "AA=="}, 2**60],
        [None, None, None, None, 0.5],
    ]


def test_rows_are_added_to_a_table_that_is_there(grove: Grove, path: str):
    grove.call(path, "sql", query="create table T(a int, b text default 'x')")

    added = grove.call(path, "sql.import", table="t", content="A\n1\n2\n")

    assert added == {"table": "t", "rows": 2, "created": False, "columns": ["A"]}
    assert rows(grove, path, "select * from t") == [[1, "x"], [2, "x"]]


def test_a_query_is_exported_too(grove: Grove, path: str):
    file = grove.call(path, "sql.export", source="select 1 as a, 'x' as b union all select 2, null", format="jsonl")

    assert (file.name, file.content_type, file.size) == ("query.jsonl", "application/jsonl", 33)
    assert file.read() == b'{"a":1,"b":"x"}\n{"a":2,"b":null}\n'


def test_an_empty_table_is_exported_with_its_columns(grove: Grove, path: str):
    grove.call(path, "sql", query="create table t(a, b)")

    assert exported(grove, path, "t") == b"a,b\r\n"


def test_an_export_has_more_rows_than_an_answer(grove: Grove, path: str):
    query = "with recursive n(x) as (select 1 union all select x + 1 from n limit 30000) select x from n"

    assert len(exported(grove, path, query).splitlines()) == 30_001


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("a,b\n1,2\n3\n", "line 3: 1 fields where the header names 2. Nothing was imported."),
        ('a,b\n1,"x\ny\n', "line 2: a quote is opened here and never closed. Nothing was imported."),
        ('a\n1\nx"y"\n', ("line 3: field 1 has a quote inside: quote the whole field and double the quotes in it."
         " Nothing was imported.")),
        ("a,A\n", "line 1: two columns are named 'A'. Nothing was imported."),
        ("a,,c\n", "line 1: column 2 has no name. Nothing was imported."),
        ("a\n\0\n", "line 2: a NUL character: this is not a text file. Nothing was imported."),
        ("", "The file is empty: its first line should name the columns."),
        ('{"a": 1}\n{"a": 99999999999999999999}\n', ("line 2, column 'a': 99999999999999999999 is beyond the whole"
     " numbers that a table holds (64 bits). Nothing was imported.")),
        ('{"a": 1}\n[1]\n', ('line 2: not a JSON object: each line is one, such as {"name": "ann"}.'
         " Nothing was imported.")),
        ('{"a": {"base64": "%"}}\n', "line 1, column 'a': what is in 'base64' is not base64. Nothing was imported."),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_told_by_line(grove: Grove, path: str, file: str, why: str):
    with pytest.raises(WrongArgument) as refused:
        grove.call(path, "sql.import", table="t", content=file)

    assert refused.value.detail == why
    assert grove.call(path, "sql.tables") == []


def test_bytes_that_are_no_text_are_refused(grove: Grove, path: str):
    with pytest.raises(WrongArgument) as refused:
        grove.call(path, "sql.import", table="t", content=Content(b"a\n1\n\xff\n"))

    assert refused.value.detail == (
        "line 1: here or soon after is a byte that is not UTF-8. Save the file as UTF-8. Nothing was imported."
    )


def test_a_row_that_the_table_refuses_takes_all_others_back(grove: Grove, path: str):
    grove.call(path, "sql", query="create table t(a int unique check (a > 0)); insert into t values (7)")

    for file, why in (
        ("a\n1\n7\n", "line 3: UNIQUE constraint failed: t.a. Nothing was imported."),
        ("a\n2\n0\n", "line 3: CHECK constraint failed: a > 0. Nothing was imported."),
        ("b\n2\n", "the table t has no column 'b'. Its columns: a."),
    ):
        with pytest.raises(WrongArgument) as refused:
            grove.call(path, "sql.import", table="t", content=file)
        assert refused.value.detail == why

    assert rows(grove, path, "select * from t") == [[7]]


@pytest.mark.parametrize("table", ["_state", "sqlar", "SQLAR", "sqlite_x"])
def test_nothing_is_imported_into_the_platforms_tables(grove: Grove, path: str, table: str):
    grove.call(path, "files.put", name="a", content="b")

    with pytest.raises(WrongArgument) as refused:
        grove.call(path, "sql.import", table=table, content="name\nx\n")

    assert refused.value.detail == f"{table}: names that start with _ or sqlite_, and sqlar, are the platform's."


@pytest.mark.parametrize(
    ("source", "format", "field", "why"),
    [
        (
            "drop table t",
            "csv",
            "query",
            "this call only reads: the query may not write. Use the command that changes.",
        ),
        ("select 1 as a, 2 as a", "jsonl", "source", "Two columns are named 'a': name one otherwise with AS."),
        ("select 1; select 2", "csv", "source", "Those are several queries. A file holds the rows of one."),
        ("", "csv", "source", "That gives no rows. Name a table, or write a query that begins with SELECT."),
        ("select 9e999 as a", "jsonl", "format", "row 1, column 'a': JSON has no infinity. Export as csv."),
    ],
)
def test_what_is_no_file_of_rows_is_refused(grove: Grove, path: str, source: str, format: str, field: str, why: str):
    grove.call(path, "sql", query="create table t(x)")

    with pytest.raises(WrongArgument) as refused:
        grove.call(path, "sql.export", source=source, format=format)

    assert (refused.value.field, refused.value.detail) == (field, why)
