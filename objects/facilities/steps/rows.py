"""The runs of one object as rows of its file, and what is told and asked for when they change."""

from typing import Any, ClassVar, Final

import orjson

from objects.facilities.steps.book import RUN_COLUMNS, Book, Row
from objects.facilities.steps.shapes import OVER, State
from objects.sdk import Conflict, NoSuch
from objects.work.steps import NEVER, Step

TOPIC: Final = "steps"
KEPT_RUNS: Final = 1_000  # that are over; the oldest go first
ASKED: Final = 5  # that the team's page names
LOOKED_AT: Final = 50  # runs that it looks at for them: each step does


class Rows:
    """A part of the facility, on which its other parts stand."""

    name: ClassVar[str]
    context: Any

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


def _json(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)
