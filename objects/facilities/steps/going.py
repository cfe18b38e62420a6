"""How a run goes on, a step at a time, and how it is undone where it fails."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import orjson

from objects.facilities.steps.book import Book, Row
from objects.facilities.steps.rows import Rows
from objects.facilities.steps.shapes import OVER, Begun, Item, State, name_of
from objects.sdk import Conflict, NotAllowed, Problem, Role, WrongArgument, registry
from objects.work.steps import NEVER, Broken, Guarded, Run, Step, Suspended, begun
from teams.seals import is_sealed

UNDO_TRIES: Final = 5
PAUSE_S: Final = 1.0


class Going(Rows):
    """A part of the facility."""

    def due(self, most: int, broken: Problem | None = None) -> Any:
        """Go on with the runs that are due."""
        rows = self._rows(
            "SELECT id, caller FROM _durable WHERE home = ? AND due_at <= ? AND ended_at IS NULL"
            " ORDER BY due_at, id LIMIT ?",
            (self.context.identity, self.context.now, most),
        )
        for run, caller in list(rows):
            problem = broken
            if problem is None:
                problem = self.context.attempt(
                    self.context.path, "steps.go", {"run": run}, caller_id=caller, via=f"run {run}"
                ).problem
            if problem is not None:
                self._went_wrong(self._run(run), problem)
        self._wake()

    def _refuse_strangers(self, row: Row) -> None:
        """See to it that a run has the rights of who began it, and that Grove wrote who that was."""
        if row.caller != self.context.caller.id:
            raise NotAllowed(
                f"{row.id}: goes on with the rights of who began it. Grove does so by itself when it is due."
            )
        words = (self.context.identity, row.id, row.what, str(row.is_plan), row.encoded, row.caller)
        if not is_sealed(row.seal, *words):
            raise Conflict(f"{row.id}: came with a file from elsewhere and is not carried out here. Begin it anew.")

    def _go(self, row: Row) -> Begun:
        context, book = self.context, Book(self.context, row.id)
        try:
            run, kind = self._run_of(row, book)
            value = self._carried_out(row, run, kind)
            run.finish()
        except Suspended as suspended:
            state: State = "going" if suspended.due_at <= context.now else "waiting"
            self._update(row, state, suspended.due_at)
            return Begun(row.id, state)
        except Broken as broken:
            raise StepRefused(broken) from broken.problem
        context.db.run(
            "UPDATE _durable SET state = 'done', ended_at = ?, due_at = 9e999, value = ? WHERE id = ?",
            (context.now, orjson.dumps(value).decode(), row.id),
        )
        self._ended(row.id, "done")
        return Begun(row.id, "done")

    def _run_of(self, row: Row, book: Book) -> tuple[Run, Any]:
        context = Guarded(self.context, row.id)
        kind: Any = registry.kind(self.context.kind)(context)
        return Run(row.id, book, context, now=self.context.now, began_at=row.began_at, save=kind.save), kind

    def _carried_out(self, row: Row, run: Run, kind: Any) -> Any:
        """Run the function from the top."""
        if row.is_plan:
            return self._planned(run, kind, [Item(**each) for each in row.arguments["plan"]])
        return begun(type(kind), row.what)(kind, run, **row.arguments)

    def _planned(self, run: Run, kind: Any, plan: list[Item]) -> Any:
        value = None
        for number, item in enumerate(plan, start=1):
            name = name_of(item, number)
            if item.sleep is not None:
                run.sleep(name, item.sleep)
            elif item.event:
                value = run.event(name, seconds=item.seconds)
            elif item.approval:
                if not run.approval(name, role=Role.from_word(item.role), seconds=item.seconds):
                    raise Conflict(f"{name}: was not approved.")
            elif not item.at and self._command(item.do).task is not None:
                value = run.task(name, item.do, **(item.arguments or {}))
            else:
                undo = self._doing(kind, item.at, item.undo, item.undo_arguments) if item.undo else None
                value = run.step(
                    name, self._doing(kind, item.at, item.do, item.arguments),
                    undo=None if undo is None else _ignoring(undo), tries=item.tries,
                )  # fmt: skip
        return value

    def _doing(self, kind: Any, at: str, name: str, arguments: dict[str, Any] | None) -> Callable[[], Any]:
        """Give what runs a command: of another object, or of this one within this call."""
        if at and at != self.context.path:
            return lambda: self.context.call(at, name, **(arguments or {}))

        def here() -> Any:
            spec = self._command(name)
            self.context.authorize(
                self.context.path, command=spec.name, verb=spec.verb, needs=spec.needs, operators=spec.operators
            )
            owner = self.context.facility(spec.facility) if spec.facility else kind
            return spec.plain(spec.run(owner, spec.check(arguments or {})))

        return here

    def _command(self, name: str) -> Any:
        spec = registry.command(self.context.kind, name)
        if spec.verb == "dangerous" or spec.alone or spec.large or spec.downloads or spec.facility == self.name:
            raise WrongArgument(
                "plan", f"{name}: cannot be part of a plan: it asks first, takes long, or is about runs itself."
            )
        return spec

    # It fails

    def _went_wrong(self, row: Row, problem: Problem) -> None:
        """Take note of why a run could not go on; what it tried is undone already."""
        context = self.context
        if row.state in OVER:
            return
        if problem.retry_after_s is not None and not isinstance(problem, StepRefused):  # not the run's fault
            self._update(row, row.state, context.now + problem.retry_after_s)
        elif isinstance(problem, StepRefused):
            broken, step = problem.broken, problem.broken.step
            book = Book(context, row.id)
            if broken.again_after_s is not None:
                waiting = Step(
                    step.name, step.sort, "waiting", step.began_at, None, NEVER, step.tries, None, step.detail
                )
                book.write(waiting)
                self._update(row, row.state, context.now + broken.again_after_s)
            elif step.sort == "undo":
                book.write(step)
                self._end(row)
            else:
                book.write(step)  # the function hears of it when it comes here again, and may go another way
                self._update(row, row.state, context.now)
        elif row.state == "undoing":
            self._end(row)
        else:
            self._fail(row, problem.members())

    def _fail(self, row: Row, problem: dict[str, Any]) -> None:
        self.context.db.run(
            "UPDATE _durable SET state = 'undoing', due_at = ?, problem = ? WHERE id = ?",
            (self.context.now, orjson.dumps(problem).decode(), row.id),
        )
        self._told(row.id, "undoing")
        self._wake()

    def _undo(self, row: Row) -> Begun:
        """Undo the last step that is not undone yet, or end."""
        context, book = self.context, Book(self.context, row.id)
        run, kind = self._run_of(row, book.only_reading())
        run.is_replay = True
        with suppress(Suspended, Problem):  # as far as it came
            self._carried_out(row, run, kind)
        run.finish()
        kind.reload()
        undos = run.undos
        if not undos:
            return Begun(row.id, self._end(row))
        last = undos[-1]
        done, known = book.step(last.name), book.step(f"undo {last.name}")
        assert done is not None
        tries = 1 if known is None else known.tries + 1
        undone = Step(f"undo {last.name}", "undo", "done", context.now, context.now, NEVER, tries, None, "")
        try:
            last.work()
        except Problem as problem:
            failed = Step(undone.name, "undo", "failed", context.now, context.now, NEVER, tries, None, problem.detail)
            again = None if tries >= UNDO_TRIES else PAUSE_S * 2 ** (tries - 1)
            raise StepRefused(Broken(failed, problem, again_after_s=again)) from problem
        book.write(undone)
        book.write(
            Step(done.name, done.sort, "undone", done.began_at, done.ended_at, NEVER, done.tries, done.value, "")
        )
        self._update(row, "undoing", context.now)
        return Begun(row.id, "undoing")

    def _end(self, row: Row) -> State:
        state: State = "cancelled" if (row.problem or {}).get("cancelled") else "failed"
        self.context.db.run(
            "UPDATE _durable SET state = ?, ended_at = ?, due_at = 9e999 WHERE id = ?",
            (state, self.context.now, row.id),
        )
        self._ended(row.id, state)
        return state


class StepRefused(Problem):
    """A step of a run was refused."""

    type, title, status = "step-refused", "A step of the run was refused", 409

    def __init__(self, broken: Broken) -> None:
        self.broken = broken
        super().__init__(f"{broken.step.name}: {broken.problem.detail}")


def _ignoring(work: Callable[[], Any]) -> Callable[[Any], Any]:
    return lambda _: work()
