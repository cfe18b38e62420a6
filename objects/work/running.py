"""A worker's part: takes tasks while it has places, supervises who runs them, and settles what came out.

A task runs in a process of its own. Where a command names another place (`Task.place`), it runs with whoever was
registered for that place in this process by `run_at`, and is spoken to in the same words.
"""

import logging
import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson
import psycopg
from django.conf import settings

from objects import live
from objects.commands.registry import registry
from objects.engine import running
from objects.engine.calls import Event
from objects.work import child, queue, settling
from objects.work.context import Errand
from objects.work.leases import Hold, leases
from objects.work.queue import Taken
from objects.work.records import TOPIC, composed
from objects.work.settling import Ending, LeaseLost
from teams import callers, clock
from teams.access import Caller
from teams.problems import Fault, Moved, NoSuch, OutOfTime, Problem

if TYPE_CHECKING:
    from objects.engine.context import Context

log = logging.getLogger("grove.task")

TELL_S: Final = 0.2  # output and progress are told so often
GRACE_S: Final = 2.0  # from asking a process to end until it is killed
AWAY_S: Final = 1.0  # before Postgres is tried again
PAUSE_MOST_S: Final = 300.0

_OUTPUT: Final = "INSERT INTO {s}.task_output (task_id, no, text) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
_FORGET: Final = "DELETE FROM {s}.task_output WHERE task_id = %s"
_PROGRESS: Final = "UPDATE {s}.task SET done = %s, note = %s WHERE id = %s AND ended_at IS NULL"


class Nobody(Problem):
    """No command wants the outcome."""


class Places:
    """How many tasks of each team run here. A team may have one more only while more places are free than it has."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._busy: Counter[str] = Counter()
        self._lock = threading.Lock()

    def may(self, schema: str) -> bool:
        """Whether a team may have one more."""
        return self._busy[schema] < self._count - self._busy.total()

    def take(self, choose: Callable[[], Taken | None]) -> Taken | None:
        """Let one choose at a time, and count what was chosen."""
        with self._lock:
            taken = choose()
            if taken is not None:
                self._busy[taken.schema] += 1
            return taken

    def give_back(self, schema: str) -> None:
        """Count one less."""
        with self._lock:
            self._busy[schema] -= 1
            if not self._busy[schema]:
                del self._busy[schema]


class Line(Protocol):
    """How a task and its worker speak: in JSON, as `objects.work.child` says. A multiprocessing connection is one."""

    def poll(self, timeout: float, /) -> bool:
        """Wait for a word; whether there is one."""

    def recv_bytes(self) -> bytes:
        """Give it. Raises EOFError where whoever ran the task is gone."""

    def send_bytes(self, buf: bytes, /) -> None:
        """Answer."""


class Runner(Protocol):
    """Who runs a task, to be stopped. A multiprocessing process is one."""

    @property
    def exitcode(self) -> int | None:
        """What it ended with."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it, whatever it does."""

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end."""


@dataclass(slots=True)
class Performance:
    """A task that was begun.

    keeps: what is kept in the object with the outcome; set by the time that it is over. is_large: that takes long.
    afterwards: is called once that is committed.
    """

    line: Line
    runner: Runner
    keeps: "Callable[[Context], None] | None" = None
    is_large: bool = False
    afterwards: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where tasks run. begin: begins one; leaving the context ends it."""

    begin: Callable[[Errand], AbstractContextManager[Performance]]
    places: Places


_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["objects.work.warm"])
_held = threading.local()  # a connection a thread
_known: dict[str, Place] = {}


@contextmanager
def _forked(errand: Errand) -> Iterator[Performance]:
    """Run a task in a process of its own."""
    mine, its = _forks.Pipe()
    process = _forks.Process(target=child.main, args=(its, errand), daemon=True)
    process.start()
    its.close()
    try:
        yield Performance(mine, process)
    finally:
        if process.is_alive():
            process.kill()
        process.join()
        process.close()
        mine.close()


def run_at(name: str, count: int, begin: Callable[[Errand], AbstractContextManager[Performance]]) -> None:
    """Say who runs tasks at a place in this process, and how many at once."""
    _known[name] = Place(begin, Places(count))


def place(name: str = "") -> Place:
    """Give a place of this process. Raises LookupError where nobody here runs tasks there."""
    if not name and name not in _known:
        run_at("", settings.GROVE.TASK_PROCESSES, _forked)
    return _known[name]


def run_waiting(name: str = "") -> int:
    """Run tasks of a place one after the other until there is none now; give how many they were."""
    places = place(name).places

    def choose(connection: psycopg.Connection[Any]) -> Taken | None:
        return queue.take(connection, settings.GROVE.TASK_LEASE_S, places.may, name, leases.holder())

    count = 0
    while True:
        taken = places.take(lambda: _persistently(choose))
        if taken is None:
            if name:
                _persistently(lambda connection: _send_on(connection, name))
            return count
        try:
            run(taken)
        finally:
            places.give_back(taken.schema)
        count += 1


def _send_on(connection: psycopg.Connection[Any], name: str) -> None:
    """Send for those whom tasks are left to, and for whoever is there should they not come."""
    from objects.work import posting  # noqa: PLC0415 -- it needs Celery, which a task's process does not

    there = queue.wanted(connection, name, leases.holder())
    for holder in there:
        posting.send_to(name, holder)
    if there:
        posting.post(after_s=queue.PATIENCE_S, place=name)


def run(taken: Taken) -> None:
    """Run a task that was taken, to its end or its next try."""
    hold = leases.hold(taken)
    try:
        Run(taken, hold).to_the_end()
    except LeaseLost:
        log.warning("a task was taken over by another worker: schema=%s task=%s", taken.schema, taken.id)
    finally:
        leases.let_go(hold)


class Run:
    """One try of a task."""

    def __init__(self, taken: Taken, hold: Hold) -> None:
        self.taken = taken
        self.hold = hold
        self.limits = settings.GROVE
        self._told_at = 0.0
        self._progress: tuple[float | None, str] | None = None
        self._output: list[str] = []
        self._written = self._pieces = 0
        self._place = ""
        self._keeps: Callable[[Context], None] | None = None
        self._is_large = False
        self._afterwards: Callable[[], None] | None = None

    def to_the_end(self) -> None:
        """Run it and settle it. Raises LeaseLost."""
        taken = self.taken
        try:
            caller = self._caller()
            spec = registry.command(taken.kind, taken.command)
            if spec.task is None:
                raise NoSuch(f"{taken.command}: is no task any more.")
            self._place = spec.task.place
            self._refuse_lost(repeatable=spec.task.repeatable)
        except Problem as problem:
            self._settle(Ending("failed", problem=problem.members()))
            return
        self._tell({"state": "running"})
        if taken.tries > 1:
            _persistently(lambda connection: connection.execute(composed(taken.schema, _FORGET), (taken.id,)))
        seconds = min(spec.task.seconds, self.limits.TASK_SECONDS)
        said = self._supervised(caller, seconds)
        self._tell_news(force=True)
        if said[0] == "again" and taken.tries < spec.task.tries:
            after_s = said[2]
            if after_s is None:
                after_s = min(PAUSE_MOST_S, spec.task.pause_s * 2 ** (taken.tries - 1))
            self._later(said[1], after_s)
        else:
            self._settle(replace(_ending(said), keeps=self._keeps))

    def _caller(self) -> Caller:
        if not self.taken.path:
            raise NoSuch("Its object is gone, or in the trash.")
        return callers.again(self.taken.schema, self.taken.caller_id)

    def _refuse_lost(self, *, repeatable: bool) -> None:
        if self.taken.was_lost and not repeatable:
            raise Fault("Its worker died, and nobody knows how far it came. `task retry` begins it again.")
        if self.taken.lost >= self.limits.TASK_LOST:
            raise Fault(f"{self.taken.lost} workers died with it, so it is given up (limit TASK_LOST).")

    # Who runs it

    def _supervised(self, caller: Caller, seconds: float) -> list[Any]:
        """Have it run and give the last that was said."""
        taken = self.taken
        errand = Errand(
            taken.id, taken.tries, taken.path, taken.kind, taken.command, taken.arguments, caller, clock.now(),
            clock.moved_s(), taken.object_id,
        )  # fmt: skip
        with place(self._place).begin(errand) as begun:
            said = self._heard(begun.line, begun.runner, caller, seconds)
        self._keeps, self._is_large, self._afterwards = begun.keeps, begun.is_large, begun.afterwards
        return said

    def _heard(self, line: Line, process: Runner, caller: Caller, seconds: float) -> list[Any]:
        ends_at = time.monotonic() + seconds
        why: list[Any] = []  # of stopping it
        kills_at = 0.0
        while True:
            now = time.monotonic()
            if not why and now >= ends_at:
                why = ["failed", OutOfTime(
                    f"{self.taken.command}: was stopped after {seconds:g} s, the most that it may take. "
                    "What it had changed until then stays."
                ).members()]  # fmt: skip
            if self.hold.lost:
                raise LeaseLost
            if not why and self.hold.cancelled:
                why = ["cancelled"]
            if why and not kills_at:
                process.terminate()
                kills_at = now + GRACE_S
            if kills_at and now >= kills_at:
                process.kill()
                return why
            self._tell_news()
            if not line.poll(0.1 if self._output or self._progress else 0.25):
                continue
            try:
                said = orjson.loads(line.recv_bytes())
            except (EOFError, OSError):
                process.join(GRACE_S)
                died = f"its process died (exit code {process.exitcode})."
                return why or ["fault", f"{died} It may have needed more memory than there is."]
            if said[0] == "call":
                self._call(line, caller, *said[1:])
            elif said[0] == "progress":
                self._progress = (said[1], said[2])
            elif said[0] == "output":
                self._output.append(said[1])
            else:
                return why or said

    def _call(self, line: Line, caller: Caller, path: str, command: str, arguments: dict[str, Any]) -> None:
        taken = self.taken
        outcome = running.engine().call(taken.schema, path, command, arguments, caller, via=f"task {taken.id}")
        answer = ["value", outcome.value] if outcome.problem is None else ["problem", outcome.problem.members()]
        with suppress(OSError):  # it was stopped meanwhile
            line.send_bytes(orjson.dumps(answer, default=_plain))

    # What is told meanwhile

    def _tell_news(self, *, force: bool = False) -> None:
        now = time.monotonic()
        if not (self._output or self._progress) or (now - self._told_at < TELL_S and not force):
            return
        self._told_at = now
        news: dict[str, Any] = {"state": "running"}
        text = "".join(self._output)
        if text:
            news["output"] = text
        if self._progress is not None:
            news["done"], news["note"] = self._progress
        with suppress(psycopg.Error):  # it was news only
            try:
                self._keep(text)
            except psycopg.OperationalError:  # of a connection that broke since it was last used
                _forget_connection()
                self._keep(text)
        self._output.clear()
        self._progress = None
        self._tell(news)

    def _keep(self, text: str) -> None:
        taken, connection = self.taken, _connection()
        kept = text[: max(0, self.limits.TASK_OUTPUT_BYTES - self._written)]
        if kept:
            connection.execute(composed(taken.schema, _OUTPUT), (taken.id, self._pieces + 1, kept))
        if self._progress is not None:
            connection.execute(composed(taken.schema, _PROGRESS), (*self._progress, taken.id))
        if kept:
            self._written += len(kept.encode())
            self._pieces += 1

    def _tell(self, news: dict[str, Any]) -> None:
        taken = self.taken
        if taken.path:
            data = {"task": taken.id, "command": taken.command, **news}
            live.publish([Event(taken.schema, taken.path, TOPIC, data, 0, clock.now())])

    # The end

    def _later(self, problem: dict[str, Any], after_s: float) -> None:
        from objects.work import posting  # noqa: PLC0415 -- it needs Celery, which a task's process does not

        def give_back(connection: psycopg.Connection[Any]) -> None:
            settling.will_try_again(connection, self.taken, problem)
            queue.release(connection, self.taken, after_s)

        _persistently(give_back)
        self._tell({"state": "waiting", "problem": problem, "after_s": after_s})
        posting.post(after_s=after_s, place=self._place)

    def _settle(self, ending: Ending) -> None:
        """Settle the task, whatever Postgres does meanwhile. Raises LeaseLost."""
        problem = self._settled_by_call(ending)
        if ending.state == "done" and problem is not None and not isinstance(problem, Nobody):
            ending = Ending("failed", problem=problem.members())
            problem = self._settled_by_call(ending)  # `then` may want to know that it failed
        if problem is not None:
            _persistently(lambda connection: self._write(connection, ending))
        elif self._afterwards is not None:
            self._afterwards()
        self._tell(_told(ending))

    def _write(self, connection: psycopg.Connection[Any], ending: Ending) -> None:
        if not settling.write(connection, self.taken, ending, ending.value) and not settling.is_mine(
            connection, self.taken
        ):
            raise LeaseLost

    def _settled_by_call(self, ending: Ending) -> Problem | None:
        """Settle by a call of the object, where a command wants the outcome; give why that was refused, or Nobody.

        Raises LeaseLost.
        """
        if ending.effect is None and ending.keeps is None and not self.taken.then:
            return Nobody()
        while True:
            taken, lost = self.taken, list[bool]()
            try:
                outcome = running.engine().call(
                    taken.schema, taken.path, taken.command, {}, self._caller(), via=f"task {taken.id}",
                    work=settling.within(taken, ending, lost),
                    seconds=self.limits.LARGE_CALL_SECONDS if self._is_large else 0.0,
                )  # fmt: skip
            except Problem as problem:
                return problem
            if outcome.problem is None:
                return None
            if isinstance(outcome.problem, Moved):
                self.taken = replace(taken, path=outcome.problem.extra["to"])
            elif lost or outcome.problem.status in (503, 504):
                # Perhaps it was settled and the answer was lost: the lease, which is written with it, tells.
                if _persistently(lambda connection: settling.is_mine(connection, self.taken)):
                    return None
                if lost:
                    raise LeaseLost
                time.sleep(AWAY_S)
            else:
                return outcome.problem


def _ending(said: list[Any]) -> Ending:
    match said:
        case ["done", value, effect, gives]:
            return Ending("done", value, effect=None if effect is None else (effect[0], effect[1]), gives=gives)
        case ["cancelled"] | ["stopped"]:
            return Ending("cancelled")
        case ["fault", text]:
            return Ending("failed", problem=Fault(text).members())
        case _:
            return Ending("failed", problem=said[1])


def _told(ending: Ending) -> dict[str, Any]:
    return {"state": ending.state} | ({} if ending.problem is None else {"problem": ending.problem})


def _plain(value: Any) -> Any:
    """Give a file that a command answered as JSON."""
    return value.plain()


def _connection() -> psycopg.Connection[Any]:
    connection: psycopg.Connection[Any] | None = getattr(_held, "connection", None)
    if connection is None or connection.closed:
        connection = _held.connection = psycopg.connect(
            running.conninfo(), autocommit=True, connect_timeout=3, tcp_user_timeout=10_000
        )
    return connection


def _forget_connection() -> None:
    connection = getattr(_held, "connection", None)
    _held.connection = None
    if connection is not None:
        connection.close()


def _persistently(work: Callable[[psycopg.Connection[Any]], Any]) -> Any:
    """Do something in Postgres, again and again while it does not answer."""
    while True:
        try:
            return work(_connection())
        except psycopg.OperationalError as error:
            log.warning("Postgres does not answer a task's worker: %s", error)
            _forget_connection()
            time.sleep(AWAY_S)
