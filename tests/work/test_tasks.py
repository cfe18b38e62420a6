"""A task runs outside of its object and ends in one transaction, however it ends."""

import pytest

from objects import live
from objects.work import queue, records, running
from teams.access import Role
from teams.problems import Conflict, NoSuch, NotAllowed, OverLimit, WrongArgument


def test_a_call_starts_it_and_its_result_is_kept(grove, errand, ended, worker):
    started = grove.call(errand, "add", one=2, two=3)

    assert started == {"task": started["task"], "state": "waiting"}
    shown = ended(errand, started["task"])
    assert (shown["command"], shown["arguments"], shown["value"], shown["problem"], shown["tries"]) == (
        "add", {"one": 2, "two": 3}, 5, None, 1,
    )  # fmt: skip
    assert shown["created_at"] <= shown["started_at"] <= shown["ended_at"]


def test_wrong_arguments_are_refused_at_once(grove, errand):
    with pytest.raises(WrongArgument) as refused:
        grove.call(errand, "add", one=2)
    assert refused.value.field == "two"

    assert grove.call(errand, "task.list") == []


def test_a_call_that_fails_starts_nothing(grove, errand):
    with pytest.raises(Conflict):
        grove.call(errand, "ask_and_refuse")

    assert grove.call(errand, "task.list") == []


def test_an_idempotency_key_starts_it_once(grove, errand):
    first, second = (grove.outcome(errand, "add", {"one": 1, "two": 2}, key="k", check=True) for _ in range(2))

    assert (second.value, second.replayed) == (first.value, True)
    assert len(grove.call(errand, "task.list")) == 1


def test_output_and_progress_are_kept_and_told(grove, errand, outcome_of, monkeypatch):
    told: list = []
    monkeypatch.setattr(
        live, "publish", lambda events: told.extend(each.data for each in events if each.topic == "task")
    )

    shown = outcome_of(errand, "speak", words=["one", "two", "three"])

    assert (shown["value"], grove.call(errand, "task.output")) == (3, "one\ntwo\nthree\n")
    mine = [each for each in told if each["task"] == shown["task"]]
    assert [each["state"] for each in mine][-1] == "done"
    assert "".join(each.get("output", "") for each in mine) == "one\ntwo\nthree\n"
    assert [each["done"] for each in mine if "done" in each][-1] == 1


def test_what_it_writes_is_kept_though_its_workers_connection_broke_meanwhile(grove, errand):
    grove.call(errand, "speak", words=["one", "two"])
    with grove.engine_connection() as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", (running._connection().info.backend_pid,))
        running.run(queue.take(connection, 30.0, lambda schema: schema == grove.schema))

    assert grove.call(errand, "task.output") == "one\ntwo\n"


def test_a_refusal_is_its_outcome(errand, outcome_of):
    shown = outcome_of(errand, "refuse")

    assert (shown["state"], shown["problem"]["type"], shown["problem"]["detail"]) == (
        "failed",
        "conflict",
        "Not like this.",
    )


def test_a_fault_of_ours_tells_nothing_of_the_inside(errand, outcome_of):
    shown = outcome_of(errand, "stumble")

    assert (shown["problem"]["type"], shown["problem"]["detail"]) == (
        "fault",
        "Grove made a mistake. It is in the log.",
    )


def test_one_that_hangs_is_cut_at_its_limit_and_no_other(grove, errand, outcome_of, ended):
    other = grove.call(errand, "linger", seconds=3)["task"]

    shown = outcome_of(errand, "hang")

    assert (shown["state"], shown["problem"]["type"]) == ("failed", "out-of-time")
    assert "after 1 s" in shown["problem"]["detail"]
    assert ended(errand, other)["state"] == "done"


def test_one_whose_process_dies_fails(errand, outcome_of):
    shown = outcome_of(errand, "die")

    assert (shown["problem"]["type"], "exit code 3" in shown["problem"]["detail"]) == ("fault", True)


def test_one_that_eats_all_memory_fails(errand, outcome_of):
    shown = outcome_of(errand, "eat")

    assert "TASK_MEMORY_BYTES" in shown["problem"]["detail"]


def test_it_has_no_database(errand, outcome_of):
    assert outcome_of(errand, "touch_the_database")["problem"]["type"] == "fault"


@pytest.mark.parametrize(
    ("works_at", "state", "value", "tries"), [(1, "done", 1, 1), (3, "done", 3, 3), (4, "failed", None, 3)]
)
def test_it_is_tried_again_as_often_as_it_says(grove, errand, outcome_of, works_at, state, value, tries):
    shown = outcome_of(errand, "flaky", works_at=works_at)

    assert (shown["state"], shown["value"], shown["tries"]) == (state, value, tries)
    assert grove.call(errand, "task.output") == f"try {tries}\n"


def test_it_calls_objects_with_its_callers_rights(grove, errand, outcome_of, ended, member, caller, team):
    other = grove.new("errand")
    grove.call(other, "state.set", key="count", value=7)
    assert outcome_of(errand, "relay", other=other)["value"] == 7
    assert grove.call(errand, "state.get", key="count") == 5

    editor = caller(team, member(team, Role.NONE, {errand: Role.EDITOR}))
    task = grove.acting_as(editor).call(errand, "relay", other=other)["task"]

    shown = ended(errand, task)
    assert (shown["state"], shown["problem"]["type"]) == ("failed", "no-such")


def test_who_lost_the_rights_meanwhile_starts_nothing_any_more(grove, errand, member, caller, team, worker, ended):
    editor = member(team, Role.EDITOR)
    mine = grove.acting_as(caller(team, editor))
    worker.stop()
    task = mine.call(errand, "add", one=1, two=2)["task"]
    team.memberships.get(person=editor).delete()

    running.run_waiting()

    assert grove.call(errand, "task.show", task=task)["problem"]["type"] == "not-allowed"


def test_its_effect_and_its_end_are_one_transaction(grove, errand, outcome_of):
    shown = outcome_of(errand, "remember")

    assert (shown["value"], grove.call(errand, "state.get", key="count")) == (1, 1)


def test_an_effect_that_is_refused_makes_it_fail_and_leaves_no_trace(grove, errand, outcome_of):
    shown = outcome_of(errand, "remember_wrongly")

    assert (shown["state"], shown["value"], shown["problem"]["detail"]) == ("failed", None, "Never.")
    assert grove.call(errand, "state.get", key="count", default=0) == 0


@pytest.mark.parametrize(
    ("task", "arguments", "told"),
    [("add", {"one": 1, "two": 2}, ["m", 3, None]), ("refuse", {}, ["m", None, "conflict"]),
     ("remember", {}, ["m", 1, None]), ("remember_wrongly", {}, ["m", None, "conflict"]),
     ("die", {}, ["m", None, "fault"])],
)  # fmt: skip
def test_the_kind_hears_of_the_outcome_once(grove, errand, worker, ended, task, arguments, told):
    ended(errand, grove.call(errand, "ask", task=task, arguments=arguments))

    assert grove.call(errand, "state.get", key="told") == [told]


def test_a_kind_that_will_not_hear_makes_it_fail(grove, errand, worker, ended):
    shown = ended(errand, grove.call(errand, "ask", task="add", arguments={"one": 1, "two": 2}, then="hear_nothing"))

    assert (shown["state"], shown["problem"]["detail"]) == ("failed", "Deaf.")
    assert grove.call(errand, "state.get", key="count", default=0) == 0


def test_one_that_waits_is_cancelled_at_once(grove, errand):
    grove.call(errand, "add", one=1, two=2)

    assert grove.call(errand, "task.cancel")["state"] == "cancelled"
    with pytest.raises(NoSuch):
        grove.call(errand, "task.cancel")


def test_one_that_runs_is_stopped(grove, errand, worker, ended):
    task = grove.call(errand, "linger", seconds=60)["task"]
    while grove.call(errand, "task.show")["state"] == "waiting":
        pass

    grove.call(errand, "task.cancel")

    assert ended(errand, task)["state"] == "cancelled"


def test_what_is_over_can_be_started_again(grove, errand, outcome_of, ended):
    outcome_of(errand, "refuse")

    again = grove.call(errand, "task.retry")

    assert ended(errand, again["task"])["problem"]["detail"] == "Not like this."
    assert len(grove.call(errand, "task.list", state="failed")) == 2


def test_secrets_are_shown_to_nobody_and_forgotten(grove, errand, outcome_of):
    shown = outcome_of(errand, "refuse", secret="xyzzy")

    assert shown["arguments"] == {"secret": "•••"}
    with grove.engine_connection() as connection:
        row = connection.execute(
            records.composed(grove.schema, "SELECT t::text FROM {s}.task t WHERE id = %s"), (shown["task"],)
        )
        assert "xyzzy" not in row.fetchone()[0]
    with pytest.raises(Conflict, match="secret"):
        grove.call(errand, "task.retry")


def test_an_object_that_moved_gets_the_outcome(grove, errand, worker, ended):
    task = grove.call(errand, "remember", seconds=1)["task"]
    while grove.call(errand, "task.show")["state"] == "waiting":
        pass
    to = errand + "-moved"
    grove.call(errand, "tree.move", to=to)

    assert ended(to, task)["state"] == "done"
    assert grove.call(to, "state.get", key="count") == 1


def test_an_object_in_the_trash_makes_it_fail(grove, errand):
    task = grove.call(errand, "add", one=1, two=2)["task"]
    grove.outcome(errand, "tree.delete", confirmed=True, check=True)

    running.run_waiting()

    with grove.engine_connection() as connection:
        row = connection.execute(
            records.composed(grove.schema, "SELECT problem->>'detail' FROM {s}.task WHERE id = %s"), (task,)
        )
        assert row.fetchone() == ("Its object is gone, or in the trash.",)


def test_a_team_has_so_many_at_once(grove, errand, engine_with):
    mine = grove.through(engine_with(TASK_WAITING=3))
    with grove.engine_connection() as connection:
        connection.execute("DELETE FROM public.teams_waitingtask WHERE schema = %s", (grove.schema,))
    for _ in range(3):
        mine.call(errand, "add", one=1, two=2)

    with pytest.raises(OverLimit, match="TASK_WAITING"):
        mine.call(errand, "add", one=1, two=2)
    for _ in range(3):
        grove.call(errand, "task.cancel")


def test_a_viewer_sees_tasks_and_starts_none(grove, errand, member, caller, team, outcome_of):
    viewer = grove.acting_as(caller(team, member(team, Role.VIEWER)))
    outcome_of(errand, "add", one=1, two=2)

    assert viewer.call(errand, "task.show")["value"] == 3
    for command in ("add", "task.cancel", "task.retry"):
        with pytest.raises(NotAllowed):
            viewer.call(errand, command, **({"one": 1, "two": 2} if command == "add" else {}))


def test_a_lease_that_is_lost_makes_the_outcome_not_count(grove, errand):
    grove.call(errand, "remember", seconds=0)
    with grove.engine_connection() as connection:
        first = queue.take(connection, 0.0, lambda schema: schema == grove.schema)  # its lease is over at once
        second = queue.take(connection, 30.0, lambda schema: schema == grove.schema)
        assert (first.id, second.was_lost, second.lost) == (second.id, True, 1)

        running.run(first)
        assert grove.call(errand, "task.show")["state"] == "running"
        running.run(second)

    assert (grove.call(errand, "task.show")["state"], grove.call(errand, "state.get", key="count")) == ("done", 1)


def test_one_that_may_not_be_repeated_fails_where_its_worker_died(grove):
    path = grove.new("object")
    grove.call(path, "http.request", method="POST", url="http://127.0.0.1:9/")
    with grove.engine_connection() as connection:
        queue.take(connection, 0.0, lambda schema: schema == grove.schema)
        taken = queue.take(connection, 30.0, lambda schema: schema == grove.schema)

    running.run(taken)

    assert "nobody knows how far it came" in grove.call(path, "task.show")["problem"]["detail"]


def test_one_with_which_workers_die_is_given_up(grove, errand):
    grove.call(errand, "add", one=1, two=2)
    with grove.engine_connection() as connection:
        for _ in range(4):
            taken = queue.take(connection, 0.0, lambda schema: schema == grove.schema)

    running.run(taken)

    assert "3 workers died with it" in grove.call(errand, "task.show")["problem"]["detail"]
