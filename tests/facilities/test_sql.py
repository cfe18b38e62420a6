"""SQL by users: tables of their own, answers with limits, and nothing of the platform's."""

import base64
from typing import Any

import pytest

from teams.access import Role
from teams.problems import NoSuch, NotAllowed, WrongArgument
from tests.grove import Grove


@pytest.fixture
def path(grove: Grove) -> str:
    return grove.new()


def rows(grove: Grove, path: str, query: str, **arguments: Any) -> list[list[Any]]:
    found: list[list[Any]] = grove.call(path, "sql.query", query=query, **arguments)["rows"]
    return found


def test_several_statements_are_one_change(grove: Grove, path: str):
    with pytest.raises(WrongArgument):
        grove.call(path, "sql", query="create table t(x); insert into t values (1); insert into nothing values (1)")

    assert grove.call(path, "sql.tables") == []


def test_an_answer_tells_columns_rows_and_changes(grove: Grove, path: str):
    made = grove.call(path, "sql", query="create table t(x, y); insert into t values (1, 'a'), (2, null)")
    asked = grove.call(path, "sql", query="select * from t order by x")

    assert made == {"columns": [], "rows": [], "changed": 2, "truncated": False, "note": ""}
    assert asked == {
        "columns": ["x", "y"], "rows": [[1, "a"], [2, None]], "changed": 0, "truncated": False, "note": "",
    }  # fmt: skip


def test_values_go_in_and_come_out_as_they_are(grove: Grove, path: str):
    blob = {"base64": base64.b64encode(b"\0\xff").decode()}

    listed = rows(grove, path, "select ?, ?, ?, ?, ?", params=[blob, 2**63 - 1, 0.1, None, "é"])
    named = rows(grove, path, "select :a, 9e999, -9e999", params={"a": blob})

    assert listed == [[blob, 2**63 - 1, 0.1, None, "é"]]
    assert named == [[blob, "Infinity", "-Infinity"]]


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ("x", "give a list of values for ?, or an object of values for :name."),
        ([[1]], "value 1: a list or object is no value of a column. Send it as JSON text."),
        ([{"base64": "%"}], "value 1: what is in 'base64' is not base64."),
    ],
)
def test_parameters_that_are_no_values_are_refused(grove: Grove, path: str, params: Any, why: str):
    with pytest.raises(WrongArgument) as refused:
        grove.call(path, "sql", query="select ?", params=params)

    assert (refused.value.field, refused.value.detail) == ("params", why)


def test_a_query_does_not_write(grove: Grove, path: str):
    with pytest.raises(WrongArgument) as refused:
        grove.call(path, "sql.query", query="create table t(x)")

    assert refused.value.field == "query"
    assert grove.call(path, "sql.tables") == []


def test_a_viewer_may_ask_but_not_change(grove: Grove, path: str, team, member, caller):
    viewer = grove.acting_as(caller(team, member(team, Role.VIEWER)))

    assert rows(viewer, path, "select 1") == [[1]]
    with pytest.raises(NotAllowed):
        viewer.call(path, "sql", query="select 1")


def test_an_answer_with_too_many_rows_says_so(grove: Grove, path: str):
    answer = grove.call(
        path, "sql.query", query="with recursive n(x) as (select 1 union all select x + 1 from n) select x from n"
    )

    assert (len(answer["rows"]), answer["truncated"]) == (10_000, True)
    assert answer["note"] == "cut at 10,000 rows (limit sql.rows). Use LIMIT and OFFSET to get the rest."


def test_tables_and_views_are_listed_without_the_platforms(grove: Grove, path: str):
    grove.call(path, "state.set", key="x", value=1)
    grove.call(path, "files.put", name="a", content="b")
    grove.call(
        path,
        "sql",
        query="create table b(id integer primary key, note); create view a as select 1 as one;"
        " create virtual table c using fts5(body); insert into b(note) values (1), (2)",
    )

    assert grove.call(path, "sql.tables") == [
        {"name": "a", "kind": "view", "rows": None, "columns": {"one": ""}},
        {"name": "b", "kind": "table", "rows": 2, "columns": {"id": "INTEGER", "note": ""}},
        {"name": "c", "kind": "virtual", "rows": None, "columns": {"body": ""}},
    ]


def test_the_schema_makes_the_same_tables_elsewhere(grove: Grove, path: str):
    grove.call(path, "state.set", key="x", value=1)
    grove.call(
        path,
        "sql",
        query='create table "odd ""name"(x int); create index i on "odd ""name"(x);'
        ' create view v as select 1; create trigger t after insert on "odd ""name" begin select 1; end',
    )
    elsewhere = grove.new()

    schema = grove.call(path, "sql.schema")
    grove.call(elsewhere, "sql", query=schema)

    assert grove.call(elsewhere, "sql.schema") == schema
    assert grove.call(path, "sql.schema", table="v") == "CREATE VIEW v as select 1;"


@pytest.mark.parametrize("name", ["nothing", "_state", "sqlar"])
def test_the_schema_of_what_is_not_the_users_is_no_such_table(grove: Grove, path: str, name: str):
    grove.call(path, "state.set", key="x", value=1)
    grove.call(path, "files.put", name="a", content="b")

    with pytest.raises(NoSuch) as refused:
        grove.call(path, "sql.schema", table=name)

    assert refused.value.detail == f"{name}: no such table. `sql tables` shows those that there are."
