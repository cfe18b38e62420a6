"""Has a script run in a process of its own. All that it began ends with it: at its end, its limits, or cancelled."""

import asyncio
import codecs
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import orjson
import psutil
from django.conf import settings

from browsers import folders
from browsers.profile import Parts
from teams.problems import OutOfTime, Problem, TooLarge

log = logging.getLogger("grove.browser")

# What of the host's environment a script has: nothing of Grove's, such as where the database is.
KEPT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PLAYWRIGHT_BROWSERS_PATH", "FONTCONFIG_PATH", "FONTCONFIG_FILE")
MARK: Final = "GROVE_SCRIPT"  # in the environment of all that a script began
LOOK_S: Final = 0.5  # between two looks at what it uses
CHUNK_BYTES: Final = 8_192
ENDS: Final = 20  # times that what it began is looked for, to be ended


class ScriptFailed(Problem):
    """A script raised something, or gave what is no result."""

    type, title, status = "script-failed", "The script failed", 409


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a script. parts: of the browser as it left it; None where that is not known."""

    value: Any
    error: str
    parts: Parts | None


async def run(request: Mapping[str, Any], *, write: Callable[[str], None], seconds: float, most_bytes: int) -> Answer:
    """Run it. request: what `browsers.operated.child` is told. write: gets what it prints, as it comes.

    Raises OutOfTime and TooLarge (memory) where it was ended for that.
    """
    folder, mark = folders.make("script"), uuid4().hex
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {MARK: mark, "TMPDIR": folder, "PYTHONPATH": str(settings.BASE_DIR)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-u", "-m", "browsers.operated.child", folder, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=folder, env=environment,
        start_new_session=True,
    )  # fmt: skip
    listening = asyncio.create_task(_heard(process, orjson.dumps(request), write))
    watching = asyncio.create_task(_watched(mark, most_bytes))
    try:
        done, _ = await asyncio.wait([listening, watching], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if watching in done:
            raise TooLarge(f"it took more than {most_bytes:,} bytes of memory (limit BROWSER_RUN_BYTES) and was ended.")
        if not done:
            raise OutOfTime(f"it took more than {seconds:g} s and was ended (--seconds, or the limit BROWSER_RUN_S).")
        return await asyncio.to_thread(_answer, Path(folder), process.returncode)
    finally:
        for each in (listening, watching):
            each.cancel()
        await asyncio.shield(asyncio.to_thread(end, mark))
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _heard(process: asyncio.subprocess.Process, request: bytes, write: Callable[[str], None]) -> None:
    """Tell it what to do, and pass on what it prints until it is over. Its input stays open: else it ends."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(OSError):  # it ended before; then there is no answer
        process.stdin.write(request + b"\n")
        await process.stdin.drain()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while chunk := await process.stdout.read(CHUNK_BYTES):
        if text := decoder.decode(chunk):
            write(text)
    await process.wait()


def _answer(folder: Path, code: int | None) -> Answer:
    try:
        told = orjson.loads((folder / "answer.json").read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return Answer(None, f"its process ended with exit code {code} before the script was over.", None)
    return Answer(told["value"], told["error"], told["parts"])


async def _watched(mark: str, most_bytes: int) -> None:
    """Return once it takes too much memory."""
    while await asyncio.to_thread(_used, mark) <= most_bytes:  # noqa: ASYNC110 -- no event tells of memory
        await asyncio.sleep(LOOK_S)


def _used(mark: str) -> int:
    used = 0
    for each in _of(mark, psutil.Process().children(recursive=True)):
        with suppress(psutil.Error):
            told = each.memory_info()
            used += told.rss - getattr(told, "shared", 0)
    return used


def end(mark: str, *, but: int = 0) -> None:
    """End all that it began: Chromium is in a group of its own, so the mark tells. but: a process that stays."""
    for _ in range(ENDS):
        # Also those whose parent ended.
        there = [each for each in _of(mark, psutil.process_iter()) if each.pid != but]
        if not there:
            return
        for each in there:
            with suppress(psutil.Error):
                each.kill()
        psutil.wait_procs(there, timeout=0.5)
    log.warning("a script did not end with all that it began: %s", mark)


def _of(mark: str, among: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Give the processes of a script; those whose environment cannot be read, as in Chromium's sandbox, by descent."""
    found: dict[int, psutil.Process] = {}
    for each in among:
        with suppress(psutil.Error):
            if each.pid not in found and each.environ().get(MARK) == mark:
                found |= {one.pid: one for one in [each, *each.children(recursive=True)]}
    return [each for each in found.values() if _is_there(each)]


def _is_there(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
