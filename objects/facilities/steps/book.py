"""Where runs and their steps are kept: the tables `_durable` and `_step` of the object's file."""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from objects.facilities.steps.shapes import State
from objects.work.steps import NEVER, Step, Suspended

RUN_COLUMNS: Final = "id, what, is_plan, arguments, state, began_at, ended_at, due_at, value, problem, caller, seal"
STEP_COLUMNS: Final = "name, sort, state, began_at, ended_at, due_at, tries, value, detail"


@dataclass(frozen=True, slots=True)
class Row:
    """A run, as its row has it. seal: of its caller's rights, as they were signed."""

    id: str
    what: str
    is_plan: bool
    encoded: str
    state: State
    began_at: float
    ended_at: float | None
    due_at: float
    value: Any
    problem: Any
    caller: str
    seal: str

    @property
    def arguments(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.encoded)
        return found


class Book:
    """The steps of one run, in the object's table."""

    def __init__(self, context: Any, run: str, *, reads: bool = False) -> None:
        self._context = context
        self._run = run
        self._reads = reads

    def only_reading(self) -> "Book":
        """Give the same steps, of which none can be written: a run that would begin one waits instead."""
        return Book(self._context, self._run, reads=True)

    def all(self) -> list[Step]:
        rows = self._context.db.run(
            f"SELECT {STEP_COLUMNS} FROM _step WHERE run = ? ORDER BY no",  # noqa: S608 -- of constants
            (self._run,),
        )
        return [Step(*row) for row in rows]

    def step(self, name: str) -> Step | None:
        for row in self._context.db.run(
            f"SELECT {STEP_COLUMNS} FROM _step WHERE run = ? AND name = ?",  # noqa: S608 -- of constants
            (self._run, name),
        ):
            found = Step(*row)
            if self._reads and found.state == "waiting":
                raise Suspended(NEVER)
            return found
        if self._reads:
            raise Suspended(NEVER)
        return None

    def write(self, step: Step) -> None:
        self._context.db.run(
            "INSERT INTO _step (run, no, name, sort, state, began_at, ended_at, due_at, tries, value, detail)"
            " VALUES (?1, (SELECT coalesce(max(no), 0) + 1 FROM _step WHERE run = ?1),"
            " ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
            " ON CONFLICT (run, name) DO UPDATE SET sort = excluded.sort, state = excluded.state,"
            " ended_at = excluded.ended_at, due_at = excluded.due_at, tries = excluded.tries, value = excluded.value,"
            " detail = excluded.detail",
            (self._run, step.name, step.sort, step.state, step.began_at, step.ended_at, step.due_at, step.tries,
             step.value, step.detail),
        )  # fmt: skip
