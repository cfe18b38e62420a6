"""`help` tells what can be done here, each command, each topic; and what was probably meant."""

import json

import pytest

from terminal.builtins import builtins
from terminal.builtins.help import TOPICS
from tests.terminal.sitting import Person


@pytest.fixture
async def ann(grove, team):
    made = Person(grove.caller, team.slug, grove.home)
    yield made
    await made.shell.close()


async def test_help_begins_with_the_object_and_sums_up_what_every_object_and_the_shell_have(ann, grove):
    lines = (await ann.types("help")).splitlines()

    assert lines[:2] == [
        f"{grove.home}  object",
        "A plain object: state, a database, files and whatever you make of them.",
    ]
    assert "Every object has" in lines
    assert "  state    Keeps small values by key. (get, set, set_many, delete, incr, list, watch)" in lines
    assert "The shell" in lines
    assert max(map(len, lines)) <= 100


async def test_help_all_names_every_command_and_builtin(ann):
    shown = await ann.types("help --all")
    commands = await ann.shell.world.commands(ann.shell.path)

    assert [name for name, spec in commands.items() if spec.words not in shown] == []
    assert [name for name in builtins if name not in shown] == []


async def test_help_is_data_for_programs(ann, grove):
    page = json.loads(await ann.types("help --json | json"))

    assert {key: page[key] for key in ("path", "kind")} == {"path": grove.home, "kind": "object"}
    assert [each["name"] for each in page["facilities"]] == sorted(each["name"] for each in page["facilities"])


async def test_help_of_a_command_tells_usage_arguments_role_and_examples(ann):
    shown = await ann.types("help state incr")

    assert shown.startswith("state incr key ")
    assert [word for word in ("Arguments:", "Needs: editor", "Examples:") if word not in shown] == []
    assert await ann.types("help state.incr") == shown


async def test_help_of_a_facility_lists_its_commands(ann):
    lines = (await ann.types("help files")).splitlines()

    assert lines[0] == "files: Keeps files by name."
    assert lines[1] == "  files put name content [--new]  Keep a file; one of the same name is replaced."
    assert [line.split()[1] for line in lines[1:-1]] == ["put", "get", "info", "list", "move", "delete"]


@pytest.mark.parametrize("topic", TOPICS)
async def test_every_topic_fits_the_width_of_a_terminal(ann, topic):
    shown = await ann.types(f"help {topic}")

    if topic not in builtins:
        assert shown == TOPICS[topic] + "\n"
    assert max(map(len, TOPICS[topic].splitlines())) <= 120


async def test_a_typo_gets_the_nearest_name(ann):
    assert "no help about 'stat sett'. Did you mean 'state set'?" in await ann.types("help stat sett")


async def test_a_macro_of_ones_own_can_be_asked_about(ann):
    await ann.types("macro save low 'echo $1'")

    assert await ann.types("help low") == "low: a macro of yours\necho $1\n"
