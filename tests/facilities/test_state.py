"""State keeps small values by key, tells every change, and adds up exactly."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teams.problems import Conflict, NoSuch, TooLarge, WrongArgument
from tests.grove import Grove

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@pytest.fixture
def path(grove: Grove) -> str:
    return grove.new()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=json_values)
def test_any_json_comes_back_as_it_went_in(grove: Grove, path: str, value: Any):
    grove.call(path, "state.set", key="x", value=value)

    found = grove.call(path, "state.get", key="x")

    assert found == value
    assert type(found) is type(value)


def test_a_key_that_is_not_there_is_told(grove: Grove, path: str):
    with pytest.raises(NoSuch) as refused:
        grove.call(path, "state.get", key="lamp")

    assert refused.value.detail == "lamp: no such key. `state list` shows those that there are."


def test_a_default_answers_for_a_key_that_is_not_there(grove: Grove, path: str):
    grove.call(path, "state.set", key="here", value=None)

    assert grove.call(path, "state.get", key="lamp", default={"on": False}) == {"on": False}
    assert grove.call(path, "state.get", key="here", default=1) is None


def test_reading_leaves_an_untouched_object_untouched(grove: Grove, path: str):
    assert grove.call(path, "state.list") == {"entries": [], "next": None}

    assert grove.outcome(path, "state.get", key="x", default=0).version == 0


@pytest.mark.parametrize(
    ("present", "by", "total"),
    [
        (None, 1, 1),
        (None, -2.5, -2.5),
        (41, 1, 42),
        (0.1, 0.2, 0.3),
        (2**62, 2**62 - 1, 2**63 - 1),
        (-(10**17), -(10**18) + 1, -(10**17) - 10**18 + 1),
        (10**18, -1, 10**18 - 1),
        (1.5, 1, 2.5),
        (-(2**63), 2**63 - 1, -1),
    ],
)
def test_numbers_add_up_exactly(grove: Grove, path: str, present: Any, by: Any, total: Any):
    if present is not None:
        grove.call(path, "state.set", key="n", value=present)

    assert grove.call(path, "state.incr", key="n", by=by) == total
    assert grove.call(path, "state.get", key="n") == total


@pytest.mark.parametrize(
    ("present", "by", "why"),
    [
        ("red", 1, "n: its value is no number, so nothing can be added. Set it to one first."),
        (True, 1, "n: its value is no number, so nothing can be added. Set it to one first."),
        ("7", 1, "n: its value is no number, so nothing can be added. Set it to one first."),
        (None, 1, "n: its value is no number, so nothing can be added. Set it to one first."),
        (2**63 - 1, 1, f"n: {2**63 - 1} and 1 is beyond the whole numbers kept here (64 bits)."),
        (1e308, 1e308, "n: 1e+308 and 1e+308 is beyond the numbers that JSON can tell."),
    ],
)
def test_what_cannot_be_added_is_refused_and_stays(grove: Grove, path: str, present: Any, by: Any, why: str):
    grove.call(path, "state.set", key="n", value=present)

    with pytest.raises(Conflict) as refused:
        grove.call(path, "state.incr", key="n", by=by)

    assert refused.value.detail == why
    assert grove.call(path, "state.get", key="n") == present


def test_a_set_that_expects_another_value_tells_the_present_one(grove: Grove, path: str):
    grove.call(path, "state.set", key="mode", value={"a": [1, True]})

    with pytest.raises(Conflict) as refused:
        grove.call(path, "state.set", key="mode", value="manual", expect={"a": [1, 1]})

    assert refused.value.extra == {"present": {"a": [1, True]}}
    grove.call(path, "state.set", key="mode", value="manual", expect={"a": [1.0, True]})
    assert grove.call(path, "state.get", key="mode") == "manual"


def test_a_new_key_is_set_once(grove: Grove, path: str):
    grove.call(path, "state.set", key="owner", value="ann", new=True)

    with pytest.raises(Conflict) as refused:
        grove.call(path, "state.set", key="owner", value="bob", new=True)

    assert refused.value.members() == {
        "type": "conflict",
        "title": "The state does not allow it",
        "status": 409,
        "detail": "owner: there is such a key already. Its value is in `present`.",
        "present": "ann",
    }


def test_keys_are_listed_page_by_page(grove: Grove, path: str):
    grove.call(path, "state.set_many", values={f"k{number}": number for number in range(5)} | {"j": 0, "l": 0})

    first = grove.call(path, "state.list", prefix="k", limit=3)
    rest = grove.call(path, "state.list", prefix="k", limit=3, after=first["next"])

    assert first == {"entries": [{"key": f"k{number}", "value": number} for number in range(3)], "next": "k2"}
    assert rest == {"entries": [{"key": f"k{number}", "value": number} for number in (3, 4)], "next": None}


def test_a_list_of_large_values_is_cut_and_goes_on(grove: Grove, path: str):
    for number in range(4):
        grove.call(path, "state.set", key=f"k{number}", value="x" * 600_000)

    first = grove.call(path, "state.list")

    assert [entry["key"] for entry in first["entries"]] == ["k0", "k1"]
    assert [entry["key"] for entry in grove.call(path, "state.list", after=first["next"])["entries"]] == ["k2", "k3"]


def test_deleting_is_all_or_nothing(grove: Grove, path: str):
    grove.call(path, "state.set_many", values={"a": 1, "b": 2})

    with pytest.raises(NoSuch) as refused:
        grove.call(path, "state.delete", keys=["a", "c"])

    assert refused.value.detail == "c: no such key. Nothing was deleted."
    assert grove.call(path, "state.delete", keys=["a", "b", "a"]) == 2
    assert grove.call(path, "state.list") == {"entries": [], "next": None}


@pytest.mark.parametrize("key", ["", "é" * 257, "a\nb", "a\x00b", "\u2028"])
def test_a_key_that_could_not_be_typed_is_refused(grove: Grove, path: str, key: str):
    for command, arguments in (("state.set", {"value": 1}), ("state.incr", {})):
        with pytest.raises(WrongArgument) as refused:
            grove.call(path, command, key=key, **arguments)

        assert refused.value.field == "key"
    assert grove.call(path, "state.list") == {"entries": [], "next": None}


def test_one_wrong_key_of_many_changes_nothing(grove: Grove, path: str):
    with pytest.raises(WrongArgument) as refused:
        grove.call(path, "state.set_many", values={"a": 1, "b\t": 2})

    assert refused.value.detail == r"'b\t': a key is 1 to 512 bytes of printable text."
    assert grove.call(path, "state.list") == {"entries": [], "next": None}


def test_a_value_too_large_is_refused(grove: Grove, path: str):
    with pytest.raises(TooLarge) as refused:
        grove.call(path, "state.set", key="x", value="é" * 600_000)

    assert refused.value.detail == "x: 1,200,002 bytes of JSON; a value has at most 1,048,576. Put it as a file."
