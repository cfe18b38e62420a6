"""An SQLite file from outside becomes one that Grove may run, or is refused.

A hostile file is opened in a process of its own, with limits on memory, time and the size of what it writes: whatever
SQLite does with it, this process lives on. What comes out is a fresh file made by VACUUM INTO, so nothing of the
original's free pages, page size, journal mode or vacuum mode is left.
"""

import json
import os
import resource
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
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
SECONDS = 30.0  # for checking one file ...
BYTES_A_SECOND = 8 * 2**20  # ... and more for a large one: a tenth of what was measured on 2 cores
MAGIC = b"SQLite format 3\0"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class CleanFile:
    """A file that passed; a context manager that removes it at the end.

    tables: names of the user's tables and views, sorted. own: those of the platform's tables that it has.
    """

    path: Path
    page_count: int
    tables: tuple[str, ...]
    own: tuple[str, ...] = ()

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


class Vetter:
    """Checks uploaded files one after the other in one process of its own: 0.2 s to start it, a few ms a small file.

    A context manager. Whatever a file does to the process ends with it: it is started anew for a file after that.
    """

    def __init__(self, *, most_bytes: int = 2**30, seconds: float | None = None) -> None:
        """most_bytes: the largest file taken. seconds: for one file; left out, 30 and what its size needs."""
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def vet(self, path: Path) -> CleanFile:
        """Check a file and give a clean copy of it; the file itself stays as it is.

        Raises WrongArgument("file") for what is no sound SQLite file or holds what Grove can't, TooLarge, OutOfTime.
        """
        size_bytes = path.stat().st_size
        if size_bytes > self._most_bytes:
            raise TooLarge(
                f"the file has {size_bytes:,} bytes; an object holds {self._most_bytes:,}. Delete something and VACUUM."
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
            seconds = SECONDS + size_bytes / BYTES_A_SECOND if self._seconds is None else self._seconds
            verdict = self._verdict(path, clean, seconds)
            return CleanFile(clean, clean.stat().st_size // PAGE_BYTES, tuple(verdict["tables"]), tuple(verdict["own"]))
        except BaseException:
            clean.unlink(missing_ok=True)
            raise

    def _verdict(self, path: Path, clean: Path, seconds: float) -> dict[str, Any]:
        answer = self._ask({"path": str(path.absolute()), "clean": str(clean), "seconds": seconds}, seconds)
        if answer is None:
            raise OutOfTime(
                f"the file could not be checked within {seconds:.0f} s, which its size allows. Import a smaller one."
            )
        if not answer:
            raise WrongArgument("file", "the file is damaged so badly that checking it failed.")
        verdict: dict[str, Any] = json.loads(answer)
        if "problem" in verdict:
            raise WrongArgument("file", verdict["problem"])
        return verdict

    def _ask(self, question: dict[str, Any], seconds: float) -> bytes | None:
        """Give the process's answer: b"" where it died of the question, None where it took too long."""
        process = self._process = self._process or _started(self._most_bytes)
        assert process.stdin is not None
        assert process.stdout is not None
        answer = b""
        is_whole = False
        ends_at = time.monotonic() + seconds
        try:
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
            while not is_whole:
                ready, _, _ = select.select([process.stdout], [], [], max(0.0, ends_at - time.monotonic()))
                if not ready:
                    return None
                part = os.read(process.stdout.fileno(), CHUNK_BYTES)
                if not part:
                    return b""
                answer += part
                is_whole = part.endswith(b"\n")
        except BrokenPipeError:
            return b""
        finally:
            if not is_whole:
                self._end()
        return answer

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


def vet(path: Path, *, seconds: float | None = None, most_bytes: int = 2**30) -> CleanFile:
    """Check one file; see `Vetter`. Takes 0.2 s at least."""
    with Vetter(most_bytes=most_bytes, seconds=seconds) as vetter:
        return vetter.vet(path)


def _started(most_bytes: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 -- our own module, no shell
        [sys.executable, "-m", __name__, str(most_bytes)],
        cwd=ROOT,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _checked(path: str, clean: str) -> dict[str, Any]:
    """Look at the file and write the clean one; runs in the process made for it."""
    name = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    with closing(apsw.Connection(f"file:{name}?immutable=1", flags=flags)) as connection:
        return _looked_at(connection, clean)


def _looked_at(connection: apsw.Connection, clean: str) -> dict[str, Any]:
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
        "tables": sorted(name for kind, name, *_ in schema if kind in {"table", "view"} and name not in tables.TABLES),
        "own": sorted(name for kind, name, *_ in schema if kind == "table" and name in tables.TABLES),
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


def _main(most_bytes: str) -> None:
    """Answer a line of JSON for each line of JSON that comes."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * int(most_bytes), 2 * int(most_bytes)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        question = json.loads(line)
        used = resource.getrusage(resource.RUSAGE_SELF)
        ends_s = int(used.ru_utime + used.ru_stime + question["seconds"]) + 2
        resource.setrlimit(resource.RLIMIT_CPU, (ends_s, resource.RLIM_INFINITY))
        try:
            verdict = _checked(question["path"], question["clean"])
        except (apsw.Error, UnicodeDecodeError, MemoryError) as error:
            verdict = {"problem": f"the file is damaged: {error}."}
        sys.stdout.write(json.dumps(verdict) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main(*sys.argv[1:])
