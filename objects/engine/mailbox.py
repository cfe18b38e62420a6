"""The mailbox: calls wait here, by team and object, until a thread takes a batch of them.

What it promises:
- one thread serves an object at a time, so no thread of a process waits for a row lock that its neighbour holds;
- calls on one object run in the order in which they came;
- teams take turns, however much one of them sends.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

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
        self._changed = threading.Condition(threading.Lock())
        self._idle = 0
        self._closed = False

    def put(self, call: Call) -> None:
        """Let a call wait for its turn; raises Overloaded when too many do."""
        with self._changed:
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
            if self._idle:
                self._changed.notify()

    def put_back(self, calls: Iterable[Call]) -> None:
        """Let calls that were taken but not run wait again, before all others of their objects, in this order."""
        with self._changed:
            for call in reversed(list(calls)):
                team = self._teams.setdefault(call.schema, _Team())
                self._append(team, call, first=True)
            self._changed.notify()

    def take(self, timeout_s: float) -> Batch | None:
        """Wait for a batch; None when the time is up or the mailbox is closed and empty."""
        with self._changed:
            batch = self._next()
            if batch is None and not self._closed:
                self._idle += 1
                self._changed.wait(timeout_s)
                self._idle -= 1
                batch = self._next()
            return batch

    def claim(self, schema: str, path: str) -> bool:
        """Serve one more object in a batch under way, if no other thread does. Never waits."""
        with self._changed:
            busy = self._teams.setdefault(schema, _Team()).busy
            if path in busy:
                return False
            busy.add(path)
            return True

    def release(self, schema: str, paths: Iterable[str]) -> None:
        """Let other threads have these objects."""
        with self._changed:
            team = self._teams[schema]
            team.busy.difference_update(paths)
            if team.waiting:
                if self._idle:
                    self._changed.notify()
            elif not team.busy:
                del self._teams[schema]

    def is_done(self) -> bool:
        """Whether the mailbox is closed and empty."""
        return self._closed and not self.waiting

    def close(self) -> None:
        """Take no more calls; what waits is still given out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

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

    def _next(self) -> Batch | None:
        for _ in range(len(self._turns)):
            schema = self._turns.popleft()
            team = self._teams[schema]
            batch = self._pick(schema, team)
            if team.waiting:
                self._turns.append(schema)
            if batch is not None:
                if self._turns and self._idle:
                    self._changed.notify()
                return batch
        return None

    def _pick(self, schema: str, team: _Team) -> Batch | None:
        calls: list[Call] = []
        paths: set[str] = set()
        for path, queue in team.queues.items():
            if path not in team.busy:
                self._take_some(queue, calls, paths, team.busy)
                if len(calls) >= self.batch_calls or (calls and self.is_alone(calls[0])):
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
