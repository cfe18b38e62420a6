"""What a session shows: the last bytes of it, numbered, for any number of readers that each go at their own pace.

Bytes are counted from the session's start, so that a reader who comes back says how many it has seen. Whoever writes
waits for the slowest reader that counts; nobody holds more than the scroll-back and one window a reader.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

PIECE_BYTES = 4 * 1024  # what is dropped or kept whole when output is cut off
CUT_OFF = b"\x18\x1b[0m"  # CAN ends an escape sequence that was cut in two, SGR 0 its colours


class Reader(Protocol):
    """The other end of an output."""

    async def send(self, data: bytes) -> None:
        """Hand bytes on; waits while the way to the reader is full."""


class Flow:
    """One reader's place in an output.

    at: bytes handed on so far, counted from the session's start. seen: bytes that the reader has said to have shown;
    None until it has ever said so: then only what `Reader.send` says counts.
    counts: whether writers wait for it.
    """

    def __init__(self, output: "Output", reader: Reader, at: int, *, window_bytes: int, counts: bool) -> None:
        self.output = output
        self.reader = reader
        self.at = at
        self.seen: int | None = None
        self.counts = counts
        self.window_bytes = window_bytes
        self.is_lost = False  # it was so slow that what it needs next is gone
        self._more = asyncio.Event()
        self._more.set()

    def wake(self) -> None:
        """Look again whether there is something to hand on."""
        self._more.set()

    def saw(self, seen: int) -> None:
        """Take the reader's word for how much it has shown; never less than before, never more than it was sent."""
        self.seen = min(self.at, max(seen, self.seen or 0))
        self._more.set()

    async def run(self) -> None:
        """Hand everything on, until cancelled or lost."""
        while True:
            await self._more.wait()
            self._more.clear()
            while True:
                room = self.window_bytes if self.seen is None else self.window_bytes - (self.at - self.seen)
                if room <= 0 or self.at >= self.output.end:
                    break
                if self.at < self.output.start:
                    self.is_lost = True
                    return
                piece = self.output.after(self.at, room)
                self.at += len(piece)
                self.output.moved()
                await self.reader.send(piece)


class Output:
    """The last bytes that a session showed, as pieces that end where a character or an escape sequence ends."""

    def __init__(self, kept_bytes: int, *, start: int = 0, kept: bytes = b"") -> None:
        self.kept_bytes = kept_bytes
        self.start = start
        self.end = start
        self.flows: list[Flow] = []
        self.on_change: Callable[[], None] = _nothing
        self._pieces: deque[bytes] = deque()
        self._room: list[asyncio.Future[None]] = []
        if kept:
            self.add(kept)

    def add(self, data: bytes) -> None:
        """Show bytes; never waits. What is too old is forgotten."""
        if not data:
            return
        while len(data) > PIECE_BYTES:
            cut = _safe_cut(data)
            self._pieces.append(data[:cut])
            self.end += cut
            data = data[cut:]
        self._pieces.append(data)
        self.end += len(data)
        while self.end - self.start - len(self._pieces[0]) >= self.kept_bytes:
            self.start += len(self._pieces.popleft())
        for flow in self.flows:
            flow.wake()
        self.on_change()

    def after(self, at: int, most: int) -> bytes:
        """Give what comes after a place, in whole pieces: at least one, then as many as fit into `most` bytes."""
        skipped = self.end  # where the pieces taken begin
        taken: list[bytes] = []
        for piece in reversed(self._pieces):
            if skipped <= at:
                break
            skipped -= len(piece)
            taken.append(piece)
        taken.reverse()
        if skipped < at:  # a reader that came back may have seen a part of a piece
            taken[0] = taken[0][at - skipped :]
        size = len(taken[0])
        count = 1
        while count < len(taken) and size + len(taken[count]) <= most:
            size += len(taken[count])
            count += 1
        return b"".join(taken[:count])

    def kept(self, most: int) -> bytes:
        """Give the last bytes, in whole pieces."""
        size = 0
        taken: list[bytes] = []
        for piece in reversed(self._pieces):
            if size + len(piece) > most and taken:
                break
            size += len(piece)
            taken.append(piece)
        return b"".join(reversed(taken))

    async def room(self, most: int) -> None:
        """Wait until no reader that counts has more than `most` bytes to go."""
        while any(flow.counts and self.end - flow.at > most for flow in self.flows):
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._room.append(waiting)
            await waiting

    def moved(self) -> None:
        """Let writers look again whether there is room."""
        waiting, self._room = self._room, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def drop(self) -> None:
        """Take back what no reader was sent yet."""
        sent = max((flow.at for flow in self.flows if flow.counts), default=self.end)
        dropped = False
        while self._pieces and self.end - len(self._pieces[-1]) >= sent and self.end > sent:
            self.end -= len(self._pieces.pop())
            dropped = True
        self.start = min(self.start, self.end)
        for flow in self.flows:
            flow.at = min(flow.at, self.end)
        self.moved()
        if dropped:
            self.add(CUT_OFF)

    def attach(self, reader: Reader, at: int | None, *, window_bytes: int, counts: bool = True) -> Flow:
        """Add a reader, who has seen everything up to `at`; None, or a place that is gone: from what is kept."""
        place = at if at is not None and self.start <= at <= self.end else self.start
        flow = Flow(self, reader, place, window_bytes=window_bytes, counts=counts)
        self.flows.append(flow)
        return flow

    def detach(self, flow: Flow) -> None:
        """Forget a reader."""
        if flow in self.flows:
            self.flows.remove(flow)
        self.moved()


def _safe_cut(data: bytes) -> int:
    """Say where a piece may end: after a line, or else not inside of a character."""
    line = data.rfind(b"\n", PIECE_BYTES // 2, PIECE_BYTES)
    if line >= 0:
        return line + 1
    cut = PIECE_BYTES
    while cut > PIECE_BYTES - 4 and data[cut] & 0xC0 == 0x80:
        cut -= 1
    return cut


def _nothing() -> None:
    pass
