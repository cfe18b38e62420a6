"""An SQLite file from outside becomes one that Grove may run, or is refused.

A hostile file is opened in a process of its own, with limits on memory, time and the size of what it writes: whatever
SQLite does with it, this process lives on. What comes out is a fresh file made by VACUUM INTO, so nothing of the
original's free pages, page size, journal mode or vacuum mode is left.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import apsw

from objects.storage import guard, tables
from objects.storage.vfs import PAGE_BYTES
from teams.problems import OutOfTime, TooLarge, WrongArgument

CHUNK_BYTES = 2**20
MEMORY_BYTES = 512 * 2**20
MAGIC = b"SQLite format 3\0"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class CleanFile:
    """A file that passed; a context manager that removes it at the end.

    tables: names of the user's tables and views, sorted.
    """

    path: Path
    page_count: int
    tables: tuple[str, ...]

    def chunks(self) -> Iterator[bytes]:
        """Give the file in parts of 1 MiB at most."""
        with self.path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.path.unlink(missing_ok=True)


def vet(path: Path, *, seconds: float = 30.0, most_bytes: int = 2**30) -> CleanFile:
    """Check an uploaded file and give a clean copy of it; the file itself stays as it is. Takes 0.2 s at least.

    Raises WrongArgument("file") for what is no sound SQLite file or holds what Grove can't, TooLarge, OutOfTime.
    """
    size_bytes = path.stat().st_size
    if size_bytes > most_bytes:
        raise TooLarge(
            f"the file has {size_bytes:,} bytes; an object holds {most_bytes:,}. Delete something and VACUUM."
        )
    with path.open("rb") as file:
        if size_bytes and file.read(len(MAGIC)) != MAGIC:
            raise WrongArgument("file", "this is no SQLite database: it does not begin like one.")
    handle, name = tempfile.mkstemp(suffix=".sqlite")
    os.close(handle)
    clean = Path(name)
    try:
        if not size_bytes:
            return CleanFile(clean, 0, ())
        verdict = _verdict(path, clean, seconds, most_bytes)
        return CleanFile(clean, clean.stat().st_size // PAGE_BYTES, tuple(verdict["tables"]))
    except BaseException:
        clean.unlink(missing_ok=True)
        raise


def _verdict(path: Path, clean: Path, seconds: float, most_bytes: int) -> dict[str, Any]:
    try:
        found = subprocess.run(  # noqa: S603 -- our own module, no shell
            [sys.executable, "-m", __name__, str(path.absolute()), str(clean), str(seconds), str(most_bytes)],
            cwd=ROOT,
            env={"PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise OutOfTime(
            f"the file could not be checked within {seconds:g} s (limit import.seconds). Import a smaller one."
        ) from error
    if found.returncode:
        raise WrongArgument("file", "the file is damaged so badly that checking it failed.")
    verdict: dict[str, Any] = json.loads(found.stdout)
    if "problem" in verdict:
        raise WrongArgument("file", verdict["problem"])
    return verdict


def _checked(path: str, clean: str) -> dict[str, Any]:
    """Look at the file and write the clean one; runs in the process made for it."""
    connection = apsw.Connection(
        f"file:{path.replace('%', '%25').replace('?', '%3f').replace('#', '%23')}?immutable=1",
        flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI,
    )
    for setting, value in (
        (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1),
        (apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
        (apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
        (apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0),
    ):
        connection.config(setting, value)
    connection.execute("PRAGMA cell_size_check=on; PRAGMA mmap_size=0; PRAGMA temp_store=memory")
    schema: Any = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
    if claimed := tables.foreign(schema):
        return {"problem": f"{claimed[0]}: names that start with _ and sqlar are kept for the platform. Rename it."}
    for _, name, _, sql in schema:
        if (module := _module(sql)) is not None and module not in guard.MODULES:
            known = ", ".join(sorted(guard.MODULES))
            return {"problem": f"table {name}: the module {module} is not here. Modules: {known}."}
    for check in ("quick_check", "integrity_check"):
        found = connection.execute(f"PRAGMA {check}(1)").fetchall()
        if found != [("ok",)]:
            return {"problem": f"the file is damaged: {found[0][0]}."}
    Path(clean).unlink()
    connection.execute(f"PRAGMA page_size={PAGE_BYTES}; PRAGMA auto_vacuum=0")
    connection.execute("VACUUM INTO ?", (clean,))
    _normalise(clean)
    return {
        "tables": sorted(name for kind, name, *_ in schema if kind in {"table", "view"} and name not in tables.TABLES)
    }


def _normalise(clean: str) -> None:
    connection = apsw.Connection(clean)
    connection.execute("PRAGMA journal_mode=delete")
    if connection.pragma("page_size") != PAGE_BYTES:  # VACUUM INTO keeps it for a file in WAL mode (SQLite 3.54)
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}; VACUUM")
    found = connection.execute("PRAGMA page_size; PRAGMA auto_vacuum; PRAGMA integrity_check(1)").fetchall()
    connection.close()
    if found != [(PAGE_BYTES,), (0,), ("ok",)]:
        raise apsw.CorruptError(str(found))


def _module(sql: str | None) -> str | None:
    """Name the module of a CREATE VIRTUAL TABLE, None for anything else."""
    words = (sql or "").split(None, 3)
    if [word.upper() for word in words[:2]] != ["CREATE", "VIRTUAL"]:
        return None
    # The name may hold anything when quoted: SQLite itself is asked which module it was, through a refusing guard.
    asked: list[str] = []

    def ask(action: int, _first: str | None, second: str | None, _schema: str | None, _by: str | None) -> int:
        if action == apsw.SQLITE_CREATE_VTABLE:
            asked.append((second or "").lower())
            return apsw.SQLITE_DENY
        return apsw.SQLITE_OK

    scratch = apsw.Connection(":memory:")
    scratch.authorizer = ask
    with suppress(apsw.Error):  # it always refuses
        scratch.execute(sql or "")
    return asked[0] if asked else "?"


def _main(path: str, clean: str, seconds: str, most_bytes: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (int(float(seconds)) + 1, int(float(seconds)) + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * int(most_bytes), 2 * int(most_bytes)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        verdict = _checked(path, clean)
    except (apsw.Error, UnicodeDecodeError, MemoryError) as error:
        verdict = {"problem": f"the file is damaged: {error}."}
    sys.stdout.write(json.dumps(verdict))


if __name__ == "__main__":
    _main(*sys.argv[1:])
