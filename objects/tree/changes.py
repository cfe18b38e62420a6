"""Changing the tree: create, move, copy, tags, settings.

All of it runs inside the caller's transaction, READ COMMITTED, and locks before it looks. What keeps the tree whole
while many change it:
- to create below an object takes a KEY SHARE lock on it, which ordinary calls on it (NO KEY UPDATE) do not hinder;
- to move, trash or set something for a subtree takes FOR UPDATE locks on all of it and on the new parent, in id order,
  and looks again for what was created while it waited.
So each either sees the other's outcome or waits for it. Where two wait for each other, Postgres ends one
(psycopg.errors.DeadlockDetected) and the engine runs that one again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString, NoReturn

from django.conf import settings as installation
from psycopg.types.json import Jsonb

from objects.tree.nodes import AT, NODE, SUBTREE, Node, Pg, at, bounds, sql
from objects.tree.paths import DEPTH, ObjectPath, key
from objects.tree.search import look, resolve
from objects.tree.settings import Value, checked
from objects.tree.tags import TAGS, check_tag
from teams.following import follow
from teams.plans import MOST_OBJECTS
from teams.problems import Conflict, Moved, NoSuch, OverLimit, WrongArgument

PLAIN = "object"  # the kind of what `parents=True` makes on the way
NOW: LiteralString = "coalesce(to_timestamp(%(now)s), now())"


@dataclass(frozen=True, slots=True)
class Placed:
    """What was moved or copied: its path now, and how many objects came along, itself included."""

    path: str
    objects: int


def create(
    connection: Pg, schema: str, path: str, kind: str, *, parents: bool = False, now: float | None = None
) -> Node:
    """Create an object. kind: checked by the caller. parents: make what is missing above it, as plain objects.

    Raises Conflict where there is one, NoSuch or Moved where its parent is not. What moved away from here is no longer
    found under this path.
    """
    new = ObjectPath.parse(path)
    node = _create(connection, schema, new, kind, now)
    if node is not None:
        return node
    existing = look(connection, schema, new)
    if existing is not None:
        raise Conflict(f"{new} exists already, as {existing.kind}. Choose another name.")
    if not parents and look(connection, schema, new.parent) is None:
        refuse_orphan(connection, schema, new)
    for above in reversed([*new.ancestors()]):
        _create(connection, schema, above, PLAIN, now)
    node = _create(connection, schema, new, kind, now)
    if node is None:  # somebody else made it, or moved what is above it, between two statements
        raise Conflict(f"{new} was made or its parent moved at this moment. Try again.", retry_after_s=0)
    return node


def create_many(connection: Pg, schema: str, asked: Mapping[ObjectPath, str]) -> list[Node]:
    """Create several objects in one statement: path -> kind, checked by the caller. Gives those that it made.

    Left out, without a word, is what `create` has to look into: where there is no live parent, or something at the
    path, or a redirect from it. Raises OverLimit where the team has too many objects.
    """
    check_room(connection, schema, len(asked))
    made = connection.execute(
        sql(
            schema,
            "with asked as (select * from unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[])"
            " as a(path_key, parent_key, path, name, kind)),"
            " parent as (select id, path, effective, md5(path)::uuid as path_key from {s}.object"
            " where md5(path)::uuid = any(%s::uuid[]) and trashed_at is null for key share)"
            " insert into {s}.object (parent_id, name, path, kind, effective)"
            " select parent.id, asked.name, asked.path, asked.kind, parent.effective"
            " from asked join parent on parent.path_key = asked.parent_key"
            " where not exists (select from {s}.moved where md5(moved.path)::uuid = asked.path_key)"
            f" on conflict do nothing returning {NODE}",
        ),
        (
            [key(path) for path in asked],
            [key(path.parent) for path in asked],
            [str(path) for path in asked],
            [path.name for path in asked],
            list(asked.values()),
            list({key(path.parent) for path in asked}),
        ),
    ).fetchall()
    nodes = [Node.of(row) for row in made]
    if nodes:
        _forget_redirects(connection, schema, (ObjectPath(node.path) for node in nodes))
    return nodes


def _create(connection: Pg, schema: str, path: ObjectPath, kind: str, now: float | None) -> Node | None:
    """Create an object below a live parent; None where there is no parent, or something at the path already."""
    if path == "/":
        return None
    row = connection.execute(
        sql(
            schema,
            f"with parent as (select id, effective from {{s}}.object where {AT} for key share)"
            " insert into {s}.object (parent_id, name, path, kind, effective, created_at, changed_at)"
            f" select id, %(name)s, %(new)s, %(kind)s, effective, {NOW}, {NOW} from parent on conflict do nothing"
            f" returning {NODE}",
        ),
        at(path.parent) | {"name": path.name, "new": path, "kind": kind, "now": now},
    ).fetchone()
    if row is None:
        return None
    _forget_redirects(connection, schema, [path])
    check_room(connection, schema, 0)
    return Node.of(row)


def _forget_redirects(connection: Pg, schema: str, paths: Iterable[ObjectPath]) -> None:
    """Forget what moved away from paths where something lives since a moment ago.

    A statement of its own: one that makes an object may have waited for a move away from there, whose redirect is not
    in its snapshot.
    """
    connection.execute(
        sql(schema, "delete from {s}.moved where md5(path)::uuid = any(%s::uuid[])"), ([key(path) for path in paths],)
    )


def move(connection: Pg, schema: str, path: str, to: str) -> Placed:
    """Move an object with all beneath it, or rename it; the old path answers with where it went, grants come along.

    Raises Conflict where `to` is taken or within what is moved, WrongArgument where it would be too deep, NoSuch or
    Moved where there is nothing to move, or no parent to move to.
    """
    old, new = ObjectPath.parse(path), ObjectPath.parse(to, "to")
    _check_route(old, new, "moved")
    objects = lock(connection, schema, old, also=[new.parent])
    node = resolve(connection, schema, old)
    parent = place(connection, schema, new)
    deepest = depth(connection, schema, old)
    check_depth(new, deepest - old.depth)
    follow(connection, schema, str(old), str(new))
    connection.execute(
        sql(
            schema,
            "with placed as (update {s}.object set path = %(new)s || substr(path, %(cut)s),"
            " parent_id = case when id = %(id)s then %(parent)s else parent_id end,"
            f" name = case when id = %(id)s then %(name)s else name end where {SUBTREE} returning path),"
            # What moved away from one of the new paths is no longer found under it.
            " gone as (delete from {s}.moved where md5(path)::uuid in (select md5(path)::uuid from placed))"
            " insert into {s}.moved (path, object_id) values (%(path)s, %(id)s)"
            " on conflict ((md5(path)::uuid)) do update set object_id = excluded.object_id, at = now()",
        ),
        at(old) | bounds(old) | {"new": new, "cut": len(old) + 1, "id": node.id, "parent": parent.id, "name": new.name},
        prepare=False,
    )
    inherit(connection, schema, new, parent.effective)
    return Placed(str(new), objects)


def copy(connection: Pg, schema: str, path: str, to: str, *, now: float | None = None) -> Placed:
    """Copy an object with all beneath it: pages, tags and settings; without its past, journal and stored answers.

    The copy is of one moment, with no lock on what is copied: one statement sees one snapshot. What the caller's
    own transaction has not written yet is not in it. No page leaves Postgres.
    Raises what `move` raises.
    """
    old, new = ObjectPath.parse(path), ObjectPath.parse(to, "to")
    _check_route(old, new, "copied")
    resolve(connection, schema, old)
    lock(connection, schema, None, also=[new.parent])
    parent = place(connection, schema, new)
    deepest = depth(connection, schema, old)
    check_depth(new, deepest - old.depth)
    row = connection.execute(
        sql(
            schema,
            "with source as materialized (select nextval(pg_get_serial_sequence(%(table)s, 'id')) as new_id, ordered.*"
            f" from (select * from {{s}}.object where {SUBTREE} order by left(path, 255), path) ordered),"
            " copied as (insert into {s}.object"
            " (id, parent_id, name, path, kind, tags, settings, effective, version, pages, created_at, changed_at)"
            " select s.new_id, case when s.path = %(path)s then %(parent)s else above.new_id end,"
            " case when s.path = %(path)s then %(name)s else s.name end, %(new)s || substr(s.path, %(cut)s), s.kind,"
            f" s.tags, s.settings, s.effective, s.version, s.pages, {NOW}, {NOW}"
            " from source s left join source above on above.id = s.parent_id returning path),"
            " copied_pages as (insert into {s}.page (object_id, no, version, bucket, data)"
            " select s.new_id, p.no, p.version, p.bucket, p.data from source s join {s}.page p on p.object_id = s.id),"
            # Nobody called the copies yet, and they are found by what they hold.
            " known as (insert into {s}.summary (object_id, errors, error, pages, version, state)"
            " select new_id, 0, '', pages, -1, '' from source where pages > 0),"
            " gone as (delete from {s}.moved where md5(path)::uuid in (select md5(path)::uuid from copied))"
            " select count(*) from copied",
        ),
        at(old)
        | bounds(old)
        | {
            "table": f'"{schema}".object',
            "new": new,
            "cut": len(old) + 1,
            "parent": parent.id,
            "name": new.name,
            "now": now,
        },
        prepare=False,
    ).fetchone()
    objects = row[0] if row else 0
    check_room(connection, schema, objects)
    inherit(connection, schema, new, parent.effective)
    return Placed(str(new), objects)


def set_tags(connection: Pg, schema: str, path: str, tags: Iterable[str]) -> list[str]:
    """Give an object these tags and no others; gives them in order. Raises WrongArgument for a tag that is none."""
    return _tag(connection, schema, path, "%(tags)s::text[]", tags)


def add_tags(connection: Pg, schema: str, path: str, tags: Iterable[str]) -> list[str]:
    """Add tags to an object; gives all that it has now."""
    return _tag(connection, schema, path, "tags || %(tags)s::text[]", tags)


def remove_tags(connection: Pg, schema: str, path: str, tags: Iterable[str]) -> list[str]:
    """Take tags from an object; raises NoSuch for one that it does not have."""
    node = resolve(connection, schema, path)
    gone = [check_tag(tag) for tag in tags]
    for tag in gone:
        if tag not in node.tags:
            raise NoSuch(f"{node.path} has no tag '{tag}'. Its tags: {', '.join(node.tags) or 'none'}.")
    return _tag(connection, schema, path, "array(select unnest(tags) except select unnest(%(tags)s::text[]))", gone)


def _tag(connection: Pg, schema: str, path: str, tags_sql: LiteralString, tags: Iterable[str]) -> list[str]:
    """Set tags to what the SQL says, sorted and each once."""
    here = ObjectPath.parse(path)
    checked_tags = [check_tag(tag) for tag in tags]
    row = connection.execute(
        sql(
            schema,
            "update {s}.object set changed_at = now(), tags = array("
            f'select distinct tag collate "C" from unnest({tags_sql}) as each(tag) order by 1)'
            f" where {AT} returning tags",
        ),
        at(here) | {"tags": checked_tags},
    ).fetchone()
    if row is None:
        resolve(connection, schema, here)
        raise NoSuch(f"{here}: no such object.")
    if len(row[0]) > TAGS:
        raise WrongArgument("tags", f"{here} would have {len(row[0])} tags; {TAGS} is the most. Remove some first.")
    return list(row[0])


def set_settings(connection: Pg, schema: str, path: str, values: Mapping[str, object]) -> dict[str, Value]:
    """Set settings here and for all beneath that sets no others; None takes one away. Gives those set here.

    Raises WrongArgument, with every name or value that is wrong. Takes a second or two for 100,000 objects beneath.
    """
    here = ObjectPath.parse(path)
    good = checked(values)
    lock(connection, schema, here)
    node = resolve(connection, schema, here)
    set_here = {name: value for name, value in (node.settings | good).items() if value is not None}
    connection.execute(
        sql(schema, "update {s}.object set settings = %s, changed_at = now() where id = %s"), (Jsonb(set_here), node.id)
    )
    above = None if here == "/" else look(connection, schema, here.parent)
    inherit(connection, schema, here, above.effective if above else {})
    return set_here


# ---- What moving, copying and restoring share ----


def lock(connection: Pg, schema: str, top: ObjectPath | None, *, also: Iterable[ObjectPath] = ()) -> int:
    """Lock a subtree and further objects in id order; gives how many objects the subtree has.

    Waiting for a lock lets others finish: what they created below meanwhile is not in the statement's snapshot, so
    it is locked by a second one, and so on until nothing new is there. Nothing can appear below what is locked; where
    nothing is, anything can, so that this raises NoSuch or Moved there.
    """
    parameters: dict[str, object] = {"also": [key(path) for path in also]}
    others: LiteralString = "(md5(path)::uuid = any(%(also)s) and trashed_at is null)"
    where = others
    if top is not None:
        parameters |= at(top) | bounds(top)
        where = f"({SUBTREE} or {others})"
    while True:
        row = connection.execute(
            sql(
                schema,
                f"with locked as (select path from {{s}}.object where {where} order by id for update)"
                " select count(*) filter (where path = %(path)s or starts_with(path, %(below)s)) from locked",
            ),
            {"path": None, "below": None} | parameters,
            prepare=False,
        ).fetchone()
        locked = row[0] if row else 0
        if top is None:
            return 0
        row = connection.execute(
            sql(schema, f"select count(*) from {{s}}.object where {SUBTREE}"), parameters, prepare=False
        ).fetchone()
        if locked and row is not None and row[0] == locked:
            return locked
        resolve(connection, schema, top)


def lock_parent(connection: Pg, schema: str, new: ObjectPath) -> Node | None:
    """Lock what a path will be in, where there is something: nothing else can take the path then.

    `lock` did so in the right order, but what came into being at the parent's path since is another row.
    """
    row = connection.execute(
        sql(schema, f"select {NODE} from {{s}}.object where {AT} for update"), at(new.parent)
    ).fetchone()
    return None if row is None else Node.of(row)


def place(connection: Pg, schema: str, new: ObjectPath) -> Node:
    """Give the locked parent of a path that is about to be taken; raises Conflict where it is taken already."""
    parent = lock_parent(connection, schema, new)
    existing = look(connection, schema, new)
    if existing is not None:
        raise Conflict(f"{new} exists already, as {existing.kind}. Choose another path.")
    if parent is None:
        refuse_orphan(connection, schema, new)
    return parent


def refuse_orphan(connection: Pg, schema: str, new: ObjectPath) -> NoReturn:
    """Say that there is nothing to put a new object in: NoSuch naming it, or Moved with where `new` would be now."""
    try:
        resolve(connection, schema, new)  # raises Moved if anything above it moved
    except NoSuch:
        raise _orphan(new) from None
    raise Conflict(f"{new} was made just now. Choose another path.")


@contextmanager
def within_sight(new: ObjectPath, sees: Callable[[str], bool]) -> Iterator[None]:
    """Take a path within: a way that leads to what may not be seen is as good as none."""
    try:
        yield
    except Moved as moved:
        if sees(str(moved.extra["to"])):
            raise
        raise _orphan(new) from None


def _orphan(new: ObjectPath) -> NoSuch:
    return NoSuch(f"{new.parent}: no such object to put {new.name} in. Create it first, or set `parents`.")


def depth(connection: Pg, schema: str, top: ObjectPath) -> int:
    """Give the depth of the deepest path in a subtree."""
    row = connection.execute(
        sql(schema, f"select max(length(path) - length(replace(path, '/', ''))) from {{s}}.object where {SUBTREE}"),
        at(top) | bounds(top),
        prepare=False,
    ).fetchone()
    return int(row[0]) if row and row[0] is not None else top.depth


def check_depth(new: ObjectPath, below: int) -> None:
    """Refuse a place where what is `below` names deeper would be too deep."""
    if new.depth + below > DEPTH:
        raise WrongArgument(
            "to",
            f"{new}: the deepest object beneath would have {new.depth + below} names in its path; {DEPTH} is the most.",
        )


def check_room(connection: Pg, schema: str, more: int) -> None:
    """Refuse more objects than a team may have. The count is Postgres's estimate: exact enough, and free."""
    row = connection.execute(
        sql(schema, f"select reltuples::bigint, {MOST_OBJECTS} from pg_class where oid = %s::regclass"),
        (schema, f'"{schema}".object'),
    ).fetchone()
    if row is None:
        return
    most = most_objects(row[1])
    if row[0] + more > most:
        raise OverLimit(
            f"The team has about {row[0]:,} objects, those in the trash included; {most:,} is the most"
            " (limit TREE_OBJECTS). Erase some first."
        )


def most_objects(of_plan: int | None) -> int:
    """Give how many objects a team may have, by what `MOST_OBJECTS` gives."""
    most: int = installation.GROVE.TREE_OBJECTS
    return most if of_plan is None else of_plan


def inherit(connection: Pg, schema: str, top: ObjectPath, above: Mapping[str, object]) -> None:
    """Work out the settings in force from an object downwards, where it inherits `above`; writes rows that change."""
    node = resolve(connection, schema, top)
    if node.effective == {**above, **node.settings}:
        return  # then all beneath is right too
    connection.execute(
        sql(
            schema,
            "with recursive merged(id, effective) as ("
            " select id, %(above)s::jsonb || settings from {s}.object where id = %(top)s"
            " union all select o.id, m.effective || o.settings from merged m"
            " join {s}.object o on o.parent_id = m.id and o.trashed_at is null)"
            " update {s}.object set effective = merged.effective from merged"
            f" where {SUBTREE} and object.id = merged.id and object.effective <> merged.effective",
        ),
        at(top) | bounds(top) | {"above": Jsonb(dict(above)), "top": node.id},
        prepare=False,
    )


def _check_route(old: ObjectPath, new: ObjectPath, done: str) -> None:
    """Refuse what can't be moved or copied, whatever the tree holds."""
    if old == "/":
        raise Conflict(f"The root cannot be {done}. Name an object beneath it.")
    if new.is_under(old):
        raise Conflict(
            f"{old} cannot be {done} to {new}: that is itself or beneath it. Choose a path outside of {old}."
        )
