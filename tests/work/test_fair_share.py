"""A team with very much to do holds up no other: whoever comes next begins at once."""

import time
from functools import partial

from objects.work import queue, records
from objects.work.running import Places
from tests.work.conftest import Workers

MANY = """
INSERT INTO public.teams_waitingtask (schema, id, due_at)
SELECT %s, lpad(n::text, 12, '0'), now() - interval '1 hour' FROM generate_series(1, 10000) AS n
"""
TASKS = """
INSERT INTO {s}.task (id, object_id, command, arguments, shown, caller, caller_id, state)
SELECT lpad(n::text, 12, '0'), %s, 'linger', '{{"seconds": 0.3}}', '{{"seconds": 0.3}}', 'system', 'system', 'waiting'
FROM generate_series(1, 10000) AS n
"""


def swamp(grove, path: str) -> None:
    """Have 10,000 tasks of a third of a second wait."""
    with grove.engine_connection() as connection:
        connection.execute(records.composed(grove.schema, TASKS), (grove.id(path),))
        connection.execute(MANY, (grove.schema,))


def drain(grove) -> None:
    with grove.engine_connection() as connection:
        connection.execute("DELETE FROM public.teams_waitingtask WHERE schema = %s", (grove.schema,))


def test_ten_thousand_tasks_of_one_team_do_not_delay_the_first_of_another(grove, errand, new_team, caller, ended):
    other = type(grove)(grove.engine, caller(new_team()), "/else")
    other.outcome("/else", "state.list", create="object", check=True)
    mine = other.new("errand")
    swamp(grove, errand)
    workers = Workers(8)
    try:
        while len(grove.call(errand, "task.list", state="running")) < 4:
            time.sleep(0.05)

        task = other.call(mine, "add", one=1, two=2)["task"]
        while other.call(mine, "task.show", task=task)["state"] == "waiting":
            time.sleep(0.01)
    finally:
        drain(grove)
        workers.stop()

    assert other.call(mine, "task.show", task=task)["state"] in ("running", "done")
    # However the machine is loaded: far fewer of the 10,000 than are ahead of it were begun meanwhile.
    assert len(grove.call(errand, "task.list", state="waiting", limit=1000)) == 1000


def test_the_team_with_the_fewest_under_way_comes_first(grove, errand, new_team, caller):
    other = type(grove)(grove.engine, caller(new_team()), "/else")
    other.outcome("/else", "state.list", create="object", check=True)
    mine = other.new("errand")
    for _ in range(3):
        grove.call(errand, "add", one=1, two=2)
    other.call(mine, "add", one=1, two=2)

    with grove.engine_connection() as connection:
        ours = {grove.schema, other.schema}
        taken = [queue.take(connection, 30, lambda schema: schema in ours).schema for _ in range(4)]

    assert taken == [grove.schema, other.schema, grove.schema, grove.schema]
    drain(grove)


def test_within_a_team_the_more_urgent_comes_first(grove, errand):
    for priority in (0, 5, -1):
        grove.call(errand, "ask", task="add", arguments={"one": priority, "two": 0}, priority=priority)

    with grove.engine_connection() as connection:
        taken = [queue.take(connection, 30, lambda schema: schema == grove.schema).arguments for _ in range(3)]

    assert taken == ['{"one":5,"two":0}', '{"one":0,"two":0}', '{"one":-1,"two":0}']
    drain(grove)


def test_a_team_takes_one_more_only_while_more_places_are_free_than_it_has():
    places = Places(16)
    began: list[str] = []

    class Taken:
        def __init__(self, schema: str) -> None:
            self.schema = schema

    for schema in ("a", "b", "c", "d", "e"):
        while places.may(schema):
            places.take(partial(Taken, schema))
            began.append(schema)

    assert [began.count(schema) for schema in ("a", "b", "c", "d", "e")] == [8, 4, 2, 1, 1]
    places.give_back("a")
    assert (places.may("f"), places.may("a")) == (True, False)


def test_no_team_is_without_a_turn(database):
    assert not Places(0).may("a")
    assert Places(1).may("a")


def test_what_waits_for_a_team_that_is_gone_is_dropped(grove):
    with grove.engine_connection() as connection:
        connection.execute("INSERT INTO public.teams_waitingtask (schema, id) VALUES ('team_gone', 'x')")

        assert queue.take(connection, 30, lambda schema: schema == "team_gone") is None

        count = connection.execute(
            "SELECT count(*) FROM public.teams_waitingtask WHERE schema = 'team_gone'"
        ).fetchone()
        assert count == (0,)


def places_of(grove, path: str, tasks: list[str]) -> list[int]:
    return [grove.call(path, "task.show", task=task)["place"] for task in tasks]


def test_the_place_in_the_queue_is_the_turn_among_all_teams(grove, errand, new_team, caller):
    other = type(grove)(grove.engine, caller(new_team()), "/else")
    other.outcome("/else", "state.list", create="object", check=True)
    theirs = other.new("errand")
    mine = [grove.call(errand, "add", one=number, two=2)["task"] for number in range(4)]
    his = [other.call(theirs, "add", one=number, two=2)["task"] for number in range(2)]

    before = places_of(grove, errand, mine), places_of(other, theirs, his)
    listed = {each["task"]: each["place"] for each in grove.call(errand, "task.list")}
    ours = {grove.schema, other.schema}
    with grove.engine_connection() as connection:
        taken = [queue.take(connection, 30, lambda schema: schema in ours).id for _ in range(2)]
        after = places_of(grove, errand, mine), places_of(other, theirs, his)
        taken += [queue.take(connection, 30, lambda schema: schema in ours).id for _ in range(4)]

    in_turn = [mine[0], his[0], mine[1], his[1], mine[2], mine[3]]
    assert taken == in_turn
    assert before == ([1, 3, 5, 6], [2, 4])
    assert [listed[each] for each in mine] == [1, 3, 5, 6]
    assert after == ([None, 1, 3, 4], [None, 2])
    drain(grove)
    drain(other)
