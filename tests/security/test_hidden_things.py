"""What somebody may not see is not told by anything else either: not by the trash, a move, an error or an event."""

import json
from typing import Any

import pytest

from teams.access import Role
from teams.problems import Moved, NoSuch, NotAllowed, Problem
from tests.contract.examples import every_command
from tests.contract.test_commands import asked
from tests.grove import Grove

CANARY = "canary"  # in the name and in everything of what is hidden


@pytest.fixture
def place(grove: Grove) -> str:
    return grove.new()


def denied(grove: Grove, member, caller, team, path: str, role: Role = Role.ADMIN) -> Grove:
    """Somebody with a role on everything, but denied one subtree."""
    return grove.acting_as(caller(team, member(team, role, {path: Role.NONE})))


def refusal(grove: Grove, path: str, command: str, **arguments: Any) -> Problem:
    outcome = grove.outcome(path, command, arguments, confirmed=True)
    assert outcome.problem is not None, outcome
    return outcome.problem


def fill(grove: Grove, path: str) -> None:
    grove.outcome(f"{path}/{CANARY}", "state.set", {"key": CANARY, "value": CANARY}, create="object", check=True)
    grove.call(f"{path}/{CANARY}", "tree.tag", tags=[CANARY])
    grove.call(f"{path}/{CANARY}", "tree.create", name=CANARY)


@pytest.mark.parametrize(
    "spec", [each for _, each in every_command() if each.verb == "reads"], ids=lambda spec: spec.name
)
def test_no_answer_of_a_reading_command_tells_of_what_is_hidden(grove, place, team, member, caller, spec):
    fill(grove, place)
    grove.outcome(f"{place}/{CANARY}/{CANARY}", "tree.delete", {}, confirmed=True, check=True)
    guest = denied(grove, member, caller, team, f"{place}/{CANARY}", Role.ADMIN)

    for arguments in ({}, asked("object", spec)):
        outcome = guest.outcome(place, spec.name, arguments)
        value = outcome.value
        told = value.read() if spec.downloads and value else json.dumps(value).encode()

        assert CANARY.encode() not in told
        assert outcome.problem is None or CANARY not in outcome.problem.detail


@pytest.mark.parametrize("command", ["tree.restore", "tree.erase"])
def test_a_number_in_the_trash_that_is_hidden_is_as_good_as_none(grove, place, team, member, caller, command):
    fill(grove, place)
    item = grove.outcome(f"{place}/{CANARY}", "tree.delete", {}, confirmed=True, check=True).value
    guest = denied(grove, member, caller, team, f"{place}/{CANARY}")

    hidden = refusal(guest, place, command, what=str(item["number"]))
    absent = refusal(guest, place, command, what=str(item["number"] + 1_000_000))

    assert (type(hidden), hidden.detail.replace(str(item["number"]), "N")) == (
        type(absent),
        absent.detail.replace(str(item["number"] + 1_000_000), "N"),
    )


@pytest.mark.parametrize("command", ["tree.restore", "tree.erase"])
def test_a_path_in_the_trash_that_is_hidden_is_as_good_as_none(grove, place, team, member, caller, command):
    fill(grove, place)
    grove.outcome(f"{place}/{CANARY}", "tree.delete", {}, confirmed=True, check=True)
    guest = denied(grove, member, caller, team, f"{place}/{CANARY}")

    for name in (CANARY, f"{CANARY}/{CANARY}"):
        hidden = refusal(guest, place, command, what=name)
        absent = refusal(guest, place, command, what=name.replace(CANARY, "absent"))

        assert (type(hidden), hidden.detail.replace(CANARY, "absent")) == (type(absent), absent.detail)


def test_what_was_deleted_with_something_hidden_does_not_name_it(grove, team, member, caller, place):
    fill(grove, place)
    grove.call(f"{place}/{CANARY}/{CANARY}", "tree.create", name="mine")
    grove.outcome(f"{place}/{CANARY}", "tree.delete", {}, confirmed=True, check=True)
    hidden, seen = f"{place}/{CANARY}", f"{place}/{CANARY}/{CANARY}"
    guest = grove.acting_as(caller(team, member(team, Role.ADMIN, {hidden: Role.NONE, seen: Role.EDITOR})))

    problem = refusal(guest, place, "tree.restore", what=f"{seen}/mine")

    assert (type(problem), problem.detail) == (NoSuch, f"{seen}/mine is not in the trash.")


def test_restoring_elsewhere_does_not_open_what_is_denied_within(grove, team, member, caller, place):
    grove.outcome(f"{place}/box/{CANARY}", "state.set", {"key": "k", "value": CANARY}, create="object", check=True)
    guest = denied(grove, member, caller, team, f"{place}/box/{CANARY}", Role.EDITOR)
    item = grove.outcome(f"{place}/box", "tree.delete", {}, confirmed=True, check=True).value

    problem = refusal(guest, place, "tree.restore", what=str(item["number"]), to="mine")

    assert type(problem) is NotAllowed
    assert type(refusal(guest, f"{place}/mine/{CANARY}", "state.get", key="k")) is NoSuch


def test_a_way_that_leads_to_something_hidden_is_no_way(grove, team, member, caller, place):
    grove.call(place, "tree.create", name="old")
    grove.call(place, "tree.create", name=CANARY)
    grove.call(f"{place}/old", "tree.move", to=f"{place}/{CANARY}/new")
    guest = denied(grove, member, caller, team, f"{place}/{CANARY}")
    grove.outcome(f"{place}/thing", "state.list", create="object", check=True)
    item = grove.outcome(f"{place}/thing", "tree.delete", {}, confirmed=True, check=True).value

    tried = [
        refusal(guest, f"{place}/old", "state.list"),
        refusal(guest, place, "tree.create", name="old/x"),
        refusal(guest, place, "tree.create", name="old/x/y", parents=False),
        refusal(guest, place, "tree.restore", what=str(item["number"]), to="old/x"),
        refusal(guest, place, "import", **{"content": "", "as": "old/x"}),
    ]
    grove.call(place, "tree.create", name="other")
    tried += [refusal(guest, f"{place}/other", command, to=f"{place}/old/x") for command in ("tree.move", "tree.copy")]

    assert [each.detail for each in tried if CANARY in json.dumps(each.members())] == []
    assert [type(each) for each in tried if isinstance(each, Moved)] == []
