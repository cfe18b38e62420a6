"""Drawing a line as it is typed: by itself where only the line changed, by prompt_toolkit's layout where more did.

A key costs prompt_toolkit (3.0.53) 1.5 ms of layout and comparing screens, on an event loop that all terminals share.
Where the line fits into a row and nothing is below it, what changed is worked out here in a twentieth of that. What the
renderer believes to be on the screen is kept true, so that either may go on where the other stopped.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import prompt_toolkit.application.application as ptk_application
from prompt_toolkit.application import Application
from prompt_toolkit.application.current import get_app
from prompt_toolkit.data_structures import Point
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.layout import Window
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.layout.screen import _CHAR_CACHE
from prompt_toolkit.renderer import Renderer
from prompt_toolkit.utils import get_cwidth

from terminal.editor.keys import default_bindings

Cell = tuple[str, str]  # a character and its style; "" is the second half of a wide one
Cells = list[Cell]
BLANK: Cell = (" ", "")


class Line(NamedTuple):
    """All there is to see: a row of text. cursor: in characters from its begin."""

    pieces: StyleAndTextTuples
    cursor: int


class LineApplication(Application[str]):
    """An application that draws its line alone, where `line` says that there is nothing else."""

    line: Callable[[], Line | None]
    _is_alone = False  # whether all that is on the screen now is a line

    def invalidate(self) -> None:
        """Draw when what is under way has ended: once for many keys. From the loop's own thread only."""
        if self._is_running and self.loop is not None and not self._invalidated:
            self._invalidated = True
            self.loop.call_soon(self._draw)

    def _draw(self) -> None:
        self._invalidated = False
        self._redraw()

    def _redraw(self, render_as_done: bool = False) -> None:
        line = self.line() if self._is_running and not render_as_done else None
        if line is not None and self._is_alone and draw_line(self, line):
            return
        super()._redraw(render_as_done)
        self._is_alone = line is not None


def draw_line(app: Application[Any], line: Line) -> bool:
    """Draw what changed of a line; False, and nothing, where it takes more than that."""
    renderer = app.renderer
    screen, size = renderer._last_screen, app.output.get_size()  # noqa: SLF001 -- there is no other way to know
    if screen is None or renderer._last_size != size or renderer._cursor_pos.y:  # noqa: SLF001
        return False
    if renderer._last_color_depth != app.color_depth or renderer._attrs_for_style is None:  # noqa: SLF001
        return False
    made = cells_of(line, size.columns - 1)
    if made is None:
        return False
    new, x = made
    row = screen.data_buffer[0]
    old = _trimmed(
        [(char.char, char.style) if (char := row.get(at)) else BLANK for at in range(max(row, default=-1) + 1)]
    )
    if old != new:
        begin, end = _write_difference(renderer, app, old, new)
        for at in range(begin, end):
            row[at] = _CHAR_CACHE[_at(new, at)]
    _move(renderer, app, x)
    app.output.flush()
    return True


def cells_of(line: Line, most: int) -> tuple[Cells, int] | None:
    """Give the cells of a line, without blanks at its end, and the cursor's column; None where it does not fit."""
    cells: Cells = []
    cursor, count = -1, 0
    for piece in line.pieces:
        style, text = piece[0], piece[1]
        if len(cells) + len(text) > most or not text.isprintable():
            return None
        if text.isascii():
            if cursor < 0 and count + len(text) >= line.cursor:
                cursor = len(cells) + line.cursor - count
            cells += [(char, style) for char in text]
        else:
            for place, char in enumerate(text):
                if count + place == line.cursor:
                    cursor = len(cells)
                width = get_cwidth(char)
                if not 1 <= width <= 2:  # belongs to its neighbour, or is shown as another
                    return None
                cells.append((char, style))
                if width == 2:
                    cells.append(("", ""))
        count += len(text)
    return (_trimmed(cells), len(cells) if cursor < 0 else cursor) if len(cells) <= most else None


def _trimmed(cells: Cells) -> Cells:
    end = len(cells)
    while end and cells[end - 1] == BLANK:
        end -= 1
    return cells[:end]


def _write_difference(renderer: Renderer, app: Application[Any], old: Cells, new: Cells) -> tuple[int, int]:
    """Write what is another; gives the first column that is, and the one behind the last."""
    attributes = renderer._attrs_for_style  # noqa: SLF001
    assert attributes is not None
    output, depth = app.output, app.color_depth
    begin = 0
    while begin < len(old) and begin < len(new) and old[begin] == new[begin]:
        begin += 1
    end = len(new)
    if len(old) == len(new):
        while end > begin and old[end - 1] == new[end - 1]:
            end -= 1
    # Wide characters are written and overwritten whole.
    if begin and begin < max(len(old), len(new)) and ("", "") in (_at(old, begin), _at(new, begin)):
        begin -= 1
    while end < len(new) and ("", "") in (new[end], _at(old, end)):
        end += 1
    _move(renderer, app, begin)
    plain = last = attributes[""]
    column = begin
    for char, style in new[begin:end]:
        wanted = attributes[style]
        if char and wanted != last:
            output.set_attributes(wanted, depth)
            last = wanted
        output.write(char)
        column += 1
    if last != plain:
        output.reset_attributes()
    renderer._cursor_pos = Point(x=column, y=0)  # noqa: SLF001
    if len(new) < len(old):
        _move(renderer, app, len(new))
        output.erase_end_of_line()
    return begin, max(end, len(old) if len(old) > len(new) else 0)


def _at(cells: Cells, at: int) -> Cell:
    return cells[at] if at < len(cells) else BLANK


def _move(renderer: Renderer, app: Application[Any], x: int) -> None:
    now = renderer._cursor_pos.x  # noqa: SLF001
    if x < now:
        app.output.cursor_backward(now - x)
    else:
        app.output.cursor_forward(x - now)
    renderer._cursor_pos = Point(x=x, y=0)  # noqa: SLF001


class OnceAWindow(Window):
    """A window that works its height out once a drawing: it is asked three times, each time for all of the text."""

    _worked_out: tuple[object, Dimension] = (None, Dimension())

    def preferred_height(self, width: int, max_available_height: int) -> Dimension:
        app = get_app()
        asked = (app.render_counter, app.is_done, width, max_available_height)
        if self._worked_out[0] != asked:
            self._worked_out = (asked, super().preferred_height(width, max_available_height))
        return self._worked_out[1]


def _no_winch(_handler: Callable[[], None]) -> AbstractContextManager[None]:
    return nullcontext()


# Sizes are told by each terminal; a handler of the process's own SIGWINCH for each of them would be kept for ever.
vars(ptk_application)["attach_winch_signal_handler"] = _no_winch
# The same key bindings for all: 250 KB and 30 ms an application otherwise.
vars(ptk_application)["load_key_bindings"] = default_bindings
