"""Help tells an object's commands, a facility's, and all of one command; as data and as text."""

import pytest

from objects.commands.help import HelpPage, help_of, help_of_command, help_of_object
from objects.commands.registry import Registry
from objects.commands.render import render
from objects.commands.shapes import shape_of
from objects.commands.spec import CommandSpec
from objects.facilities.help import HelpFacility
from objects.sdk import Facility, Kind, NoSuch, Seconds, command
from tests.commands.bench import commands


class Lamp(Kind[None]):
    """Gives light."""

    @command
    def light(self, wait: Seconds = 0, *, brightly: bool = False) -> bool:
        """Give light after a while.

        It goes out by itself.

        > light 5m
        yes
        """
        return True

    @command(dangerous=True)
    def smash(self) -> None:
        """Break it."""


class Box(Facility):
    """Keeps things."""

    @command(reads=True)
    def look(self) -> list[str]:
        """List what is in it."""
        return []

    @command
    def put(self, *things: str) -> int:
        """Put things in."""
        return len(things)


lamps = Registry.of(Lamp, Box, HelpFacility)


def text_of(page: HelpPage) -> str:
    shape = shape_of(HelpPage)
    assert shape.plain is not None
    return render(shape.plain(page), shape)


def test_help_of_an_object_begins_with_what_is_its_own():
    assert text_of(help_of_object(lamps, "lamp", "/home/lamp")) == (
        "/home/lamp  lamp\n"
        "Gives light.\n"
        "  light [wait=0s] [--brightly]  Give light after a while.\n"
        "  smash                         Break it.\n"
        "Every object has:\n"
        "  box   Keeps things. (look, put)\n"
        "  help  Tells what an object can do.\n"
        "`help COMMAND` or `help FACILITY` tells more; `help --all` lists every command."
    )


def test_help_in_full_spells_out_the_facilities():
    assert text_of(help_of_object(lamps, "lamp", "/home/lamp", full=True)) == (
        "/home/lamp  lamp\n"
        "Gives light.\n"
        "  light [wait=0s] [--brightly]  Give light after a while.\n"
        "  smash                         Break it.\n"
        "box: Keeps things.\n"
        "  box look            List what is in it.\n"
        "  box put [things…]  Put things in.\n"
        "help: Tells what an object can do.\n"
        "  help [command…] [--all]  Tell what this object can do, or what a command takes and gives.\n"
        "`help COMMAND` or `help FACILITY` tells more; `help --all` lists every command."
    ).replace("box look            List", "box look           List")


def test_help_of_a_facility_lists_its_commands():
    assert text_of(help_of(lamps, "lamp", ["box"])) == (
        "box: Keeps things.\n"
        "  box look           List what is in it.\n"
        "  box put [things…]  Put things in.\n"
        "`help COMMAND` tells more of one."
    )


@pytest.mark.parametrize("words", [["light"], ["light "]])
def test_help_of_a_command_tells_all(words):
    assert text_of(help_of(lamps, "lamp", words)) == (
        "light [wait=0s] [--brightly]\n"
        "Give light after a while.\n"
        "It goes out by itself.\n"
        "Arguments:\n"
        "  wait        (a duration such as 300ms, 5m or 1h30m, 0s by default)\n"
        "  --brightly  (yes or no)\n"
        "Gives: yes or no\n"
        "Needs: editor\n"
        "Examples:\n"
        "  > light 5m\n"
        "  yes"
    )


@pytest.mark.parametrize("words", [["box", "look"], ["box.look"], ["box look"]])
def test_a_facilitys_command_can_be_named_in_three_ways(words):
    assert text_of(help_of(lamps, "lamp", words)) == (
        "box look\nList what is in it.\nGives: a list: text each\nNeeds: viewer"
    )


def test_help_says_what_asks_first():
    assert text_of(help_of(lamps, "lamp", ["smash"])) == "smash\nBreak it.\nNeeds: editor; asks first"


@pytest.mark.parametrize(
    ("words", "detail"),
    [
        (["lihgt"], "no command 'lihgt'. Did you mean 'light'? `help` lists them."),
        (["box", "lok"], "no command 'box lok'. Did you mean 'box look'? `help` lists them."),
    ],
)
def test_help_of_nothing_tells_the_nearest(words, detail):
    with pytest.raises(NoSuch) as refusal:
        help_of(lamps, "lamp", words)

    assert refusal.value.detail == detail


@pytest.mark.parametrize("spec", commands.values(), ids=str)
def test_help_of_every_command_can_be_written(spec: CommandSpec):
    told = help_of_command(spec)

    assert told.usage.startswith(spec.words)
    assert [argument.name for argument in told.arguments] == [parameter.name for parameter in spec.parameters]
