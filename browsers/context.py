"""What a command of a browser may touch, in the host: the session, its object by calls, and those who watch."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from browsers.sessions import Session
from objects.commands.registry import registry
from objects.engine import running
from objects.sdk import Content, Finish
from objects.work.context import NOTE_CHARS, Errand, problem_of
from teams.limits import Limits
from teams.plans import Browsing
from teams.problems import TooLarge

MISSING: Final = "a command of a browser has no `{}`: it runs outside of the object. Call a command of it for that."


class Line(Protocol):
    """The way to whoever supervises the command; see `browsers.host.Line`."""

    def say(self, *words: Any) -> None:
        """Tell something."""

    async def ask(self, *words: Any) -> Any:
        """Tell something and wait for the answer."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a command may do with files.

    allowed: what its team may, as it was at the beginning. file_bytes: of one file. folder: where downloads come to.
    downloaded: is told of each, with the team's schema and the bytes. launched: Chromium's path, and whether its own
    sandbox is on.
    """

    allowed: Browsing
    file_bytes: int
    folder: str
    downloaded: Callable[[str, int], None]
    launched: tuple[str | None, bool]


@dataclass(slots=True)
class Kept:
    """Something to be done in the object. value: what it gave; a transaction may be tried more than once."""

    work: "Callable[[Any], Any]"
    then: Callable[[Any], None] | None = None
    value: Any = None

    def __call__(self, inside: Any) -> None:
        self.value = self.work(inside)


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
        works: "list[Kept]",
        terms: Terms,
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
        self.terms = terms

    async def call(self, path: str, command: str, **arguments: Any) -> Any:
        """Run a command of an object, this one too, as a transaction of its own; raises what it refuses with."""
        kind, value = await self._line.ask("call", path, command, arguments)
        if kind == "problem":
            raise problem_of(value)
        return value

    async def within(self, work: "Callable[[Any], Any]") -> Any:
        """Do something in the object now, in a transaction of its own; raises what it refuses with.

        work: gets the object's context; see `objects.engine.context.Context`.
        """
        outcome = await running.engine().acall(
            self.session.schema, self.path, "browser", {}, self.caller, via=f"task {self.task}", work=work
        )
        if outcome.problem is not None:
            raise outcome.problem
        return outcome.value

    def finish_with(self, command: str, **arguments: Any) -> Finish:
        """Have a command of this object run in the transaction that ends the task; see `TaskContext.finish_with`."""
        self.effect = (command, arguments)
        return Finish()

    def keep_file(self, name: str, content: bytes | Content) -> None:
        """Have a file kept in the object, in the transaction that ends the task. Raises TooLarge."""
        kept = content if isinstance(content, Content) else Content(content, name=name)
        most_bytes = self.terms.file_bytes
        if kept.size > most_bytes:
            raise TooLarge(
                f"{name}: {kept.size:,} bytes; a browser keeps files of at most {most_bytes:,} here (limits "
                "BROWSER_FILE_BYTES and FILE_BYTES, the setting file.bytes, or the team's plan)."
            )
        self._files[name] = kept

    def keep(self, work: "Callable[[Any], Any]", then: Callable[[Any], None] | None = None) -> None:
        """Have something done in the object, in the transaction that ends the task, however it ends.

        work: gets the object's context; see `objects.engine.context.Context`. It must not refuse.
        then: gets what the work gave, once that is committed.
        """
        self._works.append(Kept(work, then))

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

    def keep_download(self, name: str, content: Content) -> None:
        """Keep a file that was downloaded, which counts for the team."""
        self.keep_file(name, content)
        self.terms.downloaded(self.session.schema, content.size)

    async def file(self, name: str) -> Path:
        """Give a file of the object as one of this machine, for a page that is given it."""
        outcome = await running.engine().acall(
            self.session.schema, self.path, "files.get", {"name": name}, self.caller, via=f"task {self.task}"
        )
        if outcome.problem is not None:
            raise outcome.problem
        if outcome.value.size > self.terms.file_bytes:
            raise TooLarge(
                f"{name}: {outcome.value.size:,} bytes; a page is given files of at most {self.terms.file_bytes:,} "
                "here (limits BROWSER_FILE_BYTES and FILE_BYTES, the setting file.bytes, or the team's plan)."
            )
        return await asyncio.to_thread(self.session.transfers.put, outcome.value)

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
