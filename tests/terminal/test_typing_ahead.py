"""What is typed before anybody reads comes out in the order in which it was typed."""

import asyncio

from terminal.editor import FedInput


async def test_keys_typed_while_the_reader_starts_come_after_those_typed_before_it():
    typed = FedInput()
    typed.feed(b"e")

    with typed.attach(lambda: None):
        typed.feed(b"ch")  # the reader has begun, and what waited has not reached it yet
        await asyncio.sleep(0)
        typed.feed(b"o")

        assert [key.data for key in typed.read_keys()] == ["e", "c", "h", "o"]


async def test_what_a_reader_that_left_did_not_take_goes_to_the_next():
    typed = FedInput()
    typed.feed(b"a")

    with typed.attach(lambda: None):
        pass
    await asyncio.sleep(0)
    with typed.attach(lambda: None):
        await asyncio.sleep(0)

        assert [key.data for key in typed.read_keys()] == ["a"]
