"""Coming to a session by another web process than the one where it lives: back to one's own, or by a link."""

import asyncio
import signal

import pytest

from teams import actions
from teams.access import Caller, Role, Scope
from terminal import relay
from tests.surfaces.conftest import start

APPLICATION = "tests.terminal.standin_site:application"
PROMPT = "/ $"


@pytest.fixture(scope="module")
def other(database, tmp_path_factory):
    """A second web process beside `terminals`, on the same database, with the stand-in for the shell."""
    process, running = start(tmp_path_factory.mktemp("other") / "log", application=APPLICATION)
    yield running
    process.terminate()
    process.wait(60)
    assert running.mistakes() == []


@pytest.fixture(scope="module")
def second(database, tmp_path_factory):
    """A second web process beside `web`, with the real shell."""
    process, running = start(tmp_path_factory.mktemp("second") / "log")
    yield running
    process.terminate()
    process.wait(60)
    assert running.mistakes() == []


def gone_back(person):
    """What one needs to come back: the session and how much of it was seen."""
    return {"resume": person.told("session"), "seen": person.received}


async def test_a_command_at_work_goes_on_and_is_seen_from_another_process(sit_down, other):
    async with sit_down() as ann:
        await ann.type("ticks 12\r")
        await ann.until(lambda: "tick 3" in ann.lines)
        back, raw = gone_back(ann), ann.raw

    async with sit_down(web=other, **back) as again:
        again.stream.feed(raw)
        await again.sees(*["/ $ ticks 12", *(f"tick {number}" for number in range(12)), PROMPT])

        assert (again.told("resumed"), again.told("at")) == (True, back["seen"])
        await again.type("echo typed there\r")
        await again.sees("/ $ echo typed there", "typed there", PROMPT)


async def test_variables_sizes_and_ctrl_c_reach_the_session(sit_down, other):
    async with sit_down() as ann:
        await ann.type("let colour=red\r")
        await ann.sees("/ $ let colour=red", PROMPT)
        back = gone_back(ann)

    async with sit_down(web=other, width=60, height=10, **back) as again:
        await again.type("size\r")
        await again.sees("/ $ size", "60x10", PROMPT)
        await again.resize(50, 12)
        await again.type("size\r")
        await again.sees("/ $ size", "50x12", PROMPT)
        await again.type("sleep 60\r")
        await again.sees("/ $ sleep 60")
        await again.type("\x03")
        await again.sees("^C", PROMPT)
        await again.type("get colour\r")
        await again.sees("red", PROMPT)


@pytest.mark.parametrize("acks", [True, False])
async def test_a_flood_comes_whole_and_at_the_readers_pace(sit_down, other, acks):
    async with sit_down() as ann:
        await ann.sees(PROMPT)
        back = gone_back(ann)

    async with sit_down(web=other, **back) as again:
        again.acks = acks
        again.looks_away()
        await again.type("once 3000000\r")
        await again.until(lambda: again.raw.count(b"x") >= 3_000_000, 30)

        assert again.raw.count(b"x") == 3_000_000


async def test_ctrl_c_ends_a_flood_that_nobody_reads(sit_down, other):
    async with sit_down() as ann:
        await ann.sees(PROMPT)
        back = gone_back(ann)

    async with sit_down(web=other, **back) as again:
        again.acks = True
        again.looks_away()
        await again.type("flood 50000000\r")
        await again.until(lambda: again.received > 500_000, 20)
        again.is_reading.clear()
        await asyncio.sleep(0.5)
        before = again.received
        await again.type("\x03")
        await asyncio.sleep(0.2)
        again.is_reading.set()
        await again.until(lambda: b"^C\r\n" in again.raw, 30)

        assert b"flooded" not in again.raw
        assert again.received - before < 512 * 1024


async def test_coming_back_to_the_first_process_ends_the_visit(sit_down, other):
    async with sit_down() as ann:
        await ann.sees(PROMPT)
        back = gone_back(ann)
    async with sit_down(web=other, **back) as visit:
        await visit.type("echo there\r")
        await visit.sees("there", PROMPT)
        async with sit_down(**gone_back(visit)) as home:
            await visit.until(lambda: visit.closed is not None)
            assert visit.closed == (4409, "This session goes on in another window.")

            await home.type("echo home\r")
            await home.sees("home", PROMPT)


async def test_nobody_else_can_go_on_with_a_session_from_elsewhere(sit_down, other, team, token, member):
    _, secret = await asyncio.to_thread(lambda: token(team, member(team, Role.EDITOR), verbs=["reads"]))
    async with sit_down() as ann:
        await ann.type("echo private\r")
        await ann.sees("private", PROMPT)
        async with sit_down(web=other, secret=secret, resume=ann.told("session"), seen=0) as stranger:
            await stranger.sees(PROMPT)

            assert (stranger.told("resumed"), stranger.lines) == (False, [PROMPT])


async def test_when_the_process_of_a_session_dies_it_goes_on_where_the_client_is(sit_down, other, tmp_path):
    process, home = await asyncio.to_thread(lambda: start(tmp_path / "log", application=APPLICATION))
    async with sit_down(web=home) as ann:
        await ann.type("let colour=red\r")
        await ann.sees("/ $ let colour=red", PROMPT)
        back = gone_back(ann)
    async with sit_down(web=other, **back) as visit:
        await visit.type("echo kept\r")
        await visit.sees("kept", PROMPT)
        await asyncio.sleep(6)  # until it was written down
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)

        await visit.until(lambda: visit.closed is not None)
        assert visit.closed == (1012, "The process with this session ended. Connect again.")
        back = gone_back(visit)

    async with sit_down(web=other, **back) as again:
        await again.type("get colour\r")
        await again.sees("red", PROMPT)
        assert again.told("resumed")


# ---- Links ----


def link(person):
    """The id of the link on the screen."""
    return person.raw.decode().rpartition("#share=")[2][:24]


async def shared(person, line):
    await person.until(lambda: person.line == "/>")
    await person.type(f"{line}\r")
    await person.until(lambda: "#share=" in person.raw.decode() and person.line == "/>")
    return link(person)


@pytest.fixture
def guest_token(team, token, member):
    return token(team, member(team, Role.VIEWER), verbs=["reads"])


async def test_a_link_leads_to_a_session_of_another_process(sit_down, web, second, guest_token):
    _, secret = guest_token
    async with sit_down(web=web) as ann:
        share = await shared(ann, "share")
        async with sit_down(web=second, secret=secret, share=share) as guest:
            await ann.until(lambda: any("looks on —" in line for line in ann.lines))
            await guest.type("echo intruder\r")
            await ann.type("echo shown")
            await guest.sees("/> echo shown")

            assert "intruder" not in ann.raw.decode()
            assert (guest.told("size"), guest.told("resumed")) == ([80, 24], False)
            await ann.type("\x15unshare\r")
            await guest.until(lambda: guest.closed is not None)
            assert guest.closed == (4404, "This session is not shared any more.")
        async with sit_down(web=second, secret=secret, share=share) as late:
            await late.until(lambda: late.closed is not None)
            assert late.closed[0] == 4404


async def test_a_guest_from_elsewhere_types_along_until_the_rights_end(sit_down, web, second, guest_token, team):
    made, secret = guest_token
    async with sit_down(web=web) as ann:
        share = await shared(ann, "share --write")
        async with sit_down(web=second, secret=secret, share=share) as guest:
            await guest.until(lambda: guest.line == "/>")
            await guest.type("echo together\r")
            await ann.sees("together", "/>")

            await asyncio.to_thread(lambda: actions.revoke_token(team=team, by=None, token=made))
            await guest.until(lambda: guest.closed is not None)
            assert guest.closed[0] == 4401
            await ann.until(lambda: any("left —" in line for line in ann.lines))


async def test_a_guest_may_not_look_on_where_the_session_goes_out_of_sight(sit_down, web, second, team, token, grove):
    _, secret = await asyncio.to_thread(lambda: token(team, verbs=["reads"], paths=[grove.home]))
    async with sit_down(grove.home, web=web) as ann:
        await ann.until(lambda: ann.line == f"{grove.home}>")
        await ann.type("share\r")
        await ann.until(lambda: "#share=" in ann.raw.decode() and ann.line == f"{grove.home}>")
        async with sit_down(grove.home, web=second, secret=secret, share=link(ann)) as guest:
            await guest.until(lambda: guest.line == f"{grove.home}>")
            await ann.type("cd /\r")
            await guest.until(lambda: guest.closed is not None)

            assert guest.closed[0] == 4404


async def test_a_link_that_nobody_made_leads_nowhere(sit_down, web):
    async with sit_down(web=web, share="A" * 24) as guest:
        await guest.until(lambda: guest.closed is not None)

        assert guest.closed[0] == 4404


@pytest.mark.parametrize(
    "caller",
    [
        Caller(name="ann@example.com", schema="t1", grants=(("/", Role.EDITOR), ("/a", Role.NONE)), id="p1"),
        Caller(
            name="token x", schema="t1", grants=(("/", Role.OWNER),), id="t2",
            scope=Scope(("/a", "/b"), frozenset({"reads", "state.set"}), Role.ADMIN, 2.5),
        ),
    ],
)  # fmt: skip
def test_a_caller_is_the_same_in_every_process(caller):
    assert relay.unpacked(relay.packed(caller)) == caller
