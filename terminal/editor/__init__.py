"""The line editor: prompt_toolkit between the bytes that a person types and the lines that the shell runs.

One application a session, made once and run again for each line. It has no file descriptors: bytes are fed in, and text
comes out through a function. What all sessions can share (key bindings, style) is shared: an editor is about 100 KB.
"""

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from typing import Any, Protocol

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
from prompt_toolkit.layout import ConditionalContainer, Float, FloatContainer, HSplit, Layout
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
from prompt_toolkit.widgets import SearchToolbar

from terminal.editor.drawing import Line, LineApplication, OnceAWindow
from terminal.editor.feeding import BACKSPACE, TYPED_AHEAD_BYTES, FedInput, FedOutput
from terminal.editor.history import Lines
from terminal.editor.keys import bindings
from terminal.editor.looks import Colours, depth, style
from terminal.editor.text import Save, TextEditor

__all__ = ["LONGEST_LINE", "TYPED_AHEAD_BYTES", "Editor", "Helper", "Save"]

MENU_ROWS = 8
LONGEST_LINE = 256 * 1024  # characters in the editor; the rest of what is pasted is dropped
ESCAPE_S = 0.05  # how long after an Escape a key still makes Alt+key of it
LONGEST_ALONE = 1_000  # characters of a line that is looked at for being all there is to see
KEPT_ABOVE = 100  # things said while a text is edited
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


class _Hidden(Processor):
    """Shows nothing of what is typed."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:  # noqa: ARG002
        return Transformation([], source_to_display=lambda _: 0, display_to_source=lambda _: 0)


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
        self._input = FedInput(self._type_plainly)
        self._is_question = False
        self._is_secret = False
        self._text: TextEditor | None = None  # while one has the screen
        self._above: list[Callable[[], None]] = []  # what is to be shown once the screen is ours again
        self._is_typing = False  # the key before was taken by `_type_plainly`: undo takes them back together
        self._prompt: StyleAndTextTuples = []
        self._kept_colours = Colours(self.colours)
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

        self.app: LineApplication = LineApplication(
            layout=self._layout(),
            style=style(),
            include_default_pygments_style=False,
            key_bindings=bindings(),
            editing_mode=EditingMode.EMACS,
            color_depth=lambda: depth(colours()),
            input=self._input,
            output=FedOutput(show, current_size),
            mouse_support=False,
            terminal_size_polling_interval=None,  # sizes are told
            cursor=SimpleCursorShapeConfig(),
        )
        self.app._merged_style = self.app.renderer.style = style()  # noqa: SLF001 -- its own would be 1,700 objects
        self.app.line = self._line_alone
        self.app.key_processor.before_key_press += self._key_comes
        self.app.ttimeoutlen = ESCAPE_S
        self.app.__dict__["editor"] = self  # for the shared key bindings

    # Reading

    @property
    def is_reading(self) -> bool:
        """Whether somebody waits for a line, or edits a text."""
        return self.app.is_running or self._text is not None

    @property
    def line(self) -> tuple[str, int]:
        """What is typed and not yet sent, and the place of the cursor in it; nothing of an answer to a question."""
        if self._is_question or self._text is not None:
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

    async def edit(self, name: str, text: str, save: Save) -> bool:
        """Let the person edit a text over the whole screen; see `TextEditor`. Gives whether anything was saved."""
        depth, output = self.app.color_depth, self.app.output
        self._text = TextEditor(name=name, text=text, save=save, source=self._input, output=output, depth=lambda: depth)
        try:
            return await self._text.run()
        finally:
            self._text = None
            above, self._above = self._above, []
            for show in above:
                show()

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
        app = self._text.app if self._text is not None else self.app
        if app.is_running:
            app._on_resize()  # noqa: SLF001 -- what a SIGWINCH would do

    def redraw(self) -> None:
        """Draw again with the helper's colours of now."""
        self._kept_colours.forget()
        self.app.invalidate()

    def above(self, show: Callable[[], None]) -> None:
        """Show something above the line that is being typed; after a text that is being edited."""
        if self._text is not None:
            self._above = [*self._above, show][-KEPT_ABOVE:]
            return
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

    def _type_plainly(self, text: str) -> bool:
        """Put characters, or a Backspace, where the cursor is, without prompt_toolkit's way from keys to bindings.

        That way takes 0.2 ms and leaves two timers. Not taken here: what may mean more than the characters.
        """
        app, buffer = self.app, self._buffer
        keys = app.key_processor
        if (
            not app.is_running
            or self._window is not app.layout.current_window
            or app.is_done
            or app.editing_mode is not EditingMode.EMACS
            or app.quoted_insert
            or app.emacs_state.is_recording
            or keys.arg is not None
            or keys.key_buffer
            or keys.input_queue
            or buffer.complete_state is not None
            or buffer.selection_state is not None
        ):
            return False
        if not self._is_typing:
            buffer.save_to_undo_stack()
            self._is_typing = True
        if text == BACKSPACE:
            buffer.delete_before_cursor()
        else:
            buffer.insert_text(text)
        app.invalidate()
        return True

    def _key_comes(self, _: object) -> None:
        self._is_typing = False

    def _line_alone(self) -> Line | None:
        """Give all there is to see, where it is a line and no more."""
        app, buffer = self.app, self._buffer
        text = buffer.text
        if (
            buffer.complete_state is not None
            or self._is_secret
            or buffer.selection_state is not None
            or len(text) > LONGEST_ALONE
            or "\n" in text
            or app.is_done
            or app.quoted_insert  # both show a mark where the key will go
            or app.vi_state.waiting_for_digraph
            or app.layout.current_window is not self._window
        ):
            return None
        pieces = [*self._prompt, *self._kept_colours.lines(text)[0]]
        if buffer.suggestion is not None and buffer.cursor_position == len(text):
            pieces.append(("class:auto-suggestion", buffer.suggestion.text))
        return Line(pieces, sum(len(piece[1]) for piece in self._prompt) + buffer.cursor_position)

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
        window = self._window = OnceAWindow(
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
