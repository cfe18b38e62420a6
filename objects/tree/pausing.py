"""Pausing: in a paused object nothing happens by itself. Calls go on as ever.

What is due is kept, and asleep in the index of what is due (`objects.timing.index`): the engine writes it there as
asleep, and a worker that had begun finds the object paused once it has its lock.
"""

from typing import Any

from objects.timing import index
from objects.tree.changes import NOW, lock
from objects.tree.nodes import SUBTREE, Pg, at, bounds, sql
from objects.tree.paths import ObjectPath


def pause(connection: Pg, schema: str, path: str, *, now: float | None = None) -> int:
    """Pause an object with all beneath it; gives how many were not paused before."""
    changed = _changed(connection, schema, path, f"paused_at = {NOW}", "paused_at is null", now)
    index.sleep(connection, schema, changed)
    return len(changed)


def resume(connection: Pg, schema: str, path: str) -> int:
    """Let an object go on with all beneath it; gives how many were paused. What became due meanwhile is due at once."""
    changed = _changed(connection, schema, path, "paused_at = null", "paused_at is not null", None)
    index.rouse(connection, schema, changed)
    return len(changed)


def _changed(connection: Pg, schema: str, path: str, to: Any, where: Any, now: float | None) -> list[int]:
    top = ObjectPath.parse(path)
    lock(connection, schema, top)
    rows = connection.execute(
        sql(schema, f"update {{s}}.object set {to} where {SUBTREE} and {where} returning id"),
        at(top) | bounds(top) | {"now": now},
        prepare=False,
    )
    return [object_id for (object_id,) in rows]
