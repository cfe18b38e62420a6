"""Files: kept in the object's table `sqlar`, as the `sqlite3` tool writes and reads archives (`sqlite3 -A`).

A file is deflated (zlib) where that makes it smaller. Folders are what names imply: `photos/a.jpg` is in `photos/`.
Every change is told on the topic "files".
Source: the format is that of https://sqlite.org/sqlar.html.
"""

import mimetypes
import re
import stat
import tempfile
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Annotated, Any, Final

from objects.sdk import Between, Content, Download, Facility, Help, Moment, Size, Tab, command
from teams.problems import Conflict, NoSuch, TooLarge, WrongArgument

NAME_BYTES: Final = 1_024
CHUNK_BYTES: Final = 1 << 18
SPOOL_BYTES: Final = 1 << 20  # what is larger waits on disk, not in memory
MODE: Final = stat.S_IFREG | 0o644
LINK_SIZE: Final = -1  # `sz` of a symbolic link, whose `data` is its target
TOPIC: Final = "files"

_COLUMNS = "name, mode, mtime, sz, length(data), rowid"
_DRIVE = re.compile(r"[A-Za-z]:")

FileName = Annotated[str, Help("name of a file, such as photos/a.jpg")]
FileOrFolder = Annotated[str, Help("name of a file; with a / at the end, a folder and all in it")]


@dataclass(frozen=True, slots=True)
class File:
    """A file, or a folder, whose name ends with a slash."""

    name: str
    size: Size | None  # null for a folder
    stored: Size | None  # what it takes in the object
    changed_at: Moment | None
    type: str  # "folder", "link", or a media type guessed from the name


@dataclass(frozen=True, slots=True)
class Listing:
    """Some files in order."""

    files: list[File]
    next: str | None  # hand it in as `after` for what follows; null when that was all


class Files(Facility):
    """Keeps files by name."""

    name = "files"
    tab = Tab("Files", order=120)

    @command(takes="FILE_BYTES")
    def put(
        self,
        name: FileName,
        content: Annotated[Content, Help("its bytes")],
        *,
        new: Annotated[bool, Help("refuse where there is such a file already")] = False,
    ) -> File:
        """Keep a file; one of the same name is replaced.

        > files put notes/today.txt "Water the lemon tree."
        name notes/today.txt  size 21B  stored 21B  changed_at 2026-05-17T09:30:00Z  type text/plain
        """
        name = file_name(name)
        limit_bytes = self.context.settings.file_bytes
        if content.size > limit_bytes:
            raise TooLarge(
                f"content: {name} has {content.size:,} bytes; a file has at most {limit_bytes:,} here (file.bytes).",
                field="content",
            )
        self.context.db.need("sqlar")
        if self._row(name) is None:
            self._refuse_in_the_way(name)
        elif new:
            raise Conflict(f"{name}: there is such a file already. Choose another name, or put it without --new.")
        with _packed(content) as packed:
            self._keep(name, content.size, packed)
        self._tell(name)
        return self._file(name)

    @command(reads=True)
    def get(self, name: FileName) -> Download:
        """Give the bytes of a file.

        > files put hello.txt "Hello, grove"
        name hello.txt  size 12B  stored 12B  changed_at 2026-05-17T09:30:00Z  type text/plain
        > files get hello.txt
        hello.txt  text/plain  12B
        """
        name = file_name(name)
        _, mode, _, size, stored_bytes, row_id = self._found(name)
        if size == LINK_SIZE or stat.S_ISLNK(mode or 0):
            raise Conflict(f"{name}: a symbolic link, which an import brought along. Get the file that it names.")
        if stat.S_ISDIR(mode or 0):
            raise Conflict(f"{name}: a folder. Get a file in it: `files list {name}` tells which there are.")
        limit_bytes = self.context.settings.file_bytes
        if size > limit_bytes:
            raise TooLarge(f"{name}: {size:,} bytes; a file has at most {limit_bytes:,} here (file.bytes).")
        # The answer leaves after the call, when the object may have changed: it gets a copy, on disk if it is large.
        # Collected with the Download, read or not.
        copy: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115
        if stored_bytes:
            with self.context.db.blob("sqlar", "data", row_id) as blob:
                while chunk := blob.read(CHUNK_BYTES):
                    copy.write(chunk)
        short_name = name[name.rfind("/") + 1 :]
        return Download(short_name, _unpacked(copy, size, stored_bytes or 0, name), content_type=_type(name), size=size)

    @command(reads=True)
    def info(self, name: FileName) -> File:
        """Tell the size, the time and the type of a file.

        > files put a.csv "x,y"
        name a.csv  size 3B  stored 3B  changed_at 2026-05-17T09:30:00Z  type text/csv
        > files info a.csv
        name a.csv  size 3B  stored 3B  changed_at 2026-05-17T09:30:00Z  type text/csv
        """
        return self._file(file_name(name))

    @command(name="list", reads=True)
    def list_(
        self,
        folder: Annotated[str, Help("the folder; that of all files where it is left out")] = "",
        *,
        deep: Annotated[bool, Help("also what is in the folders below")] = False,
        after: Annotated[str, Help("only names after this one; `next` of the answer before")] = "",
        limit: Annotated[int, Between(1, 1_000)] = 100,
    ) -> Listing:
        """List a folder: files and folders, by name.

        > files put plan.txt "1. dig"
        name plan.txt  size 6B  stored 6B  changed_at 2026-05-17T09:30:00Z  type text/plain
        > files list
        name      size  stored  changed_at            type
        plan.txt    6B      6B  2026-05-17T09:30:00Z  text/plain
        """
        prefix = file_name(folder.rstrip("/"), "folder") + "/" if folder.rstrip("/") else ""
        if not self.context.db.has("sqlar"):
            return Listing([], None)
        found: list[File] = []
        position = after
        for file, reached in self._walk(prefix, after, is_deep=deep):
            if len(found) == limit:
                return Listing(found, position)
            found.append(file)
            position = reached
        return Listing(found, None)

    @command
    def move(
        self,
        old: FileOrFolder,
        new: FileOrFolder,
        *,
        replace: Annotated[bool, Help("replace files that have the new names")] = False,
    ) -> int:
        """Rename a file, or a folder with all in it. Tells how many files moved.

        > files put draft.txt "Dear all,"
        name draft.txt  size 9B  stored 9B  changed_at 2026-05-17T09:30:00Z  type text/plain
        > files move draft.txt letters/final.txt
        1
        """
        is_folder = old.endswith("/")
        if is_folder != new.endswith("/"):
            raise WrongArgument(
                "new", f"'{old}' and '{new}': name two files, or two folders, each with a / at its end."
            )
        old_name, new_name = file_name(old.rstrip("/"), "old"), file_name(new.rstrip("/"), "new")
        if new_name == old_name or (is_folder and f"{new_name}/".startswith(f"{old_name}/")):
            raise WrongArgument("new", f"'{new}' is '{old}' or lies in it. Choose a name elsewhere.")
        moves = {name: new_name + name[len(old_name) :] for name in self._names(old_name, is_folder=is_folder)}
        if moves.keys() & set(moves.values()):
            raise Conflict(f"{old}: some of its files would take names of others that move too. Move them apart first.")
        taken = [target for target in moves.values() if self._row(target) is not None]
        if taken and not replace:
            raise Conflict(
                f"There {'are' if len(taken) > 1 else 'is'} already {_some(taken)}. Say --replace to replace them.",
                names=taken[:100],
            )
        for target in taken:
            self.context.db.run("DELETE FROM sqlar WHERE name = ?", (target,))
        for name, target in moves.items():
            file_name(target, "new")
            self.context.db.run("UPDATE sqlar SET name = ? WHERE name = ?", (target, name))
        for name, target in moves.items():
            self._refuse_in_the_way(target)
            self._tell(name, is_deleted=True)
            self._tell(target)
        return len(moves)

    @command
    def delete(self, *names: FileOrFolder) -> int:
        """Delete files and folders; all of them or, where one is missing, none. Tells how many files went.

        > files put old.txt "Bye!"
        name old.txt  size 4B  stored 4B  changed_at 2026-05-17T09:30:00Z  type text/plain
        > files delete old.txt
        1
        """
        if not names:
            raise WrongArgument("names", "Name at least one file, or a folder with a / at its end.")
        gone: dict[str, None] = {}
        for each in names:
            gone.update(dict.fromkeys(self._names(file_name(each.rstrip("/"), "names"), is_folder=each.endswith("/"))))
        for name in gone:
            self.context.db.run("DELETE FROM sqlar WHERE name = ?", (name,))
            self._tell(name, is_deleted=True)
        return len(gone)

    def _keep(self, name: str, size_bytes: int, packed: IO[bytes]) -> None:
        stored_bytes = packed.seek(0, 2)
        packed.seek(0)
        values = (name, MODE, int(self.context.now), size_bytes, stored_bytes)
        ((row_id,),) = self.context.db.run(
            "INSERT INTO sqlar (name, mode, mtime, sz, data) VALUES (?1, ?2, ?3, ?4, zeroblob(?5))"
            " ON CONFLICT (name) DO UPDATE SET mode = ?2, mtime = ?3, sz = ?4, data = zeroblob(?5) RETURNING rowid",
            values,
        )
        if stored_bytes:
            with self.context.db.blob("sqlar", "data", row_id, writable=True) as blob:
                while chunk := packed.read(CHUNK_BYTES):
                    blob.write(chunk)

    def _walk(self, prefix: str, after: str, *, is_deep: bool) -> Iterator[tuple[File, str]]:
        """Give what is in a folder after a name, each with the `after` that goes on behind it.

        A folder below costs two look-ups, however much is in it.
        """
        run = self.context.db.run
        end = prefix + "\U0010ffff"
        # "0" is the character after "/": nothing in the folder `after` sorts behind it.
        position = after[:-1] + "0" if after.endswith("/") and not is_deep else after
        strictly = position == after
        position = max(position, prefix)
        while True:
            rows = run(
                f"SELECT {_COLUMNS} FROM sqlar WHERE name {'>' if strictly else '>='} ? AND name < ?"  # noqa: S608
                f" ORDER BY name LIMIT {500 if is_deep else 1}",
                (position, end),
            )
            if not rows:
                return
            for row in rows:
                name: str = row[0]
                slash = name.find("/", len(prefix))
                if is_deep or slash < 0:
                    # A folder with a row of its own, from an import: what is in it tells of it already.
                    if is_deep or not stat.S_ISDIR(row[1] or 0) or not self._is_folder(name):
                        yield _as_file(row), name
                    position, strictly = name, True
                else:
                    yield File(name[: slash + 1], None, None, None, "folder"), name[: slash + 1]
                    position, strictly = name[:slash] + "0", False

    def _row(self, name: str) -> tuple[Any, ...] | None:
        if not self.context.db.has("sqlar"):
            return None
        rows = self.context.db.run(f"SELECT {_COLUMNS} FROM sqlar WHERE name = ?", (name,))  # noqa: S608 -- constant
        return rows[0] if rows else None

    def _found(self, name: str) -> tuple[Any, ...]:
        row = self._row(name)
        if row is None:
            raise NoSuch(f"{name}: no such file. `files list` shows those that there are.")
        return row

    def _file(self, name: str) -> File:
        return _as_file(self._found(name))

    def _names(self, name: str, *, is_folder: bool) -> list[str]:
        if not is_folder:
            return [self._found(name)[0]]
        inside = self.context.db.has("sqlar") and self.context.db.run(
            "SELECT name FROM sqlar WHERE name = ?1 AND mode & 61440 = 16384 OR name > ?1 || '/' AND name < ?1 || '0'",
            (name,),
        )
        if not inside:
            raise NoSuch(f"{name}/: no such folder. `files list` shows those that there are.")
        return [each for (each,) in inside]

    def _refuse_in_the_way(self, name: str) -> None:
        """Refuse a name that makes a folder of a file, or a file of a folder: no disk could hold both."""
        run = self.context.db.run
        parts = name.split("/")
        for count in range(1, len(parts)):
            above = "/".join(parts[:count])
            if run("SELECT 1 FROM sqlar WHERE name = ? AND mode & 61440 <> 16384", (above,)):
                raise Conflict(f"{name}: '{above}' is a file, so nothing can be in it. Choose another name.")
        if self._is_folder(name):
            raise Conflict(f"{name}: this is a folder with files in it. Choose another name.")

    def _is_folder(self, name: str) -> bool:
        return bool(
            self.context.db.run("SELECT 1 FROM sqlar WHERE name > ?1 || '/' AND name < ?1 || '0' LIMIT 1", (name,))
        )

    def _tell(self, name: str, *, is_deleted: bool = False) -> None:
        size = None if is_deleted else self._file(name).size
        self.context.emit(TOPIC, {"name": name, "size": size, "deleted": is_deleted})


def file_name(text: str, field: str = "name") -> str:
    """Read the name of a file into its one form; raises WrongArgument for `field`.

    It is relative, of printable characters in normal form C, and safe to be written to any disk as it is.
    """
    name = unicodedata.normalize("NFC", text)
    parts = name.split("/")
    if not name:
        why = "is empty"
    elif len(name.encode()) > NAME_BYTES:
        why = f"has {len(name.encode()):,} bytes; a name has at most {NAME_BYTES:,}"
    elif not name.isprintable():
        why = "holds characters that cannot be printed"
    elif name.startswith("/") or "\\" in name or _DRIVE.match(name):
        why = "is not relative: write photos/a.jpg, with no / before and no \\ or drive in it"
    elif not all(parts):
        why = "has an empty part: one / between two names, none at the end"
    elif "." in parts or ".." in parts:
        why = "has '.' or '..' as a part: say where the file is by names alone"
    else:
        return name
    shown = name if len(name) <= 60 else name[:57] + "…"
    raise WrongArgument(field, f"'{shown}' {why}.")


def _as_file(row: tuple[Any, ...]) -> File:
    name, mode, modified_s, size, stored_bytes, _ = row
    at = datetime.fromtimestamp(modified_s, UTC) if isinstance(modified_s, int) and 0 <= modified_s < 2**37 else None
    if stat.S_ISDIR(mode or 0):
        return File(name + "/", None, None, at, "folder")
    if size == LINK_SIZE:
        return File(name, 0, stored_bytes, at, "link")
    return File(name, size, stored_bytes or 0, at, _type(name))


def _type(name: str) -> str:
    guessed, encoding = mimetypes.guess_type(name)
    return "application/octet-stream" if guessed is None or encoding else guessed


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return ", ".join(f"'{name}'" for name in names[:5]) + more


def _packed(content: Content) -> IO[bytes]:
    """Give the bytes to be stored: deflated, or as they are where that is not smaller, as the format demands."""
    packed: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 -- the caller closes it
    deflater = zlib.compressobj()
    for chunk in content.chunks(CHUNK_BYTES):
        packed.write(deflater.compress(chunk))
        if packed.tell() >= content.size:
            break
    else:
        packed.write(deflater.flush())
    if packed.tell() >= content.size:
        packed.seek(0)
        packed.truncate()
        for chunk in content.chunks(CHUNK_BYTES):
            packed.write(chunk)
    return packed


def _unpacked(copy: IO[bytes], size_bytes: int, stored_bytes: int, name: str) -> Iterator[bytes]:
    """Give the file's bytes in pieces, never more than `size_bytes`: an imported file can claim anything."""
    given = 0
    for piece in _inflated(copy) if stored_bytes != size_bytes else _pieces(copy):
        given += len(piece)
        if given > size_bytes:
            raise Conflict(f"{name}: more is stored than its size of {size_bytes:,} bytes says: it is damaged.")
        yield piece
    if given != size_bytes:
        raise Conflict(f"{name}: {given:,} of its {size_bytes:,} bytes are stored: it is damaged.")


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _inflated(file: IO[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj()
    try:
        for packed in _pieces(file):
            left = packed
            while left:
                yield inflater.decompress(left, CHUNK_BYTES)
                left = inflater.unconsumed_tail
        yield inflater.flush()
    except zlib.error:
        return  # what is missing is told by the one who counts
