"""What a command may ask and do about the tasks of its object."""

from typing import TYPE_CHECKING

from objects.work import records
from objects.work.records import OVER, TaskRow
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

    def listed(self, states: list[str] | None, limit: int) -> list[TaskRow]:
        """Give tasks, the newest first."""
        return records.listed(self._connection, self._schema, self._object_id, states, limit)

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
        if records.cancel(self._connection, self._schema, row.id):
            told = {"task": row.id, "command": row.command, "state": "cancelled"}
            self._frame.emit(records.TOPIC, told)
        return self.find(row.id)

    def again(self, row: TaskRow) -> TaskRow:
        """Start a task that is over once more, with the caller's rights; raises Conflict where it is not over."""
        if row.state not in OVER:
            raise Conflict(f"{row.id}: is {row.state}. Cancel it first.")
        context = self._frame.context
        spec = self._frame.tx.registry.command(context.kind, row.command)
        context.authorize(context.path, command=spec.name, verb=spec.verb, needs=spec.needs)
        new = records.new_id(self._frame.chance())
        records.again(self._connection, self._schema, self._object_id, self._frame.caller, row.id, spec=spec, new=new)
        self._frame.emit(records.TOPIC, records.started(new, spec))
        return self.find(new)
