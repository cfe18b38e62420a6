"""A session on the terminal that a process was started from: `manage.py sh`."""

import asyncio
import os
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Mapping
from typing import Any

from teams.problems import Problem
from terminal.session import Terminal
from terminal.sessions import sessions
from terminal.world import Operator


class LocalReader:
    """Standard input and output as the `Reader` of a session."""

    def __init__(self) -> None:
        self.ended: asyncio.Future[Problem | None] = asyncio.get_running_loop().create_future()
        self.reason = ""

    async def send(self, data: bytes) -> None:
        """Write to the terminal; in a thread, since a terminal that is paused blocks."""
        await asyncio.to_thread(_write_all, data)

    def tell(self, message: Mapping[str, Any]) -> None:
        """Show a title in the window's frame."""
        if "title" in message and os.environ.get("TERM", "dumb") != "dumb":
            _write_all(f"\x1b]0;{message['title']}\x07".encode())

    def close(self, reason: str, problem: Problem | None = None) -> None:
        """End the session."""
        self.reason = reason
        if not self.ended.done():
            self.ended.set_result(problem)


async def sit(who: Operator, path: str, *, plain: bool) -> Problem | None:
    """Open a session and stay in it until it ends; gives the problem that ended it, where one did."""
    size = shutil.get_terminal_size()
    term = os.environ.get("TERM", "dumb")
    is_dumb = term == "dumb" or plain
    true_colour = os.environ.get("COLORTERM") in ("truecolor", "24bit")
    colours = 0 if is_dumb else 16_777_216 if true_colour else 256 if "256" in term else 16
    terminal = Terminal(size.columns, size.lines, colours, plain=is_dumb)
    session = await sessions().open(who, await who.caller(), path, terminal, via="local")
    reader = LocalReader()
    loop = asyncio.get_running_loop()
    kept = termios.tcgetattr(0)
    tty.setraw(0)
    attachment = session.attach(reader, seen=None)

    def read() -> None:
        data = os.read(0, 65_536)
        if data:
            attachment.feed(data)
        else:
            session.end("The terminal was closed.")

    def resized() -> None:
        now = shutil.get_terminal_size()
        attachment.resize(now.columns, now.lines)

    loop.add_reader(0, read)
    loop.add_signal_handler(signal.SIGWINCH, resized)
    loop.add_signal_handler(signal.SIGHUP, session.end, "The terminal was closed.")
    try:
        return await reader.ended
    finally:
        loop.remove_reader(0)
        termios.tcsetattr(0, termios.TCSADRAIN, kept)


def _write_all(data: bytes) -> None:
    while data:
        data = data[os.write(sys.stdout.fileno(), data) :]
