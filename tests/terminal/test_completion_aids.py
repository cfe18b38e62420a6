"""What is shown while a line is typed beside completion: colours by role, and the grey rest of a line typed before."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminal.aids import Aids
from terminal.builtins import builtins
from terminal.suggest import Suggestions
from tests.terminal.typing_person import typist

BUILTINS = {name: builtins[name] for name in ("cd", "each", "grep")}


@pytest.fixture
def at(grove):
    path = grove.new(name="desk")
    grove.call(path, "tree.create", name="drawer")
    return typist(grove, path)


async def coloured(shell, text: str) -> list[tuple[str, str]]:
    """The coloured pieces once all that is asked for is known."""
    aids = Aids(shell, BUILTINS)
    pieces = aids.colours(text)
    while under_way := list(aids.known._asked.values()):
        assert "".join(piece[1] for piece in pieces) == text
        await asyncio.wait(under_way)
        pieces = aids.colours(text)
    assert "".join(piece[1] for piece in pieces) == text
    return [(piece[0].removeprefix("class:"), piece[1]) for piece in pieces if piece[0]]


async def test_commands_are_told_apart_from_what_is_none(at):
    assert await coloured(at, "state set x 1.5") == [("command", "state set"), ("number", "1.5")]
    assert await coloured(at, "cd drawer") == [("builtin", "cd")]
    assert await coloured(at, "stat set") == [("unknown", "stat")]


async def test_strings_flags_variables_operators_and_comments_have_their_colours(at):
    assert await coloured(at, "x=1 && state list 'a b' --limit 3 | grep \"$x\" > out.txt # why") == [
        ("variable", "x"),
        ("operator", "&"),
        ("operator", "&"),
        ("command", "state list"),
        ("string", "'a b'"),
        ("flag", "--limit"),
        ("number", "3"),
        ("operator", "|"),
        ("builtin", "grep"),
        ("variable", "$x"),
        ("operator", ">"),
        ("path", "out.txt"),
        ("comment", "# why"),
    ]


async def test_a_path_is_underlined_when_there_is_such_an_object(at):
    assert await coloured(at, f"cd {at.path}/drawer") == [("builtin", "cd"), ("path", f"{at.path}/drawer")]
    assert await coloured(at, f"cd {at.path}/nothing") == [("builtin", "cd")]


async def test_a_command_at_another_object_is_looked_up_there(at):
    assert await coloured(at, "@drawer tree list") == [("path", "@drawer"), ("command", "tree list")]
    assert await coloured(at, "each * -- state list") == [
        ("keyword", "each"),
        ("path", "*"),
        ("keyword", "--"),
        ("command", "state list"),
    ]


async def test_any_text_has_colours(at):
    aids = Aids(at, BUILTINS)
    for text in ("", "'", '"$(', "${", "\n\n|", "a <<EOF\nb", "{", "$(", "x" * 30_000, "\ud800"):
        assert "".join(piece[1] for piece in aids.colours(text)) == text


def test_the_rest_comes_from_the_newest_line_that_begins_so_of_this_object_first():
    everywhere = ["state set a 1", "state set b 2", "state list", "ls\npwd"]
    here = ["state set a 1"]

    assert Suggestions(everywhere).after("state set") == " b 2"
    assert Suggestions(everywhere, here).after("state set") == " a 1"
    assert Suggestions(everywhere, here).after("state l") == "ist"
    texts = ("", "  ", "x", "state list", "ls", "ls\n")
    assert [Suggestions(everywhere).after(text) for text in texts] == [""] * 6


@given(st.lists(st.text("ab", max_size=4)), st.lists(st.text("ab", max_size=5), min_size=1))
def test_what_was_asked_before_changes_no_suggestion(lines, texts):
    asked = Suggestions(lines)

    for text in texts:
        for end in range(1, len(text) + 1):
            assert asked.after(text[:end]) == Suggestions(lines).after(text[:end])
