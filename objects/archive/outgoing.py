"""Objects leave as files, streamed in constant memory while everybody works on.

What leaves is one moment: the one at which the call ran. A connection of its own holds it until the last byte is sent,
so only a few may leave a process at once.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

import apsw
from psycopg import Connection

from objects.archive import form
from objects.storage import pages
from objects.tree.nodes import NODE, PAGE_BYTES, SUBTREE, Node, at, bounds, sql
from objects.tree.paths import ObjectPath
from objects.tree.search import look
from teams.access import Caller
from teams.problems import NoSuch, Overloaded

AT_ONCE: Final = 8  # exports of a process, each a connection
ROWS: Final = 500  # objects fetched at a time

_SUBTREE: Final = f"select {NODE} from {{s}}.object where {SUBTREE} order by left(path, 255), path"  # noqa: S608

_leaving = threading.BoundedSemaphore(AT_ONCE)

Reader = Callable[[], AbstractContextManager[Connection[Any]]]


@dataclass(frozen=True, slots=True)
class Leaving:
    """A file on its way out. chunks: read once; dropping it unread gives back what it holds."""

    size_bytes: int
    chunks: Iterator[bytes]


def object_file(reader: Reader, schema: str, path: str) -> Leaving:
    """Give one object's SQLite file; an untouched object gives an empty database."""
    return _started(_object_file(reader, schema, ObjectPath.parse(path)))


def archive(reader: Reader, schema: str, path: str, caller: Caller) -> Leaving:
    """Give an archive of an object with all beneath it that the caller may see."""
    return _started(_archive(reader, schema, ObjectPath.parse(path), caller))


def _started(parts: Iterator[int | bytes]) -> Leaving:
    """Run to the first part, the size: then the moment is held, and closing the generator lets go of it."""
    size_bytes = next(parts)
    assert isinstance(size_bytes, int)
    return Leaving(size_bytes, parts)  # type: ignore[arg-type]


def _object_file(reader: Reader, schema: str, path: ObjectPath) -> Iterator[int | bytes]:
    with _room(), reader() as connection:
        node = _found(connection, schema, path)
        if not node.pages:
            empty = empty_file()
            yield len(empty)
            yield empty
            return
        yield node.size_bytes
        yield from pages.export(connection, schema, node.id, node.pages)


def _archive(reader: Reader, schema: str, top: ObjectPath, caller: Caller) -> Iterator[int | bytes]:
    with _room(), reader() as connection:
        _found(connection, schema, top)

        def abouts() -> Iterator[tuple[Node, form.About]]:
            for node in _subtree(connection, schema, top):
                if caller.sees(node.path):
                    yield node, _about(node, top)

        yield form.size_bytes(top, (about for _, about in abouts()))
        yield from form.write(
            top, ((about, pages.export(connection, schema, node.id, node.pages)) for node, about in abouts())
        )


def _subtree(connection: Connection[Any], schema: str, top: ObjectPath) -> Iterator[Node]:
    with connection.cursor(name="leaving") as cursor:
        cursor.itersize = ROWS
        # By path under the collation C: what is above comes before what is below.
        cursor.execute(
            sql(schema, _SUBTREE),
            at(top) | bounds(top),
        )
        for row in cursor:
            yield Node.of(row)


def _about(node: Node, top: ObjectPath) -> form.About:
    return form.About(
        path=node.path[len(top.below) :],
        kind=node.kind,
        tags=node.tags,
        settings=node.settings,
        version=node.version,
        created_at=node.created_at.timestamp(),
        changed_at=node.changed_at.timestamp(),
        bytes=node.pages * PAGE_BYTES,
    )


def _found(connection: Connection[Any], schema: str, path: ObjectPath) -> Node:
    node = look(connection, schema, path)
    if node is None:  # moved or deleted since the call was let in
        raise NoSuch(f"{path}: no such object.")
    return node


class _Room:
    def __enter__(self) -> None:
        if not _leaving.acquire(blocking=False):
            raise Overloaded(f"{AT_ONCE} exports are being sent already. Try again when one is done.", retry_after_s=5)

    def __exit__(self, *_: object) -> None:
        _leaving.release()


def _room() -> _Room:
    return _Room()


def empty_file() -> bytes:
    """Give a database without tables: one page, which every SQLite tool opens."""
    connection = apsw.Connection(":memory:")
    connection.execute(f"PRAGMA page_size={PAGE_BYTES}; PRAGMA user_version=1; PRAGMA user_version=0")
    return connection.serialize("main")
