"""A person at a terminal: types, looks at the screen, waits until something is there."""

import asyncio
import json
import time
from typing import Any, Self

import pyte
import websockets
from websockets.typing import Subprotocol


class _Blind:
    """A screen that nobody looks at."""

    def feed(self, _: bytes) -> None:
        """Draw nothing."""


class Person:
    """A pyte screen at the end of a WebSocket.

    texts: control messages that came. received: bytes of the session that came, counted from its start.
    """

    def __init__(
        self, address: str, *, width: int = 80, height: int = 24, headers: dict[str, str], **hello: Any
    ) -> None:
        self.address, self.headers, self.hello = address, headers, {"resize": [width, height]} | hello
        self.screen = pyte.Screen(width, height)
        self.stream: pyte.ByteStream | _Blind = pyte.ByteStream(self.screen)
        self.texts: list[dict[str, Any]] = []
        self.received = 0
        self.raw = b""
        self.acks = False
        self.is_reading = asyncio.Event()
        self.is_reading.set()
        self.closed: tuple[int, str] | None = None
        self.frames: list[tuple[float, int]] = []

    async def __aenter__(self) -> Self:
        self.socket = await websockets.connect(
            self.address, additional_headers=self.headers, max_size=None, subprotocols=[Subprotocol("grove")]
        )
        await self.socket.send(json.dumps(self.hello))
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.drop()

    async def drop(self) -> None:
        """Break the connection without a word."""
        self._task.cancel()
        self.socket.transport.abort()

    def looks_away(self) -> None:
        """Draw nothing more: pyte takes a second for a megabyte. `raw` has it all."""
        self.stream = _Blind()

    async def leave(self) -> None:
        """Close the socket as browsers do."""
        await self.socket.close()

    async def _read(self) -> None:
        try:
            while True:
                await self.is_reading.wait()
                frame = await self.socket.recv()
                if isinstance(frame, str):
                    message = json.loads(frame)
                    self.texts.append(message)
                    if "at" in message:
                        if message["at"] != self.hello.get("seen"):
                            self.screen.reset()
                        self.received = message["at"]
                else:
                    self.received += len(frame)
                    self.raw += frame
                    self.frames.append((time.monotonic(), len(frame)))
                    self.stream.feed(frame)
                    if self.acks:
                        await self.control(seen=self.received)
        except websockets.ConnectionClosed as closed:
            received = closed.rcvd
            self.closed = (received.code, received.reason) if received is not None else (1006, "")

    async def type(self, keys: str | bytes) -> None:
        """Press keys."""
        await self.socket.send(keys.encode() if isinstance(keys, str) else keys)

    async def control(self, **message: Any) -> None:
        """Send a control message."""
        await self.socket.send(json.dumps(message))

    async def resize(self, width: int, height: int) -> None:
        """Make the window another size."""
        self.screen.resize(height, width)
        await self.control(resize=[width, height])

    @property
    def lines(self) -> list[str]:
        """What the screen shows, without blanks at the ends and the empty lines below."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip().split("\n")

    @property
    def line(self) -> str:
        """The last line shown."""
        return self.lines[-1]

    def told(self, name: str) -> Any:
        """Give the newest control message's member of that name."""
        return next((message[name] for message in reversed(self.texts) if name in message), None)

    async def sees(self, *wanted: str, seconds: float = 30) -> list[str]:
        """Wait until the screen's last lines are these."""
        await self.until(lambda: self.lines[-len(wanted) :] == list(wanted), seconds)
        return self.lines

    async def until(self, is_so: Any, seconds: float = 30) -> None:
        """Wait until something is so; fails with the screen."""
        ends_at = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < ends_at, "\n".join([*self.lines, str(self.texts), str(self.closed)])
            await asyncio.sleep(0.01)
