"""Steps: work that takes hours or days, a step at a time, each in a transaction of its own.

A run is begun by a kind, or from a plan, such as `[{"do": "state.incr", "arguments": {"key": "n"}}, {"sleep": "1h"}]`.
It goes on after a restart, a move or a year. Where it fails, what its steps did is undone, the last first.
"""

from datetime import datetime
from typing import Annotated, Any, Final

import orjson

from objects.facilities.steps.book import Book
from objects.facilities.steps.going import Going
from objects.facilities.steps.shapes import OVER, Begun, Item, RunId, RunLine, State, StepLine, Timeline, name_of
from objects.sdk import (
    Between,
    Conflict,
    Facility,
    Help,
    Json,
    Length,
    NoSuch,
    Role,
    Tab,
    WrongArgument,
    command,
    registry,
)
from objects.timing.wallclock import utc
from objects.work.steps import NEVER, Step, begun
from teams.seals import seal

MOST_ITEMS: Final = 200
MOST_RUNS: Final = 10_000  # that are not over, of one object
LETTERS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
LISTED: Final = 200


class Steps(Going, Facility):
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
            name = name_of(item, number)
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


def _given(item: Item) -> dict[str, Any]:
    plain = Item()
    return {key: getattr(item, key) for key in Item.__dataclass_fields__ if getattr(item, key) != getattr(plain, key)}


def _moment(seconds: float) -> datetime:
    return utc(seconds)


def _value(step: Step) -> Any:
    return None if step.value is None else orjson.loads(step.value)
