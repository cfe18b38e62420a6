"""A call under way. A call runs in a frame, a call that it makes in a frame of its own below that.

A frame that fails takes back what it and the frames below it did, on every object that they touched, and nothing else.
"""

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson
import psycopg

from objects.commands.bases import Facility
from objects.commands.log import Log, LogLine
from objects.commands.spec import CommandSpec
from objects.engine.context import Context, TreeAccess
from objects.engine.interruptions import NeedsThread
from objects.storage.database import Database
from objects.storage.image import Image, Mark
from objects.timing.index import Due
from objects.tree.paths import ObjectPath
from objects.tree.settings import Settings
from objects.work.records import TOPIC, Start, Then, new_id, start, started
from teams import callers, clock
from teams.access import Caller, decide, exists_for
from teams.problems import Conflict, Fault, Moved, NoSuch, Overloaded, Problem

if TYPE_CHECKING:
    from objects.engine.transaction import Transaction

log = logging.getLogger("grove.engine")

NEST_LIMIT = 32  # calls that call calls


@lru_cache(maxsize=4096)
def _settings(effective: str) -> Settings:
    return Settings(orjson.loads(effective))


@dataclass(slots=True)
class Row:
    """An object's row as this process knows it.

    stamp: the row's `xmin`, the transaction that wrote it; while it is the same, the row is.
    """

    id: int
    path: str
    kind: str
    version: int
    pages: int
    effective: str
    stamp: str
    is_paused: bool = False

    @property
    def settings(self) -> Settings:
        """The settings in force, inherited ones among them."""
        return _settings(self.effective)


@dataclass(slots=True)
class Line:
    """A line of the journal before it is written."""

    object_id: int
    at: float
    caller: str
    via: str
    command: str
    arguments: dict[str, Any]
    outcome: str
    detail: str
    took_us: int
    version: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a command ended that the platform ran on behalf of somebody. value: as JSON values.

    log: what it said, a line each. task: of a command that is a task, the one that was started.
    """

    value: Any
    problem: Problem | None
    took_s: float
    log: str = ""
    task: str = ""


class Frame:
    """A call under way: where it is, on whose behalf, and what must be taken back if it fails."""

    __slots__ = (
        *(
            "_chance",
            "_facilities",
            "caller",
            "context",
            "deadline",
            "depth",
            "events",
            "lines",
            "marks",
            "now",
            "parent",
        ),
        *("is_platform", "is_trial", "must_ask", "pg_mark", "reads", "row", "said", "then", "tx", "via", "wakes"),
    )

    def __init__(
        self,
        tx: "Transaction",
        row: Row,
        caller: Caller,
        via: str,
        *,
        reads: bool,
        deadline: float,
        parent: "Frame | None" = None,
    ) -> None:
        self.tx = tx
        self.row = row
        self.caller = caller
        self.via = via
        self.reads = reads
        self.deadline = deadline
        self.parent = parent
        self.must_ask = False  # somebody is there who can be asked, and has not said yes
        self.is_trial = False  # all that the call does is taken back once it is over
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.now: float = clock.now() if parent is None else parent.now
        self.marks: list[tuple[Image, Mark]] = []
        self.pg_mark: str | None = None
        self.events: list[tuple[Row, str, Any]] = []
        self.lines: list[Line] = []
        self.wakes: dict[tuple[int, str], Due] = {}  # by object and source
        self.is_platform = False  # whether the platform itself is at work, not a command
        self.then: Then | None = None  # where the command is a task: how it is started
        self._chance: random.Random | None = None
        self.said: Log | None = None
        self._facilities: dict[str, Facility] = {}
        self.context = Context(self)

    @property
    def root(self) -> "Frame":
        """The outermost frame: its `now` is the time at which all this happens."""
        return self if self.parent is None else self.parent.root

    @property
    def schema(self) -> str:
        """The team's schema."""
        return self.tx.schema

    def chance(self) -> random.Random:
        """Give the generator of this call and all calls below it."""
        if self.parent is not None:
            return self.parent.chance()
        if self._chance is None:
            self._chance = random.Random()  # noqa: S311 -- chance for kinds, not for secrets
        return self._chance

    def database(self) -> Database:
        """Give the object's database, marked so that this frame can be undone."""
        image = self.tx.image(self.row)
        if not self.marks or not any(marked is image for marked, _ in self.marks):
            # The deadline first: with that of the call before, SQLite would stop the very BEGIN.
            image.database.deadline = self.deadline
            image.database.too_long = NeedsThread if self.tx.on_loop else None
            self.marks.append((image, image.mark()))
            image.database.now = self.now
            image.database.chance = self.chance
        return image.database

    def tree_access(self) -> TreeAccess:
        """Give Postgres, marked so that this frame can be undone."""
        if self.pg_mark is None and not self.tx.reading:
            self.pg_mark = self.tx.pg_save()
        return TreeAccess(self.tx.for_the_tree(), self.schema)

    def emit(self, topic: str, data: Any) -> None:
        """Keep an event until the commit."""
        self.events.append((self.row, topic, data))

    def log(self, text: str, fields: Mapping[str, Any]) -> None:
        """Keep a line for whoever ran this: the nearest frame of the platform's own, or the outermost."""
        holder = self
        while holder.parent is not None and not holder.is_platform:
            holder = holder.parent
        if holder.said is None:
            holder.said = Log()
        holder.said.add(LogLine(self.row.path, self.now, text, fields))

    def wake(self, source: str, due: Due) -> None:
        """Keep until the commit when the object is to be woken."""
        self.wakes[self.row.id, source] = due

    def facility(self, name: str) -> Facility:
        """Give the object's facility of this name."""
        found = self._facilities.get(name)
        if found is None:
            found = self._facilities[name] = self.tx.registry.facility(name)(self.context)
        return found

    def call(self, path: str, command: str, arguments: dict[str, Any]) -> Any:
        """Run a command of another object below this frame; see `Context.call`."""
        if self.depth >= NEST_LIMIT:
            raise Conflict(f"{command}: {NEST_LIMIT} calls called one another. Is there a circle?")
        target = ObjectPath.parse(path)
        above: Frame | None = self
        while above is not None:
            if above.row.path == target and not above.is_platform:
                raise Conflict(
                    f"{command}: {target} is at work in this call already and can't be called from within it."
                )
            above = above.parent
        below, spec = self._below(target, command, self.caller, self.via)
        return below.run(spec, spec.check(arguments))

    def _below(self, target: ObjectPath, command: str, caller: Caller, via: str) -> "tuple[Frame, CommandSpec]":
        """Give the frame for a call on another object, or from the platform on this one, where the caller may."""
        row = self.tx.further_row(target, caller)
        if not exists_for(caller, self.schema, target):  # before a word about what the object can do
            raise NoSuch(f"{target}: no such object.")
        spec = self.tx.registry.command(row.kind, command)
        decide(
            caller, self.schema, target, command=spec.name, verb=spec.verb, needs=spec.needs, operators=spec.operators
        )
        if self.reads and spec.verb != "reads":
            raise Conflict(f"{command}: a command that only reads can't call one that changes.")
        if spec.alone:
            raise Conflict(f"{command}: can't be called from within another call. Call it by itself.")
        return Frame(self.tx, row, caller, via, reads=spec.verb == "reads", deadline=self.deadline, parent=self), spec

    def attempt(
        self,
        path: str,
        command: str,
        arguments: dict[str, Any],
        caller_id: str,
        via: str,
        *,
        as_of: float | None = None,
        keeps: bool = True,
        then: Then | None = None,
    ) -> Attempt:
        """Run a command on behalf of somebody; see `Context.attempt`."""
        started = time.perf_counter_ns()
        between = Frame(self.tx, self.row, self.caller, via, reads=self.reads, deadline=self.deadline, parent=self)
        between.is_platform = True
        between.now = self.now if as_of is None else as_of
        below = spec = None
        value = problem = None
        try:
            caller = callers.again(self.schema, caller_id)
            try:
                below, spec = between._below(ObjectPath.parse(path), command, caller, via)
            except Moved as moved:
                below, spec = between._below(ObjectPath.parse(moved.extra["to"]), command, caller, via)
            below.then = then
            value = below.run(spec, spec.check(arguments))
        except Overloaded:  # not the command's fault
            raise
        except Problem as refused:
            problem = refused
        except psycopg.Error:
            raise
        except Exception:
            log.exception("a command failed by a fault of ours: %s on %s", command, path)
            problem = Fault(f"{command}: Grove made a mistake. Nothing was changed. It is in the log.")
        if problem is not None and below is not None and spec is not None and not below.reads:
            self.lines.append(below.line(spec, arguments, started, problem))
        if keeps and problem is None:
            between._join(self)
        else:
            between.undo()
        said = "" if between.said is None else between.said.text(self.row.path)
        task = value["task"] if value is not None and spec is not None and spec.task is not None else ""
        return Attempt(value, problem, (time.perf_counter_ns() - started) / 1e9, said, task)

    def work(self, function: "Callable[[Context], Any]") -> Any:
        """Let the platform itself do something in the object, and give what it gives; undone if it raises."""
        self.is_platform = True
        try:
            value = function(self.context)
            self.tx.accept(self)
        except BaseException:
            self.undo()
            raise
        return value

    def run(self, spec: CommandSpec, arguments: dict[str, Any]) -> Any:
        """Run the command and give its result as JSON values; what it did is undone if it raises."""
        started = time.perf_counter_ns()
        try:
            value = self._result(spec, arguments)
            if self.is_trial:
                self.undo()
            elif self.reads:
                self._refuse_written(spec)
            else:
                self.lines.append(self.line(spec, arguments, started))
            if self.parent is None:
                self.tx.check_size(spec, value)
                self.tx.accept(self)
            else:
                self._join(self.parent)
        except BaseException:
            self.undo()
            raise
        return value

    def start(self, what: Start) -> str:
        """Start a task of this object, once the call is committed, and give its id."""
        task_id = new_id(self.chance())
        connection = self.tree_access().connection
        limits = self.tx.limits
        start(connection, self.schema, self.row.id, self.caller, what, task_id=task_id, limits=limits)
        self.emit(TOPIC, started(task_id, what.spec))
        return task_id

    def line(
        self, spec: CommandSpec, arguments: dict[str, Any], started_ns: int, problem: Problem | None = None
    ) -> Line:
        """Say in the journal's words how this call went."""
        return Line(
            object_id=self.row.id,
            at=self.root.now,
            caller=self.caller.name,
            via=self.via if self.parent is None or self.parent.is_platform else f"object {self.parent.row.path}",
            command=spec.name,
            arguments=spec.masked(arguments),
            outcome="ok" if problem is None else problem.type,
            detail="" if problem is None else _storable(problem.detail),
            took_us=(time.perf_counter_ns() - started_ns) // 1000,
        )

    def undo(self) -> None:
        """Take back what this frame and those below it did."""
        for image, mark in reversed(self.marks):
            image.rollback_to(mark)
        self.marks.clear()
        if self.pg_mark is not None:
            self.tx.pg_undo(self.pg_mark)
            self.pg_mark = None
        self.events.clear()
        self.lines.clear()
        self.wakes.clear()

    def _result(self, spec: CommandSpec, arguments: dict[str, Any]) -> Any:
        if spec.task is not None:
            then = self.then or Then()
            start = Start(spec, arguments, then.command, then.arguments, after_s=then.after_s)
            return {"task": self.start(start), "state": "waiting"}
        if spec.facility:
            value = spec.run(self.facility(spec.facility), arguments)
        else:
            kind = self.tx.registry.kind(self.row.kind)(self.context)
            value = spec.run(kind, arguments)
            kind.save()
        return value if spec.downloads else spec.plain(value)  # a download is streamed by the surface

    def _refuse_written(self, spec: CommandSpec) -> None:
        for image, mark in self.marks:
            if image.changed_since(mark):
                raise RuntimeError(f"{self.row.kind}: {spec.name} says that it only reads, but it wrote.")

    def _join(self, parent: "Frame") -> None:
        """Hand all to the frame above: what succeeded here must still be undone if that one fails."""
        held = [image for image, _ in parent.marks]
        for image, mark in self.marks:
            if image in held:
                image.release(mark)
            else:
                parent.marks.append((image, mark))
        parent.pg_mark = parent.pg_mark or self.pg_mark
        parent.events += self.events
        parent.lines += self.lines
        parent.wakes |= self.wakes


def _storable(text: str) -> str:
    """Make a text fit for Postgres, which has no NUL, and for JSON, which has no half characters."""
    return text.replace("\0", "�").encode(errors="replace").decode()
