"""The first command that a host gets may be stopped while the host begins: the next finds all of it."""

import asyncio
import socket
from contextlib import suppress

from tests.browsers.hosting import Hosting


def test_a_way_out_whose_beginning_was_stopped_is_there_for_the_next(hosting: Hosting):
    hosting.again(real_way=True)
    host = hosting.host

    async def stopped_once() -> int:
        first = asyncio.create_task(host._way_out())
        await asyncio.sleep(0)
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        return (await host._way_out()).port

    port = asyncio.run_coroutine_threadsafe(stopped_once(), host.loop).result(20)

    socket.create_connection(("127.0.0.1", port), 5).close()
    hosting.again()


def test_a_chromium_whose_start_was_stopped_is_the_one_that_the_next_gets(grove, ask, site, hosting: Hosting):
    hosting.again()
    others = hosting.host._chromium.processes()  # those in which tests look at Grove's pages
    path = grove.new("browser")
    opening = grove.call(path, "browser.open", url=site.url)["task"]
    while grove.call(path, "task.show", task=opening)["state"] == "waiting":
        pass
    grove.call(path, "task.cancel", task=opening)

    assert ask(path, "open", url=site.url)["title"] == "Garden"
    all_of_them = [each for each in hosting.host._chromium.processes() if each not in others]
    assert len([each for each in all_of_them if each.parent() not in all_of_them]) == 1
