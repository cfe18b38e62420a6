"""What pages and sites say to each other over WebSockets, as far as it is not too much."""

import base64
import time
from dataclasses import dataclass, field
from typing import Final, Literal

from playwright.async_api import WebSocket

REMEMBERED: Final = 20  # sockets
MESSAGES: Final = 500  # of one
ALL_CHARS: Final = 128_000  # of one, together


@dataclass(frozen=True, slots=True)
class Message:
    """One message. text: of bytes, base64."""

    at: float
    way: Literal["send", "receive"]
    is_text: bool
    text: str


@dataclass(slots=True, eq=False)
class Talk:
    """One socket. left_out: messages that there was no room for."""

    url: str
    began_at: float
    ended_at: float | None = None
    problem: str = ""
    messages: list[Message] = field(default_factory=list)
    left_out: int = 0
    _room: int = ALL_CHARS

    def take(self, way: Literal["send", "receive"], payload: str | bytes) -> None:
        """Remember a message."""
        is_text = isinstance(payload, str)
        size = len(payload)
        if len(self.messages) >= MESSAGES or size > self._room:
            self.left_out += 1
            return
        self._room -= size
        text = payload if isinstance(payload, str) else base64.b64encode(payload).decode()
        self.messages.append(Message(time.time(), way, is_text, text))

    def end(self, problem: str = "") -> None:
        """Take note that it is over."""
        self.ended_at, self.problem = self.ended_at or time.time(), self.problem or problem[:300]


def overheard(socket: WebSocket) -> Talk:
    """Remember what is said over a socket from now on."""
    talk = Talk(socket.url[:2_000], time.time())
    socket.on("framesent", lambda payload: talk.take("send", payload))
    socket.on("framereceived", lambda payload: talk.take("receive", payload))
    socket.on("socketerror", lambda problem: talk.end(str(problem)))
    socket.on("close", lambda _socket: talk.end())
    return talk
