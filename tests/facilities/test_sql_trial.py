"""SQL can be tried: the rows that would change are shown and nothing is; a large change asks; queries are kept."""

import pytest

from objects.engine.running import engine
from objects.sdk import NoSuch
from teams.problems import NeedsConfirmation


def filled(grove, rows: int = 3) -> str:
    path = grove.new()
    grove.call(path, "sql", query="create table t(id integer primary key, n)")
    series = f"with recursive s(n) as (select 1 union all select n + 1 from s where n < {rows})"
    grove.call(path, "sql", query=f"{series} insert into t(n) select n from s")
    return path


def test_a_dry_run_shows_every_row_that_would_change(grove):
    path = filled(grove)

    trial = grove.call(
        path,
        "sql.dryrun",
        query="update t set n = n + 10 where id = 2; delete from t where id = 3; insert into t(n) values ('new')",
    )

    assert trial == {
        "changed": 3,
        "rows": [
            {"table": "t", "what": "update", "before": {"id": 2, "n": 2}, "after": {"id": 2, "n": 12}},
            {"table": "t", "what": "delete", "before": {"id": 3, "n": 3}, "after": None},
            {"table": "t", "what": "insert", "before": None, "after": {"id": 3, "n": "new"}},
        ],
        "more": False,
    }


@pytest.mark.parametrize("query", ["delete from t", "drop table t", "update t set n = 0; create table u(x)"])
def test_a_dry_run_leaves_no_trace(grove, query):
    path = filled(grove)
    before = grove.outcome(path, "sql.query", {"query": "select * from t"})

    grove.call(path, "sql.dryrun", query=query)
    after = grove.outcome(path, "sql.query", {"query": "select * from t"})

    assert (after.value, after.version) == (before.value, before.version)
    assert [each["name"] for each in grove.call(path, "sql.tables")] == ["t"]
    grove.call(path, "sql", query="update t set n = 5 where id = 1")
    assert grove.call(path, "sql.query", query="select n from t order by id")["rows"] == [[5], [2], [3]]


def test_a_dry_run_of_many_rows_shows_some_and_says_so(grove):
    path = filled(grove, 500)

    trial = grove.call(path, "sql.dryrun", query="delete from t")

    assert (trial["changed"], len(trial["rows"]), trial["more"]) == (500, 200, True)


def test_a_dry_run_shows_nothing_of_the_platforms_tables(grove):
    path = filled(grove)
    grove.call(path, "state.set", key="secret", value="x")

    outcome = grove.outcome(path, "sql.dryrun", {"query": "update _state set value = 1"})

    assert outcome.problem is not None
    assert outcome.problem.status == 422


def test_explaining_runs_nothing(grove):
    path = filled(grove)

    plain = grove.call(path, "sql.explain", query="select * from t where id = 1")
    written_out = grove.call(path, "sql.explain", query="query plan select * from t where id = 1")
    grove.call(path, "sql.explain", query="delete from t; delete from t")

    assert plain == written_out
    assert [step["does"] for step in plain] == ["SEARCH t USING INTEGER PRIMARY KEY (rowid=?)"]
    assert grove.call(path, "sql.query", query="select count(*) from t")["rows"] == [[3]]


def as_a_person(grove, path: str, query: str, *, confirmed: bool = False, via: str = "page"):
    return engine().call(
        grove.caller.schema, path, "sql", {"query": query}, grove.caller, via=via, confirmed=confirmed
    )  # fmt: skip


@pytest.mark.parametrize("query", ["update t set n = 0", "delete from t", "with x as (select 1) delete from t"])
@pytest.mark.parametrize("via", ["page", "terminal"])
def test_a_person_is_asked_before_more_than_1000_rows_change(grove, query, via):
    path = filled(grove, 1_001)

    asked = as_a_person(grove, path, query, via=via)
    still = grove.call(path, "sql.query", query="select count(*) from t where n > 0")["rows"]
    done = as_a_person(grove, path, query, confirmed=True, via=via)

    assert type(asked.problem) is NeedsConfirmation
    assert asked.problem.detail == "Updates or deletes 1,001 rows. Nothing was changed yet."
    assert still == [[1_001]]
    assert (done.problem, done.value["changed"]) == (None, 1_001)


def test_nobody_is_asked_for_1000_rows_for_new_ones_or_where_nobody_is(grove):
    path = filled(grove, 1_001)

    fewer = as_a_person(grove, path, "update t set n = 0 where id <= 1000")
    new = as_a_person(grove, path, "insert into t(n) select n from t")
    program = grove.outcome(path, "sql", {"query": "delete from t"})

    assert [each.problem for each in (fewer, new, program)] == [None, None, None]


def test_queries_are_kept_under_names(grove):
    path = filled(grove)
    grove.call(path, "sql.save", name="big", query="select id from t where n >= :least")
    grove.call(path, "sql.save", name="gone", query="select 1")
    grove.call(path, "sql.forget", name="gone")

    listed = grove.call(path, "sql.saved")
    answer = grove.call(path, "sql.run", name="big", params={"least": 2})

    assert [(each["name"], each["query"]) for each in listed] == [("big", "select id from t where n >= :least")]
    assert answer["rows"] == [[2], [3]]
    for command in ("sql.run", "sql.forget"):
        with pytest.raises(NoSuch):
            grove.call(path, command, name="gone")


def test_a_saved_query_cannot_change_anything(grove):
    path = filled(grove)
    grove.call(path, "sql.save", name="wipe", query="delete from t")

    outcome = grove.outcome(path, "sql.run", {"name": "wipe"})

    assert outcome.problem.status == 422
    assert grove.call(path, "sql.query", query="select count(*) from t")["rows"] == [[3]]


def test_saved_queries_go_along_with_a_copy(grove):
    path = filled(grove)
    grove.call(path, "sql.save", name="all", query="select * from t")

    grove.call(path, "tree.copy", to=f"{path} copy")

    assert [each["name"] for each in grove.call(f"{path} copy", "sql.saved")] == ["all"]
