"""What a command of a browser may touch, in the host: the session, its object by calls, and those who watch."""

import asyncio
import base64
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from browsers.sessions import Session
from objects.commands.registry import registry
from objects.sdk import Content, Finish
from objects.work.context import NOTE_CHARS, Errand, problem_of
from teams.limits import Limits
from teams.problems import TooLarge

MISSING: Final = "a command of a browser has no `{}`: it runs outside of the object. Call a command of it for that."


class Line(Protocol):
    """The way to whoever supervises the command; see `browsers.host.Line`."""

    def say(self, *words: Any) -> None:
        """Tell something."""

    async def ask(self, *words: Any) -> Any:
        """Tell something and wait for the answer."""


class SessionContext:
    """One command under way. As `objects.work.context.TaskContext`, with `await` where something takes time.

    session: the object's browser, awake.
    """

    def __init__(
        self,
        errand: Errand,
        session: Session,
        *,
        limits: Limits,
        line: Line,
        files: dict[str, Content],
        works: list[Callable[[Any], None]],
    ) -> None:
        self.task = errand.task
        self.tries = errand.tries
        self.path = errand.path
        self.kind = errand.kind
        self.caller = errand.caller
        self.now = errand.now
        self.limits = limits
        self.session = session
        self.began_at = time.monotonic()
        self.effect: tuple[str, Mapping[str, Any]] | None = None
        self._line = line
        self._files = files
        self._works = works
        self.shows = True  # whether answers have a picture, which takes a moment

    async def call(self, path: str, command: str, **arguments: Any) -> Any:
        """Run a command of an object, this one too, as a transaction of its own; raises what it refuses with."""
        kind, value = await self._line.ask("call", path, command, arguments)
        if kind == "problem":
            raise problem_of(value)
        return value

    def finish_with(self, command: str, **arguments: Any) -> Finish:
        """Have a command of this object run in the transaction that ends the task; see `TaskContext.finish_with`."""
        self.effect = (command, arguments)
        return Finish()

    def keep_file(self, name: str, content: bytes) -> None:
        """Have a file kept in the object, in the transaction that ends the task. Raises TooLarge."""
        if len(content) > self.limits.FILE_BYTES:
            raise TooLarge(
                f"{name}: {len(content):,} bytes; a file has at most {self.limits.FILE_BYTES:,} (limit FILE_BYTES)."
            )
        self._files[name] = Content(content, name=name)

    def keep(self, work: "Callable[[Any], None]") -> None:
        """Have something done in the object, in the transaction that ends the task, however it ends.

        work: gets the object's context; see `objects.engine.context.Context`. It must not refuse.
        """
        self._works.append(work)

    def keep_files(self) -> None:
        """Have the files kept that were until now, however the task ends; one that is refused is in the journal."""
        files = dict(self._files)
        self._files.clear()

        def put(inside: Any) -> None:
            for name, content in files.items():
                given = {"name": name, "content": content}
                inside.attempt(inside.path, "files.put", given, caller_id=inside.caller.id, via=f"task {self.task}")

        if files:
            self.keep(put)

    async def keep_path(self, name: str, path: Path) -> int:
        """Have a file of this machine kept in the object, as `keep_file` does; gives its size in bytes."""
        content = await asyncio.to_thread(_read, path, self.limits.FILE_BYTES + 1)
        self.keep_file(name, content)
        return len(content)

    async def file(self, name: str) -> dict[str, Any]:
        """Give a file of the object as Playwright takes one."""
        got = await self.call(self.path, "files.get", name=name)
        return {"name": got["name"], "mimeType": got["type"], "buffer": base64.b64decode(got["base64"])}

    def progress(self, done: float | None, note: str = "") -> None:
        """Tell those who watch how far it is: done: 0 to 1; None where nobody knows."""
        part = None if done is None else min(1.0, max(0.0, done))
        self._line.say("progress", part, note.replace("\0", "")[:NOTE_CHARS])

    def write(self, text: str) -> None:
        """Add to the task's output; those who watch see it at once."""
        self._line.say("output", text.replace("\0", "�"))

    def facility(self, name: str) -> Any:
        """Give one of the object's facilities, within the same bounds."""
        return registry.facility(name)(self)

    def __getattr__(self, name: str) -> Any:
        if name in ("authorize", "db", "emit", "pg", "random", "settings", "start", "tasks", "fetch"):
            raise TypeError(MISSING.format(name))
        raise AttributeError(name)


def _read(path: Path, most_bytes: int) -> bytes:
    with path.open("rb") as opened:
        return opened.read(most_bytes)
