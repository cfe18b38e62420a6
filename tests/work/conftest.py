"""Workers for tasks, in this process; what they run has processes of its own."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from objects.commands.registry import registry
from objects.surfaces import following
from objects.work import running
from tests.network.conftest import site
from tests.work.errands import Errand

__all__ = ["site"]  # a fixture

# For other processes, which read their settings anew: the one that tasks are forked from, and a web process.
SETTINGS = {
    "GROVE_KIND_PACKAGES": "tests.work.errands,tests.work.voyage",
    "GROVE_NETWORK_ALLOW": "127.0.0.1",
    "GROVE_TASK_MEMORY_BYTES": str(400 << 20),
}

OVER = ("done", "failed", "cancelled")


@pytest.fixture(scope="package", autouse=True)
def errands() -> Iterator[None]:
    """Have the kind `errand`, in this process and in those that it starts."""
    if Errand.name not in registry.kinds:
        registry.add(Errand)
    following.tasks.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        yield


class Workers:
    """Threads that run tasks, as those of a Celery worker do once they are sent for."""

    def __init__(self, count: int) -> None:
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._work) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def _work(self) -> None:
        while not self.over.is_set():
            if not running.run_waiting():
                self.over.wait(0.05)
        running._forget_connection()

    def stop(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(60)


@pytest.fixture
def worker() -> Iterator[Workers]:
    """Have tasks run while the test does."""
    workers = Workers(3)
    yield workers
    workers.stop()


@pytest.fixture
def errand(grove) -> str:
    return grove.new("errand")


@pytest.fixture
def ended(grove) -> Callable[..., dict[str, Any]]:
    """Wait until a task is over, and give all about it: `ended(path, id)`."""

    def wait(path: str, task: str = "", seconds: float = 30) -> dict[str, Any]:
        until = time.monotonic() + seconds
        while True:
            shown = grove.call(path, "task.show", task=task)
            if shown["state"] in OVER:
                return shown
            assert time.monotonic() < until, shown
            time.sleep(0.02)

    return wait


@pytest.fixture
def outcome_of(grove, worker, ended) -> Callable[..., dict[str, Any]]:
    """Start a task, run it, and give all about it once it is over: `outcome_of(path, "add", one=1, two=2)`."""

    def run(path: str, command: str, **arguments: Any) -> dict[str, Any]:
        return ended(path, grove.call(path, command, **arguments)["task"])

    return run
