"""Durable steps: a function that goes on after a sleep, an event or an approval, on any machine, days later.

It is run from the top each time that it goes on. What a step gave is remembered, so a step runs once and later only
its result is told; each step is a transaction of its own. Between steps the function may only compute: it meets the
same moment, chance and results each time, and what would take effect again each time is refused.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import orjson

from teams.access import Role
from teams.problems import Conflict, OutOfTime, Problem

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

NEVER: Final = 9e999
MOST_STEPS: Final = 1_000  # of a run: each goes past all before it


def durable(function: F) -> F:
    """Mark a method of a kind as durable: `def ship(self, run: Run, order: str) -> str`, begun by `self.begin`."""
    function.__dict__["__durable__"] = True
    return function


@dataclass(frozen=True, slots=True)
class Step:
    """A step as it is remembered. Unix seconds.

    sort: step, sleep, event, approval, task or undo. state: waiting, done, failed or undone.
    due_at: of one that waits: when it is over at the latest. value: JSON. detail: for people.
    """

    name: str
    sort: str
    state: str
    began_at: float
    ended_at: float | None
    due_at: float
    tries: int
    value: str | None
    detail: str


class Book(Protocol):
    """Where the steps of a run are remembered."""

    def step(self, name: str) -> Step | None: ...
    def write(self, step: Step) -> None: ...


class Suspended(BaseException):
    """The run waits. Not an Exception, so that no kind keeps it."""

    def __init__(self, due_at: float) -> None:
        self.due_at = due_at
        super().__init__(due_at)


class Broken(BaseException):
    """A step was refused, and all of its transaction is undone. Not an Exception, so that no kind keeps it."""

    def __init__(self, step: Step, problem: Problem, *, again_after_s: float | None) -> None:
        self.step = step
        self.problem = problem
        self.again_after_s = again_after_s
        super().__init__(problem.detail)


class Told(Problem):
    """What a step failed with in an earlier transaction."""


@dataclass(frozen=True, slots=True)
class Undo:
    """How a step that is done is made undone."""

    name: str
    work: Callable[[], Any]


class Guarded:
    """The context of a durable function: outside of steps only what is the same each time."""

    SAME: Final = frozenset({"caller", "kind", "limits", "path", "settings"})

    def __init__(self, context: Any, seed: str) -> None:
        self.real = context
        self.inside = False
        self.reached = 0.0
        self._random = random.Random(seed)  # noqa: S311 -- chance for kinds, not for secrets

    def __getattr__(self, name: str) -> Any:
        if self.inside or name in self.SAME:
            return getattr(self.real, name)
        if name == "now":
            return self.reached
        if name == "random":
            return self._random
        if name == "db":
            return self.real.db  # to read; what it writes is noticed at the next step
        raise Conflict(f"`{name}` outside of a step would take effect each time the run goes on: use run.step(…).")


class Run:
    """One run of a durable function, while it goes on.

    id: its name. Every step needs a name of its own.
    is_replay: it only looks how far it came, to undo that; what it changes on the way does not count.
    """

    def __init__(
        self, run_id: str, book: Book, context: Guarded, *, now: float, began_at: float, save: Callable[[], None]
    ) -> None:
        self.id = run_id
        self.is_replay = False
        self.undos: list[Undo] = []
        self._book = book
        self._context = context
        self._now = now
        self._save = save
        self._names: set[str] = set()
        context.reached = began_at
        self._changes = self._changed()

    def step(
        self,
        name: str,
        work: Callable[..., T],
        /,
        *arguments: Any,
        undo: Callable[[T], Any] | None = None,
        tries: int = 1,
        pause_s: float = 1.0,
    ) -> T:
        """Do something once, in a transaction of its own, and give its result, which is JSON.

        undo: is given the result, where the run fails later. tries: how often it is done where it is refused, each
        time after a pause twice as long. Raises what it was refused with.
        """
        known = self._known(name, "step")
        if known is None or known.state == "waiting":
            self._do(name, work, arguments, tries, pause_s, tried=0 if known is None else known.tries)
            raise Suspended(self._now)  # what comes after it is another transaction
        value = self._told(known)
        if undo is not None and known.state != "undone":
            self.undos.append(Undo(name, lambda: self._inside(undo, value)))
        return value  # type: ignore[no-any-return]

    def sleep(self, name: str, seconds: float) -> None:
        """Go on after so long."""
        known = self._known(name, "sleep")
        if known is None:
            self._wait(name, "sleep", self._context.reached + max(0.0, seconds))
        elif known.state == "waiting":
            if self._now < known.due_at:
                raise Suspended(known.due_at)
            self._end(known, at=known.due_at)
        else:
            self._told(known)

    def event(self, name: str, *, seconds: float | None = None) -> Any:
        """Wait for `steps.signal` and give its value. Raises OutOfTime when the seconds are over."""
        return self._awaited(name, "event", seconds, "")

    def approval(self, name: str, *, role: Role = Role.EDITOR, seconds: float | None = None) -> bool:
        """Wait until somebody with the role says yes or no by `steps.approve`. Raises OutOfTime."""
        return bool(self._awaited(name, "approval", seconds, role.word))

    def task(self, name: str, command: str, /, **arguments: Any) -> Any:
        """Run a task of this object and give its result. Raises what it failed with."""
        known = self._known(name, "task")
        if known is None:
            task = self._context.real.start(
                command, then="steps.hear", then_arguments={"run": self.id, "step": name}, **arguments
            )
            self._book.write(Step(name, "task", "waiting", self._now, None, NEVER, 0, None, task))
            raise Suspended(NEVER)
        if known.state == "waiting":
            raise Suspended(NEVER)
        return self._told(known)

    # Inside

    def finish(self) -> None:
        """Look whether all was without effects outside of steps."""
        self._refuse_changes()

    def _known(self, name: str, sort: str) -> Step | None:
        if name in self._names:
            raise Conflict(f"{name}: two steps have this name. Each needs one of its own.")
        if len(self._names) >= MOST_STEPS:
            raise Conflict(f"a run has {MOST_STEPS:,} steps at most. Begin another run for the rest.")
        self._refuse_changes()
        self._names.add(name)
        known = self._book.step(name)
        if known is not None and known.sort != sort and not (known.sort == "event" and known.state == "done"):
            raise Conflict(f"{name}: was a {known.sort} when the run came here before: its code has changed since.")
        return known

    def _inside(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Do something as part of a step, and keep what it changed of the state."""
        self._context.inside = True
        try:
            value = work(*arguments)
            self._save()
        finally:
            self._context.inside = False
        return value

    def _do(
        self, name: str, work: Callable[..., Any], arguments: Sequence[Any], tries: int, pause_s: float, *, tried: int
    ) -> None:
        try:
            value = orjson.dumps(self._inside(work, *arguments)).decode()
        except Problem as problem:
            step = Step(
                name, "step", "failed", self._now, self._now, NEVER, tried + 1, _problem(problem), problem.detail
            )
            again = None if tried + 1 >= tries else pause_s * 2**tried
            raise Broken(step, problem, again_after_s=again) from problem
        self._book.write(Step(name, "step", "done", self._now, self._now, NEVER, tried + 1, value, ""))

    def _awaited(self, name: str, sort: str, seconds: float | None, detail: str) -> Any:
        known = self._known(name, sort)
        if known is None:
            self._wait(name, sort, NEVER if seconds is None else self._context.reached + seconds, detail)
            raise AssertionError  # it has suspended
        if known.state == "waiting":
            if self._now < known.due_at:
                raise Suspended(known.due_at)
            problem = OutOfTime(f"{name}: nobody {'said so' if sort == 'approval' else 'signalled'} in time.")
            known = self._end(known, at=known.due_at, state="failed", value=_problem(problem), detail=problem.detail)
        return self._told(known)

    def _wait(self, name: str, sort: str, due_at: float, detail: str = "") -> None:
        self._book.write(Step(name, sort, "waiting", self._now, None, due_at, 0, None, detail))
        raise Suspended(due_at)

    def _end(
        self, step: Step, *, at: float, state: str = "done", value: str | None = None, detail: str | None = None
    ) -> Step:
        ended = Step(step.name, step.sort, state, step.began_at, at, NEVER, step.tries, value,
                     step.detail if detail is None else detail)  # fmt: skip
        self._book.write(ended)
        self._changes = self._changed()
        self._context.reached = max(self._context.reached, at)
        return ended

    def _told(self, step: Step) -> Any:
        """Give what a step that is over gave, or raise what it failed with."""
        self._context.reached = max(self._context.reached, step.ended_at or 0.0)
        if step.state == "failed":
            from objects.work.context import problem_of  # noqa: PLC0415 -- it brings the network along

            raise problem_of(orjson.loads(step.value or "{}"))
        return None if step.value is None else orjson.loads(step.value)

    def _refuse_changes(self) -> None:
        if not self.is_replay:
            self._inside(lambda: None)
        if self._changed() != self._changes:
            raise Conflict(
                "the object was changed outside of a step, which would happen again each time the run goes on. "
                "Put it into run.step(…)."
            )

    def _changed(self) -> int:
        ((count,),) = self._context.real.db.run("SELECT total_changes()")
        return int(count)


def _problem(problem: Problem) -> str:
    return orjson.dumps(problem.members()).decode()


def begun(kind: type[Any], name: str) -> Callable[..., Any]:
    """Give a durable function of a kind by its name; raises Conflict where it is gone."""
    found: Any = getattr(kind, name, None)
    if found is None or not getattr(found, "__durable__", False):
        raise Conflict(f"{name}: is no durable function of this object any more.")
    function: Callable[..., Any] = found
    return function


Arguments = Mapping[str, Any]
