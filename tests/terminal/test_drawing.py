"""A line that is drawn by itself looks as if all had been drawn; and undo takes back what was typed in one go."""

import asyncio

import pyte
from hypothesis import given, settings
from hypothesis import strategies as st

from terminal.completion import Completion
from terminal.editor import Editor, drawing

WIDTH, HEIGHT = 30, 8
LINES = ("echo hello", "echo hello world and all who live in it", "state set x 1", "日本 語", "ls\nls")
# Left, right, home, end, up, down, Ctrl-U, Ctrl-W, Ctrl-K, Ctrl-Y, undo, Tab, Alt-B, delete, a comma with Alt, paste.
KEYS = (
    *"abc echo state 1",
    *("\x7f", "\x1b[D", "\x1b[C", "\x01", "\x05", "\x1b[A", "\x1b[B", "\x15", "\x17", "\x0b", "\x19", "\x1f"),
    *("\t", "\x1bb", "\x1b[3~", "\x1b,", "\x1b[200~two\nlines\x1b[201~", "\x1b[200~words\x1b[201~"),
    *("é", "日", "e\u0301", "hello world", "\x12", "\x07", "\x1b1", "\x11", "\x00"),
)


class Helper:
    """Colours words by what they are, and offers two."""

    def is_complete(self, text):
        return True

    def suggest(self, text):
        return next((line[len(text) :] for line in LINES if line.startswith(text) and line != text), "")

    def colours(self, text):
        word, space, rest = text.partition(" ")
        return [("class:command" if word in ("echo", "state") else "class:unknown", word), ("", space), ("bold", rest)]

    async def complete(self, text, cursor):
        return [Completion(word, 0, help="a word") for word in ("echo", "each") if word.startswith(text[:cursor])]


class Seat:
    """An editor with a screen. draws: how often it had to draw all of it."""

    def __init__(self, *, quickly: bool) -> None:
        self.screen = pyte.Screen(WIDTH, HEIGHT)
        self.stream = pyte.Stream(self.screen)
        self.editor = Editor(show=self.stream.feed, size=lambda: (WIDTH, HEIGHT), colours=lambda: 256, helper=Helper())
        self.editor.lines.lines = LINES
        if not quickly:
            self.editor.app.line = lambda: None
        self.draws = 0
        self.editor.app.after_render += self._drawn
        self.task = asyncio.get_running_loop().create_task(self.editor.read("/> "))

    def _drawn(self, _):
        self.draws += 1

    async def press(self, key):
        self.editor.feed(key.encode())
        for _ in range(12):
            await asyncio.sleep(0)

    async def leave(self):
        self.task.cancel()
        await asyncio.wait({self.task})

    @property
    def looks(self):
        """What somebody sees: letters, their colours, and where the cursor is."""
        cells = [self.screen.buffer[y][x] for y in range(HEIGHT) for x in range(WIDTH)]
        colours = [(cell.fg, cell.bold) if cell.data != " " else None for cell in cells]
        return self.screen.display, (self.screen.cursor.x, self.screen.cursor.y), colours


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(KEYS), max_size=40))
def test_whatever_is_typed_looks_as_if_all_had_been_drawn(keys):
    async def type_both():
        quick, full = Seat(quickly=True), Seat(quickly=False)
        await asyncio.sleep(0.001)
        for number, key in enumerate(keys):
            await quick.press(key)
            await full.press(key)
            assert quick.editor.line == full.editor.line, keys[: number + 1]
            assert quick.looks == full.looks, keys[: number + 1]
        await quick.leave()
        await full.leave()

    asyncio.run(type_both())


async def test_a_line_that_is_typed_is_drawn_by_itself():
    seat = Seat(quickly=True)
    await asyncio.sleep(0.001)
    before = seat.draws

    for letter in "echo some\x7f\x7fny thing":
        await seat.press(letter)

    assert seat.draws == before
    assert seat.screen.display[0].rstrip() == "/> echo sony thing"
    await seat.leave()


async def test_undo_takes_back_what_was_typed_in_one_go():
    seat = Seat(quickly=True)
    await asyncio.sleep(0.001)
    for letter in "abc":
        await seat.press(letter)
    await seat.press("\x01")
    for letter in "xyz":
        await seat.press(letter)

    await seat.press("\x1f")

    assert seat.editor.line[0] == "abc"
    await seat.leave()


async def test_something_shown_above_leaves_the_line_as_it_was():
    seat = Seat(quickly=True)
    await asyncio.sleep(0.001)
    for letter in "one":
        await seat.press(letter)

    seat.editor.above(lambda: seat.stream.feed("told\r\n"))
    for letter in " two":
        await seat.press(letter)

    assert [line.rstrip() for line in seat.screen.display[:2]] == ["told", "/> one two"]
    await seat.leave()


def test_cells_are_the_line_and_its_cursor():
    line = drawing.Line([("class:a", "x日"), ("", "y ")], 2)

    assert drawing.cells_of(line, 10) == ([("x", "class:a"), ("日", "class:a"), ("", ""), ("y", "")], 3)
    assert drawing.cells_of(line, 4) is None
