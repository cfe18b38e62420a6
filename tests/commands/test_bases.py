"""A kind's state is a dataclass that lives in rows of `_state`; only what changed is written."""

from datetime import UTC, datetime

import pytest

from objects.commands.bases import check_state, state_keys
from objects.kinds.object import Object
from objects.sdk import Conflict, WrongArgument
from tests.commands.bench import Bench, Machine, Sql, fields_of


def rows(bench: Bench) -> dict[str, str]:
    return dict(bench.db.run("SELECT key, value FROM _state"))


def test_an_untouched_state_is_the_default_and_makes_no_table():
    bench = Bench()
    machine = Machine(bench)

    assert machine.state.burst == 20
    machine.save()

    assert not bench.db.has("_state")


def test_changed_fields_are_written_and_read_back():
    bench = Bench()
    machine = Machine(bench)
    machine.state.burst = 5
    machine.state.names.append("ann")
    machine.state.seen_at = datetime(2026, 5, 17, tzinfo=UTC)
    machine.save()

    assert rows(bench) == {"burst": "5", "names": '["ann"]', "seen_at": '"2026-05-17T00:00:00Z"'}
    again = Machine(bench)
    assert again.state == machine.state


def test_only_what_changed_is_written():
    bench = Bench()
    machine = Machine(bench)
    machine.state.burst, machine.state.rate = 5, 1.5
    machine.save()
    bench.db.statements.clear()

    again = Machine(bench)
    again.state.burst = 6
    again.save()
    again.save()

    assert [each for each in bench.db.statements if each.startswith("INSERT")] == [
        "INSERT INTO _state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    ]
    assert rows(bench) == {"burst": "6", "rate": "1.5"}


def test_a_field_set_back_to_its_default_is_written():
    bench = Bench()
    machine = Machine(bench)
    machine.state.burst = 5
    machine.save()

    machine.state.burst = 20
    machine.save()

    assert rows(bench) == {"burst": "20"}


def test_free_keys_beside_the_state_are_left_alone():
    bench = Bench()
    bench.db.need("_state")
    bench.db.run("INSERT INTO _state VALUES ('note', '\"x\"')")

    machine = Machine(bench)
    machine.state.burst = 1
    machine.save()

    assert rows(bench) == {"note": '"x"', "burst": "1"}


def test_a_stored_value_that_does_not_fit_is_told_with_the_way_out():
    bench = Bench()
    bench.db.need("_state")
    bench.db.run("INSERT INTO _state VALUES ('burst', '\"many\"')")

    with pytest.raises(Conflict) as refusal:
        _ = Machine(bench).state

    assert refusal.value.detail == (
        "the state of /demo/bench does not fit: burst: 'many' is not a whole number. `state set burst` mends it."
    )


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("burst", 101, "burst: 101 is more than 100"),
        ("rate", float("nan"), "rate: nan is not a finite number."),
        ("names", ["ann", 5], "names: item 2: 5 is not text"),
    ],
)
def test_a_call_cannot_leave_a_state_that_would_not_be_read_back(field, value, reason):
    bench = Bench()
    machine = Machine(bench)
    setattr(machine.state, field, value)

    with pytest.raises(Conflict) as refusal:
        machine.save()

    assert refusal.value.detail == f"the call would break the state of /demo/bench: {reason}. Nothing was changed."
    assert not bench.db.has("_state")


def test_a_kind_sees_clock_chance_and_others_through_its_context():
    bench = Bench()
    machine = Machine(bench)

    machine.emit("topic", 1)

    assert (machine.now, machine.path, machine.caller.name) == (1_800_000_000.0, "/demo/bench", "system")
    assert machine.random is bench.random
    assert bench.events == [("topic", 1)]
    assert machine.call("/demo/other", "take", tokens=1) == ("/demo/other", "take", {"tokens": 1})
    assert machine.sql("SELECT ? + 1", 2) == [(3,)]
    assert isinstance(bench.facility("sql"), Sql)


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("burst", 5, 5),
        ("seen_at", "2026-05-17T02:00:00+02:00", "2026-05-17T00:00:00Z"),
        ("seen_at", None, None),
        ("note", {"free": 1}, {"free": 1}),
    ],
)
def test_a_value_for_the_state_is_kept_in_its_canonical_form(key, value, kept):
    assert check_state(Machine, key, value) == kept


@pytest.mark.parametrize(
    ("key", "value", "messages"),
    [
        ("burst", 101, {"value": "burst: 101 is more than 100"}),
        ("burst", "5", {"value": "burst: '5' is not a whole number"}),
        ("names", ["a", 1], {"value": "names: item 2: 1 is not text"}),
        ("brust", 5, {"key": "no field 'brust' in the state of machine. Did you mean 'burst'?"}),
    ],
)
def test_a_value_that_does_not_fit_the_state_is_refused(key, value, messages):
    with pytest.raises(WrongArgument) as refusal:
        check_state(Machine, key, value)

    assert fields_of(refusal) == messages


def test_the_plain_object_takes_any_state():
    assert check_state(Object, "anything", [1]) == [1]
    assert state_keys(Object) == ()
    assert state_keys(Machine) == ("rate", "burst", "names", "seen_at")


def test_a_kind_without_a_state_says_so():
    with pytest.raises(TypeError, match=r"Object has no state of its own: write Kind\[State\]"):
        _ = Object(Bench()).state
