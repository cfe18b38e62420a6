"""The mailbox: calls wait here, by team and object, until a thread takes a batch of them.

What it promises:
- one thread serves an object at a time, so no thread of a process waits for a row lock that its neighbour holds;
- calls on one object run in the order in which they came;
- teams take turns, however much one of them sends.

The thread that fell asleep last is woken first, one at a time and only for what it can take: its memory and its
connection's process in Postgres are warm, and what comes until it is awake shares its batch.

A call that is `quick` waits for an event loop that runs it itself (`on_loop`). While such a loop is free, no thread is
woken for quick calls and none takes them.
"""

import threading
from collections import deque
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from objects.engine.calls import Call
from teams.problems import Overloaded


@dataclass(slots=True)
class Batch:
    """Calls of one team to be run and committed together, and the paths that this thread now serves alone."""

    schema: str
    calls: list[Call]
    paths: set[str]


@dataclass(slots=True)
class _Team:
    queues: dict[str, deque[Call]] = field(default_factory=dict)  # by path, the longest waiting first
    busy: set[str] = field(default_factory=set)
    waiting: int = 0


class Loop(Protocol):
    """An event loop that takes quick calls."""

    is_free: bool

    def wake(self) -> bool:
        """Let it look for quick calls; from any thread, never waits. False where it is closed."""


class Mailbox:
    """Thread-safe. `is_alone(call)` tells which calls must have a batch to themselves."""

    def __init__(self, *, batch_calls: int, team_calls: int, all_calls: int, is_alone: Callable[[Call], bool]) -> None:
        self.batch_calls = batch_calls
        self.team_calls = team_calls
        self.all_calls = all_calls
        self.is_alone = is_alone
        self.waiting = 0
        self._teams: dict[str, _Team] = {}
        self._turns: deque[str] = deque()
        self._lock = threading.Lock()
        self._asleep: list[threading.Lock] = []  # a thread waits for its lock to be released; the last slept least
        self._waking = False  # a thread was woken and has not looked yet: it will see what is here then
        self._closed = False
        self.loops: tuple[Loop, ...] = ()  # replaced, never changed

    def put(self, call: Call) -> None:
        """Let a call wait for its turn; raises Overloaded when too many do."""
        with self._lock:
            if self._closed:
                raise Overloaded("This process is stopping. Try again: another one will answer.", retry_after_s=1)
            if self.waiting >= self.all_calls:
                raise Overloaded(f"{self.all_calls:,} calls wait here already. Try again later.", retry_after_s=1)
            team = self._teams.get(call.schema)
            if team is None:
                team = self._teams[call.schema] = _Team()
            elif team.waiting >= self.team_calls:
                raise Overloaded(f"{self.team_calls:,} calls of this team wait already. Slow down.", retry_after_s=1)
            self._append(team, call)
            if not call.quick and call.path not in team.busy:
                self._wake()

    def put_back(self, calls: Iterable[Call]) -> None:
        """Let calls that were taken but not run wait again, before all others of their objects, in this order."""
        with self._lock:
            for call in reversed(list(calls)):
                team = self._teams.setdefault(call.schema, _Team())
                self._append(team, call, first=True)
            self._wake()

    def take(self, timeout_s: float, done: Batch | None = None) -> Batch | None:
        """Wait for a batch; None when the time is up or the mailbox is closed and empty.

        done: the one before, whose objects other threads may have now.
        """
        with self._lock:
            if done is not None:
                self._release(done.schema, done.paths)
            batch = self._next()
            if batch is not None or self._closed:
                return batch
            bed = threading.Lock()
            bed.acquire()
            self._asleep.append(bed)
        bed.acquire(timeout=timeout_s)
        with self._lock:
            if bed in self._asleep:
                self._asleep.remove(bed)
            else:
                self._waking = False
            return self._next()

    def take_quick(self) -> Batch | None:
        """Give a batch of quick calls, for an event loop; None when there are none. Never waits."""
        with self._lock:
            return self._next(on_loop=True)

    def take_ahead(self, schema: str, held: set[str], most: int) -> Batch | None:
        """Give further quick calls of a team to a loop that commits a batch of it, also on the objects that it holds.

        None where another team waits: it is next.
        """
        with self._lock:
            team = self._teams.get(schema)
            if team is None or not team.waiting or any(other != schema for other in self._turns):
                return None
            batch = self._pick(schema, team, on_loop=True, held=held, most=most)
            if not team.waiting:
                self._turns.remove(schema)
            return batch

    def wake(self) -> None:
        """Let a thread look whether there is something for it."""
        with self._lock:
            self._wake()

    def claim(self, schema: str, path: str) -> bool:
        """Serve one more object in a batch under way, if no other thread does. Never waits."""
        with self._lock:
            busy = self._teams.setdefault(schema, _Team()).busy
            if path in busy:
                return False
            busy.add(path)
            return True

    def release(self, schema: str, paths: Iterable[str]) -> None:
        """Let other threads have these objects."""
        with self._lock:
            if self._release(schema, paths) and self._has_more():
                self._wake()

    def is_done(self) -> bool:
        """Whether the mailbox is closed and empty."""
        return self._closed and not self.waiting

    def close(self) -> None:
        """Take no more calls; what waits is still given out."""
        with self._lock:
            self._closed = True
            while self._asleep:
                self._asleep.pop().release()

    def _release(self, schema: str, paths: Iterable[str]) -> bool:
        """Take note that the objects are free; tell whether calls of their team wait."""
        team = self._teams[schema]
        team.busy.difference_update(paths)
        if not team.waiting and not team.busy:
            del self._teams[schema]
        return team.waiting > 0

    def _wake(self) -> None:
        if self._asleep and not self._waking:
            self._waking = True
            self._asleep.pop().release()

    def _has_more(self) -> bool:
        """Tell whether another thread would find something to do."""
        spared = self._free_loop() is not None
        teams = map(self._teams.__getitem__, self._turns)
        return any(
            path not in team.busy and not (spared and queue[0].quick)
            for team in teams
            for path, queue in team.queues.items()
        )

    def _free_loop(self) -> Loop | None:
        return next((loop for loop in self.loops if loop.is_free), None)

    def _append(self, team: _Team, call: Call, *, first: bool = False) -> None:
        queue = team.queues.get(call.path)
        if queue is None:
            queue = team.queues[call.path] = deque()
        if first:
            queue.appendleft(call)
        else:
            queue.append(call)
        if not team.waiting:
            self._turns.append(call.schema)
        team.waiting += 1
        self.waiting += 1

    def _next(self, *, on_loop: bool = False) -> Batch | None:
        free = None if on_loop else self._free_loop()
        batch = None
        for _ in range(len(self._turns)):
            schema = self._turns.popleft()
            team = self._teams[schema]
            batch = self._pick(schema, team, on_loop=on_loop, free=free)
            if team.waiting:
                self._turns.append(schema)
            if batch is not None:
                break
        if batch is not None and not on_loop and self._asleep and self._has_more():
            self._wake()
        return batch

    def _pick(
        self,
        schema: str,
        team: _Team,
        *,
        on_loop: bool,
        free: Loop | None = None,
        held: Container[str] = (),
        most: int = 0,
    ) -> Batch | None:
        calls: list[Call] = []
        paths: set[str] = set()
        most = most or self.batch_calls
        for path, queue in team.queues.items():
            if path in team.busy and path not in held:
                continue
            if queue[0].quick:
                if free is not None and free.wake():
                    continue
            elif on_loop:
                continue
            if on_loop:
                paths.add(path)
                while queue and queue[0].quick and len(calls) < most:
                    calls.append(queue.popleft())
            else:
                self._take_some(queue, calls, paths, team.busy)
            if len(calls) >= most or (calls and not on_loop and self.is_alone(calls[0])):
                break
        if not calls:
            return None
        for path in paths:  # an object with more to do goes to the back: its neighbours are next
            left = team.queues.pop(path, None)
            if left:
                team.queues[path] = left
        team.busy |= paths
        team.waiting -= len(calls)
        self.waiting -= len(calls)
        return Batch(schema, calls, paths)

    def _take_some(self, queue: deque[Call], calls: list[Call], paths: set[str], busy: set[str]) -> None:
        """Move calls of one object into the batch, while there is room and they may share it."""
        while queue and len(calls) < self.batch_calls:
            call = queue[0]
            alone = self.is_alone(call)
            if not call.needs.isdisjoint(busy) or (alone and calls):
                return
            calls.append(queue.popleft())
            paths.add(call.path)
            paths.update(call.needs)
            if alone:
                return
