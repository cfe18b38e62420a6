"""Tasks and runs in lists: they go on by key, say their place in line, and are narrowed down."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from objects.commands.registry import registry
from teams.problems import Conflict
from tests.work.voyage import Voyage


@pytest.fixture(scope="module", autouse=True)
def voyages() -> None:
    if Voyage.name not in registry.kinds:
        registry.add(Voyage)


@pytest.fixture
def waiting(grove, errand) -> Iterator[list[str]]:
    """Three tasks that wait, the oldest first, and are cancelled at the end."""
    tasks = [grove.call(errand, "ask", task="add", arguments={"one": 1, "two": each}) for each in range(3)]
    yield tasks
    for task in tasks:
        with suppress(Conflict):  # it was run meanwhile
            grove.call(errand, "task.cancel", task=task)


def test_tasks_go_on_by_key_and_say_their_place_in_line(grove, errand, waiting):
    first, second, third = waiting

    lines = grove.call(errand, "task.list")
    older = grove.call(errand, "task.list", before=second)

    assert [(each["task"], each["state"], each["tries"]) for each in lines] == [
        (third, "waiting", 0), (second, "waiting", 0), (first, "waiting", 0),
    ]  # fmt: skip
    places = [each["place"] for each in lines]
    assert places == [places[-1] + 2, places[-1] + 1, places[-1]]
    assert [each["task"] for each in older] == [first]
    assert grove.outcome(errand, "task.list", {"command": "refuse"}).value == []
    assert grove.call(errand, "task.list", before="nothing") == []


def test_a_task_that_is_more_urgent_stands_before_others(grove, errand, waiting):
    urgent = grove.call(errand, "ask", task="add", arguments={"one": 1, "two": 2}, priority=5)

    places = {each["task"]: each["place"] for each in grove.call(errand, "task.list")}
    grove.call(errand, "task.cancel", task=urgent)

    assert places[urgent] < min(places[each] for each in waiting)


def test_output_can_be_read_from_where_one_was(grove, errand, outcome_of):
    task = outcome_of(errand, "speak", words=["one", "two", "three"])["task"]

    pieces = grove.call(errand, "task.pieces", task=task)
    later = grove.call(errand, "task.pieces", task=task, after=pieces[0]["number"])

    assert "".join(each["text"] for each in pieces) == grove.call(errand, "task.output", task=task)
    assert later == pieces[1:]


def test_tasks_of_a_tree_run_wait_or_failed_lately(grove, errand, waiting, outcome_of):
    failed = outcome_of(grove.new("errand"), "refuse")["task"]

    going = grove.call(grove.home, "task.agenda")
    lately = grove.call(grove.home, "task.agenda", failed=True)

    assert {each["task"] for each in going} <= set(waiting)
    assert [(each["task"], each["kind"], each["note"]) for each in lately] == [(failed, "errand", "Not like this.")]
    assert grove.call(grove.home, "task.agenda", failed=True, kind="object") == []


def test_runs_go_on_by_key_and_say_what_they_wait_for(grove):
    path = grove.new("voyage")
    runs = [grove.call(path, "set_out", course=each) for each in ("paid", "allowed", "paid")]
    for run in runs:
        while grove.call(path, "steps.go", run=run)["state"] == "going":
            pass

    lines = {each["run"]: each for each in grove.call(path, "steps.list")}
    listed = list(lines)

    assert [(lines[run]["waits"], lines[run]["at"], lines[run]["steps"]) for run in runs] == [
        ("event", "paid", 0), ("approval", "go on?", 1), ("event", "paid", 0),
    ]  # fmt: skip
    assert [each["run"] for each in grove.call(path, "steps.list", before=listed[0], limit=1)] == [listed[1]]
    assert [each["run"] for each in grove.call(path, "steps.list", before=listed[-1])] == []
