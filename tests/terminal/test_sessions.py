"""Sessions with the real shell: sharing, recording, leaving; and how much an output keeps."""

import asyncio
import json
import re

import pytest

from teams import actions
from teams.access import Role
from teams.problems import BadRequest
from terminal import recording
from terminal.output import Output
from tests.terminal.screens import Person


@pytest.fixture
def at(web, team, token):
    """Sit down at a terminal with the real shell: `async with at("/") as ann`."""
    _, own = token(team, verbs=["reads", "changes", "dangerous"])

    def sit(path="/", *, secret=own, **options):
        address = f"ws://127.0.0.1:{web.port}/ws/terminal/{team.slug}{path}"
        return Person(address, headers={"Authorization": f"Bearer {secret}"}, width=100, **options)

    return sit


def link(person):
    """The id of the link on the screen."""
    text = person.raw.decode()
    return text.rpartition("#share=")[2][:24]


async def test_the_real_shell_sets_and_gets_state(at, grove):
    async with at(grove.home) as ann:
        await ann.sees(f"{grove.home}>")
        await ann.type("state set colour red\r")
        await ann.until(lambda: ann.line == f"{grove.home}>" and len(ann.lines) > 2)
        await ann.type("state get colour\r")

        await ann.sees("red", f"{grove.home}>")


@pytest.fixture
def large_file(grove):
    """A file of ten megabytes: a million numbered lines."""
    content = "".join(f"{number:09}\n" for number in range(1_000_000))
    grove.outcome(grove.home, "files.put", name="large.txt", content=content, check=True)


async def test_a_large_file_comes_whole_and_at_the_readers_pace(at, grove, large_file):
    async with at(grove.home) as ann:
        ann.acks = True
        ann.looks_away()
        await ann.until(lambda: b">" in ann.raw)
        await ann.type("cat large.txt\r")
        await ann.until(lambda: ann.received > 500_000, 30)
        ann.is_reading.clear()
        await asyncio.sleep(0.5)
        ann.is_reading.set()
        await ann.until(lambda: b"000999999\r\n" in ann.raw, 60)

        numbers = re.findall(rb"\d{9}(?=\r\n)", ann.raw)
        assert numbers == [b"%09d" % number for number in range(1_000_000)]


async def test_ctrl_c_ends_a_large_file_whether_it_is_read_or_not(at, grove, large_file):
    async with at(grove.home) as ann:
        ann.acks = True
        ann.looks_away()
        await ann.until(lambda: b">" in ann.raw)
        for is_read in (True, False):
            await ann.type("cat large.txt\r")
            begins = ann.received
            await ann.until(lambda begins=begins: ann.received > begins + 500_000, 30)
            if not is_read:
                ann.is_reading.clear()
            before = ann.raw.count(b"^C\r\n")
            await ann.type("\x03")
            await asyncio.sleep(0.3)
            ann.is_reading.set()
            await ann.until(lambda before=before: ann.raw.count(b"^C\r\n") > before, 30)
        await ann.type("echo still here\r")
        await ann.until(lambda: b"still here\r\n" in ann.raw)

        assert b"000999999" not in ann.raw


async def test_exit_leaves(at):
    async with at() as ann:
        await ann.type("exit\r")
        await ann.until(lambda: ann.closed is not None)

        assert ann.told("exit") == "You left."


async def test_a_viewers_link_shows_everything_and_lets_nothing_be_typed(at, team, token, member):
    bob = await asyncio.to_thread(lambda: member(team, Role.VIEWER))
    made, secret = await asyncio.to_thread(lambda: token(team, bob, verbs=["reads"]))
    async with at() as ann:
        await ann.sees("/>")
        await ann.type("share\r")
        await ann.until(lambda: "#share=" in ann.raw.decode() and ann.line == "/>")
        async with at(secret=secret, share=link(ann)) as guest:
            await guest.until(lambda: guest.line == "/>")
            await ann.until(lambda: any(f"— {made.person.email}" in line or "looks on —" in line for line in ann.lines))
            await guest.type("echo intruder\r")
            await ann.type("echo shown")
            await guest.sees("/> echo shown")

            assert "intruder" not in ann.raw.decode()
            assert guest.told("size") == [100, 24]
            await ann.type("\x15unshare\r")
            await guest.until(lambda: guest.closed is not None)
            assert guest.closed == (4404, "This session is not shared any more.")


async def test_a_link_to_type_lets_both_type_and_ends_with_the_guests_rights(at, team, token, member):
    bob = await asyncio.to_thread(lambda: member(team, Role.VIEWER))
    made, secret = await asyncio.to_thread(lambda: token(team, bob, verbs=["reads"]))
    async with at() as ann:
        await ann.sees("/>")
        await ann.type("share --write\r")
        await ann.until(lambda: "#share=" in ann.raw.decode() and ann.line == "/>")
        async with at(secret=secret, share=link(ann)) as guest:
            await guest.until(lambda: guest.line == "/>")
            await guest.type("echo together\r")
            await ann.sees("together", "/>")

            await asyncio.to_thread(lambda: actions.revoke_token(team=team, by=None, token=made))
            await guest.until(lambda: guest.closed is not None)
            assert guest.closed[0] == 4401
            await ann.until(lambda: any("left —" in line for line in ann.lines))


async def test_a_link_leads_strangers_nowhere(at, new_team, token, web):
    other = await asyncio.to_thread(new_team)
    _, secret = await asyncio.to_thread(lambda: token(other, verbs=["reads"]))
    async with at() as ann:
        await ann.sees("/>")
        await ann.type("share\r")
        await ann.until(lambda: "#share=" in ann.raw.decode() and ann.line == "/>")
        address = f"ws://127.0.0.1:{web.port}/ws/terminal/{other.slug}/"
        headers = {"Authorization": f"Bearer {secret}"}
        async with Person(address, headers=headers, share=link(ann)) as stranger:
            await stranger.until(lambda: stranger.closed is not None)

            assert stranger.closed[0] == 4404


async def test_a_recording_is_a_file_that_can_be_played(at, grove):
    async with at(grove.home) as ann:
        await ann.sees(f"{grove.home}>")
        await ann.type("record start tour\r")
        await ann.until(lambda: any("record stop" in line for line in ann.lines))
        await ann.type("echo on-the-record\r")
        await ann.sees("on-the-record", f"{grove.home}>")
        await ann.type("record stop\r")
        await ann.until(lambda: ann.line == f"{grove.home}>" and any("seconds" in line for line in ann.lines))
        await ann.type("\x0c")
        await ann.type("replay tour --speed 50\r")
        await ann.until(lambda: sum("on-the-record" in line for line in ann.lines) >= 2)

    content = await asyncio.to_thread(lambda: grove.call(grove.home, "files.get", name="recordings/tour.cast").read())
    header, *events = map(json.loads, content.splitlines())
    assert (header["version"], header["width"], header["height"]) == (2, 100, 24)
    assert {kind for _, kind, _ in events} == {"o"}


def test_a_replay_plays_no_sequence_that_could_drive_the_terminal():
    evil = "\x1b]52;c;ZXZpbA==\x07\x1b[31mred\x1b[0m\x1b[6n\x1bP1$r\x1b\\\x9b5n"
    content = b'{"version": 2, "width": 80, "height": 24}\n' + json.dumps([0.5, "o", evil]).encode()

    shown = list(recording.events(content))

    assert shown == [(0.5, "]52;c;ZXZpbA==\x1b[31mred\x1b[0m[6nP1$r\\5n")]


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"version": 1}', b"\xff\x00"])
def test_what_is_no_recording_is_refused(content):
    with pytest.raises(BadRequest, match="no asciicast v2"):
        list(recording.events(content))


def test_an_output_keeps_its_last_bytes_and_counts_all():
    output = Output(10_000)
    for number in range(1_000):
        output.add(b"%05d line\r\n" % number)

    assert output.end == 12_000
    assert 10_000 <= output.end - output.start <= 14_096
    assert output.after(output.end - 5, 100) == b"ine\r\n"


def test_a_long_output_is_cut_between_characters():
    output = Output(100_000)
    text = "日本語" * 4_000
    output.add(text.encode())

    for piece in output._pieces:
        piece.decode()
    assert output.after(0, 100_000).decode() == text
