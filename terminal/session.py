"""A terminal session: a shell, an editor, and what was shown, for as long as somebody may come back to it.

Between bytes and the shell: knows nothing of the language, and nothing of how the bytes travel.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from django.conf import settings

from objects.commands.types import Upload
from objects.surfaces import addresses
from teams.problems import Conflict, NotAllowed, Problem
from terminal import making
from terminal import sharing as shares
from terminal.editor import Editor
from terminal.host import running_in
from terminal.making import Helper, Shell
from terminal.memory import Memory, Snapshot
from terminal.output import Flow, Output
from terminal.plain import PlainEditor
from terminal.recording import Recording, file_of
from terminal.secrets import masked
from terminal.world import TeamWorld, Who

log = logging.getLogger("grove.terminal")

WRITE_CHARS = 16 * 1024  # shown at once, after which others get their turn
AHEAD_BYTES = 64 * 1024  # that a command may show before the reader was sent it
SMALLEST, LARGEST = (2, 1), (1_000, 500)  # columns and rows of a terminal
LINES_BACK = 500  # of the history, that Up goes back to
INTERRUPT = b"\x03"
LEFT = "You left."


@dataclass(slots=True)
class Terminal:
    """What a reader's terminal is and can do.

    colours: 0, 16, 256 or 16,777,216. pictures: "sixel", "iterm" or "". site: what links begin with, where it is known.
    """

    width: int = 80
    height: int = 24
    colours: int = 16_777_216
    pictures: str = ""
    plain: bool = False
    site: str = ""


class Reader(Protocol):
    """The other end of a session: a socket, an SSH channel, a local terminal."""

    async def send(self, data: bytes) -> None:
        """Show bytes; waits while the way there is full."""

    def tell(self, message: Mapping[str, Any]) -> None:
        """Tell what is not shown, such as {"title": …}. Never waits."""

    def close(self, reason: str, problem: Problem | None = None) -> None:
        """End the connection, and say why. Nothing is sent after it."""


class Attachment:
    """A reader of a session.

    guest: somebody who came by a link; None is the session's own person, whose sizes count. name: whom the others see.
    types: whether what is typed counts.
    """

    def __init__(
        self, session: "Session", reader: Reader, flow: Flow, *, guest: Who | None, name: str, types: bool
    ) -> None:
        self.session = session
        self.reader = reader
        self.flow = flow
        self.guest = guest
        self.name = name
        self.types = types
        self.since = datetime.now(UTC)
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            await self.flow.run()
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("what a session showed could not be sent")
        self.session.detach(self)
        self.reader.close("Too slow: what comes next is gone already. Connect again.")

    @property
    def owns(self) -> bool:
        """Whether this is the session's own person."""
        return self.guest is None

    def feed(self, data: bytes) -> None:
        """Take what this reader typed; nothing from one who only looks on."""
        if self.types:
            self.session.feed(data)

    def resize(self, width: int, height: int) -> None:
        """Take the size of this reader's terminal, where it counts."""
        if self.owns:
            self.session.resize(width, height)

    def saw(self, seen: int) -> None:
        """Take how many bytes of the session this reader has shown."""
        self.flow.saw(seen)

    async def drained(self, seconds: float) -> None:
        """Wait until everything was sent, or the time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.session.output.room(0)

    def leave(self) -> None:
        """Read no more."""
        self._task.cancel()
        self.session.detach(self)


class Session:
    """One terminal. Is the `terminal.ports.Screen` of its shell.

    id: hard to guess; whoever comes back with it must be the same person, too.
    """

    def __init__(
        self, world: TeamWorld, path: str, terminal: Terminal, *, via: str = "", snapshot: Snapshot | None = None
    ) -> None:
        limits = settings.GROVE
        self.id = snapshot.id if snapshot is not None else secrets.token_urlsafe(24)
        self.world = world
        self.memory = Memory.of(world.caller)
        self.person = world.caller.id
        self.via = via
        self.width, self.height = terminal.width, terminal.height
        self.colours, self.pictures, self.plain = terminal.colours, terminal.pictures, terminal.plain
        self.site = terminal.site
        self.readers: list[Attachment] = []
        self.output = Output(limits.TERMINAL_SCROLLBACK_BYTES)
        self.is_over = False
        self.is_leaving = False  # after the line that runs, the session ends
        self.is_changed = False  # since it was last kept
        self.typed_at = self.read_at = time.monotonic()
        self.on_end: list[Callable[[], None]] = []
        self.on_share: list[Callable[[shares.Share], None]] = []  # called with each new link
        self._recording: Recording | None = None
        self._line, self._cursor = "", 0
        if snapshot is not None:
            shown = snapshot.scrollback
            self.output = Output(limits.TERMINAL_SCROLLBACK_BYTES, start=snapshot.shown_bytes - len(shown), kept=shown)
            self._line, self._cursor = snapshot.line, snapshot.cursor
        self.output.on_change = self._was_changed
        self.shell: Shell = making.make_shell(world, self, self.memory, path=path, snapshot=snapshot)
        self.helper: Helper = making.make_helper(self.shell, self._redraw)
        self.editor: Editor | PlainEditor = self._editor()
        self._is_revived = snapshot is not None
        self._title = ""
        self._running: asyncio.Task[int] | None = None
        self._task: asyncio.Task[None] | None = None
        self._lines_of: tuple[str, int] = ("", -1)
        self._ran = 0
        self._closing: asyncio.Task[None] | None = None

    # ---- Screen ----

    async def write(self, text: str) -> None:
        """Show text; waits while the reader is too slow to take more."""
        if self.editor.is_reading:  # from a job in the background
            self.editor.above(lambda: self.show(text if text.endswith("\n") else text + "\n"))
            await self.output.room(AHEAD_BYTES)
            return
        for start in range(0, len(text), WRITE_CHARS):
            self.show(text[start : start + WRITE_CHARS])
            await self.output.room(AHEAD_BYTES)
            if len(text) > WRITE_CHARS:
                await asyncio.sleep(0)

    async def ask(self, question: str, *, secret: bool = False) -> str:
        """Ask the person for a line. secret: it is neither shown nor remembered.

        Raises Conflict for a job in the background, NotAllowed when the answer is Ctrl-D.
        """
        if self.editor.is_reading:
            raise Conflict("A command in the background cannot ask. Run it in the foreground: fg")
        try:
            return await self.editor.ask(question, secret=secret)
        except KeyboardInterrupt:
            self.interrupt()
            await asyncio.sleep(60)  # the cancellation arrives here
            raise asyncio.CancelledError from None
        except EOFError:
            raise NotAllowed("No answer was given, so nothing was done.") from None

    async def edit(self, name: str, text: str, save: Callable[[str], Awaitable[None]]) -> bool:
        """Let the person edit a text over the whole screen; gives whether anything was saved.

        Raises Conflict in the plain mode, where nothing is ever redrawn.
        """
        if isinstance(self.editor, PlainEditor) or self.editor.is_reading:
            raise Conflict("no editor can be opened here.")
        return await self.editor.edit(name, text, save)

    # ---- What readers do ----

    def attach(
        self, reader: Reader, *, seen: int | None, guest: Who | None = None, name: str = "", types: bool = True
    ) -> Attachment:
        """Add a reader who has shown `seen` bytes already; None: none. The owner's earlier reader is let go."""
        owns = guest is None
        if owns:
            for other in [each for each in self.readers if each.owns]:
                other.leave()
                other.reader.close("This session goes on in another window.", Conflict("It was opened elsewhere."))
        flow = self.output.attach(reader, seen, window_bytes=settings.GROVE.TERMINAL_WINDOW_BYTES, counts=owns)
        attachment = Attachment(self, reader, flow, guest=guest, name=name or self.world.caller.name, types=types)
        self.readers.append(attachment)
        reader.tell({"title": self.title})
        if not owns:
            reader.tell({"size": [self.width, self.height]})
            self.announce(f"{attachment.name} {'types along' if types else 'looks on'}")
        self.read_at = time.monotonic()
        return attachment

    def detach(self, attachment: Attachment) -> None:
        """Forget a reader; the session goes on."""
        self.output.detach(attachment.flow)
        if attachment in self.readers:
            self.readers.remove(attachment)
            self.read_at = time.monotonic()
            self.is_changed = True
            if not attachment.owns and not self.is_over:
                self.announce(f"{attachment.name} left")

    def feed(self, data: bytes) -> None:
        """Take what was typed: to the editor, but Ctrl-C stops the command at work."""
        self.typed_at = time.monotonic()
        self.is_changed = True
        if self._running is not None and not self.editor.is_reading and INTERRUPT in data:
            self.interrupt()
            data = data[data.rindex(INTERRUPT) + 1 :]
        if data:
            self.editor.feed(data)

    def interrupt(self) -> None:
        """Stop the command at work, and show no more of what it said."""
        if self._running is not None:
            self.editor.forget()
            self.output.drop()
            self._running.cancel()

    def resize(self, width: int, height: int) -> None:
        """Draw for another size of the terminal."""
        width = min(max(width, SMALLEST[0]), LARGEST[0])
        height = min(max(height, SMALLEST[1]), LARGEST[1])
        if (width, height) == (self.width, self.height):
            return
        self.width, self.height = width, height
        self.editor.resized()
        if self._recording is not None:
            self._recording.resized(width, height)
        for attachment in self.readers:
            if not attachment.owns:
                attachment.reader.tell({"size": [width, height]})

    def announce(self, text: str) -> None:
        """Show a line about the session itself, above what is being typed."""
        self.editor.above(lambda: self.show(f"\x1b[0;2m— {text} —\x1b[0m\n"))

    # ---- Its life ----

    @property
    def title(self) -> str:
        """What a window shows as its title."""
        return f"{self.shell.path} · {self.world.team}"

    @property
    def is_at_work(self) -> bool:
        """Whether a command runs."""
        return self._running is not None

    def start(self) -> None:
        """Begin to read lines."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def end(self, reason: str, problem: Problem | None = None) -> None:
        """End the session for good and tell its readers why."""
        if self.is_over:
            return
        self.is_over = True
        if self._running is not None:
            self._running.cancel()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        for attachment in list(self.readers):
            attachment.leave()
            attachment.reader.close(reason, problem)
        for call in self.on_end:
            call()
        self._closing = asyncio.get_running_loop().create_task(self.shell.close())

    def snapshot(self) -> Snapshot:
        """Give what brings the session back in another process."""
        line, cursor = self.editor.line if self.editor.is_reading else (self._line, self._cursor)
        # What no reader was sent yet may still be taken back.
        sent = max((each.flow.at for each in self.readers if each.owns), default=self.output.end)
        kept = self.output.kept(settings.GROVE.TERMINAL_SCROLLBACK_BYTES)
        return Snapshot(
            id=self.id,
            path=self.shell.path,
            line=line,
            cursor=cursor,
            variables=self.shell.kept_variables(),
            scrollback=kept[: len(kept) - (self.output.end - sent)],
            shown_bytes=sent,
            width=self.width,
            height=self.height,
            seen_at=datetime.now(UTC),
        )

    async def _run(self) -> None:
        running_in.set(self)
        try:
            if self._is_revived:
                self.show("\x1b[0m\r\n")
                self.announce("the server was restarted; your session goes on, what ran then was stopped")
            await self._run_startup()
            while not self.is_leaving:
                self._retitle()
                await self._recall()
                line, cursor, self._line, self._cursor = self._line, self._cursor, "", 0
                try:
                    text = await self.editor.read(self.shell.prompt(), line=line, cursor=cursor)
                except KeyboardInterrupt:
                    continue
                except EOFError:
                    break
                if text.strip():
                    path = self.shell.path
                    await self._run_line(text)
                    await self._remember(text, path)
            if self._recording is not None:
                await self.stop_recording()
            for attachment in self.readers:
                await attachment.drained(1.0)
            self.end(LEFT)
        except asyncio.CancelledError:
            raise
        except Problem as problem:
            self.end(problem.detail, problem)
        except Exception:
            log.exception("a session failed by a fault of ours")
            self.end("Grove made a mistake. It is in the log.")

    async def _run_line(self, text: str) -> None:
        self._ran += 1
        task = self._running = asyncio.get_running_loop().create_task(self.shell.run(text))
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            self._running = None
        if task.cancelled():
            self.show("^C\n")
            return
        error = task.exception()
        if isinstance(error, Problem):
            self.show(f"{error.detail}\n")
        elif error is not None:
            log.error("a line failed by a fault of ours", exc_info=error)
            self.show("Grove made a mistake. It is in the log.\n")

    async def _remember(self, text: str, path: str) -> None:
        """Keep a line that ran at an object, without its secrets."""
        try:
            await self.memory.remember(await masked(self.world, path, text), path, self.shell.status)
        except Problem as problem:
            self.show(f"{problem.detail}\n")

    async def _run_startup(self) -> None:
        """Run the person's ~/.groverc; what is wrong in it is told and stops nothing."""
        try:
            text = await self.memory.startup()
        except Problem as problem:
            self.show(f"{problem.detail}\n")
            return
        if text.strip():
            await self._run_line(text)

    def _retitle(self) -> None:
        if self._title != self.title:
            self._title = self.title
            for attachment in self.readers:
                attachment.reader.tell({"title": self._title})

    async def _recall(self) -> None:
        """Have the lines that Up goes back to: those of this object last, before them those of others."""
        if self._lines_of == (self.shell.path, self._ran):
            return
        self._lines_of = (self.shell.path, self._ran)
        try:
            lines = await self.memory.history(limit=LINES_BACK)
            here = await self.memory.history(path=self.shell.path, limit=LINES_BACK)
        except Problem as problem:
            self.show(f"{problem.detail}\n")
            return
        wanted = [each.line for each in lines if each.path != self.shell.path] + [each.line for each in here]
        self.editor.lines.lines = list(dict.fromkeys(reversed(wanted)))[::-1]
        self.helper.recall([each.line for each in lines], self.editor.lines.lines)

    def _editor(self) -> Editor | PlainEditor:
        kind = PlainEditor if self.plain else Editor
        return kind(
            show=self.show,
            size=lambda: (self.width, self.height),
            colours=lambda: self.colours,
            helper=self.helper,
        )

    def show(self, text: str) -> None:
        """Show text now, whether the reader is ready or not: for little ones."""
        if "\n" in text:
            text = text.replace("\r\n", "\n").replace("\n", "\r\n")
        if self._recording is not None:
            self._recording.hear(text)
        self.output.add(text.encode("utf-8", "replace"))

    def _redraw(self) -> None:
        if self.editor.is_reading:
            self.editor.redraw()

    # ---- Host: what builtins ask ----

    def leave(self) -> None:
        """End the session once the line that runs has ended."""
        self.is_leaving = True

    def share(self, *, may_type: bool) -> str:
        """Let people of the team come by a link, and give it."""
        made = shares.share(self, may_type=may_type)
        # What follows # never reaches a server, so it is in no log; the page hands it over in the hello.
        return f"{self.site}{addresses.written('/t/', self.world.team, '/terminal' + self.shell.path)}#share={made.id}"

    def unshare(self) -> int:
        """End all links and let everybody go who came by one; gives how many people that were."""
        return shares.unshare(self)

    def people(self) -> list[dict[str, Any]]:
        """Tell who is here."""
        return [
            {"name": each.name, "types": each.types, "owner": each.owns, "since": each.since.isoformat()}
            for each in self.readers
        ]

    def record(self, name: str, path: str) -> str:
        """Begin to record what is shown, into a file of the object at a path; gives the file's name."""
        if self._recording is not None:
            raise Conflict(f"{self._recording.name} is being recorded already. `record stop` ends it.")
        self._recording = Recording(file_of(name), path, self.width, self.height)
        self.announce(f"recording {self._recording.name}")
        return self._recording.name

    async def stop_recording(self) -> dict[str, Any]:
        """End the recording and keep it; gives the file's name, size and seconds. Raises Conflict."""
        recording, self._recording = self._recording, None
        if recording is None:
            raise Conflict("Nothing is being recorded. `record start NAME` begins.")
        content = recording.content()
        with Upload(limit_bytes=settings.GROVE.FILE_BYTES, content_type="application/x-asciicast") as upload:
            upload.write(content)
            await self.world.call(recording.path, "files.put", {"name": recording.name, "content": upload})
        return {"name": recording.name, "bytes": len(content), "seconds": recording.seconds, "cut": recording.is_full}

    def edit_with(self, keys: Literal["emacs", "vi"]) -> None:
        """Edit lines with other keys from now on."""
        self.editor.keys = keys

    def _was_changed(self) -> None:
        self.is_changed = True
