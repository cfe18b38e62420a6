"""In a paused object nothing happens by itself, whatever was due or becomes due; once resumed, it is as it would be."""

import pytest

from objects.timing import worker
from objects.timing.index import Taken
from teams.access import Role
from teams.problems import Conflict, NotAllowed
from tests.timing.conftest import Hands


@pytest.fixture
def bell(grove) -> str:
    """A bell with a message and an alarm that are due."""
    path = grove.new("bell")
    grove.call(path, "ring_later", what="message")
    add = {"name": "hourly", "spec": "every 1h", "command": "ring alarm"}
    grove.outcome(path, "cron.add", add, check=True)
    return path


def test_what_is_due_waits_until_it_is_resumed_and_calls_go_on(grove, hands: Hands, bell, clock_moves):
    grove.call(bell, "tree.pause")

    clock_moves(7_200)
    assert hands.until_quiet() == 0
    assert grove.call(bell, "strokes") == []
    assert grove.call(bell, "ring", what="call") == 1

    grove.call(bell, "tree.resume")
    hands.until_quiet()

    assert sorted(grove.call(bell, "strokes")) == ["alarm", "call", "message"]  # of two runs missed, the last


def test_what_is_sent_and_scheduled_while_it_is_paused_waits_too(grove, hands: Hands):
    bell = grove.new("bell")
    grove.call(bell, "tree.pause")

    grove.call(bell, "ring_later", what="late")
    assert hands.until_quiet() == 0

    grove.call(bell, "tree.resume")
    hands.until_quiet()
    assert grove.call(bell, "strokes") == ["late"]


def test_what_a_worker_had_taken_before_is_not_done_after(grove, hands: Hands, bell):
    taken = hands.take()
    grove.call(bell, "tree.pause")

    worker.work_off(hands.connection, [Taken(*row) for row in taken])

    assert grove.call(bell, "strokes") == []


def test_a_worker_that_began_before_the_pause_finds_the_object_paused(grove, hands: Hands, bell, monkeypatch):
    """Between a worker's start and the object's lock lies a moment in which somebody pauses it."""
    begin = worker.index.begin

    def paused_meanwhile(*args, **options):
        begun = begin(*args, **options)
        grove.call(bell, "tree.pause")
        return begun

    monkeypatch.setattr(worker.index, "begin", paused_meanwhile)
    worker.work_off(hands.connection, [Taken(*row) for row in hands.take()])
    monkeypatch.undo()

    assert grove.call(bell, "strokes") == []
    grove.call(bell, "tree.resume")
    hands.until_quiet()
    assert "message" in grove.call(bell, "strokes")


def test_all_beneath_is_paused_and_resumed_with_it(grove, hands: Hands):
    folder = grove.new()
    grove.call(folder, "tree.create", name="bell", kind="bell")
    below = f"{folder}/bell"
    grove.call(below, "ring_later", what="x")

    assert grove.call(folder, "tree.pause") == {"objects": 2}
    assert hands.until_quiet() == 0
    assert grove.call(below, "tree.describe")["paused_at"] is not None

    assert grove.call(folder, "tree.resume") == {"objects": 2}
    hands.until_quiet()
    assert grove.call(below, "strokes") == ["x"]


def test_from_the_trash_it_comes_back_paused(grove, hands: Hands, bell):
    grove.call(bell, "tree.pause")
    number = grove.outcome(bell, "tree.delete", confirmed=True, check=True).value["number"]
    grove.call("/", "tree.restore", what=str(number))

    assert hands.until_quiet() == 0
    grove.call(bell, "tree.resume")
    hands.until_quiet()
    assert "message" in grove.call(bell, "strokes")


def test_it_is_found_and_listed_as_paused_and_not_among_what_is_due(grove, bell):
    grove.call(bell, "tree.pause")

    found = grove.call(grove.home, "tree.find", paused=True)["objects"]

    assert [(each["path"], each["paused"]) for each in found] == [(bell, True)]
    assert [each["paused"] for each in grove.call(grove.home, "tree.list")["objects"]] == [True]
    assert bell not in [each["path"] for each in grove.call(grove.home, "cron.agenda", limit=1000)]
    grove.call(bell, "tree.resume")
    assert grove.call(grove.home, "tree.find", paused=True)["objects"] == []


def test_to_pause_twice_and_to_resume_what_is_not_paused_is_told(grove, bell):
    grove.call(bell, "tree.pause")

    with pytest.raises(Conflict, match="is paused already"):
        grove.call(bell, "tree.pause")
    grove.call(bell, "tree.resume")
    with pytest.raises(Conflict, match="Nothing is paused"):
        grove.call(bell, "tree.resume")


def test_who_may_not_change_all_beneath_may_not_pause_it(grove, member, caller, team):
    path = grove.new()
    grove.call(path, "tree.create", name="secret")
    guest = member(team, Role.EDITOR, {f"{path}/secret": Role.VIEWER})

    with pytest.raises(NotAllowed):
        grove.acting_as(caller(team, guest)).call(path, "tree.pause")
