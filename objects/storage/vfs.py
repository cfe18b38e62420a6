# ruff: noqa: N802, ARG002 -- SQLite names these methods and says what they take
"""The seam between SQLite and Postgres: an APSW VFS whose files are dictionaries of pages.

SQLite asks a `PageFile` for a page; what the file does not have, it fetches with what follows it. Written pages gather
in `dirty` until the image commits. Journal and temporary files never get here: connections keep both in memory.

How memory stays bounded: SQLite's own cache holds `SQLITE_CACHE_KIB` of an image at most, and `clean` holds
`CLEAN_PAGES` pages under it, first in, first out; of a large file that is written in one go, none. A page found in
neither is fetched again, which the row lock that the engine holds makes safe. Only what a transaction changes is beyond
these bounds; the quota and `database.Limits.memory_bytes` bound that.
"""

import itertools
import threading
from collections.abc import Callable

import apsw

PAGE_BYTES = 4096
SQLITE_CACHE_KIB = 1024
CLEAN_PAGES = 4096  # 16 MiB
WRITTEN_PAGES = 1024  # a transaction that wrote more moves a large file in: what nobody has read yet is not kept
FEWEST_AHEAD, MOST_AHEAD = 8, 256  # pages a fetch
MOST_RUNS = 4  # places at which reading may go straight on
HEADER_BYTES = 100
ZEROS = bytes(PAGE_BYTES)
VFS_NAME = "grove"

Fetch = Callable[[int, int], dict[int, bytes]]  # (first, count) to raw pages by number; missing ones left out


class PageFile:
    """The file of one image, as SQLite's pager sees it. Its methods are named by SQLite's `sqlite3_io_methods`.

    dirty: pages changed since the last `collected`, by number from 0.
    clean: pages as Postgres has them.
    fetch: reads from Postgres; None while no transaction of the engine's is open.
    """

    __slots__ = ("clean", "dirty", "fetch", "page_count", "runs")

    def __init__(self, page_count: int) -> None:
        self.page_count = page_count
        self.dirty: dict[int, bytes] = {}
        self.clean: dict[int, bytes] = {}
        self.fetch: Fetch | None = None
        self.runs: dict[int, int] = {}  # the page after each of the last fetches, to how many that one asked for

    def xRead(self, amount: int, offset: int) -> bytes:
        no, within = divmod(offset, PAGE_BYTES)
        page = self.dirty.get(no) or self.clean.get(no)
        if page is None:
            if self.fetch is None and amount == HEADER_BYTES:
                return b""  # SQLite opens: a file without a header has the default page size, which is ours
            if no >= self.page_count:
                return b""  # a short read, which SQLite knows from a file that ends
            page = self._fetched(no)
        return page if amount == PAGE_BYTES else page[within : within + amount]

    def _fetched(self, no: int) -> bytes:
        if self.fetch is None:
            raise RuntimeError("page read outside of a transaction: call image.begin(fetch) first")
        ahead = min(self.runs.pop(no, FEWEST_AHEAD // 2) * 2, MOST_AHEAD)
        count = min(ahead, self.page_count - no)
        pages = self.fetch(no, count)
        # Several runs: a scan goes on where it was after SQLite has looked at an inner page of the tree elsewhere.
        self.runs[no + count] = ahead
        if len(self.runs) > MOST_RUNS:
            del self.runs[next(iter(self.runs))]
        # A page that SQLite never wrote (a leaf of the free list) is in no table: it reads as zeros.
        self.keep({n: pages.get(n, ZEROS) for n in range(no, no + count)})
        return pages.get(no, ZEROS)

    def keep(self, pages: dict[int, bytes]) -> None:
        """Hold pages as Postgres has them; the oldest go when there are more than `CLEAN_PAGES`."""
        clean = self.clean
        clean.update(pages)
        if len(clean) > CLEAN_PAGES:
            for no in list(itertools.islice(clean, len(clean) - CLEAN_PAGES)):
                del clean[no]

    def collected(self) -> dict[int, bytes]:
        """Give the dirty pages away and count them as clean."""
        pages, self.dirty = self.dirty, {}
        if len(pages) <= WRITTEN_PAGES:
            self.keep(pages)
        else:
            self.clean.update({no: page for no, page in pages.items() if no in self.clean})
        return pages

    def xWrite(self, content: bytes, offset: int) -> None:
        no, within = divmod(offset, PAGE_BYTES)
        if within or len(content) != PAGE_BYTES:
            raise RuntimeError(f"SQLite wrote {len(content)} bytes at {offset}: not one page")
        self.dirty[no] = bytes(content)
        if no >= self.page_count:
            self.page_count = no + 1

    def xTruncate(self, size: int) -> None:
        self.page_count = count = size // PAGE_BYTES
        for pages in (self.dirty, self.clean):
            for no in [no for no in pages if no >= count]:
                del pages[no]

    def xFileSize(self) -> int:
        return self.page_count * PAGE_BYTES

    def xLock(self, level: int) -> None:
        """Do nothing: the object's row in Postgres is the lock."""

    def xUnlock(self, level: int) -> None:
        """Do nothing."""

    def xCheckReservedLock(self) -> bool:
        return False

    def xSync(self, flags: int) -> None:
        """Do nothing: the commit in Postgres is what makes it durable."""

    def xClose(self) -> None:
        """Do nothing: the image owns the pages."""

    def xSectorSize(self) -> int:
        return PAGE_BYTES

    def xDeviceCharacteristics(self) -> int:
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE | apsw.SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN

    def xFileControl(self, op: int, pointer: int) -> bool:
        return False


class Clock(threading.local):
    """What SQLite's `'now'` is on this thread: Unix seconds, set by the database that runs."""

    now: float = 0.0


clock = Clock()
_waiting: dict[str, PageFile] = {}
_names = itertools.count()


class _VFS(apsw.VFS):
    """Opens what `connected` hands over and nothing else: no statement can reach a real file through it."""

    def __init__(self) -> None:
        super().__init__(VFS_NAME, "", maxpathname=256)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> PageFile:  # type: ignore[override]
        file = _waiting.pop(name.filename(), None) if isinstance(name, apsw.URIFilename) else None
        if file is None:
            raise apsw.CantOpenError("an image has one file")
        return file

    def xFullPathname(self, name: str) -> str:
        return name

    def xAccess(self, pathname: str, flags: int) -> bool:
        return False

    def xDelete(self, filename: str, syncdir: bool) -> None:
        """Do nothing: there is no other file."""

    def xRandomness(self, numbytes: int) -> bytes:
        # Seeds only SQLite's inner generator (names of temporary things); random() is the database's.
        return bytes(numbytes)

    def xSleep(self, microseconds: int) -> int:
        return microseconds

    def xCurrentTimeInt64(self) -> int:
        return round(clock.now * 1000) + 210866760000000  # milliseconds since noon in Greenwich, 24 November 4714 B.C.

    def xGetLastError(self) -> tuple[int, str]:
        return 0, ""


_vfs = _VFS()


def connected(file: PageFile) -> apsw.Connection:
    """Open a connection over a file of pages. Reads no page."""
    name = f"image{next(_names)}"
    _waiting[name] = file
    return apsw.Connection(name, vfs=VFS_NAME, statementcachesize=64)
