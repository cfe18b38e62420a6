"""What a command may ask and do about the tasks of its object."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from objects.work import records
from objects.work.records import OVER, Beneath, TaskRow
from objects.work.settling import cancelled
from teams.problems import Conflict, NoSuch

if TYPE_CHECKING:
    from objects.engine.frame import Frame


class TaskDesk:
    """The tasks of one object, inside a call's transaction."""

    def __init__(self, frame: "Frame") -> None:
        self._frame = frame
        self._schema = frame.schema
        self._object_id = frame.row.id
        self._connection = frame.tree_access().connection

    def listed(self, states: list[str] | None, limit: int, *, command: str = "", before: str = "") -> list[TaskRow]:
        """Give tasks, the newest first. before: only those older than this one."""
        return records.listed(
            self._connection, self._schema, self._object_id, states, limit, command=command, before=before
        )

    def places(self, rows: Iterable[TaskRow]) -> dict[str, int]:
        """Tell the places of those that wait, in the queue before the workers, from 1."""
        ids = [row.id for row in rows if row.state == "waiting"]
        return records.places(self._connection, self._schema, ids)

    def beneath(self, where: Beneath) -> list[tuple[TaskRow, str, str]]:
        """Give tasks of this object and those beneath it, with path and kind; whatever the caller may see of them."""
        return records.beneath(self._connection, self._schema, where)

    def pieces(self, task_id: str, after: int, limit: int) -> list[tuple[int, str]]:
        """Give what a task wrote, piece by piece, each with its number."""
        return records.pieces(self._connection, self._schema, task_id, after, limit)

    def find(self, task_id: str, states: list[str] | None = None) -> TaskRow:
        """Give a task, the newest of these states where no id is given; raises NoSuch."""
        if task_id:
            return records.one(self._connection, self._schema, self._object_id, task_id)
        for row in self.listed(states, 1):
            return row
        what = "no task" if states is None else f"no task that is {' or '.join(states)}"
        raise NoSuch(f"There is {what} of this object.", field="task")

    def output(self, task_id: str) -> str:
        """Give what a task wrote."""
        return records.output(self._connection, self._schema, task_id)

    def cancel(self, row: TaskRow) -> TaskRow:
        """Stop a task; raises Conflict where it is over."""
        if row.state in OVER:
            raise Conflict(f"{row.id}: is over already: {row.state}.")
        gone = records.cancel(self._connection, self._schema, row.id)
        if gone is not None:
            told = {"task": row.id, "command": row.command, "state": "cancelled"}
            self._frame.emit(records.TOPIC, told)
            if gone.then:  # a refusal is in the journal: the task is cancelled all the same
                arguments = gone.then_arguments | {"task": row.id, "value": None, "problem": cancelled(row.id)}
                self._frame.attempt(self._frame.row.path, gone.then, arguments, gone.caller_id, f"task {row.id}")
        return self.find(row.id)

    def again(self, row: TaskRow) -> TaskRow:
        """Start a task that is over once more, with the caller's rights; raises Conflict where it is not over."""
        if row.state not in OVER:
            raise Conflict(f"{row.id}: is {row.state}. Cancel it first.")
        context = self._frame.context
        spec = self._frame.tx.registry.command(context.kind, row.command)
        context.authorize(context.path, command=spec.name, verb=spec.verb, needs=spec.needs, operators=spec.operators)
        new = records.new_id(self._frame.chance())
        records.again(self._connection, self._schema, self._object_id, self._frame.caller, row.id, spec=spec, new=new)
        self._frame.emit(records.TOPIC, records.started(new, spec))
        return self.find(new)
