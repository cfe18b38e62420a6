"""The writing side of a socket: many messages at once, none of them waiting for the reader, and a bound on what waits.

Servers that offer `grove.frames` (see `config.server`) take finished frames; for all others there is a task that sends
text by text. And what reads the short messages that most are, without a parser's cost.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
Take = Callable[[list[bytes]], int]

SHORT, LONG = 126, 1 << 16
WHOLE_TEXT, MASKED = 0x81, 0x80  # of a frame: its first byte, and the bit in the second one that says that it is masked


def frame(text: bytes) -> bytes:
    """Wrap a text message of a server into its frame (RFC 6455, 5.2): final, not masked."""
    size = len(text)
    if size < SHORT:
        return bytes((0x81, size)) + text
    if size < LONG:
        return b"\x81\x7e" + size.to_bytes(2, "big") + text
    return b"\x81\x7f" + size.to_bytes(8, "big") + text


def short_texts(data: bytes) -> tuple[list[bytes], int]:
    """Take the frames that data begins with, as far as they are whole text messages of up to 125 bytes (RFC 6455, 5.2).

    Gives their payloads and where the last one ends; all else is left, also what is not UTF-8.
    """
    texts: list[bytes] = []
    at, end = 0, len(data)
    while at + 6 <= end and data[at] == WHOLE_TEXT and MASKED <= data[at + 1] < MASKED + SHORT:
        size = data[at + 1] - MASKED
        begin = at + 6
        if begin + size > end:
            break
        mask = data[at + 2 : begin] * (size // 4 + 1)
        masked = int.from_bytes(data[begin : begin + size], "big")
        payload = (masked ^ int.from_bytes(mask[:size], "big")).to_bytes(size, "big")
        if not payload.isascii():
            try:
                payload.decode()
            except UnicodeDecodeError:
                break
        texts.append(payload)
        at = begin + size
    return texts, at


class Wire:
    """Messages on their way to one socket. `write` never waits; what the other side does not take yet is held here.

    is_full: the other side is not reading fast enough for more.
    on_room: called when there is room again.
    """

    def __init__(self) -> None:
        self.held: list[bytes] = []
        self.held_bytes = 0
        self.is_full = False
        self.on_room: Callable[[], None] = _nothing

    @staticmethod
    def encode(text: bytes) -> bytes:
        """Give the form in which `write` takes a message."""
        raise NotImplementedError

    def write(self, encoded: list[bytes]) -> None:
        """Send messages, in order, all of them."""
        raise NotImplementedError

    def on_texts(self, take: Take) -> None:
        """Have short messages handed over as they come, together; `take` tells how many it took."""

    @property
    def is_over(self) -> bool:
        """Whether more waits than may: the other side is too slow to be kept."""
        limits = settings.GROVE
        return len(self.held) > limits.SUBSCRIBER_QUEUE or self.held_bytes > limits.SOCKET_BYTES

    def drop(self) -> None:
        """Forget what is held."""
        self.held.clear()
        self.held_bytes = 0

    def _hold(self, encoded: list[bytes]) -> None:
        self.held += encoded
        self.held_bytes += sum(map(len, encoded))


class FrameWire(Wire):
    """Hands frames to the server, as many as there are in one go."""

    encode = staticmethod(frame)

    def __init__(self, extension: dict[str, Any]) -> None:
        super().__init__()
        self._write: Callable[[bytes], bool] = extension["write"]
        self._on_texts: Callable[[Take], None] = extension["on_texts"]
        extension["on_room"](self._room)

    def on_texts(self, take: Take) -> None:
        self._on_texts(take)

    def write(self, encoded: list[bytes]) -> None:
        if self.is_full:
            self._hold(encoded)
        else:
            self.is_full = not self._write(encoded[0] if len(encoded) == 1 else b"".join(encoded))

    def _room(self) -> None:
        self.is_full = False
        if self.held:
            held = b"".join(self.held)
            self.drop()
            self.is_full = not self._write(held)
        if not self.is_full:
            self.on_room()


class TextWire(Wire):
    """Sends one ASGI message a text, from a task of its own."""

    def __init__(self, send: Send) -> None:
        super().__init__()
        self._send = send
        self._task: asyncio.Task[None] | None = None

    @staticmethod
    def encode(text: bytes) -> bytes:
        return text

    def write(self, encoded: list[bytes]) -> None:
        self._hold(encoded)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        self.is_full = True
        while self.held:
            held = list(self.held)
            self.drop()
            for text in held:
                await self._send({"type": "websocket.send", "text": text.decode()})
        self.is_full = False
        self.on_room()


def wire(scope: Message, send: Send) -> Wire:
    """Give the best wire that the server of this socket has."""
    extension = (scope.get("extensions") or {}).get("grove.frames")
    return TextWire(send) if extension is None else FrameWire(extension)


def _nothing() -> None:
    pass
