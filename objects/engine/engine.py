"""The engine of a process: threads that take batches from the mailbox, run them and commit them.

Any process may run any object; the row lock in Postgres is what keeps an object single-threaded across machines.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from objects.commands.registry import Registry
from objects.engine import worker as working
from objects.engine.calls import Call, Event, Outcome
from objects.engine.frame import Row
from objects.engine.mailbox import Mailbox
from objects.engine.on_loop import LoopWorker
from objects.engine.replies import LoopReplies
from objects.storage.cache import ImageCache
from objects.tree.paths import ObjectPath
from teams.access import Caller
from teams.limits import Limits

log = logging.getLogger("grove.engine")

Publish = Callable[[Sequence[Event]], None]


class Engine:
    """Takes calls and answers them after their commit. Thread-safe; one a process, made after forking.

    conninfo: of the database, as psycopg wants it. publish: told the events of each commit, from an engine thread.
    """

    def __init__(self, conninfo: str, *, registry: Registry, limits: Limits, publish: Publish) -> None:
        registry.load()  # a kind that can't be served fails the start, not the first call
        self.conninfo = conninfo
        self.registry = registry
        self.limits = limits
        self.publish = publish
        self.cache = ImageCache(limits.IMAGE_CACHE_BYTES)
        self.mailbox = Mailbox(
            batch_calls=limits.BATCH_CALLS,
            team_calls=limits.MAILBOX_TEAM_CALLS,
            all_calls=limits.MAILBOX_CALLS,
            is_alone=self._is_alone,
        )
        self.known: dict[tuple[str, str], Row] = {}  # by schema and path, as last seen: others may have changed them
        self.contested: dict[tuple[str, str], float] = {}  # by schema and path: time.monotonic() until which it is
        self.slow: dict[str, float] = {}  # command -> seconds it takes, of those that take long
        self.pace: dict[str, float] = {}  # command -> seconds it takes on average
        self._replies: dict[asyncio.AbstractEventLoop, LoopReplies] = {}
        self._loops: dict[asyncio.AbstractEventLoop, LoopWorker] = {}
        self._workers = [working.Worker(self) for _ in range(limits.ENGINE_THREADS)]
        self._threads = [
            threading.Thread(target=worker.work, name=f"engine-{number}", daemon=True)
            for number, worker in enumerate(self._workers)
        ]
        self._stopping = threading.Event()
        threading.Thread(target=self._watch, name="engine-watch", daemon=True).start()
        for thread in self._threads:
            thread.start()

    def submit(self, call: Call) -> None:
        """Let a call wait for its turn; its `reply` is told how it ended. Never blocks.

        Raises Overloaded when too many calls wait already, WrongArgument when the path is none.
        """
        self.prepare(call)
        self.mailbox.put(call)

    def prepare(self, call: Call) -> None:
        """Say until when a call may take. Raises WrongArgument when the path is none."""
        call.path = ObjectPath.parse(call.path)
        call.deadline = time.monotonic() + (call.seconds or self.limits.CALL_SECONDS)

    def call(
        self, schema: str, path: str, command: str, arguments: dict[str, Any], caller: Caller, **options: Any
    ) -> Outcome:
        """Make a call and wait for its outcome: for pages and workers. options: further members of `Call`."""
        outcome: Future[Outcome] = Future()
        self.submit(Call(schema, path, command, arguments, caller, outcome.set_result, **options))
        return outcome.result()

    async def acall(
        self, schema: str, path: str, command: str, arguments: dict[str, Any], caller: Caller, **options: Any
    ) -> Outcome:
        """Make a call and await its outcome: for async code. options: further members of `Call`."""
        loop = asyncio.get_running_loop()
        replies = self._replies.get(loop)
        if replies is None:
            self._replies = {known: kept for known, kept in self._replies.items() if not known.is_closed()}
            replies = self._replies[loop] = LoopReplies(loop)
        future: asyncio.Future[Outcome] = loop.create_future()
        call = Call(schema, path, command, arguments, caller, replies.reply(future), **options)
        here = self._loops.get(loop)
        (self if here is None else here).submit(call)
        return await future

    def on_loop(self) -> LoopWorker:
        """Give what runs quick calls on the running event loop itself; from now on `acall` goes there, too."""
        loop = asyncio.get_running_loop()
        found = self._loops.get(loop)
        if found is None:
            found = self._loops[loop] = LoopWorker(self, loop)
            self.mailbox.loops = tuple(self._loops.values())
        return found

    def stop(self, timeout_s: float = 10.0) -> None:
        """Answer what waits, take nothing more, and end the threads."""
        self._stopping.set()
        for loop in self._loops.values():
            loop.end()
        self.mailbox.close()
        ends_at = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, ends_at - time.monotonic()))

    def _watch(self) -> None:
        """Free the threads that wait in vain for a Postgres that neither answers nor ends; tell their callers."""
        while not self._stopping.wait(working.LATE_S):
            for worker in (*self._workers, *self._loops.values()):
                try:
                    worker.look()
                except Exception:
                    log.exception("a thread that is late could not be looked at")
            for loop in [loop for loop in self._loops if loop.is_closed()]:
                self._loops.pop(loop).end()
                self.mailbox.loops = tuple(self._loops.values())

    def _is_alone(self, call: Call) -> bool:
        return bool(call.needs) or call.command in self.slow or self.registry.is_alone(call.command)

    def reads(self, call: Call) -> bool:
        """Whether the call likely only reads: a hint, for a batch without locks."""
        hint = self.known.get((call.schema, call.path))
        return (
            hint is not None
            and call.create is None
            and call.work is None
            and self.registry.reads(hint.kind, call.command)
        )
