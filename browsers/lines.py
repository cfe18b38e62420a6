"""How a command in the host's loop and the thread that supervises it speak: in the words of `objects.work.child`."""

import asyncio
import threading
from collections import deque
from collections.abc import Coroutine
from typing import Any

import orjson


class Line:
    """What both say to each other."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._said: deque[bytes] = deque()
        self._more = threading.Condition()
        self._answer: asyncio.Future[Any] | None = None

    def poll(self, timeout: float, /) -> bool:
        """Wait for a word; whether there is one."""
        with self._more:
            return self._more.wait_for(lambda: bool(self._said), timeout)

    def recv_bytes(self) -> bytes:
        """Give it."""
        with self._more:
            return self._said.popleft()

    def send_bytes(self, buf: bytes, /) -> None:
        """Answer a call that the command asked for."""
        answer = self._answer
        if answer is not None:
            self._loop.call_soon_threadsafe(_give, answer, orjson.loads(buf))

    def say(self, *words: Any) -> None:
        """Say something to the thread."""
        with self._more:
            self._said.append(orjson.dumps(words))
            self._more.notify()

    async def ask(self, *words: Any) -> Any:
        """Say something and wait for the answer."""
        self._answer = self._loop.create_future()
        self.say(*words)
        return await self._answer


def _give(answer: asyncio.Future[Any], value: Any) -> None:
    if not answer.done():  # the command was stopped meanwhile
        answer.set_result(value)


class Job:
    """A command under way, as the thread that supervises it stops it."""

    exitcode: int | None = None

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._task: asyncio.Task[None] | None = None
        self._over = threading.Event()

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it, in the loop."""
        self._task = asyncio.current_task()
        try:
            await work
        finally:
            self._over.set()

    def terminate(self) -> None:
        """Ask it to end. What its browser has by then is kept."""
        self._loop.call_soon_threadsafe(lambda: self._task and self._task.cancel())

    def kill(self) -> None:
        """Nothing more than that: whoever waits for it gives it up in the end."""

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end."""
        self._over.wait(timeout)

    @property
    def is_over(self) -> bool:
        """Whether it came to its end."""
        return self._over.is_set()
