"""A call sent again under its idempotency key takes effect once and gets the answer of then."""

import pytest

from objects.commands.types import Content
from teams.problems import Conflict, WrongArgument


def test_a_key_seen_before_gives_the_stored_answer(grove, purse):
    path = purse()

    first = grove.outcome(path, "put_in", {"amount": 5}, key="k1")
    again = grove.outcome(path, "put_in", {"amount": 5}, key="k1")

    assert (first.value, first.replayed, again.value, again.replayed) == (5, False, 5, True)
    assert first.version == again.version
    assert grove.call(path, "balance") == 5


def test_the_same_key_twice_in_one_batch_takes_effect_once(grove, purse):
    path = purse()

    outcomes = grove.together(path, [("put_in", {"amount": 5})] * 10, key="k1")

    assert [outcome.value for outcome in outcomes] == [5] * 10
    assert sum(not outcome.replayed for outcome in outcomes) == 1
    assert grove.call(path, "balance") == 5


def test_a_key_holds_in_another_process_too(grove, purse, fresh_engine):
    path = purse()
    grove.outcome(path, "put_in", {"amount": 5}, key="k1")

    again = grove.through(fresh_engine).outcome(path, "put_in", {"amount": 5}, key="k1")

    assert (again.value, again.replayed) == (5, True)


def test_a_key_for_another_call_is_refused(grove, purse):
    path = purse()
    grove.outcome(path, "put_in", {"amount": 5}, key="k1")

    with pytest.raises(WrongArgument) as refusal:
        grove.outcome(path, "put_in", {"amount": 6}, key="k1", check=True)

    assert refusal.value.detail == "the idempotency key 'k1' was used for another call. Use a new one."
    assert grove.call(path, "balance") == 5


def test_a_refused_call_may_be_tried_again_under_its_key(grove, purse):
    path = purse()
    with pytest.raises(Conflict):
        grove.outcome(path, "take_out", {"amount": 5}, key="k1", check=True)
    grove.call(path, "put_in", amount=5)

    again = grove.outcome(path, "take_out", {"amount": 5}, key="k1")

    assert (again.value, again.replayed) == (0, False)


def test_keys_of_one_caller_are_not_those_of_another(grove, purse):
    path = purse()
    grove.outcome(path, "put_in", {"amount": 5}, key="k1")

    other = grove.acting_as("system").outcome(path, "put_in", {"amount": 5}, key="k1")

    assert (other.value, other.replayed) == (10, False)


def test_a_key_for_another_file_of_the_same_size_is_refused(grove):
    path = grove.new()
    first = {"name": "a.txt", "content": Content(b"red")}
    grove.outcome(path, "files.put", first, key="k1", check=True)

    again = grove.outcome(path, "files.put", {"name": "a.txt", "content": Content(b"red")}, key="k1", check=True)
    with pytest.raises(WrongArgument):
        grove.outcome(path, "files.put", {"name": "a.txt", "content": Content(b"tan")}, key="k1", check=True)

    assert again.replayed
