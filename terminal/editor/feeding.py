"""The ends of an editor: keys from bytes that are handed in, and text that goes to a function. No file descriptor."""

import asyncio
import codecs
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TextIO, cast

from prompt_toolkit.data_structures import Size
from prompt_toolkit.input.base import Input
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.output.vt100 import Vt100_Output

TYPED_AHEAD_BYTES = 64 * 1024  # kept while a command runs
ESCAPE, BACKSPACE = "\x1b", "\x7f"


class FedInput(Input):
    """Keys from bytes that are handed in.

    type_plainly: is offered printable characters, or one Backspace, before they become keys; says whether it took them.
    """

    def __init__(self, type_plainly: Callable[[str], bool] = lambda _: False) -> None:
        self.type_plainly = type_plainly
        self._keys: list[KeyPress] = []
        self._parser = Vt100Parser(self._keys.append)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._ready: Callable[[], None] | None = None
        self._waiting = b""
        self._is_between_keys = True  # no escape sequence has begun that more may belong to

    def feed(self, data: bytes) -> None:
        """Take what was typed; kept, up to a bound, while nobody reads."""
        if self._ready is None or self._waiting:  # what was typed first comes first, also while it waits its turn
            self._waiting = (self._waiting + data)[:TYPED_AHEAD_BYTES]
            return
        text = self._decoder.decode(data)
        if self._is_between_keys and not self._keys:
            if (text.isprintable() or text == BACKSPACE) and self.type_plainly(text):
                return
            self._is_between_keys = ESCAPE not in text
        self._parser.feed(text)
        self._ready()

    def forget(self) -> None:
        """Drop what was typed ahead."""
        self._waiting = b""

    def read_keys(self) -> list[KeyPress]:
        keys = self._keys[:]
        self._keys.clear()
        return keys

    def flush_keys(self) -> list[KeyPress]:
        self._parser.flush()
        self._is_between_keys = not self._parser._in_bracketed_paste  # noqa: SLF001 -- nothing else tells of it
        return self.read_keys()

    def attach(self, input_ready_callback: Callable[[], None]) -> AbstractContextManager[None]:
        return self._attached(input_ready_callback)

    @contextmanager
    def _attached(self, ready: Callable[[], None]) -> Iterator[None]:
        self._ready = ready
        if self._waiting:  # not at once: the application is just starting
            asyncio.get_running_loop().call_soon(self._late)
        try:
            yield
        finally:
            self._ready = None

    def _late(self) -> None:
        if self._ready is not None:  # else the next reader takes it
            waiting, self._waiting = self._waiting, b""
            self.feed(waiting)

    def detach(self) -> AbstractContextManager[None]:
        return nullcontext()

    raw_mode = cooked_mode = detach

    @property
    def closed(self) -> bool:
        return False

    def fileno(self) -> int:
        raise NotImplementedError

    def typeahead_hash(self) -> str:
        return f"fed-{id(self)}"


class _Nowhere:
    """What prompt_toolkit wants beside the function that takes its text."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        pass


class FedOutput(Vt100_Output):
    """A terminal at the end of a function."""

    def __init__(self, show: Callable[[str], None], size: Callable[[], Size]) -> None:
        super().__init__(cast("TextIO", _Nowhere()), size, term="xterm-256color", enable_cpr=False, enable_bell=False)
        self._show = show

    def flush(self) -> None:
        if self._buffer:
            text = "".join(self._buffer)
            self._buffer.clear()
            self._show(text)
