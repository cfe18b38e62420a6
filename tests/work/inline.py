"""Runs a task within the test, with a network that is made up: for examples, which name sites that everybody knows."""

import queue as queues
import threading
from typing import Any

import orjson

from objects.network.client import Answer, Request
from objects.network.guard import Unreachable
from objects.work import child, context, queue, running
from objects.work.leases import Hold
from tests.browsers.hosting import hosting
from tests.grove import Grove

PAGES = {
    ("GET", "/"): ("text/plain", b"Hello, you!"),
    ("POST", "/orders"): ("application/json", b'{"order":17}'),
    ("POST", "/hook"): ("text/plain", b""),
    ("GET", "/plants.csv"): ("text/csv", b"name,height\nbasil,12.5\nmint,30\n"),
}


def example_com(request: Request, **_: Any) -> Answer:
    """Answer as http://example.com/ does in examples."""
    place = request.url.removeprefix("http://example.com")
    if place == request.url or (request.method, place) not in PAGES:
        raise Unreachable(f"{request.url}: the tests have no such page.")
    kind, body = PAGES[request.method, place]
    return Answer(200, request.url, [("content-type", kind)], body, ())


class Inline(running.Run):
    """A try of a task in a thread of this process."""

    def _supervised(self, caller: Any, seconds: float) -> list[Any]:
        taken = self.taken
        errand = context.Errand(
            taken.id, taken.tries, taken.path, taken.kind, taken.command, taken.arguments, caller, 1_800_000_000.0
        )
        said: queues.Queue[Any] = queues.Queue()
        heard: queues.Queue[Any] = queues.Queue()
        thread = threading.Thread(
            target=child.run,
            args=(errand, lambda *words: said.put(orjson.dumps(words)), lambda: orjson.loads(heard.get())),
        )
        thread.start()
        line = _Line(said, heard)
        try:
            return self._heard(line, None, caller, seconds)
        finally:
            thread.join()


class _Line:
    def __init__(self, said: Any, heard: Any) -> None:
        self.said, self.heard = said, heard

    def poll(self, seconds: float) -> bool:
        return True

    def recv_bytes(self) -> bytes:
        return self.said.get(timeout=30)

    def send_bytes(self, text: bytes) -> None:
        self.heard.put(text)


def settled(grove: Grove, path: str, task: str, monkeypatch: Any) -> Any:
    """Run a task that waits, and give its result, or raise what it failed with."""
    monkeypatch.setattr(context, "fetch", example_com)
    with grove.engine_connection() as connection:
        while True:
            shown = grove.call(path, "task.show", task=task)
            if shown["state"] in ("failed", "cancelled"):
                raise context.problem_of(shown["problem"])
            if shown["state"] == "done":
                return shown["value"]
            taken = queue.take(connection, 30, lambda schema: schema == grove.schema)
            if taken is not None:
                Inline(taken, Hold(taken)).to_the_end()
                continue
            hosting()
            taken = queue.take(connection, 30, lambda schema: schema == grove.schema, "browser")
            assert taken is not None, shown
            running.Run(taken, Hold(taken)).to_the_end()
