"""A browser host in this process with a real Chromium, and a small web for it: one for all tests that need one."""

import asyncio
import threading
from dataclasses import replace
from typing import Any

from django.conf import settings

from browsers.host import PLACE, Host
from objects.work import running
from tests.browsers.site import Site


class Hosting:
    """A host, begun when it is first needed, and threads that bring it tasks as those of a Celery worker do."""

    def __init__(self) -> None:
        self.site = Site()
        self.host = Host(self.site.proxy)
        self.host.start()
        running.run_at(PLACE, 8, lambda errand: self.host.begin(errand))  # noqa: PLW0108 -- whichever is the host
        self.over = threading.Event()
        self.threads: list[threading.Thread] = []

    def work(self) -> None:
        """Take tasks, from now on."""
        if not self.threads:
            self.threads = [threading.Thread(target=self._work) for _ in range(3)]
            for thread in self.threads:
                thread.start()

    def _work(self) -> None:
        while not self.over.is_set():
            if not running.run_waiting(PLACE):
                self.over.wait(0.02)
        running._forget_connection()

    def rest(self) -> None:
        """Take none any more."""
        self.over.set()
        for thread in self.threads:
            thread.join(60)
        self.threads = []
        self.over = threading.Event()

    def again(self, *, real_way: bool = False, **limits: Any) -> None:
        """Stop the host as a restart does, and have another; limits: such as BROWSER_IDLE_S=1.

        real_way: it goes through Grove's own proxy, to the demo site among others, and not to the web of the tests.
        """
        self.host.stop()
        self.host = Host(None if real_way else self.site.proxy, replace(settings.GROVE, **limits))
        self.host.start()

    def chromium(self) -> int:
        """Give the process of the host's Chromium: that of the browser itself, of which all others are."""

        async def asked() -> int:
            told = await self.host._chromium._line.send("SystemInfo.getProcessInfo")  # type: ignore[union-attr]
            return next(int(each["id"]) for each in told["processInfo"] if each["type"] == "browser")

        return asyncio.run_coroutine_threadsafe(asked(), self.host.loop).result(20)

    def stop(self) -> None:
        self.rest()
        self.host.stop()
        self.site.stop()


_made: list[Hosting] = []


def hosting() -> Hosting:
    """Give the one of this process."""
    if not _made:
        _made.append(Hosting())
    return _made[0]


def stop() -> None:
    """End it, where there is one."""
    while _made:
        _made.pop().stop()
