"""Finding objects: by path, in a folder, by what they are. Nothing here changes anything or locks a row."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, LiteralString, get_args
from unicodedata import normalize

from objects.tree.nodes import (
    AT,
    BELOW,
    COUNTED,
    EVERYTHING,
    NODE,
    PAGE_BYTES,
    SUBTREE,
    Description,
    Entry,
    Found,
    Measure,
    Node,
    Pg,
    Sight,
    at,
    bounds,
    sql,
)
from objects.tree.paths import ObjectPath, key
from objects.tree.settings import Settings
from objects.tree.tags import check_tag
from teams.problems import Moved, NoSuch, WrongArgument

LISTED = 1_000  # the most that one list or search gives

PART_LENGTH = 255  # characters

Sort = Literal["path", "size", "called", "errors"]
SORTS: Final[tuple[str, ...]] = get_args(Sort)
PLACE: Final = re.compile(r"(\d{1,18}):(\d{1,18})")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def look(connection: Pg, schema: str, path: ObjectPath) -> Node | None:
    """Give the live object at exactly this path, or None."""
    row = connection.execute(sql(schema, f"select {NODE} from {{s}}.object where {AT}"), at(path)).fetchone()
    return None if row is None else Node.of(row)


def resolve(connection: Pg, schema: str, path: str) -> Node:
    """Give the live object at a path.

    Raises Moved with `to` where the object, or one above it, had this path and has another now; what is at `to`
    may be gone since. Raises NoSuch otherwise. Both tell about paths that the caller may not see: decide that first.
    """
    asked = ObjectPath.parse(path)
    node = look(connection, schema, asked)
    if node is not None:
        return node
    to = where_to(connection, schema, asked)
    if to is None:
        raise NoSuch(f"{asked}: no such object.")
    raise Moved(f"{asked} is now {to}.", to=str(to))


def where_to(connection: Pg, schema: str, path: ObjectPath) -> ObjectPath | None:
    """Follow moves from a path with nothing at it to where it would be today; None where no move leads on.

    Each step maps a moved top onto a live object and goes on with what is left of the path. A path of a live object is
    never one of a move (`create`, `move`, `copy` and `restore` see to it), so what is left shrinks and this ends.
    """
    found: ObjectPath | None = None
    while True:
        here = found or path
        tops = [here, *here.ancestors()]
        row = connection.execute(
            sql(
                schema,
                "select m.path, o.path from {s}.moved m join {s}.object o on o.id = m.object_id"
                " and o.trashed_at is null where md5(m.path)::uuid = any(%s) order by length(m.path) desc limit 1",
            ),
            ([key(top) for top in tops],),
        ).fetchone()
        if row is None:
            return found
        try:
            found = here.rebased(*row)
        except WrongArgument:  # too deep to exist at the new place
            return found
        if look(connection, schema, found) is not None:
            return found


def measure(connection: Pg, schema: str, path: str, *, sight: Sight = EVERYTHING) -> Measure:
    """Count what is visible of an object with all beneath it. Takes about 0.1 s for 100,000."""
    top = ObjectPath.parse(path)
    inner = sight.under(top)
    row = connection.execute(
        sql(
            schema,
            "select count(*), coalesce(sum(pages), 0)::bigint * 4096 from {s}.object"
            f" where {SUBTREE} and {inner.condition()}",
        ),
        at(top) | bounds(top) | dict(inner.parameters()),
        prepare=False,
    ).fetchone()
    return Measure(*row)  # type: ignore[misc]


def describe(connection: Pg, schema: str, path: str, *, sight: Sight = EVERYTHING) -> Description:
    """Tell all about one object. Raises what `resolve` raises."""
    node = resolve(connection, schema, path)
    inner = sight.under(node.path)
    row = connection.execute(
        sql(
            schema,
            f"select (select count(*) from ({_children_of('%(id)s', inner)}) counted), o.paused_at, s.called_at,"
            " coalesce(s.errors, 0), coalesce(s.error, '')"
            " from {s}.object o left join {s}.summary s on s.object_id = o.id where o.id = %(id)s",
        ),
        {"id": node.id} | dict(inner.parameters()),
        prepare=False,
    ).fetchone()
    children, paused_at, called_at, errors, error = row or (0, None, None, 0, "")
    return Description(
        path=str(node.path),
        name=node.name,
        kind=node.kind,
        tags=node.tags,
        settings=node.settings,
        effective=Settings(node.effective).as_dict(),
        children=children,
        size_bytes=node.size_bytes,
        version=node.version,
        created_at=node.created_at,
        changed_at=node.changed_at,
        paused_at=paused_at,
        called_at=called_at,
        errors=errors,
        error=error,
    )


def children(
    connection: Pg, schema: str, path: str, *, after: str | None = None, limit: int = 100, sight: Sight = EVERYTHING
) -> list[Entry]:
    """List what is right beneath an object, by name in the order of code points.

    after: the name where the list before this one ended. Raises what `resolve` raises.
    """
    node = resolve(connection, schema, path)
    where: LiteralString = "parent_id = %(id)s and trashed_at is null" + (
        " and name > %(after)s" if after is not None else ""
    )
    parameters = {"id": node.id, "after": after and ObjectPath.named(after, "after")}
    return _entries(connection, schema, where, parameters, sight.under(node.path), order="name", limit=limit)


def find(  # noqa: PLR0913 -- what may be asked for, each by its name
    connection: Pg,
    schema: str,
    *,
    part: str | None = None,
    kind: str | None = None,
    tag: str | None = None,
    state: str | None = None,
    error: str | None = None,
    paused: bool = False,
    near: bool = False,
    sort: Sort = "path",
    under: str = "/",
    after: str | None = None,
    limit: int = 100,
    sight: Sight = EVERYTHING,
) -> list[Found]:
    """Find objects beneath `under` that are all of what is asked for. To go on, `after` is the `place` of the last.

    part: a part of the path that reaches into the object's own name, whatever its case: "rep" and "t/rep" find
    /project/report, but not /project/report/old. Three characters in a row are found by an index, fewer by looking
    at each name, which takes 25 ms for 100,000.
    state: a part of a line "key=value". error: a part of what the latest failed call was refused with, "*" for any.
    paused: only what is.
    near: only what is right beneath. sort: by path in the order of code points, or the largest, latest or most first.
    """
    top = ObjectPath.parse(under, "under")
    if not 1 <= limit <= LISTED:
        raise WrongArgument("limit", f"limit: {limit} is not between 1 and {LISTED:,}. Use `after` to go on.")
    inner = sight.under(top)
    if inner.is_empty:
        return []
    conditions, parameters = _asked(part, kind, tag, state, error)
    if paused:
        conditions.append("paused_at is not null")
    # Beneath the root is everything: to compare each path with "/" took half of a search with 1,000 finds.
    beneath: LiteralString = "trashed_at is null and path <> '/'" if top == "/" else BELOW
    where: LiteralString = " and ".join([beneath, *conditions])
    if near:
        where += " and parent_id = %(parent)s"
        parameters["parent"] = resolve(connection, schema, top).id
    parameters |= {**bounds(top), **inner.parameters(), "limit": limit}
    where += f" and {inner.condition(by_order=True)}"
    joins: LiteralString = (
        "left join {s}.summary s on s.object_id = id" if sort != "path" or state or error == "*" else ""
    )
    found: list[Found] = []
    measured, beyond = _place(sort, after)
    if measured:
        first = f"{where} and {_BEYOND[sort]}" if beyond else where
        found = _found(connection, schema, joins, f"{first} and {_HAS[sort]}", parameters | beyond, sort, inner)
    if len(found) < limit:  # what has no size, call or error comes behind, by path
        rest: LiteralString = "" if sort == "path" else f" and ({_HAS[sort]}) is not true"
        if not measured and after:
            parameters["after"] = ObjectPath.parse(after.removeprefix(":") if sort != "path" else after, "after")
            rest += " and left(path, 255) >= left(%(after)s, 255) and path > %(after)s"
        parameters["limit"] = limit - len(found)
        by_name = near and sort == "path"
        found += _found(connection, schema, joins, where + rest, parameters, "name" if by_name else "path", inner)
    return found


def _asked(
    part: str | None, kind: str | None, tag: str | None, state: str | None, error: str | None
) -> tuple[list[LiteralString], dict[str, object]]:
    """Write what is asked for as conditions with their parameters."""
    conditions: list[LiteralString] = []
    parameters: dict[str, object] = {}
    if part:
        # "ject/4" ends in the names that begin with "4", below what ends with "ject".
        above, slash, own = _printable(part, "part").rpartition("/")
        conditions.append('folded like lower(%(own)s collate "default") collate "C"')
        parameters["own"] = _pattern(own) + "%" if slash else f"%{_pattern(own)}%"
        if slash:
            conditions.append('left(path, -length(name) - 1) collate "default" ilike %(above)s')
            parameters["above"] = f"%{_pattern(above)}"
    if kind is not None:
        conditions.append("kind = %(kind)s")
        parameters["kind"] = _printable(kind, "kind")
    if tag is not None:
        conditions.append("tags @> array[%(tag)s]::text[]")
        parameters["tag"] = check_tag(tag)
    if state:
        conditions.append("s.state like lower(%(state)s)")
        parameters["state"] = f"%{_pattern(_printable(state, 'state'))}%"
    if error == "*":
        conditions.append("s.errors > 0")
    elif error:
        # Postgres takes such a search for rare, whatever it finds. Of the plans for that this one costs the least where
        # it is not: 1,000 finds are looked up in the order of their ids, which reads 60 % of the pages of a join.
        conditions.append(
            "id = any(array(select object_id from {s}.summary where errors > 0"
            " and lower(summary.error) like lower(%(error)s)))"
        )
        parameters["error"] = f"%{_pattern(_printable(error, 'error'))}%"
    return conditions, parameters


# How each order reads a summary: what it sorts by, which objects have that, and what lies beyond a place in it.
_BY: Mapping[str, LiteralString] = {"size": "s.pages", "called": "s.called_at", "errors": "s.errors"}
_ORDERS: Mapping[str, tuple[LiteralString, LiteralString, LiteralString]] = {
    "path": ("left(path, 255)", "path", ""),
    "name": ("name", "id", ""),
    **{by: (column, "s.object_id", " desc") for by, column in _BY.items()},
}
_HAS: Mapping[str, LiteralString] = {
    "size": "s.pages > 0",
    "called": "s.called_at is not null",
    "errors": "s.errors > 0",
}
_AT: Mapping[str, LiteralString] = {
    "size": "%(value)s",
    "called": "timestamptz 'epoch' + %(value)s * interval '1 microsecond'",
    "errors": "%(value)s",
}
_BEYOND: Mapping[str, LiteralString] = {by: f"({_BY[by]}, s.object_id) < ({_AT[by]}, %(id)s)" for by in _BY}


def _place(sort: Sort, after: str | None) -> tuple[bool, dict[str, object]]:
    """Read `after`: whether the list is among those that have what it is sorted by, and where there."""
    if sort not in SORTS:
        raise WrongArgument("sort", f"sort: no order '{sort}'. Orders: {', '.join(SORTS)}.")
    if sort == "path" or (after or "").startswith(":"):
        return False, {}
    if not after:
        return True, {}
    read = PLACE.fullmatch(after)
    if read is None:
        raise WrongArgument("after", "after: it is what a list gave as `next`, and for the same order.")
    return True, {"value": int(read[1]), "id": int(read[2])}


def place(last: Found, sort: Sort = "path") -> str:
    """Give what to hand in as `after`, for what follows the last that was listed."""
    if sort == "path":
        return last.path
    value = {"size": last.size_bytes // PAGE_BYTES, "errors": last.errors, "called": microseconds(last.called_at)}[sort]
    return f"{value}:{last.id}" if value else f":{last.path}"


def microseconds(at: datetime | None) -> int:
    """Give a moment exactly, as a number."""
    return 0 if at is None else (at - EPOCH) // timedelta(microseconds=1)


def _found(  # noqa: PLR0917 -- the parts of one statement
    connection: Pg,
    schema: str,
    joins: LiteralString,
    where: LiteralString,
    parameters: Mapping[str, object],
    sort: str,
    sight: Sight,
) -> list[Found]:
    """Run one search: the rows that are `where`, each with its visible children and what its summary says."""
    # Both sort, so that the inner one keeps no more than it gives; to number rows it would sort all that it finds.
    first, second, falls = _ORDERS[sort]
    text: LiteralString = (
        "select o.path, o.name, o.kind, o.tags, inside.children,"
        " coalesce(summary.pages, o.pages)::bigint * 4096, o.changed_at, o.paused_at is not null, summary.called_at,"
        " coalesce(summary.errors, 0), coalesce(summary.error, ''), o.id from"
        " (select id, path, name, kind, tags, object.pages, changed_at, paused_at,"
        f" {first} as first_key, {second} as second_key from {{s}}.object {joins} where {where}"
        f" order by {first}{falls}, {second}{falls} limit %(limit)s) o"
        f" cross join lateral (select count(*) from ({_children_of('o.id', sight)}) counted) inside(children)"
        " left join {s}.summary on summary.object_id = o.id"
        f" order by o.first_key{falls}, o.second_key{falls}"
    )
    # Never prepared: a plan good for any `under` and `part` is good for none (87 ms instead of 1 ms).
    rows = connection.execute(sql(schema, text), parameters, prepare=False)
    return [Found(*row) for row in rows]


def _printable(text: str, field: str) -> str:
    """Bring what is looked for into the normal form that names have; refuse what no name can hold."""
    if len(text) > PART_LENGTH or not text.isprintable():
        raise WrongArgument(field, f"{field}: no name holds that: up to {PART_LENGTH} printable characters.")
    return normalize("NFC", text)


def _pattern(part: str) -> str:
    """Make a text mean itself in a LIKE pattern."""
    return re.sub(r"([\\%_])", r"\\\1", part)


def _children_of(parent_id: LiteralString, sight: Sight) -> LiteralString:
    """Write the SQL that gives one row for each visible child, COUNTED at most."""
    return (
        f"select from {{s}}.object where parent_id = {parent_id} and trashed_at is null and {sight.condition()}"
        f" limit {COUNTED}"
    )


def _entries(
    connection: Pg,
    schema: str,
    where: LiteralString,
    parameters: Mapping[str, object],
    sight: Sight,
    *,
    order: LiteralString,
    limit: int,
) -> list[Entry]:
    """Run one of the lists: the rows that are `where` and visible, each with the number of its visible children."""
    if not 1 <= limit <= LISTED:
        raise WrongArgument("limit", f"limit: {limit} is not between 1 and {LISTED:,}. Use `after` to go on.")
    if sight.is_empty:
        return []
    text: LiteralString = (
        "select o.path, o.name, o.kind, o.tags, inside.children, o.pages::bigint * 4096, o.changed_at,"
        " o.paused_at is not null from"
        f" (select * from {{s}}.object where {where} and {sight.condition(by_order=True)}"
        f" order by {order} limit %(limit)s) o"
        f" cross join lateral (select count(*) from ({_children_of('o.id', sight)}) counted) inside(children)"
        f" order by {order}"
    )
    values = {**parameters, "limit": limit, **sight.parameters()}
    # Never prepared: a plan good for any `under` and `part` is good for none (87 ms instead of 1 ms).
    rows = connection.execute(sql(schema, text), values, prepare=False)
    return [Entry(*row) for row in rows]
