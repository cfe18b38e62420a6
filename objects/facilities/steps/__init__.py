"""Steps: work that takes hours or days, a step at a time, each in a transaction of its own.

A run is begun by a kind, or from a plan, such as `[{"do": "state.incr", "arguments": {"key": "n"}}, {"sleep": "1h"}]`.
It goes on after a restart, a move or a year. Where it fails, what its steps did is undone, the last first.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Final

import orjson

from objects.facilities.steps.book import RUN_COLUMNS, Book, Row
from objects.facilities.steps.shapes import OVER, Begun, Item, RunId, RunLine, State, StepLine, Timeline
from objects.sdk import (
    Between,
    Conflict,
    Facility,
    Help,
    Json,
    Length,
    NoSuch,
    NotAllowed,
    Problem,
    Role,
    Tab,
    WrongArgument,
    command,
    registry,
)
from objects.timing.wallclock import utc
from objects.work.steps import NEVER, Broken, Guarded, Run, Step, Suspended, begun
from teams.seals import is_sealed, seal

TOPIC: Final = "steps"
MOST_ITEMS: Final = 200
MOST_RUNS: Final = 10_000  # that are not over, of one object
KEPT_RUNS: Final = 1_000  # that are over; the oldest go first
UNDO_TRIES: Final = 5
PAUSE_S: Final = 1.0
LETTERS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
LISTED: Final = 200
ASKED: Final = 5  # that the team's page names
LOOKED_AT: Final = 50  # runs that it looks at for them: each step does


class Steps(Facility):
    """Does what takes days, a step at a time."""

    tab = Tab("Steps", order=230)

    @command
    def begin(self, plan: Annotated[list[Item], Length(1, MOST_ITEMS), Help("its parts, in order")]) -> Begun:
        """Begin a run of a plan: commands, sleeps, events and approvals, one after the other.

        > steps begin '[{"do": "state.set", "arguments": {"key": "door", "value": "open"}}, {"sleep": "1h"}]'
        run …  state going
        """
        names: set[str] = set()
        for number, item in enumerate(plan, start=1):
            chosen = [each for each in (item.do, item.event, item.approval) if each] + [item.sleep] * (
                item.sleep is not None
            )
            if len(chosen) != 1:
                raise WrongArgument("plan", f"part {number}: has one of do, sleep, event and approval.")
            if item.do and not item.at:
                self._command(item.do)
            name = _name(item, number)
            if name in names:
                raise WrongArgument("plan", f"part {number}: another part is named {name!r} too. Give it a `name`.")
            names.add(name)
        shown = [_given(item) for item in plan]
        return Begun(self.start("plan", {"plan": shown}, is_plan=True), "going")

    @command(reads=True)
    def list_(
        self,
        state: Annotated[State | None, Help("only those")] = None,
        *,
        before: Annotated[str, Length(0, 60), Help("only those older than this one; the last of the list before")] = "",
        limit: Annotated[int, Between(1, 1_000)] = LISTED,
    ) -> list[RunLine]:
        """List runs, the newest first.

        > steps begin '[{"event": "paid"}]'
        …
        > steps list
        …plan  going…
        """
        rows = self._rows(
            "SELECT id, what, state, began_at, ended_at, due_at,"
            " (SELECT count(*) FROM _step WHERE run = id AND state = 'done' AND sort <> 'undo') FROM _durable"
            " WHERE (?1 IS NULL OR state = ?1) AND (?2 = '' OR (began_at, id) <"
            " (SELECT began_at, id FROM _durable WHERE id = ?2)) ORDER BY began_at DESC, id DESC LIMIT ?3",
            (state, before, limit),
        )
        return [self._line(row) for row in rows]

    @command(reads=True)
    def show(self, run: RunId = "") -> Timeline:
        """Tell all about a run: its time line.

        > steps begin '[{"do": "state.incr", "arguments": {"key": "n"}}, {"event": "paid"}]'
        …
        > steps go
        …
        > steps show
        …
        state.incr  step…done…
        """
        row = self._run(run)
        steps = [
            StepLine(
                step.name, step.sort, step.state, _moment(step.began_at),  # type: ignore[arg-type]
                None if step.ended_at is None else round(step.ended_at - step.began_at, 3),
                None if step.due_at == NEVER or step.state != "waiting" else _moment(step.due_at), step.tries,
                _value(step) if step.state in ("done", "undone") else None, step.detail,
            )
            for step in Book(self.context, row.id).all()
        ]  # fmt: skip
        return Timeline(
            row.id, row.what, row.arguments, row.state, _moment(row.began_at),
            None if row.ended_at is None else _moment(row.ended_at), row.value, row.problem, steps,
        )  # fmt: skip

    @command
    def signal(self, name: Annotated[str, Help("of the event")], value: Json = None, *, run: RunId = "") -> Begun:
        """Tell a run that an event has happened, also before it waits for it.

        > steps begin '[{"event": "paid"}]'
        …
        > steps signal paid '{"amount": 5}'
        run …  state going
        """
        row = self._going(run)
        self._settle(row, name, "event", value, "")
        return Begun(row.id, "going")

    @command
    def approve(
        self,
        name: Annotated[str, Help("what is approved")],
        *,
        no: Annotated[bool, Help("say no")] = False,
        note: Annotated[str, Length(0, 500)] = "",
        run: RunId = "",
    ) -> Begun:
        """Say yes or no to what a run waits for.

        > steps begin '[{"approval": "ship it"}]'
        …
        > steps go
        …
        > steps approve 'ship it' --note 'Looks good.'
        run …  state going
        """
        row = self._going(run)
        step = Book(self.context, row.id).step(name)
        if step is None or step.sort != "approval" or step.state != "waiting":
            raise NoSuch(
                f"{name}: the run {row.id} waits for no such approval. `steps show` tells what it waits for.",
                field="name",
            )
        self.context.authorize(self.context.path, command="steps.approve", needs=Role.from_word(step.detail))
        by = f"{'no' if no else 'yes'}, by {self.context.caller.name}" + (f": {note}" if note else "")
        self._settle(row, name, "approval", not no, by)
        return Begun(row.id, "going")

    @command
    def cancel(self, run: RunId = "") -> Begun:
        """End a run: what its steps did is undone, the last first.

        > steps begin '[{"sleep": "1d"}]'
        …
        > steps cancel
        run …  state undoing
        """
        row = self._going(run)
        told = Conflict(f"Was cancelled by {self.context.caller.name}.").members() | {"cancelled": True}
        self._fail(row, told)
        return Begun(row.id, "undoing")

    @command
    def go(self, run: RunId = "") -> Begun:
        """Go on with a run that is due, by one step. Grove does so by itself; where it is not due, nothing happens.

        > steps begin '[{"do": "state.incr", "arguments": {"key": "n"}}]'
        …
        > steps go
        run …  state going
        > state get n
        1
        """
        row = self._run(run)
        if row.state in OVER or row.due_at > self.context.now:
            return Begun(row.id, row.state)
        self._refuse_strangers(row)
        if row.state == "undoing":
            return self._undo(row)
        return self._go(row)

    @command
    def hear(self, run: str, step: str, task: str, value: Json = None, problem: Json = None) -> None:
        """Take the outcome of a task that a run waits for. Grove does so by itself.

        > steps begin '[{"do": "http.get", "arguments": {"url": "http://example.com/"}}]'
        …
        > steps hear none http.get none
        """
        if not self.context.db.has("_durable"):
            return
        found = Book(self.context, run).step(step)
        if found is None or found.sort != "task" or found.state != "waiting" or found.detail != task:
            return  # the run was cancelled meanwhile
        row = self._run(run)
        if problem is None:
            self._settle(row, step, "task", value, task)
        else:
            self._settle(row, step, "task", problem, task, state="failed")

    # What kinds and the platform call

    def start(self, what: str, arguments: dict[str, Any], *, is_plan: bool = False) -> str:
        """Begin a run of a durable function and give its id."""
        if not is_plan:
            begun(registry.kind(self.context.kind), what)
        db, context = self.context.db, self.context
        db.need("_durable")
        db.need("_step")
        ((count,),) = db.run("SELECT count(*) FROM _durable WHERE ended_at IS NULL")
        if count >= MOST_RUNS:
            raise Conflict(f"{MOST_RUNS:,} runs of this object are not over. Wait for some, or cancel them.")
        run, encoded = "".join(context.random.choices(LETTERS, k=10)), orjson.dumps(arguments).decode()
        db.run(
            "INSERT INTO _durable (id, what, is_plan, arguments, caller, state, began_at, due_at, home, seal)"
            " VALUES (?, ?, ?, ?, ?, 'going', ?, ?, ?, ?)",
            (
                run, what, is_plan, encoded, context.caller.id, context.now, context.now, context.identity,
                seal(context.identity, run, what, str(is_plan), encoded, context.caller.id),
            ),
        )  # fmt: skip
        self._told(run, "going")
        self._wake()
        return run

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

    # A run goes on

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
            name = _name(item, number)
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

    # The rows

    def _settle(self, row: Row, name: str, sort: str, value: Any, detail: str, *, state: str = "done") -> None:
        """Write down how what a run waits for has ended, and let it go on."""
        book, now = Book(self.context, row.id), self.context.now
        known = book.step(name)
        if known is not None and (known.state != "waiting" or known.sort != sort):
            raise Conflict(f"{name}: the run {row.id} does not wait for that any more: it is {known.state}.")
        began_at = now if known is None else known.began_at
        book.write(Step(name, sort, state, began_at, now, NEVER, 0, orjson.dumps(value).decode(), detail))
        if row.state != "undoing":
            self._update(row, "going", now)
        self._wake()

    def _update(self, row: Row, state: State, due_at: float) -> None:
        self.context.db.run("UPDATE _durable SET state = ?, due_at = ? WHERE id = ?", (state, due_at, row.id))
        self._told(row.id, state)
        self._wake()

    def _ended(self, run: str, state: str) -> None:
        self._told(run, state)
        old = self.context.db.run(
            "SELECT id FROM _durable WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT -1 OFFSET ?", (KEPT_RUNS,)
        )
        for (each,) in list(old):
            self.context.db.run("DELETE FROM _step WHERE run = ?", (each,))
            self.context.db.run("DELETE FROM _durable WHERE id = ?", (each,))
        self._wake()

    def _told(self, run: str, state: str) -> None:
        self.context.emit(TOPIC, {"run": run, "state": state})

    def _wake(self) -> None:
        """Ask to be woken when the next run is due."""
        at: float | None = None
        note = self._asked() | self._failing()
        for run, what, due_at in self._rows(
            "SELECT id, what, due_at FROM _durable WHERE home = ? AND ended_at IS NULL AND due_at < 9e999"
            " ORDER BY due_at LIMIT 1",
            (self.context.identity,),
        ):
            at = due_at
            note["what"] = f"run {run} of {what}"
        self.context.wake(self.name, NEVER if at is None and note else at, note)

    def _asked(self) -> dict[str, Any]:
        """Tell what is waited for that somebody has to say."""
        rows = self._rows(
            "SELECT s.run, s.name, s.sort FROM (SELECT id FROM _durable WHERE home = ? AND ended_at IS NULL"
            " AND state = 'waiting' ORDER BY due_at DESC LIMIT ?) d JOIN _step s ON s.run = d.id"
            " WHERE s.state = 'waiting' AND s.sort IN ('approval', 'event') ORDER BY s.began_at LIMIT ?",
            (self.context.identity, LOOKED_AT, ASKED),
        )
        asked = [{"run": run, "name": name, "sort": sort} for run, name, sort in rows]
        return {"asked": asked} if asked else {}

    def _failing(self) -> dict[str, Any]:
        """Tell what failed when it was run the last time."""
        rows = self._rows(
            "SELECT what FROM (SELECT what, state, max(began_at) FROM"
            " (SELECT * FROM _durable ORDER BY began_at DESC LIMIT ?) WHERE home = ? AND ended_at IS NOT NULL"
            " GROUP BY what) WHERE state = 'failed' ORDER BY what LIMIT ?",
            (LOOKED_AT, self.context.identity, ASKED),
        )
        failing = [what for (what,) in rows]
        return {"failing": failing} if failing else {}

    def _rows(self, sql: str, params: tuple[Any, ...]) -> Any:
        return self.context.db.run(sql, params) if self.context.db.has("_durable") else ()

    def _going(self, run: str) -> Row:
        row = self._run(run, only="AND ended_at IS NULL")
        if row.state in OVER or row.state == "undoing":
            raise Conflict(f"{row.id}: is {row.state}.")
        return row

    def _run(self, run: str, only: str = "") -> Row:
        where = "id = ?" if run else f"? = '' {only}"
        for row in self._rows(
            f"SELECT {RUN_COLUMNS} FROM _durable"  # noqa: S608 -- of constants
            f" WHERE {where} ORDER BY began_at DESC, id DESC LIMIT 1",
            (run,),
        ):
            run_id, what, is_plan, arguments, state, began_at, ended_at, due_at, value, problem, caller, sealed = row
            return Row(
                run_id, what, bool(is_plan), arguments, state, began_at, ended_at, due_at, _json(value), _json(problem),
                caller, sealed,
            )  # fmt: skip
        raise NoSuch(
            f"{run}: no such run of this object. `steps list` shows those that there are."
            if run
            else "There is no run of this object that is going on."
            if only
            else "There is no run of this object.",
            field="run",
        )

    def _line(self, row: tuple[Any, ...]) -> RunLine:
        run, what, state, began_at, ended_at, due_at, done = row
        at, waits = "", ""
        for name, sort, of_step in self.context.db.run(
            "SELECT name, sort, state FROM _step WHERE run = ? AND state IN ('waiting', 'failed')"
            " ORDER BY no DESC LIMIT 1",
            (run,),
        ):
            at, waits = name, sort if of_step == "waiting" and state not in OVER else ""
        return RunLine(
            run, what, state, at, waits,  # type: ignore[arg-type]
            _moment(began_at), None if ended_at is None else _moment(ended_at),
            None if due_at == NEVER or ended_at is not None else _moment(due_at), done,
        )  # fmt: skip


class StepRefused(Problem):
    """A step of a run was refused."""

    type, title, status = "step-refused", "A step of the run was refused", 409

    def __init__(self, broken: Broken) -> None:
        self.broken = broken
        super().__init__(f"{broken.step.name}: {broken.problem.detail}")


def _ignoring(work: Callable[[], Any]) -> Callable[[Any], Any]:
    return lambda _: work()


def _name(item: Item, number: int) -> str:
    return item.name or item.do or item.event or item.approval or f"sleep {number}"


def _given(item: Item) -> dict[str, Any]:
    plain = Item()
    return {key: getattr(item, key) for key in Item.__dataclass_fields__ if getattr(item, key) != getattr(plain, key)}


def _moment(seconds: float) -> datetime:
    return utc(seconds)


def _value(step: Step) -> Any:
    return None if step.value is None else orjson.loads(step.value)


def _json(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)
