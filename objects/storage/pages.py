"""The SQL on `page` and `page_history`: where objects' files are kept.

A page is one zstd frame, compressed here, since Postgres would do it slower and less. An older version of a page moves
to `page_history` when it is overwritten in a later time bucket, so that a page has at most one row a bucket: what it
was when the bucket ended. An empty `data` in the history says that the file was shorter from that bucket on.

All functions name the schema, take the caller's connection and run in the caller's transaction.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, LiteralString, NamedTuple

import zstandard
from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier

from objects.storage.image import Change
from objects.storage.vfs import PAGE_BYTES, ZEROS

CHUNK_PAGES = 256  # 1 MiB at a time, for what must run in constant memory


class Write(NamedTuple):
    """What a commit changed of one object. version: the object's version after it."""

    object_id: int
    version: int
    change: Change


class _Codec(threading.local):
    """zstandard's objects are not for two threads at once (python-zstandard 0.25)."""

    def __init__(self) -> None:
        # Level 1: 1.3 us for a sparse page; level 3 saved 4 % and took twice as long.
        self.compress = zstandard.ZstdCompressor(level=1, write_checksum=False).compress
        self.decompress = zstandard.ZstdDecompressor().decompress


_codec = _Codec()


def pack(page: bytes) -> bytes:
    """Compress a page for `page.data`."""
    return _codec.compress(page)


def expand(data: bytes | memoryview) -> bytes:
    """Give the page that `page.data` holds."""
    return _codec.decompress(data)


@dataclass(frozen=True, slots=True)
class _Statements:
    fetch: Composed
    fetch_many: Composed
    fetch_at: Composed
    write: Composed
    truncate: Composed
    copy: Composed
    erase: Composed
    erase_history: Composed
    trim_history: Composed


# What `moved` reads is the page as it was when the statement began. OFFSET 0: page by page by its key, whatever the
# statistics say: a plan that was made while a team had few pages is kept, and read all of them later. greatest(): a
# machine whose clock is behind must not make a page older than its history.
_GIVEN: LiteralString = """
    written as (
        select * from unnest(%s::bigint[], %s::int[], %s::bigint[], %b::bytea[]) as w(object_id, no, version, data)
    )
"""
_MOVED: LiteralString = """
    , moved as (
        insert into {history} (object_id, no, bucket, version, data)
        select page.object_id, page.no, page.bucket, page.version, page.data
        from written cross join lateral (
            select * from {page} as page
            where page.object_id = written.object_id and page.no = written.no and page.bucket < %s offset 0
        ) as page
        on conflict (object_id, no, bucket) do update set version = excluded.version, data = excluded.data
    )
"""
_STORED: LiteralString = """
    , stored as (
        insert into {page} as page (object_id, no, version, bucket, data)
        select object_id, no, version, %s::int, data from written
        on conflict (object_id, no) do update set
            version = excluded.version, bucket = greatest(page.bucket, excluded.bucket), data = excluded.data
    )
"""


def write_parts(schema: str, *, young: bool = False) -> Composed:
    """Give what writes pages as parts of a WITH, for a statement that writes more; `write_parameters` are theirs.

    young: for changes that are all `is_young`; that spares a look at each page's row.
    """
    parts = _GIVEN + _STORED if young else _GIVEN + _MOVED + _STORED
    return SQL(parts).format(page=Identifier(schema, "page"), history=Identifier(schema, "page_history"))


def write_parameters(changes: "Sequence[Write]", bucket: int, *, young: bool = False) -> list[Any]:
    """Give the parameters of `write_parts`, in order: what several objects' commits changed.

    bucket: int(unix time // HISTORY_BUCKET_S).
    """
    rows = [(write.object_id, no, write.version, page) for write in changes for no, page in write.change.pages.items()]
    object_ids, numbers, versions, contents = zip(*rows, strict=True) if rows else ((), (), (), ())
    compress = _codec.compress
    packed = [compress(page) for page in contents]
    buckets = [bucket] if young else [bucket, bucket]
    return [_array(object_ids), _array(numbers), _array(versions), packed, *buckets]


@lru_cache(maxsize=4096)
def _statements(schema: str) -> _Statements:
    def composed(text: LiteralString) -> Composed:
        return SQL(text).format(page=Identifier(schema, "page"), history=Identifier(schema, "page_history"))

    return _Statements(
        fetch=composed("select no, data from {page} where object_id = %s and no between %s and %s"),
        fetch_many=composed("select object_id, no, data from {page} where object_id = any(%s::bigint[]) and no < %s"),
        fetch_at=composed(
            """
            select distinct on (no) no, data from (
                select no, bucket, data from {page}
                where object_id = %(id)s and no between %(first)s and %(last)s and bucket <= %(bucket)s
                union all
                select no, bucket, data from {history}
                where object_id = %(id)s and no between %(first)s and %(last)s and bucket <= %(bucket)s
            ) as versions
            order by no, bucket desc
            """
        ),
        write=SQL("with {} select 1").format(write_parts(schema)),
        truncate=composed(
            """
            with shortened as (
                select * from unnest(%s::bigint[], %s::int[], %s::bigint[]) as s(object_id, page_count, version)
            ), gone as (
                delete from {page} as page using shortened
                where page.object_id = shortened.object_id and page.no >= shortened.page_count
                returning page.object_id, page.no, page.bucket, page.version, page.data, shortened.version as at_version
            )
            insert into {history} (object_id, no, bucket, version, data)
            select object_id, no, bucket, version, data from gone where bucket < %s
            union all
            select object_id, no, greatest(bucket, %s), at_version, ''::bytea from gone
            on conflict (object_id, no, bucket) do update set version = excluded.version, data = excluded.data
            """
        ),
        copy=composed(
            """
            insert into {page} (object_id, no, version, bucket, data)
            select pairs.target, page.no, %s, %s, page.data
            from {page} as page
            join unnest(%s::bigint[], %s::bigint[]) as pairs(source, target) on page.object_id = pairs.source
            """
        ),
        erase=composed("delete from {page} where object_id = any(%s::bigint[])"),
        erase_history=composed("delete from {history} where object_id = any(%s::bigint[])"),
        # A row is of use to moments from its bucket until its page's next row. What "" says, no row says too.
        trim_history=composed(
            """
            delete from {history} where ctid = any(array(
                select old.ctid from {history} as old
                where old.bucket <= %(before)s and (
                    old.data = '' or exists (
                        select from {history} as next
                        where next.object_id = old.object_id and next.no = old.no
                            and next.bucket > old.bucket and next.bucket <= %(before)s
                    ) or exists (
                        select from {page} as next
                        where next.object_id = old.object_id and next.no = old.no and next.bucket <= %(before)s
                    )
                )
                order by old.object_id, old.no, old.bucket
                limit %(most)s
            ))
            """
        ),
    )


def _array(numbers: Iterable[int]) -> str:
    # As text: psycopg would choose the element's type by the largest number, and each type is a prepared statement.
    return "{" + ",".join(map(str, numbers)) + "}"


def fetch(connection: Connection[Any], schema: str, object_id: int, first: int, count: int) -> dict[int, bytes]:
    """Read raw pages [first, first + count) by number; those that are in no row are left out."""
    found = connection.execute(
        _statements(schema).fetch, (object_id, first, first + count - 1), prepare=True, binary=True
    )
    return {no: expand(data) for no, data in found}


def fetch_many(
    connection: Connection[Any], schema: str, object_ids: Iterable[int], count: int = 8
) -> dict[int, dict[int, bytes]]:
    """Read the first `count` pages of several objects in one query; an object without pages is left out."""
    found = connection.execute(_statements(schema).fetch_many, (_array(object_ids), count), prepare=True, binary=True)
    objects: dict[int, dict[int, bytes]] = {}
    for object_id, no, data in found:
        objects.setdefault(object_id, {})[no] = expand(data)
    return objects


def write(connection: Connection[Any], schema: str, changes: Sequence[Write], bucket: int) -> None:
    """Write what several objects' commits changed: one statement, one more where a file became shorter.

    bucket: int(unix time // HISTORY_BUCKET_S). Reads no answer, so it fits into a pipeline.
    """
    if any(write.change.pages for write in changes):
        connection.execute(_statements(schema).write, write_parameters(changes, bucket), prepare=True)
    shorten(connection, schema, changes, bucket)


def in_parts(changes: Sequence[Write], most_pages: int) -> tuple[list[Write], list[Write]]:
    """Part what is large: give what can be written beforehand, so many pages at once, and what is left then."""
    before: list[Write] = []
    left: list[Write] = []
    for write in changes:
        numbers = list(write.change.pages)
        starts = range(0, max(0, len(numbers) - most_pages), most_pages)
        before += [_part(write, numbers[start : start + most_pages]) for start in starts]
        kept = (len(numbers) - 1) % most_pages + 1 if numbers else 0
        left.append(_part(write, numbers[len(numbers) - kept :]) if kept < len(numbers) else write)
    return before, left


def _part(write: Write, numbers: Sequence[int]) -> Write:
    pages = write.change.pages
    return write._replace(change=replace(write.change, pages={no: pages[no] for no in numbers}))


def shorten(connection: Connection[Any], schema: str, changes: Sequence[Write], bucket: int) -> None:
    """Cut the files that became shorter, if there are any."""
    shortened = [
        (object_id, change.page_count, version)
        for object_id, version, change in changes
        if change.page_count < change.old_page_count
    ]
    if shortened:
        truncate(connection, schema, shortened, bucket)


def truncate(connection: Connection[Any], schema: str, lengths: Sequence[tuple[int, int, int]], bucket: int) -> None:
    """Cut files: lengths are (object_id, page_count, version). What is cut off stays in the history."""
    columns = (_array(column) for column in zip(*lengths, strict=True))
    connection.execute(_statements(schema).truncate, (*columns, bucket, bucket), prepare=True)


def fetch_at(
    connection: Connection[Any], schema: str, object_id: int, bucket: int, first: int, count: int
) -> dict[int, bytes]:
    """Read raw pages [first, first + count) as they were when the bucket ended, as `fetch` does."""
    found = connection.execute(
        _statements(schema).fetch_at,
        {"id": object_id, "bucket": bucket, "first": first, "last": first + count - 1},
        binary=True,
    )
    return {no: expand(data) for no, data in found if data}


def page_count_at(connection: Connection[Any], schema: str, object_id: int, bucket: int) -> int:
    """Give the file's length when the bucket ended, from its first page; 0 when it had none."""
    header = fetch_at(connection, schema, object_id, bucket, 0, 1).get(0)
    # Bytes 28 to 31: https://sqlite.org/fileformat2.html#in_header_database_size
    return 0 if header is None else int.from_bytes(header[28:32], "big")


def at(connection: Connection[Any], schema: str, object_id: int, bucket: int) -> tuple[int, "Past"]:
    """Give the file as it was when the bucket ended: its length in pages and the `fetch` for an image over it."""
    return page_count_at(connection, schema, object_id, bucket), Past(connection, schema, object_id, bucket)


@dataclass(frozen=True, slots=True)
class Past:
    """Reads an object's pages as they were when a bucket ended; what `Image.begin` takes."""

    connection: Connection[Any]
    schema: str
    object_id: int
    bucket: int

    def __call__(self, first: int, count: int) -> dict[int, bytes]:
        return fetch_at(self.connection, self.schema, self.object_id, self.bucket, first, count)


def export(
    connection: Connection[Any], schema: str, object_id: int, page_count: int, bucket: int | None = None
) -> Iterator[bytes]:
    """Give the file in chunks of 1 MiB at most: a plain SQLite file.

    bucket: as it was when that ended; page_count is then what `page_count_at` gives. Take the object's row lock or a
    repeatable-read transaction, since each chunk is a query of its own.
    """
    for first in range(0, page_count, CHUNK_PAGES):
        count = min(CHUNK_PAGES, page_count - first)
        if bucket is None:
            found = fetch(connection, schema, object_id, first, count)
        else:
            found = fetch_at(connection, schema, object_id, bucket, first, count)
        yield b"".join([found.get(no, ZEROS) for no in range(first, first + count)])


def store(
    connection: Connection[Any],
    schema: str,
    object_id: int,
    version: int,
    chunks: Iterable[bytes],
    *,
    bucket: int,
    old_page_count: int = 0,
) -> int:
    """Replace a whole file and give its length in pages; what it was stays in the history.

    version: the object's after it. old_page_count: its length before it. chunks: of any size, whole pages in sum.
    Raises ValueError when they are not. Takes constant memory.
    """
    waiting = bytearray()
    page_count = 0

    def flush(whole: int) -> None:
        nonlocal page_count
        pages = {page_count + no: bytes(waiting[no * PAGE_BYTES : (no + 1) * PAGE_BYTES]) for no in range(whole)}
        del waiting[: whole * PAGE_BYTES]
        page_count += whole
        change = Change(pages, page_count, page_count)
        write(connection, schema, [Write(object_id, version, change)], bucket)

    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= CHUNK_PAGES * PAGE_BYTES:
            flush(CHUNK_PAGES)
    whole, rest = divmod(len(waiting), PAGE_BYTES)
    if rest:
        raise ValueError(f"a file of {page_count + whole} pages and {rest} bytes is not whole")
    flush(whole)
    if page_count < old_page_count:
        truncate(connection, schema, [(object_id, page_count, version)], bucket)
    return page_count


def copy(
    connection: Connection[Any], schema: str, pairs: Sequence[tuple[int, int]], bucket: int, version: int = 1
) -> int:
    """Copy files inside of Postgres: pairs are (source, target), targets without pages. Gives the pages copied.

    version: of the targets after it. History is not copied: it is the source's.
    """
    if not pairs:
        return 0
    sources, targets = zip(*pairs, strict=True)
    return connection.execute(
        _statements(schema).copy, (version, bucket, _array(sources), _array(targets)), prepare=True
    ).rowcount


def erase(connection: Connection[Any], schema: str, object_ids: Iterable[int]) -> None:
    """Remove the pages of objects, with their history. There is no way back."""
    ids = _array(object_ids)
    connection.execute(_statements(schema).erase, (ids,))
    connection.execute(_statements(schema).erase_history, (ids,))


def trim_history(connection: Connection[Any], schema: str, before_bucket: int, most: int = 10_000) -> int:
    """Forget what only moments before the bucket need; `before_bucket` itself can still be rebuilt.

    most: rows removed at once. Gives how many there were: call it again while that is `most`.
    """
    return connection.execute(_statements(schema).trim_history, {"before": before_bucket, "most": most}).rowcount
