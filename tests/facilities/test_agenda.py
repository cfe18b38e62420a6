"""The agenda of a tree: what is due next, what somebody is waited for, and what fails, of what the caller sees."""

import pytest

from objects.timing.depths import Depths
from teams.access import Role
from tests.timing.conftest import bells, hands

__all__ = ["bells", "hands"]  # fixtures

APPROVAL = [{"do": "state.incr", "arguments": {"key": "n"}, "name": "reserve"}, {"approval": "ship it"}]


def gone_on(grove, path, plan) -> str:
    """Begin a run, and go on with it as far as it comes."""
    run = grove.call(path, "steps.begin", plan=plan)["run"]
    while grove.call(path, "steps.go", run=run)["state"] == "going":
        pass
    return run


def test_what_waits_for_somebody_is_asked_for_until_it_is_said(grove, hands):
    shop, desk = grove.new(name="shop"), grove.new(name="desk")
    run = gone_on(grove, shop, APPROVAL)
    grove.call(desk, "queue.push", body={"order": 1})

    asking = grove.call(grove.home, "cron.agenda", asking=True)
    grove.call(shop, "steps.approve", name="ship it")
    (number,) = grove.call(desk, "queue.receive")
    grove.call(desk, "queue.ack", receipts=[number["receipt"]])
    gone_on(grove, shop, [{"do": "state.incr", "arguments": {"key": "n"}}])

    assert [(each["path"], each["facility"], each["what"], each["asked"]) for each in asking] == [
        (desk, "queue", "1 waiting", []),
        (shop, "steps", "", [{"run": run, "name": "ship it", "sort": "approval"}]),
    ]
    assert grove.call(grove.home, "cron.agenda", asking=True) == []


def test_what_is_due_is_named_and_can_be_narrowed_down(grove, hands):
    bell, shop = grove.new("bell", "bell"), grove.new(name="shop")
    grove.outcome(bell, "cron.add", {"name": "later", "spec": "at 2100-01-01T00:00", "command": "ring"}, check=True)
    grove.outcome(bell, "cron.add", {"name": "sooner", "spec": "at 2099-01-01T00:00", "command": "ring"}, check=True)
    grove.outcome(shop, "queue.push", {"command": "state incr n", "delay": 600}, check=True)
    run = gone_on(grove, shop, [{"sleep": "1d"}])

    def named(**narrowed):
        return [each["what"] for each in grove.call(grove.home, "cron.agenda", **narrowed)]

    assert named() == ["1 waiting", f"run {run} of plan", "sooner"]
    assert named(kind="bell") == ["sooner"]
    assert named(facility="queue") == ["1 waiting"]
    grove.call(bell, "cron.remove", names=["sooner"])
    assert named(kind="bell") == ["later"]


def test_a_run_that_failed_fails_until_another_of_its_sort_goes_well(grove, hands):
    path = grove.new()
    grove.call(path, "state.set", key="word", value="x")
    plan = [{"do": "state.incr", "arguments": {"key": "word"}}]
    run = grove.call(path, "steps.begin", plan=plan)["run"]
    hands.until_quiet()

    failing = grove.call(grove.home, "cron.agenda", failing=True)
    grove.call(path, "state.set", key="word", value=1)
    grove.call(path, "steps.begin", plan=plan)
    hands.until_quiet()

    assert grove.call(path, "steps.show", run=run)["state"] == "failed"
    assert [(each["path"], each["failing"]) for each in failing] == [(path, "plan")]
    assert grove.call(grove.home, "cron.agenda", failing=True) == []


def test_nobody_learns_of_what_is_hidden(grove, hands, team, member, caller):
    shut = grove.new(name="shut")
    gone_on(grove, shut, APPROVAL)
    grove.call(shut, "http.get", url="http://example.com/")
    ann = grove.acting_as(caller(team, member(team, Role.VIEWER, {shut: Role.NONE})))

    assert len(grove.call(grove.home, "cron.agenda", asking=True)) == 1
    assert [each["path"] for each in grove.call(grove.home, "task.agenda")] == [shut]
    assert ann.call(grove.home, "cron.agenda", asking=True) == []
    assert ann.call(grove.home, "task.agenda") == []
    grove.call(shut, "task.cancel")


def test_a_queue_that_fills_is_told_each_time_that_it_has_doubled(grove, hands):
    path = grove.new()
    told = []
    for _ in range(9):
        grove.call(path, "queue.push", body=1)
        (only,) = grove.call(path, "cron.agenda", asking=True)
        told.append(only["what"])

    assert told == [f"{count} waiting" for count in (1, 2, 2, 4, 4, 4, 4, 8, 8)]


@pytest.mark.parametrize(
    ("noted", "kept"),
    [
        ([(0, 3), (1, 5)], [(0, 5)]),  # the most of a minute
        ([(0, 80), (1, 81), (2, 100)], [(0, 100)]),
        ([(0, 80), (1, 40), (130, 0)], [(0, 80), (60, 40), (120, 0)]),  # what a minute ends with is the next one's
        ([(0, 80), (1, 0), (90_000, 1)], [(90_000, 1)]),  # a day is kept
    ],
)
def test_how_full_a_queue_was_is_known_minute_by_minute(grove, noted, kept):
    path = grove.new()
    begin = 1_800_000_000

    def work(context):
        depths = Depths(context.db)
        for at, waiting in noted:
            depths.note(begin + at, waiting)
        return [[at - begin, most] for at, most in depths.since(0)]

    assert grove.acting_as("system").outcome(path, "note", check=True, work=work).value == [list(each) for each in kept]


def test_the_depths_of_a_queue_are_told_with_what_waits(grove):
    path = grove.new()
    for _ in range(3):
        grove.call(path, "queue.push", body=1)

    assert [each["waiting"] for each in grove.call(path, "queue.depths")][-1] == 3


def test_a_preview_names_the_nights_on_which_it_matters_what_is_said_of_them(grove):
    path = grove.new()

    def local(dst):
        asked = {"spec": "30 2 * * *", "zone": "Europe/Berlin", "dst": dst}
        clocks = grove.call(path, "cron.preview", **asked)["clocks"]
        return {each["turn"]: [fire["local"].split(" ", 4)[4] for fire in each["fires"]] for each in clocks}

    assert local("once") == {"forward": ["03:00:00 CEST"], "back": ["02:30:00 CEST"]}
    assert local("skip") == {"forward": [], "back": ["02:30:00 CEST"]}
    assert local("both") == {"forward": [], "back": ["02:30:00 CEST", "02:30:00 CET"]}
    for spec in ("0 9 * * *", "*/5 * * * *", "every 90s"):
        assert grove.call(path, "cron.preview", spec=spec, zone="Europe/Berlin")["clocks"] == []
