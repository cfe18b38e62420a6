"""The mailbox: order within an object, one thread an object, turns for teams, a limit that is told."""

import threading
import time

import pytest

from objects.engine.calls import Call
from objects.engine.mailbox import Mailbox
from teams.access import Caller
from teams.problems import Overloaded

SLOW = "export"


def call(path: str, command: str = "take", schema: str = "acme", needs: tuple[str, ...] = ()) -> Call:
    return Call(schema, path, command, {}, Caller.system(schema), print, needs=frozenset(needs))


def mailbox(batch_calls: int = 3, team_calls: int = 100, all_calls: int = 100) -> Mailbox:
    return Mailbox(
        batch_calls=batch_calls,
        team_calls=team_calls,
        all_calls=all_calls,
        is_alone=lambda call: call.command == SLOW or bool(call.needs),
    )


def taken(box: Mailbox) -> list[tuple[str, str]] | None:
    """What the next batch holds: (schema, path) of each call."""
    batch = box.take(0)
    return None if batch is None else [(each.schema, each.path) for each in batch.calls]


def test_a_batch_takes_an_objects_calls_in_the_order_in_which_they_came():
    box = mailbox()
    calls = [call("/a"), call("/a"), call("/a"), call("/a")]
    for each in calls:
        box.put(each)

    first = box.take(0)
    box.release("acme", first.paths)
    second = box.take(0)

    assert first.calls == calls[:3]
    assert second.calls == calls[3:]


def test_an_object_at_work_is_given_to_no_second_thread():
    box = mailbox()
    box.put(call("/a"))
    first = box.take(0)
    box.put(call("/a"))

    while_busy = box.take(0)
    box.release("acme", first.paths)

    assert while_busy is None
    assert taken(box) == [("acme", "/a")]


def test_an_object_with_much_to_do_lets_its_neighbours_go_first_next_time():
    box = mailbox(batch_calls=2)
    for path in ("/a", "/a", "/a", "/b"):
        box.put(call(path))

    first = box.take(0)
    box.release("acme", first.paths)

    assert [each.path for each in first.calls] == ["/a", "/a"]
    assert taken(box) == [("acme", "/b"), ("acme", "/a")]


def test_teams_take_turns_however_much_one_sends():
    box = mailbox(batch_calls=1)
    for path in ("/1", "/2", "/3"):
        box.put(call(path, schema="loud"))
    box.put(call("/a", schema="calm"))

    assert [taken(box), taken(box), taken(box)] == [[("loud", "/1")], [("calm", "/a")], [("loud", "/2")]]


def test_a_slow_command_shares_its_batch_with_nobody():
    box = mailbox()
    for each in (call("/a"), call("/b", SLOW), call("/c")):
        box.put(each)

    assert [taken(box), taken(box)] == [[("acme", "/a"), ("acme", "/c")], [("acme", "/b")]]


def test_a_call_that_needs_a_second_object_waits_until_both_are_free():
    box = mailbox()
    box.put(call("/b"))
    working = box.take(0)
    box.put(call("/a", needs=("/b",)))

    while_busy = box.take(0)
    box.release("acme", working.paths)
    together = box.take(0)

    assert while_busy is None
    assert together.paths == {"/a", "/b"}


def test_calls_put_back_run_before_later_ones():
    box = mailbox()
    first, second, third = call("/a"), call("/a"), call("/a")
    box.put(first)
    box.put(second)
    batch = box.take(0)
    box.put(third)

    box.put_back(batch.calls)
    box.release("acme", batch.paths)

    assert box.take(0).calls == [first, second, third]


def test_a_full_mailbox_refuses_and_says_when_to_come_back():
    box = mailbox(team_calls=2, all_calls=3)
    for path in ("/a", "/b"):
        box.put(call(path))

    with pytest.raises(Overloaded) as of_team:
        box.put(call("/c"))
    box.put(call("/a", schema="other"))
    with pytest.raises(Overloaded) as of_all:
        box.put(call("/b", schema="other"))

    assert of_team.value.members() == {
        "type": "overloaded",
        "title": "Too much is waiting",
        "status": 503,
        "detail": "2 calls of this team wait already. Slow down.",
        "retry_after": 1,
    }
    assert of_all.value.detail == "3 calls wait here already. Try again later."


def test_a_closed_mailbox_gives_out_what_waits_and_takes_nothing_more():
    box = mailbox()
    box.put(call("/a"))

    box.close()

    with pytest.raises(Overloaded):
        box.put(call("/b"))
    assert not box.is_done()
    assert taken(box) == [("acme", "/a")]
    assert box.is_done()


def sleepers(box: Mailbox, count: int) -> tuple[list[str], list[threading.Thread]]:
    """Let threads fall asleep one after the other; the list tells who got something."""
    served: list[str] = []

    def serve(name: str) -> None:
        if box.take(timeout_s=5) is not None:
            served.append(name)

    threads = []
    for number in range(count):
        thread = threading.Thread(target=serve, args=(f"thread {number}",))
        thread.start()
        threads.append(thread)
        while len(box._asleep) <= number:
            time.sleep(0.001)
    return served, threads


def test_the_thread_that_slept_least_is_woken_and_the_others_sleep_on():
    box = mailbox()
    served, threads = sleepers(box, 3)

    box.put(call("/a"))
    threads[2].join(5)

    assert (served, len(box._asleep)) == (["thread 2"], 2)
    box.close()


def test_nobody_is_woken_for_an_object_at_work():
    box = mailbox()
    box.claim("acme", "/a")
    served, _ = sleepers(box, 1)

    box.put(call("/a"))
    time.sleep(0.05)
    before = list(served)
    box.release("acme", ["/a"])
    while not served:
        time.sleep(0.001)

    assert (before, served) == ([], ["thread 0"])


def test_a_thread_that_leaves_work_for_others_wakes_them():
    box = mailbox(batch_calls=1)
    served, threads = sleepers(box, 3)

    for path in ("/a", "/b", "/c"):
        box.put(call(path))
    for thread in threads:
        thread.join(5)

    assert sorted(served) == ["thread 0", "thread 1", "thread 2"]
