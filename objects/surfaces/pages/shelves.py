"""What a person keeps at hand in a team: objects pinned, objects seen lately, folders left open. By id, so that what
moves stays; what the person may not see any more is left out.

The team's schema must be active (`teams.pages.team_page`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from django.db import connection

from objects.models import Shelf
from objects.tree.paths import ObjectPath, key
from teams.access import Caller, Role, decide
from teams.problems import NoSuch, OverLimit

RECENT: Final = 20  # objects remembered as seen lately
PINNED: Final = 50
OPENED: Final = 30  # folders that open again with the next page

Part = Literal["pinned", "recent", "opened"]

# An array, not a subquery: beside another condition Postgres would look at every object for that (470 ms of 100,000).
READ = """
with mine as (select pinned, recent, opened from shelf where person = %(person)s)
select o.id, o.path, o.kind, array_position(mine.pinned, o.id), array_position(mine.recent, o.id),
    array_position(mine.opened, o.id)
from object o left join mine on true
where o.trashed_at is null and (md5(o.path)::uuid = any(%(keys)s)
    or o.id = any(array(select unnest(pinned || recent || opened) from mine)))
"""
SAW = """
insert into shelf as mine (person, recent) values (%(person)s, array[%(id)s::bigint])
on conflict (person) do update set recent =
    (array_prepend(%(id)s::bigint, array_remove(mine.recent, %(id)s::bigint)))[:%(most)s]
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """An object on a shelf."""

    id: int
    path: ObjectPath
    kind: str

    @property
    def name(self) -> str:
        return self.path.name or "/"


@dataclass(frozen=True, slots=True)
class OnShelf:
    """A shelf with what its person may see now. `here`: the objects at the paths that were asked for, by path."""

    pinned: Sequence[Kept]
    recent: Sequence[Kept]
    opened: Sequence[Kept]
    here: dict[str, Kept]


def read(caller: Caller, paths: Iterable[str] = ()) -> OnShelf:
    """Give the person's shelf, and what is at further paths, in one query."""
    asked = list(paths)
    with connection.cursor() as cursor:
        cursor.execute(READ, {"person": caller.id, "keys": [key(path) for path in asked]})
        rows = [row for row in cursor.fetchall() if caller.sees(row[1])]

    def on(place: int) -> list[Kept]:
        placed = sorted((row for row in rows if row[place] is not None), key=lambda row: row[place])
        return [_kept(row) for row in placed]

    return OnShelf(on(3), on(4), on(5), {row[1]: _kept(row) for row in rows if row[1] in asked})


def _kept(row: tuple[Any, ...]) -> Kept:
    return Kept(row[0], ObjectPath(row[1]), row[2])


def saw(caller: Caller, seen: Kept) -> None:
    """Remember that the person looked at an object."""
    with connection.cursor() as cursor:
        cursor.execute(SAW, {"person": caller.id, "id": seen.id, "most": RECENT})


def pin(caller: Caller, path: ObjectPath) -> None:
    """Pin an object. Raises NoSuch, or OverLimit where the shelf is full."""
    shelf, found = _shelf(caller), _find(caller, path)
    if found in shelf.pinned:
        return
    if len(shelf.pinned) >= PINNED:
        raise OverLimit(f"{PINNED} objects are pinned, which is the most. Unpin one first.")
    _keep(shelf, "pinned", [*shelf.pinned, found])


def unpin(caller: Caller, path: ObjectPath) -> None:
    """Take an object off the pinned ones."""
    shelf, found = _shelf(caller), _find(caller, path)
    _keep(shelf, "pinned", [each for each in shelf.pinned if each != found])


def leave_open(caller: Caller, path: ObjectPath) -> None:
    """Remember that a folder is open; of too many, the one opened first is forgotten."""
    shelf, found = _shelf(caller), _find(caller, path)
    _keep(shelf, "opened", [*(each for each in shelf.opened if each != found), found][-OPENED:])


def close(caller: Caller, path: ObjectPath) -> None:
    """Remember that a folder was closed."""
    shelf, found = _shelf(caller), _find(caller, path)
    _keep(shelf, "opened", [each for each in shelf.opened if each != found])


def _shelf(caller: Caller) -> Shelf:
    return Shelf.objects.filter(person=caller.id).first() or Shelf(person=caller.id)


def _find(caller: Caller, path: ObjectPath) -> int:
    decide(caller, caller.schema, path, command="pin", verb="reads", needs=Role.VIEWER)
    with connection.cursor() as cursor:
        cursor.execute(
            "select id from object where md5(path)::uuid = %s and path = %s and trashed_at is null", [key(path), path]
        )
        row = cursor.fetchone()
    if row is None:
        raise NoSuch(f"{path}: no such object.")
    return int(row[0])


def _keep(shelf: Shelf, part: Part, ids: list[int]) -> None:
    """Write one part, so that two pages that write different ones do not undo each other."""
    Shelf.objects.update_or_create(person=shelf.person, defaults={part: ids})
