"""What people type to go back to lines, to keep them under names, and to have them at the start of a session."""

import pytest

from teams.access import Role
from terminal.secrets import masked
from tests.terminal.sitting import Person


@pytest.fixture
async def ann(grove, team):
    made = Person(grove.caller, team.slug, grove.home)
    yield made
    await made.shell.close()


async def test_history_lists_lines_and_finds_them_by_part_and_object(ann, grove):
    await ann.keeper.remember("state set a 1", grove.home, 0)
    await ann.keeper.remember("ls", "/", 0)
    await ann.keeper.remember("state get a", "/", 1)

    assert await ann.types("history | get line") == "state set a 1\nls\nstate get a\n"
    assert await ann.types("history state --here | get line") == "state set a 1\n"
    assert await ann.types("history -1 | get line") == "state get a\n"


async def test_a_macro_is_run_by_its_name_with_what_is_given_behind_it(ann):
    await ann.types("macro save qq 'echo level $1 of $@'")

    assert await ann.types("macro run qq 3 x") == "level 3 of 3 x\n"
    assert await ann.types("qq 4") == "level 4 of 4\n"
    assert await ann.types("macro show qq") == "echo level $1 of $@\n"
    assert await ann.types("macro remove qq", "qq 4") == ("no command 'qq'. `help` lists them.\n  qq 4\n  ^^\n")


async def test_the_last_lines_become_a_macro(ann):
    for line in ("x=1", "echo a", "echo b"):
        await ann.keeper.remember(line, "/", 0)

    await ann.types("macro save both --last 2")

    assert ann.keeper.kept_macros == {"both": "echo a\necho b"}
    assert await ann.types("both") == "a\nb\n"


async def test_a_command_of_the_object_is_never_hidden_by_a_macro(ann):
    await ann.types("macro save pwd 'echo mine'")

    assert await ann.types("pwd") == f"{ann.shell.path}\n"


async def test_an_alias_stands_for_words_until_it_is_forgotten(ann):
    await ann.types("alias hi='echo hello'")

    assert await ann.types("hi you") == "hello you\n"
    assert "no alias 'h'" in await ann.types("unalias h")
    assert await ann.types("unalias hi", "alias") == ""


async def test_groverc_is_written_shown_and_run(ann):
    await ann.types("rc write <<EOF\nx=5\nalias hi='echo hello'\nEOF")

    assert await ann.types("rc show") == "x=5\nalias hi='echo hello'\n"
    assert await ann.types("rc run", "echo $x") == "5\n"


async def test_what_is_missing_is_said(ann):
    assert "macro run: needs the name of a macro." in await ann.types("macro run")
    assert "no macro 'lw'." in await ann.types("macro run lw")
    assert "there is nothing to save" in await ann.types("macro save empty")
    assert "rc write: needs lines" in await ann.types("rc write")


async def test_help_leaves_out_what_the_role_may_not_do_and_says_which_role_it_needs(viewer_person):
    page = await viewer_person.types("help --all")

    assert "state get" in page
    assert "state set" not in page
    assert "state set: needs the role editor here." in await viewer_person.types("help state set")


@pytest.fixture
async def viewer_person(grove, team, viewer_caller):
    made = Person(viewer_caller, team.slug, grove.home)
    yield made
    await made.shell.close()


@pytest.fixture
def viewer_caller(team, member, caller):
    return caller(team, member(team, Role.VIEWER))


async def test_a_secret_in_a_line_is_masked_and_the_rest_stays(ann, secretive):
    world = secretive

    assert await masked(world, "/", "unlock s3cret --hint 'my dog' && echo s3cret") == (
        "unlock ••• --hint ••• && echo s3cret"
    )
    assert await masked(world, "/", "unlock --key=s3cret") == "unlock --key=•••"
    assert await masked(world, "/", "unlock --key s3cret | head") == "unlock --key ••• | head"
    assert await masked(world, "/", "state set key value") == "state set key value"


async def test_where_the_object_is_gone_all_of_a_line_is_masked(ann):
    assert await masked(ann.shell.world, "/there/is/no/such", "unlock s3cret") == "unlock •••"


@pytest.fixture
def secretive():
    """A world whose object has a command that takes secrets."""
    from objects.commands.registry import Registry
    from objects.sdk import Kind, Secret, command

    class Safe(Kind[None]):
        """A safe."""

        @command
        def unlock(self, key: Secret, *, hint: Secret | None = None) -> None:
            """Open it.

            > unlock abc
            """

    registry = Registry.of(Safe)

    class World:
        async def commands(self, path):
            return registry.commands("safe")

    return World()
