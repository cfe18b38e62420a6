"""The trash: what was deleted is kept with all beneath it until it is restored, erased, or its time is over."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from objects.timing import index
from objects.tree.changes import NOW, Placed, check_depth, inherit, lock, lock_parent
from objects.tree.nodes import EVERYTHING, SUBTREE, Measure, Pg, Sight, at, bounds, sql
from objects.tree.paths import ObjectPath
from objects.tree.search import LISTED, look, resolve, where_to
from teams.following import hold_there_too
from teams.problems import Conflict, NoSuch, WrongArgument


@dataclass(frozen=True, slots=True)
class Trashed:
    """Something in the trash: its path when it was deleted, and what went with it."""

    id: int
    path: str
    kind: str
    objects: int  # itself included
    size_bytes: int
    trashed_at: datetime

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> Self:
        return cls(*row)


ITEM = (
    "select top.id, top.path, top.kind, count(*), sum(o.pages)::bigint * 4096, top.trashed_at"
    " from {s}.object top join {s}.object o on o.trash_root = top.id and o.trashed_at is not null"
)


def trash(connection: Pg, schema: str, path: str, *, now: float | None = None) -> Trashed:
    """Put an object with all beneath it into the trash; its path is free at once. Raises Conflict for the root."""
    top = ObjectPath.parse(path)
    if top == "/":
        raise Conflict("The root cannot be deleted. Delete what is beneath it.")
    lock(connection, schema, top)
    node = resolve(connection, schema, top)
    gone = connection.execute(
        sql(schema, f"update {{s}}.object set trashed_at = {NOW}, trash_root = %(top)s where {SUBTREE} returning id"),
        at(top) | bounds(top) | {"now": now, "top": node.id},
        prepare=False,
    ).fetchall()
    index.sleep(connection, schema, [object_id for (object_id,) in gone])
    return _item(connection, schema, node.id)


def trashed(
    connection: Pg,
    schema: str,
    *,
    under: str = "/",
    before: int | None = None,
    limit: int = 100,
    sight: Sight = EVERYTHING,
) -> list[Trashed]:
    """List what was deleted beneath a path, the latest first. before: the id where the list before this one ended."""
    top = ObjectPath.parse(under, "under")
    if not 1 <= limit <= LISTED:
        raise WrongArgument("limit", f"limit: {limit} is not between 1 and {LISTED:,}. Use `before` to go on.")
    if sight.is_empty:
        return []
    further = (
        "and (trashed_at, id) < (select trashed_at, id from {s}.object where id = %(before)s)"
        if before is not None
        else ""
    )
    text = (
        "with top as (select * from {s}.object where trash_root = id and trashed_at is not null"
        f" and starts_with(path, %(below)s) and {sight.condition()} {further} order by trashed_at desc, id desc"
        f" limit %(limit)s) {ITEM}"
        " group by top.id, top.path, top.kind, top.trashed_at order by top.trashed_at desc, top.id desc"
    ).replace("from {s}.object top", "from top")
    rows = connection.execute(
        sql(schema, text), {"limit": limit, "before": before, **bounds(top), **sight.parameters()}
    )
    return [Trashed.of(row) for row in rows]


def everything(_path: str) -> bool:
    """See every path."""
    return True


def in_trash(connection: Pg, schema: str, what: int | str, *, sees: Callable[[str], bool] = everything) -> Trashed:
    """Find what was deleted by its id, or the latest deleted by its path.

    sees: says whether a path may be told of; what may not is as good as absent.
    Raises NoSuch; for what went into the trash beneath something else, the message names that.
    """
    if isinstance(what, int):
        item = _item(connection, schema, what)
        if not sees(item.path):
            raise _no_item(what)
        return item
    path = ObjectPath.parse(what)
    row = connection.execute(
        sql(
            schema,
            "select id, trash_root from {s}.object where trashed_at is not null and trash_root is not null"
            " and path = %s order by trash_root = id desc, trashed_at desc, id desc limit 1",
        ),
        (path,),
    ).fetchone()
    absent = NoSuch(f"{path} is not in the trash.")
    if row is None or not sees(path):
        raise absent
    object_id, root_id = row
    if object_id != root_id:
        root = _item(connection, schema, root_id)
        if not sees(root.path):
            raise absent
        raise NoSuch(f"{path} was deleted together with {root.path}. Restore that: its number is {root.id}.")
    return _item(connection, schema, object_id)


def restore(
    connection: Pg, schema: str, what: int | str, to: str | None = None, *, sees: Callable[[str], bool] = everything
) -> Placed:
    """Bring back what was deleted, by its id or path, to where it was or to another path.

    To another path what was granted or denied comes along. sees: says whether a path may be told of.
    Raises Conflict where the path is taken or what it was in is gone, NoSuch for what is not in the trash.
    """
    item = in_trash(connection, schema, what)
    old = ObjectPath.parse(item.path)
    new = old if to is None else ObjectPath.parse(to, "to")
    lock(connection, schema, None, also=[new.parent])
    objects = connection.execute(
        sql(
            schema, "select id from {s}.object where trash_root = %s and trashed_at is not null order by id for update"
        ),
        (item.id,),
    ).fetchall()
    _item(connection, schema, item.id)  # somebody may have restored or erased it before the lock
    parent = lock_parent(connection, schema, new)
    if look(connection, schema, new) is not None:
        raise Conflict(f"{new} is taken by another object. Restore to another path with `to`.")
    if parent is None:
        moved_to = where_to(connection, schema, new)
        hint = (
            f"It is at {moved_to.parent} now: restore to {moved_to}"
            if moved_to is not None and sees(moved_to) and sees(moved_to.parent)
            else "Create it, or restore elsewhere"
        )
        raise Conflict(f"{new.parent}, which {new.name} would be in, is not there. {hint} with `to`.")
    row = connection.execute(
        sql(
            schema,
            "select max(length(path) - length(replace(path, '/', ''))), max(trashed_at) from {s}.object"
            " where trash_root = %s and trashed_at is not null",
        ),
        (item.id,),
    ).fetchone()
    check_depth(new, row[0] - old.depth)  # type: ignore[index]
    connection.execute(
        sql(
            schema,
            "with placed as (update {s}.object set trashed_at = null, trash_root = null,"
            " path = %(new)s || substr(path, %(cut)s),"
            " parent_id = case when id = %(id)s then %(parent)s else parent_id end,"
            " name = case when id = %(id)s then %(name)s else name end"
            " where trash_root = %(id)s and trashed_at is not null returning path)"
            " delete from {s}.moved where md5(path)::uuid in (select md5(path)::uuid from placed)",
        ),
        {"id": item.id, "new": new, "cut": len(old) + 1, "parent": parent.id, "name": new.name},
    )
    inherit(connection, schema, new, parent.effective)
    index.rouse(connection, schema, [object_id for (object_id,) in objects])
    if new != old:
        hold_there_too(connection, schema, str(old), str(new))
    return Placed(str(new), item.objects)


def erase(connection: Pg, schema: str, what: int | str) -> Measure:
    """Erase something in the trash for good: rows, pages, past, journal, answers. There is no way back."""
    item = in_trash(connection, schema, what)
    return _erase(connection, schema, [item.id])


def in_whole_trash(connection: Pg, schema: str, *, under: str = "/", sight: Sight = EVERYTHING) -> Measure:
    """Count what was deleted beneath a path: objects and bytes."""
    top = ObjectPath.parse(under, "under")
    row = connection.execute(
        sql(
            schema,
            "select count(*), coalesce(sum(o.pages), 0)::bigint * 4096 from {s}.object o"
            " join (select id as top_id from {s}.object where trash_root = id and trashed_at is not null"
            f" and starts_with(path, %(below)s) and {sight.condition()}) top on o.trash_root = top.top_id"
            " where o.trashed_at is not null",
        ),
        {**bounds(top), **sight.parameters()},
        prepare=False,
    ).fetchone()
    return Measure(*row)  # type: ignore[misc]


def purge(connection: Pg, schema: str, before: datetime, *, limit: int = 100) -> Measure:
    """Erase for good what was deleted before a moment, up to `limit` deletions, the oldest first.

    For maintenance: call it again, in a new transaction, until it gives no objects. What somebody restores now is left.
    """
    rows = connection.execute(
        sql(
            schema,
            "select id from {s}.object where trash_root = id and trashed_at < %s"
            " order by trashed_at, id limit %s for update skip locked",
        ),
        (before, limit),
    )
    return _erase(connection, schema, [row[0] for row in rows])


def _erase(connection: Pg, schema: str, tops: list[int]) -> Measure:
    """Erase whole deletions: children tables first, then the rows, in one statement."""
    row = connection.execute(
        sql(
            schema,
            "with gone as (delete from {s}.object where trash_root = any(%(tops)s) and trashed_at is not null"
            " returning id, pages),"
            " a as (delete from {s}.page where object_id in (select id from gone)),"
            " b as (delete from {s}.page_history where object_id in (select id from gone)),"
            " c as (delete from {s}.journal where object_id in (select id from gone)),"
            " d as (delete from {s}.answer where object_id in (select id from gone)),"
            " e as (delete from {s}.moved where object_id in (select id from gone)),"
            " f as (delete from {s}.summary where object_id in (select id from gone)),"
            " g as (delete from public.wake where schema = %(schema)s and object_id in (select id from gone))"
            " select count(*), coalesce(sum(pages), 0)::bigint * 4096 from gone",
        ),
        {"tops": tops, "schema": schema},
    ).fetchone()
    return Measure(*row)  # type: ignore[misc]


def _item(connection: Pg, schema: str, top_id: int) -> Trashed:
    row = connection.execute(
        sql(
            schema,
            ITEM + " where top.id = %s and top.trash_root = top.id and top.trashed_at is not null"
            " group by top.id, top.path, top.kind, top.trashed_at",
        ),
        (top_id,),
    ).fetchone()
    if row is None:
        raise _no_item(top_id)
    return Trashed.of(row)


def _no_item(number: int) -> NoSuch:
    return NoSuch(f"There is nothing with the number {number} in the trash.")
