"""What a terminal remembers of a person outlives its session, is that person's alone, and is bounded."""

import dataclasses
import itertools
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.conf import settings

from objects.engine import running
from teams.problems import OverLimit, TooLarge, WrongArgument
from terminal import forgetting
from terminal.forgetting import Forgotten
from terminal.memory import Memory, Snapshot

people = itertools.count(1)
DAY = timedelta(days=1)


@pytest.fixture
def memory(team):
    """The memory of somebody of whom nothing is known."""
    return Memory(team.schema_name, f"p-memory-{next(people)}")


@pytest.fixture
def connection():
    with psycopg.connect(running.conninfo(), autocommit=True) as connection:
        yield connection


@pytest.fixture
def other_team(new_team):
    return new_team().schema_name


async def lines(memory: Memory, **asked) -> list[tuple[str, str, int]]:
    return [(each.line, each.path, each.status) for each in await memory.history(**asked)]


async def test_lines_come_back_in_a_new_session_the_newest_last(memory):
    await memory.remember("take 5", "/a", 0)
    await memory.remember("tke 5", "/b", 1)

    later = Memory(memory.schema, memory.person)

    assert await lines(later) == [("take 5", "/a", 0), ("tke 5", "/b", 1)]


async def test_lines_are_found_by_object_and_by_a_part_in_whatever_case(memory):
    await memory.remember("state set Colour red", "/a", 0)
    await memory.remember("state list", "/a", 0)
    await memory.remember("state get colour", "/b", 0)
    await memory.remember("echo 100%_", "/b", 0)

    assert await lines(memory, part="COLOUR") == [("state set Colour red", "/a", 0), ("state get colour", "/b", 0)]
    assert await lines(memory, path="/a") == [("state set Colour red", "/a", 0), ("state list", "/a", 0)]
    assert await lines(memory, path="/b", part="colour") == [("state get colour", "/b", 0)]
    assert await lines(memory, part="0%_") == [("echo 100%_", "/b", 0)]
    assert await lines(memory, limit=1) == [("echo 100%_", "/b", 0)]


async def test_a_line_that_begins_with_a_space_or_is_far_too_long_is_not_kept(memory):
    for line in (" take 5", "\ttake 5", "", "   ", "x" * (settings.GROVE.TERMINAL_LINE_CHARS + 1)):
        await memory.remember(line, "/a", 0)

    assert await lines(memory) == []


async def test_nobody_reads_what_another_typed_nor_what_was_typed_in_another_team(memory, other_team):
    await memory.remember("take 5", "/a", 0)
    await memory.save_macro("go", "take 5")
    await memory.save_session(Snapshot("s", "/a"))

    others = [Memory(memory.schema, "p-other"), Memory(other_team, memory.person)]

    for other in others:
        assert await lines(other) == []
        assert await other.macros() == {}
        assert await other.session("s") is None
    await others[0].forget_session("s")
    await others[0].save_session(Snapshot("s", "/stolen", shown_bytes=9))
    assert (await memory.session("s")).path == "/a"


async def test_macros_and_aliases_are_saved_changed_and_forgotten_apart(memory):
    await memory.save_macro("go", "take $1")
    await memory.save_alias("go", "cd /a")
    await memory.save_macro("go", "take $1 --key $2")
    await memory.save_alias("ll", "ls -l")
    await memory.save_alias("go", "")

    assert await memory.macros() == {"go": "take $1 --key $2"}
    assert await memory.aliases() == {"ll": "ls -l"}


async def test_a_name_that_could_not_be_typed_is_refused(memory):
    for name in ("", "1st", "a b", "-x", "$x", "a" * 64, "x;y"):
        with pytest.raises(WrongArgument) as refused:
            await memory.save_macro(name, "help")
        assert refused.value.field == "name"

    assert await memory.macros() == {}


async def test_macros_are_bounded_in_number_and_length_and_say_how_to_make_room(memory, settings):
    settings.GROVE = dataclasses.replace(settings.GROVE, TERMINAL_MACROS=2, TERMINAL_MACRO_CHARS=10)
    await memory.save_macro("a", "1")
    await memory.save_macro("b", "2")

    with pytest.raises(OverLimit) as full:
        await memory.save_macro("c", "3")
    with pytest.raises(TooLarge) as long:
        await memory.save_macro("a", "x" * 11)
    await memory.save_macro("a", "changed")

    assert full.value.detail == "there are 2 already (limit TERMINAL_MACROS). `macro remove NAME` makes room."
    assert long.value.detail == (
        "a macro of 11 characters is too long: at most 10 are kept (limit TERMINAL_MACRO_CHARS). "
        "Keep it in a file of an object."
    )
    assert await memory.macros() == {"a": "changed", "b": "2"}


async def test_the_startup_text_is_kept_as_it_was_written(memory):
    assert await memory.startup() == ""

    await memory.save_startup("alias ll='ls -l'\n")
    await memory.save_startup("alias la='ls -a'\n")

    assert await memory.startup() == "alias la='ls -a'\n"


async def test_a_session_comes_back_as_it_was(memory):
    left = Snapshot(
        "long-id", "/a/b", "take 1", 4, {"x": [1, {"y": None}]}, b"\x1b[1mhi\x1b[0m\0", 9, 120, 40,
        datetime(2026, 5, 17, 9, 30, tzinfo=UTC),
    )  # fmt: skip
    await memory.save_session(Snapshot("long-id", "/a"))
    await memory.save_session(left)

    assert await memory.session("long-id") == left
    await memory.forget_session("long-id")
    assert await memory.session("long-id") is None


async def test_an_older_snapshot_never_replaces_a_newer_one(memory):
    await memory.save_session(Snapshot("ordered", "/new", shown_bytes=100))
    await memory.save_session(Snapshot("ordered", "/old", shown_bytes=50))

    assert (await memory.session("ordered")).path == "/new"


def test_a_reader_gets_only_what_it_has_not_seen():
    session = Snapshot("s", "/", scrollback=b"67890", shown_bytes=10)

    assert [session.unseen(seen) for seen in (10, 8, 5, 4, 11)] == [b"", b"90", b"67890", None, None]


async def test_what_is_old_or_too_much_is_forgotten_and_nothing_else(other_team, connection):
    schema, now = other_team, datetime.now(UTC)
    ann, ben = Memory(schema, "p1"), Memory(schema, "p2")
    for number in range(5):
        await ann.remember(f"echo {number}", "/", 0)
    await ben.remember("echo ben", "/", 0)
    await ann.save_session(Snapshot("old", "/", seen_at=now - 8 * DAY))
    for number in range(3):
        await ann.save_session(Snapshot(f"s{number}", "/", seen_at=now - number * DAY))
    limits = dataclasses.replace(settings.GROVE, TERMINAL_LINES=3, TERMINAL_SESSIONS=2)

    gone = forgetting.forget(connection, schema, limits=limits, now=now)
    again = forgetting.forget(connection, schema, limits=limits, now=now)

    assert (gone, again) == (Forgotten(lines=2, sessions=2), Forgotten(0, 0))
    assert await lines(ann) == [("echo 2", "/", 0), ("echo 3", "/", 0), ("echo 4", "/", 0)]
    assert await lines(ben) == [("echo ben", "/", 0)]
    assert [await ann.session(name) is not None for name in ("old", "s0", "s1", "s2")] == [False, True, True, False]
    in_two_years = forgetting.forget(connection, schema, limits=limits, now=now + 731 * DAY)
    assert in_two_years == Forgotten(lines=4, sessions=2)
