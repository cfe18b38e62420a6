"""A schedule whose command is a task: its history tells how the task went, and its overlap policy what is done
while one is still going. With workers and processes as in life."""

import time
from dataclasses import replace
from itertools import pairwise

import pytest

from objects.work import queue, settling
from objects.work.settling import Ending
from teams.access import Role
from tests.timing.conftest import clock_moves, hands
from tests.work.conftest import Workers

__all__ = ["clock_moves", "hands"]  # fixtures

PACE_S = 600


@pytest.fixture
def fires(grove, errand, hands, clock_moves, settings):
    """Add a schedule, and let it fire: `fires("add one=1 two=2", overlap="skip")` gives what lets it fire again."""

    settings.GROVE = replace(settings.GROVE, TASK_LEASE_S=86_400.0)  # leases follow the clock, which is moved

    def add(command: str, **more):
        asked = {"name": "job", "spec": f"every {PACE_S}s", "command": command, **more}
        grove.outcome(errand, "cron.add", asked, check=True)

        def fire() -> None:
            clock_moves(PACE_S)
            hands.until_quiet()

        return fire

    return add


@pytest.fixture
def runs(grove, errand):
    """The history, the first run first."""
    return lambda: list(reversed(grove.call(errand, "cron.history", name="job", limit=200)["runs"]))


@pytest.fixture
def become(hands, runs):
    """Wait until the runs have these outcomes."""

    def wait(*outcomes: str, seconds: float = 40) -> None:
        until = time.monotonic() + seconds
        while (found := [run["outcome"] for run in runs()]) != list(outcomes):
            assert time.monotonic() < until, found
            hands.until_quiet()
            time.sleep(0.02)

    return wait


def wait_running(grove, errand, count: int) -> None:
    """Wait until so many tasks are at work in their processes."""
    until = time.monotonic() + 40
    while len(grove.call(errand, "task.list", state="running")) != count:
        assert time.monotonic() < until
        time.sleep(0.02)


def let_go(grove, errand) -> None:
    grove.call(errand, "state.set", key="open", value=True)


def overlaps(grove, errand) -> bool:
    """Whether two of the tasks that ran were at work at once."""
    ran = [grove.call(errand, "task.show", task=line["task"]) for line in grove.call(errand, "task.list")]
    spans = sorted((task["started_at"], task["ended_at"]) for task in ran if task["started_at"])
    return any(later < ended for (_, ended), (later, _) in pairwise(spans))


def test_a_run_has_the_tasks_result_duration_and_log(grove, errand, worker, fires, runs, become):
    fire = fires("speak one two")

    fire()
    become("ok")

    (run,) = runs()
    assert (run["input"], run["result"], run["log"], run["task"]) == ({"words": ["one", "two"]}, 2, "one\ntwo\n", "")
    assert 0.4 < run["took"] < 30
    assert grove.call(errand, "cron.show", name="job")["failures"] == 0
    assert grove.call(errand, "cron.list")["schedules"][0]["outcome"] == "ok"


def test_skip_leaves_out_what_comes_while_one_is_going(grove, errand, worker, fires, runs, become):
    fire = fires("wait_until_open", overlap="skip")

    fire()
    wait_running(grove, errand, 1)
    fire()
    fire()
    become("running", "skipped", "skipped")
    let_go(grove, errand)
    become("ok", "skipped", "skipped")
    fire()
    become("ok", "skipped", "skipped", "ok")

    first = runs()[0]["number"]
    assert [run["problem"] for run in runs()[1:3]] == [f"Run {first} was still going (overlap skip)."] * 2
    assert grove.call(errand, "state.get", key="count") == 2


def test_queue_lets_each_wait_for_the_one_before(grove, errand, worker, fires, become):
    fire = fires("wait_until_open", overlap="queue")

    fire()
    wait_running(grove, errand, 1)
    fire()
    fire()
    become("running", "waiting", "waiting")
    let_go(grove, errand)
    become("ok", "ok", "ok")

    assert grove.call(errand, "state.get", key="count") == 3
    assert not overlaps(grove, errand)


def test_cancel_stops_the_old_one_and_then_begins_the_new(grove, errand, worker, fires, become):
    fire = fires("wait_until_open", overlap="cancel")

    fire()
    wait_running(grove, errand, 1)
    fire()
    become("cancelled", "running")
    wait_running(grove, errand, 1)
    fire()
    fire()
    become("cancelled", "cancelled", "cancelled", "running")
    let_go(grove, errand)
    become("cancelled", "cancelled", "cancelled", "ok")

    assert grove.call(errand, "state.get", key="count") == 1
    assert not overlaps(grove, errand)
    assert grove.call(errand, "cron.show", name="job")["failures"] == 0


def test_cancel_replaces_at_once_what_no_worker_has_begun(grove, errand, fires, become):
    fire = fires("wait_until_open", overlap="cancel")
    fire()

    fire()

    become("cancelled", "running")
    states = [line["state"] for line in grove.call(errand, "task.list")]
    assert states == ["waiting", "cancelled"]
    grove.call(errand, "task.cancel")


def test_allow_lets_all_run_at_once(grove, errand, worker, fires, become):
    fire = fires("wait_until_open", overlap="allow")

    for _ in range(2):
        fire()
    become("running", "running")
    wait_running(grove, errand, 2)
    let_go(grove, errand)
    become("ok", "ok")

    assert grove.call(errand, "state.get", key="count") == 2


def test_by_hand_it_runs_whatever_is_going_and_a_fire_minds_that(grove, errand, worker, fires, become):
    fire = fires("wait_until_open", overlap="skip")

    told = [grove.call(errand, "cron.run", name="job")["outcome"] for _ in range(2)]
    fire()
    become("running", "running", "skipped")
    let_go(grove, errand)
    become("ok", "ok", "skipped")

    assert told == ["running", "running"]


def test_a_dry_run_of_a_task_starts_none(grove, errand, fires):
    fires("add 1 2")

    tried = grove.call(errand, "cron.run", name="job", dry=True)

    assert (tried["outcome"], tried["result"], tried["kept"]) == ("ok", None, False)
    assert grove.call(errand, "task.list") == []


def test_what_fails_is_begun_again_as_the_same_run_and_told_once(grove, errand, worker, fires, runs, become, hands):
    ear = grove.new("errand")
    fire = fires("refuse", tries=2)
    grove.outcome(errand, "cron.alert", {"name": "job", "occasions": ["failed", "recovered"], "to": ear}, check=True)

    fire()
    become("failed")
    grove.outcome(errand, "cron.edit", {"name": "job", "command": "add 1 2"}, check=True)
    fire()
    become("failed", "ok")
    hands.until_quiet()

    alerts = [message["body"] for message in grove.call(ear, "queue.receive", count=10)]
    assert [(alert["occasion"], alert["problem"]) for alert in alerts] == [
        ("failed", "Not like this."),
        ("recovered", None),
    ]
    assert [line["command"] for line in grove.call(errand, "task.list")] == ["add", "refuse", "refuse"]


def test_an_end_that_nobody_told_is_found_at_the_next_fire(grove, errand, fires, runs):
    fire = fires("add 1 2", overlap="skip")
    fire()
    with grove.engine_connection() as connection:  # as where the starter's rights went meanwhile
        taken = queue.take(connection, 30, lambda schema: schema == grove.schema)
        settling.write(connection, taken, Ending("done", 3), 3)

    fire()

    assert [(run["outcome"], run["result"]) for run in runs()] == [("ok", 3), ("running", None)]
    grove.call(errand, "task.cancel")


def test_what_waits_while_the_schedule_is_paused_is_left_out(grove, errand, worker, fires, become):
    fire = fires("wait_until_open", overlap="queue")
    fire()
    wait_running(grove, errand, 1)
    fire()
    grove.call(errand, "cron.pause", names=["job"])

    let_go(grove, errand)
    become("ok", "skipped")

    assert grove.call(errand, "state.get", key="count") == 1


def test_an_alarm_whose_command_is_a_task_is_gone_when_that_is_over(grove, errand, hands, worker, clock_moves):
    grove.call(errand, "remind")
    hands.until_quiet()

    until = time.monotonic() + 40
    while grove.call(errand, "cron.list")["schedules"]:
        assert time.monotonic() < until
        hands.until_quiet()
        time.sleep(0.02)

    assert grove.call(errand, "state.get", key="count") == 1


def test_a_copy_knows_nothing_of_the_runs_of_the_original(grove, errand, hands, fires, become, clock_moves):
    fire = fires("wait_until_open", overlap="skip")
    fire()
    twin = f"{errand}-twin"
    grove.call(errand, "tree.copy", to=twin)
    grove.call(errand, "cron.remove", names=["job"])
    grove.call(errand, "task.cancel")

    grove.call(twin, "cron.resume", names=["job"])
    fire()

    outcomes = [run["outcome"] for run in grove.call(twin, "cron.history", name="job")["runs"]]
    assert outcomes == ["running", "failed"]
    grove.call(twin, "task.cancel")


def test_a_viewer_cannot_say_that_a_task_is_over_and_whoever_says_so_wrongly_changes_nothing(
    grove, errand, hands, fires, runs, team, member, caller
):
    fire = fires("wait_until_open")
    fire()
    (run,) = runs()
    viewer = grove.acting_as(caller(team, member(team, Role.VIEWER)))

    refused = viewer.outcome(errand, "cron.hear", {"task": run["task"]}).problem
    grove.call(errand, "cron.hear", task=run["task"], value="forged")
    hands.until_quiet()

    assert refused is not None
    assert runs()[0]["outcome"] == "running"
    grove.call(errand, "task.cancel")


def test_a_task_that_is_cancelled_before_it_began_is_told_to_who_waits_for_it(grove, errand):
    task = grove.call(errand, "ask", task="add", arguments={"one": 1, "two": 2})

    grove.call(errand, "task.cancel", task=task)

    assert grove.call(errand, "state.get", key="told") == [["m", None, "conflict"]]


def test_a_task_that_is_cancelled_while_it_runs_is_told_as_cancelled(grove, errand, ended):
    task = grove.call(errand, "ask", task="linger", arguments={"seconds": 60})
    workers = Workers(1)
    try:
        wait_running(grove, errand, 1)
        grove.call(errand, "task.cancel", task=task)
        ended(errand, task)
    finally:
        workers.stop()

    assert grove.call(errand, "state.get", key="told") == [["m", None, "conflict"]]
