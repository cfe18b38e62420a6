"""The queue: what is pushed is done once, in its turn, or ends as a dead letter that says why."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teams import clock
from teams.access import Role
from teams.problems import Conflict, NoSuch, OverLimit, WrongArgument
from tests.timing.conftest import bells, clock_moves, hands, wakes

__all__ = ["bells", "clock_moves", "hands", "wakes"]  # fixtures


def push(grove, path, command="", **more):
    return grove.outcome(path, "queue.push", {"command": command, **more} if command else more, check=True).value


def depth(grove, path):
    found = grove.call(path, "queue.depth")
    return {name: found[name] for name in ("waiting", "due", "delayed", "leased", "dead")}


def dead(grove, path):
    return [(each["number"], each["problem"]) for each in grove.call(path, "queue.peek", dead=True)["messages"]]


# ---- Delivered by the platform ----


def test_priority_comes_before_time_and_time_before_number(grove, hands, clock_moves):
    bell = grove.new("bell")
    push(grove, bell, "ring later", delay=5)
    push(grove, bell, "ring first")
    push(grove, bell, "ring urgent", priority=9, delay=5)
    push(grove, bell, "ring low", priority=-9)

    clock_moves(6)
    hands.until_quiet()

    assert grove.call(bell, "strokes") == ["urgent", "first", "later", "low"]


def test_a_key_is_there_once_while_it_waits(grove, hands):
    bell = grove.new("bell")
    first, second = push(grove, bell, "ring one", key="k"), push(grove, bell, "ring two", key="k")
    hands.until_quiet()
    third = push(grove, bell, "ring three", key="k")
    hands.until_quiet()

    assert [(each["number"], each["new"]) for each in (first, second, third)] == [(1, True), (1, False), (2, True)]
    assert grove.call(bell, "strokes") == ["one", "three"]


def test_a_group_keeps_its_order_while_one_of_it_is_tried_again(grove, hands, clock_moves):
    bell = grove.new("bell")
    push(grove, bell, "crack", group="g", tries=2)
    push(grove, bell, "ring two", group="g")
    push(grove, bell, "ring three", group="g", priority=9)
    push(grove, bell, "ring other", group="h")

    hands.until_quiet()
    meanwhile = grove.call(bell, "strokes")
    clock_moves(5)
    hands.until_quiet()

    assert meanwhile == ["other"]
    assert grove.call(bell, "strokes") == ["other", "two", "three"]
    assert dead(grove, bell) == [(1, "it cracked.")]


def test_what_is_not_done_in_time_is_dead(grove, hands, clock_moves):
    bell = grove.new("bell")
    push(grove, bell, "ring", delay=60, expires=30)

    clock_moves(61)
    hands.until_quiet()

    assert (grove.call(bell, "strokes"), dead(grove, bell)) == ([], [(1, "it was not done before it expired")])


def test_pauses_double_between_tries(grove, hands, clock_moves):
    bell = grove.new("bell")
    push(grove, bell, "crack", tries=6)

    waits = []
    for _ in range(5):
        before = clock.now()
        hands.until_quiet()
        (look,) = grove.call(bell, "queue.peek")["messages"]
        due_at = hands.connection.execute(
            "SELECT due_at FROM public.wake WHERE schema = %s AND object_id = %s", (grove.schema, grove.id(bell))
        ).fetchone()[0]
        waits.append((due_at - before, due_at - clock.now()))
        assert look["problem"] == "it cracked."
        clock_moves(waits[-1][1] + 0.1)
    hands.until_quiet()

    for tries, (since_before, since_after) in enumerate(waits):  # the try itself was somewhere in between
        assert since_before >= 0.5 * 2**tries
        assert since_after <= 0.5 * 2**tries * 2
    assert dead(grove, bell) == [(1, "it cracked.")]


def test_what_is_hopeless_is_dead_at_once_and_can_be_redriven(grove, hands):
    bell = grove.new("bell")
    push(grove, bell, "misunderstand")
    hands.until_quiet()
    letters = dead(grove, bell)

    redriven = grove.outcome(bell, "queue.redrive", {"numbers": [1]}, check=True).value
    again = depth(grove, bell)
    hands.until_quiet()

    assert letters == dead(grove, bell) == [(1, "what? Say it otherwise.")]
    assert (redriven, again["due"], again["dead"]) == (1, 1, 0)


def test_a_hang_and_a_fault_hold_nobody_up(grove, hands, engine_with):
    bell = grove.new("bell")
    push(grove, bell, "hang", tries=1)
    push(grove, bell, "stumble", tries=1)
    push(grove, bell, "ring fine")

    with hands.with_engine(engine_with(CALL_SECONDS=0.5)):
        hands.until_quiet()

    assert grove.call(bell, "strokes") == ["fine"]
    assert [number for number, _ in dead(grove, bell)] == [1, 2]


def test_paused_nothing_is_delivered_and_draining_nothing_is_taken(grove, hands):
    bell = grove.new("bell")
    push(grove, bell, "ring one")
    grove.call(bell, "queue.pause")
    hands.until_quiet()
    paused = grove.call(bell, "strokes")

    grove.call(bell, "queue.drain")
    with pytest.raises(Conflict, match="drains"):
        push(grove, bell, "ring two")
    hands.until_quiet()
    grove.call(bell, "queue.resume")
    push(grove, bell, "ring three")
    hands.until_quiet()

    assert (paused, grove.call(bell, "strokes")) == ([], ["one", "three"])


def test_purge_drops_what_waits_and_asks_before(grove, hands):
    bell = grove.new("bell")
    for number in range(3):
        push(grove, bell, f"ring {number}", delay=60)

    asked = grove.outcome(bell, "queue.purge")
    purged = grove.outcome(bell, "queue.purge", confirmed=True, check=True).value

    assert asked.problem.detail == "Drops 3 waiting messages for good."
    assert (purged, depth(grove, bell)["waiting"]) == (3, 0)


def test_a_queue_that_is_full_takes_no_more(grove, engine_with):
    small = grove.through(engine_with(QUEUE_MESSAGES=2))
    bell = grove.new("bell")
    push(small, bell, "ring", delay=60)
    push(small, bell, "ring", delay=60)

    with pytest.raises(OverLimit, match="QUEUE_MESSAGES"):
        push(small, bell, "ring", delay=60)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "command"),
        ({"command": "ring", "body": 1}, "command"),
        ({"command": "rign"}, "command"),
        ({"body": 1, "arguments": {}}, "arguments"),
        ({"command": "ring", "priority": 10}, "priority"),
        ({"command": "ring", "tries": 0}, "tries"),
        ({"command": "ring", "delay": -1}, "delay"),
    ],
)
def test_what_cannot_be_pushed_is_refused_with_the_field(grove, given, field):
    bell = grove.new("bell")

    with pytest.raises(WrongArgument) as refused:
        push(grove, bell, **given)

    assert refused.value.field == field


def test_dropping_what_is_not_there_drops_nothing(grove):
    bell = grove.new("bell")
    push(grove, bell, "ring", delay=60)

    with pytest.raises(NoSuch):
        grove.outcome(bell, "queue.drop", {"numbers": [1, 2]}, check=True)

    assert depth(grove, bell)["waiting"] == 1


# ---- Fetched by somebody elsewhere ----


def test_a_body_is_fetched_by_one_and_gone_once_acknowledged(grove):
    bell = grove.new("bell")
    push(grove, bell, body={"order": 42})

    (mine,) = grove.call(bell, "queue.receive")
    others = grove.call(bell, "queue.receive")
    grove.outcome(bell, "queue.ack", {"receipts": [mine["receipt"]]}, check=True)

    assert (mine["body"], mine["attempts"], others) == ({"order": 42}, 1, [])
    assert depth(grove, bell) == {"waiting": 0, "due": 0, "delayed": 0, "leased": 0, "dead": 0}


def test_a_lease_that_ends_gives_it_to_another_and_the_first_receipt_is_void(grove, clock_moves):
    bell = grove.new("bell")
    push(grove, bell, body="work")
    (first,) = grove.call(bell, "queue.receive", lease=30)

    clock_moves(20)
    grove.call(bell, "queue.extend", receipt=first["receipt"], lease=30)
    clock_moves(20)
    still = grove.call(bell, "queue.receive")
    clock_moves(11)
    (second,) = grove.call(bell, "queue.receive")

    assert (still, second["attempts"]) == ([], 2)
    with pytest.raises(Conflict, match="lease ended"):
        grove.outcome(bell, "queue.ack", {"receipts": [first["receipt"]]}, check=True)
    assert grove.outcome(bell, "queue.ack", {"receipts": [second["receipt"]]}, check=True).value == 1


def test_what_is_given_back_too_often_is_dead_with_the_reason(grove, clock_moves):
    bell = grove.new("bell")
    push(grove, bell, body="work", tries=2)

    for _ in range(2):
        (mine,) = grove.call(bell, "queue.receive")
        grove.call(bell, "queue.nack", receipt=mine["receipt"], reason="no paper")
        clock_moves(2)

    assert (grove.call(bell, "queue.receive"), dead(grove, bell)) == ([], [(1, "no paper")])


def test_what_is_fetched_and_never_acknowledged_is_dead_in_the_end(grove, clock_moves):
    bell = grove.new("bell")
    push(grove, bell, body="work", tries=2)

    for _ in range(2):
        assert len(grove.call(bell, "queue.receive", lease=5)) == 1
        clock_moves(6)

    assert grove.call(bell, "queue.receive") == []
    assert dead(grove, bell) == [(1, "who fetched it never acknowledged it")]


def test_messages_with_a_command_are_not_for_those_who_fetch(grove, hands):
    bell = grove.new("bell")
    push(grove, bell, "ring")
    push(grove, bell, body="work")

    fetched = grove.call(bell, "queue.receive", count=10)
    hands.until_quiet()

    assert [each["body"] for each in fetched] == ["work"]
    assert grove.call(bell, "strokes") == ["ding"]


def test_in_a_copy_what_waited_is_dead_until_it_is_redriven(grove, hands):
    bell = grove.new("bell")
    push(grove, bell, "ring once", delay=60)
    push(grove, bell, body="work")
    grove.outcome(bell, "tree.copy", {"to": "twin"}, check=True)
    twin = f"{grove.home}/twin"

    seen = depth(grove, twin)
    nothing = grove.call(twin, "queue.receive")
    redriven = grove.call(twin, "queue.redrive")
    hands.until_quiet()

    assert (seen["waiting"], seen["dead"], nothing, redriven) == (0, 2, [], 2)
    assert grove.call(twin, "strokes") == ["once"]
    assert depth(grove, bell)["waiting"] == 2


# ---- In a file from elsewhere ----


@pytest.mark.parametrize(
    "forged",
    [
        "caller = 'system'",
        "command = 'access.grants'",
        'body = \'{"what": "forged"}\'',
        "path = '/'",
        "number = 7",
        "seal = (SELECT seal FROM _message WHERE number = 2)",
    ],
)
def test_a_message_that_somebody_else_wrote_is_dead_with_the_reason(grove, hands, clock_moves, forged):
    bell = grove.new("bell")
    push(grove, bell, "ring one", delay=60)
    push(grove, bell, "ring two", delay=60)
    work = {"work": lambda context: context.db.run(f"UPDATE _message SET {forged} WHERE number = 1")}
    grove.acting_as("system").outcome(bell, "forge", check=True, **work)

    clock_moves(61)
    hands.until_quiet()

    assert grove.call(bell, "strokes") == ["two"]
    ((_, problem),) = dead(grove, bell)
    assert problem.startswith("it came with a file from elsewhere")


def test_a_message_of_another_objects_file_with_its_home_forged_is_not_delivered(grove, hands, clock_moves):
    bell = grove.new("bell")
    push(grove, bell, "ring", delay=60)
    grove.outcome(bell, "tree.copy", {"to": "twin"}, check=True)
    twin = f"{grove.home}/twin"

    def forge(context):
        context.db.run("UPDATE _queue SET home = ?", (context.identity,))

    grove.acting_as("system").outcome(twin, "forge", work=forge, check=True)
    clock_moves(61)
    push(grove, twin, "ring awake")  # so that it is looked at
    hands.until_quiet()

    assert (grove.call(twin, "strokes"), len(dead(grove, twin))) == (["awake"], 1)


def test_who_redrives_a_forged_message_lends_their_own_rights_and_no_others(grove, hands, member, caller, team):
    bell = grove.new("bell")
    for command in ("ring mine", "state set theirs 1"):
        push(grove, bell, command, delay=60)

    def forge(context):
        context.db.run("UPDATE _message SET due_at = 0, caller = 'system' WHERE number = 1")
        context.db.run(
            "UPDATE _message SET due_at = 0, caller = 'system', command = 'melt', body = '{}' WHERE number = 2"
        )

    grove.acting_as("system").outcome(bell, "forge", work=forge, check=True)
    push(grove, bell, "ring awake")
    hands.until_quiet()
    before = grove.call(bell, "strokes")
    editor = grove.acting_as(caller(team, member(team, Role.EDITOR)))
    redriven = editor.call(bell, "queue.redrive")
    hands.until_quiet()

    assert (before, redriven, grove.call(bell, "strokes")) == (["awake"], 2, ["awake", "mine"])
    ((number, problem),) = dead(grove, bell)
    assert (number, "admin" in problem) == (2, True)


# ---- Against a model ----


@dataclass
class Model:
    """What a queue should hold, kept in the plainest way."""

    waiting: list[dict[str, Any]] = field(default_factory=list)
    next: int = 1

    def push(self, now: float, **message: Any) -> None:
        if message["key"] and any(each["key"] == message["key"] for each in self.waiting):
            return
        self.waiting.append(message | {"number": self.next, "due": now + message["delay"]})
        self.next += 1

    def deliver(self, now: float) -> list[Any]:
        rung: list[Any] = []
        while True:
            heads = [each for each in self.waiting if not self._is_behind(each) and each["due"] <= now]
            if not heads:
                return rung
            first = min(heads, key=lambda each: (-each["priority"], each["due"], each["number"]))
            self.waiting.remove(first)
            for each in self.waiting:
                if each["group"] and each["group"] == first["group"] and not self._is_behind(each):
                    each["due"] = max(each["due"], now)
            rung.append(first["what"])

    def _is_behind(self, message: dict[str, Any]) -> bool:
        return bool(message["group"]) and any(
            each["group"] == message["group"] and each["number"] < message["number"] for each in self.waiting
        )


steps = st.lists(
    st.one_of(
        st.fixed_dictionaries({
            "delay": st.sampled_from([0, 0, 10, 20]),
            "priority": st.sampled_from([0, 0, 1, 5]),
            "key": st.sampled_from([None, None, "k", "l"]),
            "group": st.sampled_from([None, None, "g", "h"]),
        }),
        st.just("deliver"),
        st.just("wait"),
    ),
    min_size=1,
    max_size=14,
)  # fmt: skip


@given(steps)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_pushed_is_done_in_the_order_that_a_plain_model_says(grove, hands, clock_moves, taken):
    bell, model = grove.new("bell"), Model()
    rung: list[Any] = []

    for number, step in enumerate([*taken, "deliver", "wait", "deliver", "wait", "deliver"]):
        if step == "deliver":
            hands.until_quiet()
            rung += model.deliver(clock.now())
        elif step == "wait":
            clock_moves(10.5)
        else:
            given = {name: value for name, value in step.items() if value is not None}
            push(grove, bell, "ring", arguments={"what": number}, **given)
            model.push(clock.now(), what=number, **step)

    assert grove.call(bell, "strokes") == rung
    assert depth(grove, bell)["waiting"] == len(model.waiting) == 0
