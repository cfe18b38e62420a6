"""The line editor: prompt_toolkit between the bytes that a person types and the lines that the shell runs.

One application a session, made once and run again for each line. It has no file descriptors: bytes are fed in, and text
comes out through a function. What all sessions can share (key bindings, style) is shared: an editor is about 100 KB.
"""

import asyncio
import codecs
from collections.abc import AsyncGenerator, Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any, Protocol, TextIO, cast

import prompt_toolkit.application.application as ptk_application
from prompt_toolkit.application import Application
from prompt_toolkit.application.current import create_app_session, get_app
from prompt_toolkit.auto_suggest import Suggestion
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer
from prompt_toolkit.completion import Completion as MenuEntry
from prompt_toolkit.cursor_shapes import SimpleCursorShapeConfig
from prompt_toolkit.data_structures import Size
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER, SEARCH_BUFFER, EditingMode
from prompt_toolkit.filters import Condition, has_focus, is_done, is_searching
from prompt_toolkit.formatted_text import ANSI, StyleAndTextTuples, to_formatted_text
from prompt_toolkit.history import History
from prompt_toolkit.input.base import Input
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyBindings, KeyBindingsBase, KeyPress, merge_key_bindings
from prompt_toolkit.key_binding.bindings.auto_suggest import load_auto_suggest_bindings
from prompt_toolkit.key_binding.defaults import load_key_bindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.layout import ConditionalContainer, Float, FloatContainer, HSplit, Layout, Window
from prompt_toolkit.layout.controls import BufferControl
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.layout.processors import (
    AppendAutoSuggestion,
    ConditionalProcessor,
    HighlightIncrementalSearchProcessor,
    HighlightSelectionProcessor,
    Processor,
    Transformation,
    TransformationInput,
)
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import BaseStyle, Style, default_ui_style, merge_styles
from prompt_toolkit.widgets import SearchToolbar

MENU_ROWS = 8
LONGEST_LINE = 256 * 1024  # characters in the editor; the rest of what is pasted is dropped
TYPED_AHEAD_BYTES = 64 * 1024  # kept while a command runs
ESCAPE_S = 0.05  # how long after an Escape a key still makes Alt+key of it
CONTINUED = "… "


class Helper(Protocol):
    """What the editor asks about what is being typed."""

    def is_complete(self, text: str) -> bool:
        """Whether Enter runs the text, or begins another line of it."""

    def suggest(self, text: str) -> str:
        """Give what probably follows the text; "" for nothing."""

    def colours(self, text: str) -> StyleAndTextTuples:
        """Give the text in pieces, each with the style of its role."""

    async def complete(self, text: str, cursor: int) -> Sequence[Any]:
        """Give completions, each with `text, start, display, help`."""


class Lines(History):
    """Lines to go back to; what they are is told from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: Sequence[str] = ()

    def load_history_strings(self) -> Iterable[str]:
        """Never asked: `load` is."""
        return reversed(self.lines)

    async def load(self) -> AsyncGenerator[str, None]:
        """Give the newest first."""
        for line in reversed(self.lines):
            yield line

    def append_string(self, string: str) -> None:
        """Nothing: the shell says what is remembered."""

    def store_string(self, string: str) -> None:
        """Nothing: the shell says what is remembered."""


class FedInput(Input):
    """Keys from bytes that are handed in."""

    def __init__(self) -> None:
        self._keys: list[KeyPress] = []
        self._parser = Vt100Parser(self._keys.append)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._ready: Callable[[], None] | None = None
        self._waiting = b""

    def feed(self, data: bytes) -> None:
        """Take what was typed; kept, up to a bound, while nobody reads."""
        if self._ready is None or self._waiting:  # what was typed first comes first, also while it waits its turn
            self._waiting = (self._waiting + data)[:TYPED_AHEAD_BYTES]
            return
        self._parser.feed(self._decoder.decode(data))
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


class _Colours(Lexer):
    """Colours of the syntax, worked out once a text."""

    def __init__(self, editor: "Editor") -> None:
        self._editor = editor
        self._kept: tuple[str, list[StyleAndTextTuples]] = ("", [[]])
        self._news = 0

    def forget(self) -> None:
        """Work colours out anew."""
        self._kept = ("", [[]])
        self._news += 1

    def invalidation_hash(self) -> Hashable:
        return self._news

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        text = document.text
        if text != self._kept[0]:
            self._kept = (text, _by_line(self._editor.colours(text)))
        lines = self._kept[1]
        return lambda number: lines[number] if number < len(lines) else []


def _by_line(pieces: StyleAndTextTuples) -> list[StyleAndTextTuples]:
    lines: list[StyleAndTextTuples] = [[]]
    for piece in pieces:
        style, text = piece[0], piece[1]
        first, *others = text.split("\n")
        lines[-1].append((style, first))
        lines.extend([(style, other)] for other in others)
    return lines


class _Hidden(Processor):
    """Shows nothing of what is typed."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:  # noqa: ARG002
        return Transformation([], source_to_display=lambda _: 0, display_to_source=lambda _: 0)


class _OnceAWindow(Window):
    """A window that works its height out once a drawing: it is asked three times, each time for all of the text."""

    _worked_out: tuple[object, Dimension] = (None, Dimension())

    def preferred_height(self, width: int, max_available_height: int) -> Dimension:
        app = get_app()
        asked = (app.render_counter, app.is_done, width, max_available_height)
        if self._worked_out[0] != asked:
            self._worked_out = (asked, super().preferred_height(width, max_available_height))
        return self._worked_out[1]


class _Menu(Completer):
    """Completions as prompt_toolkit wants them."""

    def __init__(self, editor: "Editor") -> None:
        self._editor = editor

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[MenuEntry]:  # noqa: ARG002
        return ()

    async def get_completions_async(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002
    ) -> AsyncGenerator[MenuEntry, None]:
        for each in await self._editor.complete(document.text, document.cursor_position):
            start = each.start - document.cursor_position
            yield MenuEntry(each.text, min(0, start), display=each.display or each.text, display_meta=each.help or "")


class Editor:
    """Reads lines from one terminal. `feed` takes bytes at any time; `read` and `ask` one at a time.

    show: takes the text that draws. size: (columns, rows) of the terminal now. colours: as `Screen.colours`.
    """

    def __init__(
        self,
        *,
        show: Callable[[str], None],
        size: Callable[[], tuple[int, int]],
        colours: Callable[[], int],
        helper: Helper,
    ) -> None:
        self.helper = helper
        self.lines = Lines()
        self._input = FedInput()
        self._is_question = False
        self._is_secret = False
        self._prompt: StyleAndTextTuples = []
        self._kept_colours = _Colours(self)
        self._buffer = Buffer(
            name=DEFAULT_BUFFER,
            history=self.lines,
            completer=_Menu(self),
            multiline=True,
            enable_history_search=True,
            accept_handler=_accept,
            on_text_changed=self._changed,
        )

        def current_size() -> Size:
            columns, rows = size()
            return Size(rows=rows, columns=columns)

        self.app: Application[str] = Application(
            layout=self._layout(),
            style=_style(),
            include_default_pygments_style=False,
            key_bindings=_bindings(),
            editing_mode=EditingMode.EMACS,
            color_depth=lambda: _depth(colours()),
            input=self._input,
            output=FedOutput(show, current_size),
            mouse_support=False,
            terminal_size_polling_interval=None,  # sizes are told
            cursor=SimpleCursorShapeConfig(),
        )
        self.app.ttimeoutlen = ESCAPE_S
        self.app.__dict__["editor"] = self  # for the shared key bindings

    # Reading

    @property
    def is_reading(self) -> bool:
        """Whether somebody waits for a line."""
        return self.app.is_running

    @property
    def line(self) -> tuple[str, int]:
        """What is typed and not yet sent, and the place of the cursor in it; nothing of an answer to a question."""
        if self._is_question:
            return "", 0
        return self._buffer.text, self._buffer.cursor_position

    def feed(self, data: bytes) -> None:
        """Take what was typed."""
        self._input.feed(data)

    def forget(self) -> None:
        """Drop what was typed ahead of the next question or line."""
        self._input.forget()

    async def read(self, prompt: str, *, line: str = "", cursor: int = 0) -> str:
        """Read a line, or several that belong together. line: begin with this text.

        Raises KeyboardInterrupt at Ctrl-C, EOFError at Ctrl-D.
        """
        return await self._run(prompt, line, cursor)

    async def ask(self, question: str, *, secret: bool = False) -> str:
        """Read the answer to a question: no history, no completion. Raises KeyboardInterrupt and EOFError."""
        self._is_question, self._is_secret = True, secret
        lines, self.lines.lines = self.lines.lines, ()
        try:
            return await self._run(question, "", 0)
        finally:
            self._is_question = self._is_secret = False
            self.lines.lines = lines
            self._buffer.reset()  # a secret stays nowhere

    async def _run(self, prompt: str, line: str, cursor: int) -> str:
        *above, last = prompt.split("\n")
        if above:
            self.app.output.write_raw("\r\n".join(above) + "\r\n")
        self._prompt = to_formatted_text(ANSI(last))
        self._buffer.reset(Document(line, min(cursor, len(line))))
        self.app.layout.focus(self._buffer)
        # Without it prompt_toolkit (3.0.53) has one current application for all sessions, and keys go to the wrong one.
        with create_app_session(input=self._input, output=self.app.output):
            return await self.app.run_async(set_exception_handler=False, handle_sigint=False)

    def stop(self, error: type[BaseException]) -> None:
        """End the reading with an exception."""
        if self.app.is_running and self.app.future is not None and not self.app.future.done():
            self.app.exit(exception=error, style="class:aborting")

    def resized(self) -> None:
        """Draw again for the terminal's new size."""
        if self.app.is_running:
            self.app._on_resize()  # noqa: SLF001 -- what a SIGWINCH would do

    def redraw(self) -> None:
        """Draw again with the helper's colours of now."""
        self._kept_colours.forget()
        self.app.invalidate()

    def above(self, show: Callable[[], None]) -> None:
        """Show something above the line that is being typed."""
        if not self.app.is_running:
            show()
            return
        self.app.renderer.erase()
        show()
        self.app.renderer.reset()
        self.app.invalidate()

    @property
    def keys(self) -> str:
        """Which keys edit: "emacs" or "vi"."""
        return "vi" if self.app.editing_mode is EditingMode.VI else "emacs"

    @keys.setter
    def keys(self, name: str) -> None:
        self.app.editing_mode = EditingMode.VI if name == "vi" else EditingMode.EMACS

    # What the layout and the keys ask

    def colours(self, text: str) -> StyleAndTextTuples:
        """Give the typed text with its colours."""
        return [("", text)] if self._is_question else self.helper.colours(text)

    async def complete(self, text: str, cursor: int) -> Sequence[Any]:
        """Give completions of the typed text."""
        return () if self._is_question else await self.helper.complete(text, cursor)

    def enter(self) -> None:
        """Take the chosen completion, begin another line, or hand the line in."""
        buffer = self._buffer
        if buffer.complete_state is not None and buffer.complete_state.current_completion is not None:
            buffer.complete_state = None
        elif self._is_question or self.helper.is_complete(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.newline(copy_margin=False)

    def _changed(self, buffer: Buffer) -> None:
        if len(buffer.text) > LONGEST_LINE:
            buffer.document = Document(buffer.text[:LONGEST_LINE])
        # Set here and not by prompt_toolkit's AutoSuggest, which draws a second time for it.
        rest = self.helper.suggest(buffer.text) if buffer.text and not self._is_question else ""
        buffer.suggestion = Suggestion(rest) if rest else None

    def _layout(self) -> Layout:
        search = Buffer(name=SEARCH_BUFFER)
        toolbar = SearchToolbar(search, ignore_case=True)
        is_secret = Condition(lambda: self._is_secret)
        control = BufferControl(
            buffer=self._buffer,
            search_buffer_control=toolbar.control,
            preview_search=True,
            include_default_input_processors=False,
            input_processors=[
                HighlightIncrementalSearchProcessor(),
                HighlightSelectionProcessor(),
                ConditionalProcessor(AppendAutoSuggestion(), has_focus(DEFAULT_BUFFER) & ~is_done),
                ConditionalProcessor(_Hidden(), is_secret),
            ],
            lexer=self._kept_colours,
        )
        window = _OnceAWindow(
            control, height=self._height, get_line_prefix=self._prefix, wrap_lines=True, dont_extend_height=True
        )
        menu = Float(
            xcursor=True,
            ycursor=True,
            transparent=True,
            content=CompletionsMenu(max_height=MENU_ROWS, scroll_offset=1, extra_filter=has_focus(DEFAULT_BUFFER)),
        )
        return Layout(
            HSplit([FloatContainer(window, [menu]), ConditionalContainer(toolbar, is_searching & ~is_done)]), window
        )

    def _height(self) -> Dimension:
        return Dimension(min=MENU_ROWS + 1) if self._buffer.complete_state is not None else Dimension()

    def _prefix(self, line_number: int, wrap_count: int) -> StyleAndTextTuples:
        if wrap_count:
            return []
        return self._prompt if line_number == 0 else [("class:continuation", CONTINUED)]


def _accept(buffer: Buffer) -> bool:
    get_app().exit(result=buffer.text)
    return True  # keep the text, so that it stays on the screen


def _depth(colours: int) -> ColorDepth:
    if colours > 256:
        return ColorDepth.DEPTH_24_BIT
    return {256: ColorDepth.DEPTH_8_BIT, 16: ColorDepth.DEPTH_4_BIT}.get(colours, ColorDepth.DEPTH_1_BIT)


# ---- What all editors share ----


@cache
def _default_bindings() -> KeyBindingsBase:
    return load_key_bindings()


@cache
def _bindings() -> KeyBindingsBase:
    keys = KeyBindings()
    at_line = has_focus(DEFAULT_BUFFER)

    @keys.add("enter", filter=at_line)
    def _(event: KeyPressEvent) -> None:
        event.app.__dict__["editor"].enter()

    @keys.add("escape", "enter", filter=at_line)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    @keys.add("tab", filter=at_line)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state is not None:
            buffer.complete_next()
        else:
            buffer.start_completion(insert_common_part=True)

    @keys.add("s-tab", filter=at_line)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.complete_previous()

    @keys.add("c-c")
    @keys.add("<sigint>")
    def _(event: KeyPressEvent) -> None:
        event.app.exit(exception=KeyboardInterrupt, style="class:aborting")

    @keys.add("c-d", filter=at_line & Condition(lambda: not get_app().current_buffer.text))
    def _(event: KeyPressEvent) -> None:
        event.app.exit(exception=EOFError, style="class:exiting")

    return merge_key_bindings([load_auto_suggest_bindings(), keys])


@cache
def _style() -> BaseStyle:
    own = Style.from_dict({
        "auto-suggestion": "ansibrightblack",
        "continuation": "ansibrightblack",
        "completion-menu": "bg:#303446 #c6d0f5",
        "completion-menu.completion": "bg:#303446 #c6d0f5",
        "completion-menu.completion.current": "bg:#8caaee #232634 noreverse",
        "completion-menu.meta.completion": "bg:#292c3c #a5adce",
        "completion-menu.meta.completion.current": "bg:#8caaee #232634",
        "scrollbar.background": "bg:#414559",
        "scrollbar.button": "bg:#8caaee",
        "command": "ansigreen",
        "builtin": "ansicyan",
        "keyword": "ansimagenta",
        "flag": "ansiblue",
        "string": "ansiyellow",
        "number": "ansiyellow",
        "variable": "ansicyan",
        "operator": "ansimagenta",
        "path": "underline",
        "comment": "ansibrightblack",
        "error": "ansired",
        "unknown": "ansired",
    })  # fmt: skip
    return merge_styles([default_ui_style(), own])


def _no_winch(_handler: Callable[[], None]) -> AbstractContextManager[None]:
    return nullcontext()


# Sizes are told by each terminal; a handler of the process's own SIGWINCH for each of them would be kept for ever.
vars(ptk_application)["attach_winch_signal_handler"] = _no_winch
# The same key bindings for all: 250 KB and 30 ms an application otherwise.
vars(ptk_application)["load_key_bindings"] = _default_bindings
