"""The line editor of the plain mode, for screen readers: what is typed is echoed once, and nothing is ever redrawn.

A line is edited at its end only. Completions and earlier lines are written out on lines of their own.
"""

import asyncio
import codecs
import os
from collections.abc import Callable, Sequence
from types import SimpleNamespace

from prompt_toolkit.utils import get_cwidth

from terminal.editor import LONGEST_LINE, TYPED_AHEAD_BYTES, Helper

PASTE_BEGINS, PASTE_ENDS = "\x1b[200~", "\x1b[201~"
SHOWN_AT_MOST = 30  # completions


class PlainEditor:
    """Reads lines as `terminal.editor.Editor` does."""

    keys = "emacs"

    def __init__(
        self,
        *,
        show: Callable[[str], None],
        size: Callable[[], tuple[int, int]],  # noqa: ARG002 -- as Editor's
        colours: Callable[[], int],  # noqa: ARG002
        helper: Helper,
    ) -> None:
        self.helper = helper
        self.lines = SimpleNamespace(lines=())
        self._show = show
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._waiting = b""
        self._future: asyncio.Future[str] | None = None
        self._prompt = ""
        self._text = ""
        self._escape = ""
        self._is_secret = self._is_question = self._is_pasted = False
        self._back = 0  # how many lines of the history it went back
        self._completing: asyncio.Task[None] | None = None

    @property
    def is_reading(self) -> bool:
        """Whether somebody waits for a line."""
        return self._future is not None

    @property
    def line(self) -> tuple[str, int]:
        """What is typed and not yet sent, and the place of the cursor in it."""
        return ("", 0) if self._is_question else (self._text, len(self._text))

    async def read(self, prompt: str, *, line: str = "", cursor: int = 0) -> str:  # noqa: ARG002 -- at the end
        """Read a line. Raises KeyboardInterrupt at Ctrl-C, EOFError at Ctrl-D."""
        return await self._read(prompt, line)

    async def ask(self, question: str, *, secret: bool = False) -> str:
        """Read the answer to a question."""
        self._is_question, self._is_secret = True, secret
        try:
            return await self._read(question, "")
        finally:
            self._is_question = self._is_secret = False
            self._text = ""

    async def _read(self, prompt: str, line: str) -> str:
        self._prompt, self._text, self._back = prompt, line, 0
        self._show(prompt + line)
        self._future = asyncio.get_running_loop().create_future()
        waiting, self._waiting = self._waiting, b""
        try:
            self.feed(waiting)
            return await self._future
        finally:
            self._future = None
            if self._completing is not None:
                self._completing.cancel()

    def feed(self, data: bytes) -> None:
        """Take what was typed."""
        if self._future is None:
            self._waiting = (self._waiting + data)[:TYPED_AHEAD_BYTES]
            return
        text = self._decoder.decode(data)
        for place, letter in enumerate(text):
            if self._future.done():  # what follows is for the next line
                self._waiting += text[place:].encode()
                return
            self._key(letter)

    def forget(self) -> None:
        """Drop what was typed ahead."""
        self._waiting = b""

    def stop(self, error: type[BaseException]) -> None:
        """End the reading with an exception."""
        if self._future is not None and not self._future.done():
            self._future.set_exception(error)

    def resized(self) -> None:
        """Nothing is drawn again."""

    def redraw(self) -> None:
        """Nothing is drawn again."""

    def above(self, show: Callable[[], None]) -> None:
        """Show something on a line of its own, then the line that is being typed once more."""
        if self._future is None:
            show()
            return
        self._show("\n")
        show()
        self._again()

    def _again(self) -> None:
        self._show(self._prompt + ("" if self._is_secret else self._text))

    def _key(self, letter: str) -> None:  # noqa: C901, PLR0912 -- a table of keys
        if self._escape:
            self._in_escape(letter)
        elif letter == "\x1b":
            self._escape = letter
        elif letter in "\r\n":
            self._enter()
        elif letter == "\x03":
            self._end(KeyboardInterrupt)
        elif letter == "\x04":
            if not self._text:
                self._end(EOFError)
        elif letter in "\x7f\x08":
            if self._text:
                gone, self._text = self._text[-1], self._text[:-1]
                if not self._is_secret:
                    self._show("\b \b" * max(1, get_cwidth(gone)))
        elif letter == "\x15":
            self._text = ""
            self._show("\n" + self._prompt)
        elif letter == "\x10":
            self._recall(1)
        elif letter == "\x0e":
            self._recall(-1)
        elif letter == "\t" and not self._is_pasted:
            if not self._is_question:
                self._completing = asyncio.get_running_loop().create_task(self._complete())
        elif (letter.isprintable() or letter == "\t") and len(self._text) < LONGEST_LINE:
            self._text += letter
            if not self._is_secret:
                self._show(letter)

    def _in_escape(self, letter: str) -> None:
        self._escape += letter
        if PASTE_BEGINS.startswith(self._escape) or PASTE_ENDS.startswith(self._escape):
            if self._escape in (PASTE_BEGINS, PASTE_ENDS):
                self._is_pasted = self._escape == PASTE_BEGINS
                self._escape = ""
            return
        if self._escape in ("\x1b[", "\x1bO") or (self._escape[1] == "[" and not "@" <= letter <= "~"):
            return
        key, self._escape = self._escape[-1], ""
        if key in "AB":
            self._recall(1 if key == "A" else -1)

    def _enter(self) -> None:
        if self._future is None:
            return
        if self._is_pasted or not (self._is_question or self.helper.is_complete(self._text)):
            self._text += "\n"
            self._show("\n")
            return
        self._show("\n")
        self._future.set_result(self._text)

    def _end(self, error: type[BaseException]) -> None:
        self._show("\n")
        if self._future is not None:
            self._future.set_exception(error)

    def _recall(self, step: int) -> None:
        lines: Sequence[str] = self.lines.lines
        if self._is_question or not 0 <= self._back + step <= len(lines):
            return
        self._back += step
        self._text = lines[-self._back] if self._back else ""
        self._show("\n")
        self._again()

    async def _complete(self) -> None:
        text = self._text
        found = await self.helper.complete(text, len(text))
        if self._future is None or self._text != text or not found:
            return
        start = found[0].start
        common = os.path.commonprefix([each.text for each in found])  # noqa: RUF071 -- letters are meant
        if len(found) == 1 or len(common) > len(text) - start:
            rest = common[len(text) - start :]
            self._text += rest
            self._show(rest)
            return
        self._show("\n")
        for each in found[:SHOWN_AT_MOST]:
            self._show(f"{each.display or each.text}{': ' + each.help if each.help else ''}\n")
        if len(found) > SHOWN_AT_MOST:
            self._show(f"and {len(found) - SHOWN_AT_MOST} more\n")
        self._again()
