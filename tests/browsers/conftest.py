"""A browser host in this process with a real Chromium, and a small site for it."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from browsers.host import PLACE, Host
from objects.commands.registry import registry
from objects.surfaces import following
from objects.work import running
from objects.work.context import problem_of
from tests.browsers.site import Site

OVER = ("done", "failed", "cancelled")


@pytest.fixture(scope="package")
def site() -> Iterator[Site]:
    """A small site on this machine."""
    made = Site()
    yield made
    made.stop()


class Hosting:
    """A host and the threads that bring it tasks, as a Celery worker has them."""

    def __init__(self) -> None:
        self.host = Host()
        self.host.start()
        running.run_at(PLACE, 8, lambda errand: self.host.begin(errand))  # noqa: PLW0108 -- whichever is the host
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._work) for _ in range(3)]
        for thread in self.threads:
            thread.start()

    def _work(self) -> None:
        while not self.over.is_set():
            if not running.run_waiting(PLACE):
                self.over.wait(0.02)
        running._forget_connection()

    def again(self) -> None:
        """Stop the host as a restart does, and have another."""
        self.host.stop()
        self.host = Host()
        self.host.start()

    def stop(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(60)
        self.host.stop()


@pytest.fixture(scope="package")
def hosting(database) -> Iterator[Hosting]:
    """One host for all tests of the package: a Chromium takes a second to start."""
    registry.load()
    following.tasks.cache_clear()
    made = Hosting()
    yield made
    made.stop()


@pytest.fixture
def ask(grove, hosting) -> Callable[..., Any]:
    """Run a command of a browser and give its result, or raise what it failed with: `ask(path, "open", url=…)`."""

    def run(path: str, command: str, **arguments: Any) -> Any:
        task = grove.call(path, f"browser.{command}", **arguments)["task"]
        waited = threading.Event()
        for _ in range(3_000):
            shown = grove.call(path, "task.show", task=task)
            if shown["state"] in OVER:
                break
            waited.wait(0.02)
        if shown["state"] == "done":
            return shown["value"]
        raise problem_of(shown["problem"] or {"detail": shown["state"]})

    return run
