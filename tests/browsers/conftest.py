"""A browser host in this process with a real Chromium, and a small web for it."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from objects.surfaces import following
from objects.work.context import problem_of
from tests.browsers import hosting as hostings
from tests.browsers.hosting import Hosting
from tests.browsers.site import Site

OVER = ("done", "failed", "cancelled")


@pytest.fixture(scope="package")
def hosting(engine_of_the_session) -> Iterator[Hosting]:
    """One host for all tests of the package: a Chromium takes a second to start."""
    following.tasks.cache_clear()
    made = hostings.hosting()
    made.work()
    yield made
    made.rest()


@pytest.fixture
def site(hosting) -> Site:
    """The web that browsers see."""
    return hosting.site


@pytest.fixture
def ask(grove, hosting) -> Callable[..., Any]:
    """Run a command of a browser and give its result, or raise what it failed with: `ask(path, "open", url=…)`."""

    def run(path: str, command: str, **arguments: Any) -> Any:
        return answer(path, grove.call(path, f"browser.{command}", **arguments)["task"])

    def answer(path: str, task: str) -> Any:
        pause = threading.Event()
        for _ in range(3_000):
            shown = grove.call(path, "task.show", task=task)
            if shown["state"] in OVER:
                break
            pause.wait(0.02)
        if shown["state"] == "done":
            return shown["value"]
        raise problem_of(shown["problem"] or {"detail": shown["state"]})

    return run
