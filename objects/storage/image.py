"""The image: the pages of one object's SQLite file as a process holds them, and the one connection over them.

The outermost mark is SQLite's transaction: when it is released, its pages go into the file's `dirty`; nothing of a
failed one gets there. So what undoes a whole transaction in SQLite (a time-out, a full file) undoes one call's work
and not that of the calls which share the engine's batch.
"""

import threading
from dataclasses import dataclass
from types import TracebackType

import apsw

from objects.storage.database import Database
from objects.storage.vfs import PAGE_BYTES, Fetch, PageFile, connected
from teams.problems import Conflict

# Measured over 1,500 images of two pages: 136 KiB of resident memory each, 53 KiB once slim. A connection has 20 pages
# at once with its first page, whether or not it needs them; the rest is Python's and SQLite's own.
CONNECTION_BYTES = 38_000
FEWEST_CACHE_BYTES = 20 * 4_400
MOST_YOUNG = 64  # pages an image: it is the few that are written again and again that are worth to be known

Mark = tuple[int, int, int]  # depth, rows changed by then, state of SQLite's transaction then


@dataclass(frozen=True, slots=True)
class Change:
    """What a commit must write: raw pages by number from 0, and the file's length in pages after and before.

    is_young: Postgres holds none of these pages from before this time bucket, so none goes to the history.
    """

    pages: dict[int, bytes]
    page_count: int
    old_page_count: int
    is_young: bool = False


class Image:
    """One object's file in memory. One thread at a time: the one between `begin` and `commit` or `rollback`.

    version: the object's version that the pages are of; the engine sets it after Postgres has committed.
    is_slim: SQLite holds no pages of its own. has_rested: it was kept between batches before.
    lost: why SQLite itself undid the transaction under way; all that follows in the call is refused with it.
    """

    __slots__ = ("_bucket", "_connection", "_cursor", "_depth", "_file", "_old_page_count", "_savepoint", "_thread",
                 "_young", "database", "has_rested", "is_slim", "lost", "object_id", "version")  # fmt: skip

    def __init__(self, object_id: int, version: int, page_count: int) -> None:
        self.object_id = object_id
        self.version = version
        self.lost: BaseException | None = None
        self.is_slim = self.has_rested = False
        self._file = PageFile(page_count)
        self._old_page_count = page_count
        self._depth = 0
        self._thread: int | None = None
        self._bucket = 0
        self._young: set[int] = set()  # pages that this image wrote within `_bucket`
        self._savepoint = _Savepoint(self)
        self._connection = connected(self._file)
        self._cursor = self._connection.cursor()  # of marks; the connection would make one for each statement
        self.database = Database(self, self._connection)

    def begin(self, fetch: Fetch) -> None:
        """Let pages be read by `fetch` until `commit` or `rollback`. Costs nothing and touches no page."""
        if self._thread is not None:
            raise RuntimeError(f"the image of object {self.object_id} is in use by thread {self._thread}")
        self._thread = threading.get_ident()
        self.is_slim = False
        self._file.fetch = fetch

    def prime(self, pages: dict[int, bytes]) -> None:
        """Take pages of this version that were fetched ahead, many objects at once."""
        self._file.keep(pages)

    def mark(self) -> Mark:
        """Mark a place to come back to. Marks nest: the newest is released or rolled back to first."""
        if self._thread is None:
            raise RuntimeError("a mark outside of begin and commit")
        if self.lost is not None:
            raise self.lost
        connection, depth = self._connection, self._depth
        if depth:
            self._cursor.execute(f"SAVEPOINT s{depth}")
        else:
            self.database.settle()
            self._cursor.execute("BEGIN")
        self._depth = depth + 1
        return depth, connection.total_changes(), connection.txn_state("main")

    def confirm(self) -> None:
        """Raise what stands against keeping the work done since the outermost mark; nothing, when all is well.

        That is a transaction that SQLite itself undid, or a deferred foreign key without its row (Conflict). Ask
        every image of a call before the first mark is released: then releasing them can't fail half-way.
        """
        if self.lost is not None:
            raise self.lost
        if self._connection.status(apsw.SQLITE_DBSTATUS_DEFERRED_FKS)[0]:
            raise Conflict("a deferred foreign key points at a row that does not exist. Nothing was changed.")

    def changed_since(self, mark: Mark) -> bool:
        """Tell whether anything was written since the mark."""
        _, changes, state = mark
        connection = self._connection
        return connection.total_changes() != changes or connection.txn_state("main") > max(state, apsw.SQLITE_TXN_READ)

    def release(self, mark: Mark) -> None:
        """Keep what was done since the mark, as far as the marks around it are kept. Raises as `confirm` does."""
        try:
            self.confirm()
        except BaseException:
            self.rollback_to(mark)
            raise
        self.keep(mark)

    def keep(self, mark: Mark) -> None:
        """Release what `confirm` has said of that it will do."""
        depth = self._depth = mark[0]
        self._cursor.execute(f"RELEASE s{depth}" if depth else "COMMIT")

    def rollback_to(self, mark: Mark) -> None:
        """Take back what was done since the mark; the mark is used up."""
        depth = self._depth = mark[0]
        if not depth:
            self.lost = None
        if self._connection.in_transaction:
            self._cursor.execute(f"ROLLBACK TO s{depth}; RELEASE s{depth}" if depth else "ROLLBACK")

    def savepoint(self) -> "_Savepoint":
        """Give a context manager around `mark`: what is done inside is rolled back on an exception. They nest."""
        return self._savepoint

    def commit(self, bucket: int = 0) -> Change | None:
        """End what `begin` began and give what must be written, None when nothing is dirty.

        bucket: int(unix time // HISTORY_BUCKET_S), under which it is written; 0 where nobody asks for `is_young`.
        The image counts the pages as its own from now on: if Postgres refuses them, throw the image away.
        """
        if self._depth:
            raise RuntimeError("commit inside of a savepoint")
        self._end()
        old_page_count = self._old_page_count
        if not self._file.dirty and self._file.page_count == old_page_count:
            return None
        self._old_page_count = self._file.page_count
        pages = self._file.collected()
        return Change(pages, self._old_page_count, old_page_count, self._are_young(pages, old_page_count, bucket))

    def rollback(self) -> None:
        """End what `begin` began as if nothing had been done; the image is at its old version and usable."""
        self._depth = 0
        self._savepoint = _Savepoint(self)
        self.lost = None
        if self._file.dirty or self._file.page_count != self._old_page_count:
            # SQLite's cache holds pages of calls that ended well: a new connection knows none of them.
            self._connection.close(force=True)
            self._file.dirty.clear()
            self._file.page_count = self._old_page_count
            self._connection = connected(self._file)
            self._cursor = self._connection.cursor()
            self.database.attach(self._connection)
        elif self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._end()

    @property
    def page_count(self) -> int:
        return self._file.page_count

    @property
    def is_torn(self) -> bool:
        """Tell whether SQLite ended a transaction that a savepoint still counts on."""
        return self._depth > 0 and not self._connection.in_transaction

    def slim(self) -> None:
        """Give back the memory of SQLite's own pages; the next call reads them again from the file's, in 3 us.

        Not between `begin` and `commit`. That memory is most of what a small object holds, and of what it costs to wake
        one: the next to be woken gets it, where new memory is 20 faults of the kernel's.
        """
        self._connection.release_memory()
        self.is_slim = True

    @property
    def memory_bytes(self) -> int:
        """Estimate what the image holds: both caches of pages, schema, statements and the connection. Takes 1 us."""
        status = self._connection.status
        pages = len(self._file.clean) + len(self._file.dirty)
        fewest = 0 if self.is_slim else FEWEST_CACHE_BYTES
        return (
            CONNECTION_BYTES
            + pages * (PAGE_BYTES + 128)
            + max(fewest, status(apsw.SQLITE_DBSTATUS_CACHE_USED)[0])
            + status(apsw.SQLITE_DBSTATUS_SCHEMA_USED)[0]
            + status(apsw.SQLITE_DBSTATUS_STMT_USED)[0]
        )

    def close(self) -> None:
        """Give the memory back; the image is of no use any more."""
        self._connection.close(force=True)
        self._file.clean.clear()
        self._file.dirty.clear()

    def _are_young(self, pages: dict[int, bytes], old_page_count: int, bucket: int) -> bool:
        """Tell whether these pages are new or were written within this bucket, and remember them."""
        if not bucket:
            return False
        young = self._young
        if bucket != self._bucket:
            young.clear()
            self._bucket = bucket
        are_young = all(no in young or no >= old_page_count for no in pages)
        if len(young) + len(pages) <= MOST_YOUNG:
            young.update(pages)
        return are_young

    def _end(self) -> None:
        self._thread = None
        self._file.fetch = None


class _Savepoint:
    """The image's context manager; one object for all of its savepoints, with their marks stacked."""

    __slots__ = ("_image", "_marks")

    def __init__(self, image: Image) -> None:
        self._image = image
        self._marks: list[Mark] = []

    def __enter__(self) -> None:
        self._marks.append(self._image.mark())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        mark = self._marks.pop()
        if error is None:
            self._image.release(mark)
        else:
            self._image.rollback_to(mark)
