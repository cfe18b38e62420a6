"""Outcomes on their way to an event loop: it is woken once for all that come together, not once each."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable

from objects.engine.calls import Outcome


class LoopReplies:
    """Wakes an event loop once for all outcomes that came together, not once each. Made on that loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.waiting: deque[tuple[asyncio.Future[Outcome], Outcome]] = deque()
        self.woken = False
        self._thread = threading.get_ident()

    def reply(self, future: "asyncio.Future[Outcome]") -> Callable[[Outcome], None]:
        def told(outcome: Outcome) -> None:
            if threading.get_ident() == self._thread:
                if not future.done():
                    future.set_result(outcome)
                return
            self.waiting.append((future, outcome))
            if not self.woken:
                self.woken = True
                try:
                    self.loop.call_soon_threadsafe(self._tell)
                except RuntimeError:  # the loop was closed: nobody waits any more
                    self.waiting.clear()

        return told

    def _tell(self) -> None:
        self.woken = False  # first: an outcome that comes now wakes the loop again
        while self.waiting:
            future, outcome = self.waiting.popleft()
            if not future.done():
                future.set_result(outcome)
