"""The editor of a text of many lines, over the whole screen: what `edit` and `rc edit` open.

Its keys are those of nano where browsers leave them to a page: Ctrl-W closes a tab, and Ctrl-F searches what was shown.
"""

from collections.abc import Awaitable, Callable
from functools import cache

from prompt_toolkit.application import Application
from prompt_toolkit.application.current import create_app_session, get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.cursor_shapes import SimpleCursorShapeConfig
from prompt_toolkit.document import Document
from prompt_toolkit.enums import SEARCH_BUFFER, EditingMode
from prompt_toolkit.filters import Condition, has_focus, is_searching
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.layout import ConditionalContainer, HSplit, Layout, Window, WindowAlign
from prompt_toolkit.layout.containers import VSplit
from prompt_toolkit.layout.controls import BufferControl, FormattedTextControl
from prompt_toolkit.layout.margins import NumberedMargin
from prompt_toolkit.layout.processors import (
    HighlightIncrementalSearchProcessor,
    HighlightSearchProcessor,
    HighlightSelectionProcessor,
    TabsProcessor,
)
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.widgets import SearchToolbar

from teams.problems import Problem
from terminal.editor.looks import style

TEXT_BUFFER = "TEXT"
INDENT = 4  # columns between the places that Tab goes to
HINTS = (("Ctrl-S", "save"), ("Ctrl-X", "leave"), ("Ctrl-R", "find"), ("Ctrl-Z", "undo"))
QUESTION = (("y", "save and leave"), ("n", "leave without saving"), ("Ctrl-C", "go on"))

Save = Callable[[str], Awaitable[None]]


class TextEditor:
    """One text while it is edited.

    save: takes the text, whenever the person says so; a Problem that it raises is shown, and editing goes on.
    """

    def __init__(
        self, *, name: str, text: str, save: Save, source: Input, output: Output, depth: Callable[[], ColorDepth]
    ) -> None:
        self.name = name
        self.was_saved = False
        self._line_end = "\r\n" if "\r\n" in text else "\n"
        self._saved = text.replace("\r\n", "\n")
        self._save = save
        self._source, self._output = source, output
        self._is_asking = False
        self._message: StyleAndTextTuples = []
        self._saving: str | None = None  # the text that is under way
        self._leaves = False  # once it is saved
        self._buffer = Buffer(name=TEXT_BUFFER, document=Document(self._saved, 0), on_text_changed=self._changed)
        self.app: Application[None] = Application(
            layout=self._layout(),
            style=style(),
            include_default_pygments_style=False,
            key_bindings=_keys(),
            editing_mode=EditingMode.EMACS,
            color_depth=depth,
            input=source,
            output=output,
            full_screen=True,
            erase_when_done=True,
            mouse_support=False,
            terminal_size_polling_interval=None,  # sizes are told
            cursor=SimpleCursorShapeConfig(),
        )
        self.app.ttimeoutlen = 0.05
        self.app.__dict__["editor"] = self  # for the shared keys

    async def run(self) -> bool:
        """Let the person edit until they leave; gives whether anything was saved."""
        with create_app_session(input=self._source, output=self._output):
            await self.app.run_async(set_exception_handler=False, handle_sigint=False)
        return self.was_saved

    @property
    def is_changed(self) -> bool:
        """Whether there is something to save."""
        return self._buffer.text != self._saved

    @property
    def is_asking(self) -> bool:
        """Whether it waits for an answer to whether to save."""
        return self._is_asking

    # What keys do

    def save(self, *, leaves: bool = False) -> None:
        """Save the text, and go on or leave."""
        self._is_asking, self._leaves = False, leaves
        if self._saving is None:
            self._say("saving…")
            self._saving = self._buffer.text
            self.app.create_background_task(self._keep(self._saving))

    async def _keep(self, text: str) -> None:
        try:
            await self._save(text.replace("\n", self._line_end) if self._line_end != "\n" else text)
        except Problem as problem:
            self._say(f"Not saved: {problem.detail}", "class:bar.warn")
        else:
            self._saved, self.was_saved = text, True
            self._say("saved")
            if self._leaves and not self.is_changed:
                self.give_up()
        finally:
            self._saving, self._leaves = None, False
            self.app.invalidate()

    def leave(self) -> None:
        """End, or ask first where something was not saved."""
        if self._saving == self._buffer.text:
            self._leaves = True
        elif self.is_changed and not self._is_asking:
            self._is_asking = True
        else:
            self.give_up()

    def give_up(self) -> None:
        """End as it is."""
        if self.app.is_running and self.app.future is not None and not self.app.future.done():
            self.app.exit()

    def go_on(self) -> None:
        """Edit on after a question."""
        self._is_asking = False

    # What it shows

    def _changed(self, _: Buffer) -> None:
        self._message = []

    def _say(self, text: str, looks: str = "class:bar") -> None:
        self._message = [(looks, f" {' '.join(text.split())} ")]
        self.app.invalidate()

    def _title(self) -> StyleAndTextTuples:
        return [("class:bar.name", f" {self.name} "), ("class:bar", "changed" if self.is_changed else "")]

    def _place(self) -> StyleAndTextTuples:
        document = self._buffer.document
        return [("class:bar", f"line {document.cursor_position_row + 1} of {document.line_count} ")]

    def _foot(self) -> StyleAndTextTuples:
        if self._is_asking:
            return [("class:bar.warn", " Save what you changed? "), *_hints(QUESTION)]
        return self._message or _hints(HINTS)

    def _layout(self) -> Layout:
        toolbar = SearchToolbar(Buffer(name=SEARCH_BUFFER), ignore_case=True)
        control = BufferControl(
            buffer=self._buffer,
            search_buffer_control=toolbar.control,
            preview_search=True,
            include_default_input_processors=False,
            input_processors=[
                HighlightSearchProcessor(),
                HighlightIncrementalSearchProcessor(),
                HighlightSelectionProcessor(),
                TabsProcessor(tabstop=INDENT, char1=" ", char2=" "),
            ],
        )
        window = Window(control, left_margins=[NumberedMargin()], wrap_lines=True)
        title = VSplit([
            Window(FormattedTextControl(self._title), height=1, style="class:bar"),
            Window(FormattedTextControl(self._place), height=1, style="class:bar", align=WindowAlign.RIGHT),
        ])  # fmt: skip
        foot = Window(FormattedTextControl(self._foot), height=1, style="class:bar")
        rows = [title, _line(), window, ConditionalContainer(toolbar, is_searching), _line(), foot]
        return Layout(HSplit(rows), window)


def _line() -> Window:
    return Window(height=1, char="─", style="class:bar.line")


def _hints(hints: tuple[tuple[str, str], ...]) -> StyleAndTextTuples:
    shown: StyleAndTextTuples = []
    for key, what in hints:
        shown += [("class:bar.key", f" {key}"), ("class:bar", f" {what} ")]
    return shown


@cache
def _keys() -> KeyBindings:
    keys = KeyBindings()
    here = has_focus(TEXT_BUFFER)
    is_asking = Condition(_is_asking)

    @keys.add("c-s", filter=~is_asking)
    def _(event: KeyPressEvent) -> None:
        _of(event).save()

    @keys.add("c-x", filter=here, eager=True)  # Emacs has longer keys that begin so
    @keys.add("c-c", filter=here & ~is_asking)
    def _(event: KeyPressEvent) -> None:
        _of(event).leave()

    @keys.add("c-z", filter=here & ~is_asking)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.undo()

    @keys.add("tab", filter=here & ~is_asking)
    def _(event: KeyPressEvent) -> None:
        column = event.current_buffer.document.cursor_position_col
        event.current_buffer.insert_text(" " * (INDENT - column % INDENT))

    @keys.add("<any>", filter=is_asking, eager=True)
    def _(_event: KeyPressEvent) -> None:
        pass  # the question stays

    @keys.add("y", filter=is_asking, eager=True)
    def _(event: KeyPressEvent) -> None:
        _of(event).save(leaves=True)

    @keys.add("n", filter=is_asking, eager=True)
    def _(event: KeyPressEvent) -> None:
        _of(event).give_up()

    @keys.add("c-c", filter=is_asking, eager=True)
    @keys.add("escape", filter=is_asking, eager=True)
    def _(event: KeyPressEvent) -> None:
        _of(event).go_on()

    return keys


def _of(event: KeyPressEvent) -> TextEditor:
    found: TextEditor = event.app.__dict__["editor"]
    return found


def _is_asking() -> bool:
    editor: TextEditor = get_app().__dict__["editor"]
    return editor.is_asking
