"""A person at a terminal over the WebSocket: typing, editing, stopping, coming back."""

import asyncio
import json
import time

import pytest
import websockets

from teams import actions
from teams.access import Role
from tests.fair import fair
from tests.surfaces.conftest import start

PROMPT = "/ $"


async def test_a_line_is_shown_as_it_is_typed_and_answered_at_enter(sit_down):
    async with sit_down() as ann:
        await ann.sees(PROMPT)

        await ann.type("echo hello")
        await ann.sees("/ $ echo hello")
        await ann.type("\r")

        await ann.sees("/ $ echo hello", "hello", PROMPT)


async def test_people_type_at_the_same_time_each_into_their_own_line(sit_down):
    async with sit_down() as ann, sit_down() as bob:
        await ann.sees(PROMPT)
        await bob.sees(PROMPT)
        for letter in "echo":
            await ann.type(letter)
            await bob.type(letter.upper())
            await asyncio.sleep(0.02)

        await ann.sees("/ $ echo")
        await bob.sees("/ $ ECHO")


async def test_keys_of_emacs_edit_the_line(sit_down):
    async with sit_down() as ann:
        await ann.type("cho hallo wordd\x7f")  # backspace
        await ann.type("\x01e\x1b[F")  # to the start; to the end
        await ann.type("\x1bb\x1b[D\x1b[D\x7fl")  # a word and two letters back
        await ann.sees("/ $ echo hallo word")
        await ann.type("\x05\x17\x19!\r")  # cut the last word and put it back

        await ann.sees("/ $ echo hallo word!", "hallo word!", PROMPT)


async def test_up_brings_back_the_lines_of_this_object_first(sit_down, grove):
    other = grove.new()
    async with sit_down(grove.home) as ann:
        here = f"{grove.home} $"
        await ann.type("echo here\r")
        await ann.sees("here", here)
        await ann.type(f"cd {other}\r")
        await ann.sees(f"{other} $")
        await ann.type("echo there\r")
        await ann.sees("there", f"{other} $")

        await ann.type("\x1b[A")
        await ann.sees(f"{other} $ echo there")
        await ann.type("\x1b[A")
        await ann.sees(f"{other} $ cd {other}"[:79])


async def test_ctrl_r_searches_the_history(sit_down):
    async with sit_down() as ann:
        for word in ("apple", "pear", "plum"):
            await ann.type(f"echo {word}\r")
            await ann.sees(word, PROMPT)

        await ann.type("\x12ppl")
        await ann.until(lambda: "/ $ echo apple" in ann.lines)
        await ann.type("\r")
        await ann.sees("/ $ echo apple")
        await ann.type("\r")

        await ann.sees("/ $ echo apple", "apple", PROMPT)


async def test_the_grey_suggestion_is_taken_by_the_right_arrow(sit_down):
    async with sit_down() as ann:
        await ann.type("echo suggested\r")
        await ann.sees("suggested", PROMPT)

        await ann.type("echo sug")
        await ann.sees("/ $ echo suggested")
        grey = ann.screen.buffer[ann.screen.cursor.y][len("/ $ echo sug")]
        await ann.type("\x1b[C\r")

        await ann.sees("/ $ echo suggested", "suggested", PROMPT)
        assert (grey.data, grey.fg) == ("g", "brightblack")


async def test_known_words_are_coloured(sit_down):
    async with sit_down() as ann:
        await ann.type("echo x")
        await ann.sees("/ $ echo x")

        assert [ann.screen.buffer[ann.screen.cursor.y][4 + at].fg for at in range(4)] == ["green"] * 4


async def test_tab_lists_completions_with_what_they_do_and_enter_takes_one(sit_down):
    async with sit_down() as ann:
        await ann.sees(PROMPT)
        await ann.type("\t")
        await ann.until(lambda: any("say it again" in line for line in ann.lines))
        await ann.type("\t\t")
        await ann.until(lambda: "/ $ flood" in ann.lines)
        await ann.type("\r")

        await ann.sees("/ $ flood")


async def test_a_single_completion_is_taken_at_once(sit_down):
    async with sit_down() as ann:
        await ann.type("sl\t")

        await ann.sees("/ $ sleep")


async def test_ctrl_c_drops_the_line_and_keeps_the_session(sit_down):
    async with sit_down() as ann:
        await ann.type("echo never\x03")
        await ann.type("echo still here\r")

        await ann.sees("/ $ echo never", "/ $ echo still here", "still here", PROMPT)


async def test_ctrl_c_stops_the_command_at_work_at_once(sit_down):
    async with sit_down() as ann:
        await ann.type("sleep 60\r")
        await ann.sees("/ $ sleep 60")
        await asyncio.sleep(0.2)
        began = time.monotonic()
        await ann.type("\x03")

        await ann.sees("/ $ sleep 60", "^C", PROMPT)
        assert time.monotonic() - began < fair(0.5)


async def test_what_is_typed_ahead_of_the_prompt_counts(sit_down):
    async with sit_down() as ann:
        await ann.type("sleep 0.3\recho after\r")

        await ann.sees("/ $ sleep 0.3", "slept", "/ $ echo after", "after", PROMPT)


async def test_ctrl_d_on_an_empty_line_leaves_for_good(sit_down):
    async with sit_down() as ann:
        await ann.sees(PROMPT)
        await ann.type("\x04")
        await ann.until(lambda: ann.closed is not None)

        assert (ann.told("exit"), ann.closed) == ("You left.", (1000, "You left."))
        session = ann.told("session")
    async with sit_down(resume=session, seen=0) as ann:
        await ann.sees(PROMPT)

        assert ann.told("resumed") is False


async def test_a_pasted_text_of_several_lines_waits_for_enter(sit_down):
    async with sit_down() as ann:
        await ann.sees(PROMPT)
        await ann.type("\x1b[200~echo one\necho two\x1b[201~")
        await ann.sees("/ $ echo one", "… echo two")
        await asyncio.sleep(0.2)
        before = ann.lines
        await ann.type("\r")

        await ann.sees("one", "echo two", PROMPT)
        assert before == ["/ $ echo one", "… echo two"]


async def test_an_unfinished_line_goes_on_below(sit_down):
    async with sit_down() as ann:
        await ann.type("echo one \\\r")
        await ann.sees("/ $ echo one \\", "…")
        await ann.type("two\r")

        await ann.sees("one \\", "two", PROMPT)


async def test_wide_characters_take_two_places(sit_down):
    async with sit_down() as ann:
        await ann.type("echo 日本語\x1b[D\x7f")
        await ann.type("木\r")

        await ann.sees("/ $ echo 日木語", "日木語", PROMPT)


async def test_a_resize_draws_the_line_for_the_new_width(sit_down):
    async with sit_down(width=40) as ann:
        await ann.sees(PROMPT)
        await ann.resize(100, 30)
        await ann.type("size\r")
        await ann.sees("100x30", PROMPT)

        await ann.type("echo " + "x" * 80)
        await ann.sees("/ $ echo " + "x" * 80)


async def test_a_secret_is_neither_shown_nor_remembered(sit_down):
    async with sit_down() as ann:
        await ann.type("secret\r")
        await ann.sees("password:")
        await ann.type("hunter22\r")
        await ann.sees("password:", "got 8 letters", PROMPT)
        await ann.type("\x1b[A")

        await ann.sees("/ $ secret")
        assert b"hunter22" not in ann.raw


async def test_a_question_is_answered_by_a_line_of_its_own(sit_down):
    async with sit_down() as ann:
        await ann.type("ask\r")
        await ann.sees("name?")
        await ann.type("Ann\r")
        await ann.sees("name? Ann", "got Ann", PROMPT)

        await ann.type("ask\r")
        await ann.sees("name?")
        await ann.type("\x03")
        await ann.sees("/ $ ask", "name?", "^C", PROMPT)


async def test_a_dropped_connection_comes_back_where_it_was_while_its_command_goes_on(sit_down):
    async with sit_down() as ann:
        await ann.type("ticks 12\r")
        await ann.until(lambda: "tick 3" in ann.lines)
        session, seen, raw = ann.told("session"), ann.received, ann.raw
    await asyncio.sleep(0.4)

    async with sit_down(resume=session, seen=seen) as again:
        again.stream.feed(raw)
        await again.sees(*["/ $ ticks 12", *(f"tick {number}" for number in range(12)), PROMPT])

        assert (again.told("resumed"), again.told("at")) == (True, seen)


async def test_an_unfinished_line_is_there_after_a_reconnect(sit_down):
    async with sit_down() as ann:
        await ann.type("echo unfin")
        await ann.sees("/ $ echo unfin")
        session = ann.told("session")

    async with sit_down(resume=session, seen=0) as again:
        await again.sees("/ $ echo unfin")
        await again.type("ished\r")
        await again.sees("unfinished", PROMPT)


async def test_a_restarted_server_brings_the_session_back(sit_down, tmp_path, grove):
    def serve():
        return start(tmp_path / f"log{time.monotonic()}", application="tests.terminal.standin_site:application")

    process, web = await asyncio.to_thread(serve)
    try:
        async with sit_down("/", web=web) as ann:
            for line in ("let colour=red", f"cd {grove.home}"):
                await ann.type(line + "\r")
                await asyncio.sleep(0.2)
            await ann.type("echo unfin")
            await ann.sees(f"{grove.home} $ echo unfin")
            process.terminate()
            await ann.until(lambda: ann.closed is not None)
            session, seen, closed = ann.told("session"), ann.received, ann.closed
        process.wait(60)
        process, web = await asyncio.to_thread(serve)

        async with sit_down("/", web=web, resume=session, seen=seen) as again:
            await again.sees(f"{grove.home} $ echo unfin")
            await again.type("ished\r")
            await again.sees("unfinished", f"{grove.home} $")
            await again.type("get colour\r")
            await again.sees("red", f"{grove.home} $")
            await again.type("\x1b[A\x1b[A")
            await again.sees(f"{grove.home} $ echo unfinished")

            assert (closed[0], again.told("resumed"), again.told("at")) == (1012, True, seen)
        async with sit_down("/", web=web, resume=session) as third:
            await third.until(lambda: "/ $ let colour=red" in third.lines)
    finally:
        process.terminate()
        process.wait(60)


async def test_nobody_else_can_go_on_with_a_session(sit_down, team, token, member):
    _, secret = await asyncio.to_thread(lambda: token(team, member(team, Role.OWNER), verbs=["reads"]))
    async with sit_down() as ann:
        await ann.type("echo private\r")
        await ann.sees("private", PROMPT)
        async with sit_down(secret=secret, resume=ann.told("session"), seen=0) as stranger:
            await stranger.sees(PROMPT)

            assert (stranger.told("resumed"), stranger.lines) == (False, [PROMPT])
            assert stranger.told("session") != ann.told("session")


async def test_a_session_opened_elsewhere_goes_on_there(sit_down):
    async with sit_down() as ann:
        await ann.type("echo once")
        await ann.sees("/ $ echo once")
        async with sit_down(resume=ann.told("session"), seen=0) as again:
            await again.sees("/ $ echo once")
            await ann.until(lambda: ann.closed is not None)

            assert ann.closed == (4409, "This session goes on in another window.")


async def test_a_revoked_token_ends_its_session_within_two_seconds(sit_down, team, token):
    made, secret = await asyncio.to_thread(lambda: token(team, verbs=["reads"]))
    async with sit_down(secret=secret) as ann:
        await ann.type("sleep 60\r")
        await ann.sees("/ $ sleep 60")
        began = time.monotonic()
        await asyncio.to_thread(actions.revoke_token, team=team, by=None, token=made)
        await ann.until(lambda: ann.closed is not None)

        assert ann.closed[0] == 4401
        assert ann.told("problem")["type"] == "not-signed-in"
        assert time.monotonic() - began < fair(2.5)


async def test_a_call_is_made_with_the_rights_of_now(sit_down, grove):
    async with sit_down(grove.home) as ann:
        await ann.type("call state.list\r")

        await ann.until(lambda: any("keys" in line or "[" in line or "{" in line for line in ann.lines))


@pytest.mark.parametrize("acks", [True, False])
async def test_a_flood_comes_at_the_readers_pace_and_ctrl_c_stops_it(sit_down, acks):
    async with sit_down() as ann:
        ann.acks = acks
        ann.looks_away()
        await ann.type("flood 50000000\r")
        await ann.until(lambda: ann.received > 500_000, 20)
        ann.is_reading.clear()
        await asyncio.sleep(1)
        before = ann.received
        await ann.type("\x03")
        await asyncio.sleep(0.2)
        ann.is_reading.set()
        await ann.until(lambda: b"^C\r\n" in ann.raw, 60)

        assert b"flooded" not in ann.raw
        assert ann.received < 45_000_000
        if acks:
            assert ann.received - before < 256 * 1024


async def test_ctrl_c_in_a_flood_that_is_read_ends_it_before_its_end(sit_down):
    async with sit_down() as ann:
        ann.acks = True
        ann.looks_away()
        await ann.type("flood 50000000\r")
        await ann.until(lambda: ann.received > 2_000_000, 20)
        before = ann.received
        await ann.type("\x03")
        await ann.until(lambda: b"^C\r\n" in ann.raw, 20)

        assert b"flooded" not in ann.raw
        assert ann.raw.index(b"^C\r\n") - before < 10_000_000


async def test_ten_megabytes_arrive_whole(sit_down):
    async with sit_down() as ann:
        ann.acks = True
        ann.looks_away()
        await ann.type("once 10000000\r")
        await ann.until(lambda: ann.raw.count(b"x") >= 10_000_000, 30)

        assert ann.raw.count(b"x") == 10_000_000


async def test_a_plain_terminal_never_redraws(sit_down):
    async with sit_down(query="?plain=1") as ann:
        await ann.type("eco\x7fho hi\r")
        await ann.until(lambda: ann.line == PROMPT and "hi" in ann.lines)
        await ann.type("sl\t")
        await ann.sees("/ $ sleep")
        await ann.type("\x03")
        await ann.type("\x1b[A")
        await ann.until(lambda: ann.line.startswith("/ $ ec"))

        assert b"\x1b" not in ann.raw


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("[]", 'A text frame is a JSON object such as {"resize": [80, 24]}. Send what is typed as binary.'),
        ('{"resize": [80]}', "resize: is the size as [columns, rows], two whole numbers."),
        ('{"resume": 7}', "resume: is a text of up to 100 characters."),
        ('{"colours": 3}', "colours: is one of 0, 16, 256, 16777216."),
    ],
)
async def test_a_wrong_hello_is_refused_with_its_reason(sit_down, text, detail):
    person = sit_down()
    async with websockets.connect(person.address, additional_headers=person.headers) as socket:
        await socket.send(text)
        told = json.loads(await socket.recv())

        assert (told["exit"], told["problem"]["status"]) == (detail, 400)
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        assert (socket.close_code, socket.close_reason) == (4400, detail)


@pytest.mark.parametrize(("path", "headers", "code"), [("/", {}, 4401), ("/nowhere", None, 4404)])
async def test_who_may_not_is_told_why(sit_down, path, headers, code):
    person = sit_down(path)
    headers = person.headers if headers is None else headers
    async with websockets.connect(person.address, additional_headers=headers) as socket:
        with pytest.raises(websockets.ConnectionClosed):
            await socket.send("{}")
            while True:
                await socket.recv()

        assert socket.close_code == code


async def test_a_fault_of_a_command_is_told_and_ends_nothing(sit_down):
    async with sit_down() as ann:
        await ann.type("fault\r")

        await ann.sees("/ $ fault", "Grove made a mistake. It is in the log.", PROMPT)
