"""Words of braces: `a{b,c}` is ab and ac."""

from collections.abc import Sequence

from teams.problems import TooLarge
from terminal import places

MOST_BRACES = 2_000  # words that {a,b}{c,d} makes of one
MOST_OPEN_BRACES = 64  # of a word; one with more is taken as it stands


def braces(pieces: Sequence[places.Piece], start: int) -> list[list[places.Piece]]:
    """Make `a{b,c}` into ab and ac; braces without a comma stay. Raises TooLarge."""
    opened = sum(text.count("{") for text, is_quoted in pieces if not is_quoted)
    if not 0 < opened <= MOST_OPEN_BRACES:
        return [list(pieces)]
    found: list[Cells] = [[]]
    cells = [(char, is_quoted) for text, is_quoted in pieces for char in text]
    for options in _options(cells):
        found = [before + option for before in found for option in options]
        if len(found) > MOST_BRACES:
            raise TooLarge(f"the braces make more than {MOST_BRACES:,} words. Use fewer.", column=start + 1)
    return [_joined(each) for each in found]


Cells = list[tuple[str, bool]]


def _options(cells: Cells) -> list[list[Cells]]:
    """Part cells into runs, each with what it may be: itself, or the words between braces."""
    runs: list[list[Cells]] = []
    at = 0
    plain: Cells = []
    while at < len(cells):
        closing = _closing(cells, at) if cells[at] == ("{", False) else None
        if closing is None:
            plain.append(cells[at])
            at += 1
            continue
        if plain:
            runs.append([plain])
            plain = []
        inner: list[Cells] = []
        part: Cells = []
        depth = 0
        for cell in cells[at + 1 : closing]:
            depth += (cell == ("{", False)) - (cell == ("}", False))
            if cell == (",", False) and depth == 0:
                inner.append(part)
                part = []
            else:
                part.append(cell)
        inner.append(part)
        runs.append([each for option in inner for each in _all_of(option)])
        at = closing + 1
    if plain:
        runs.append([plain])
    return runs


def _all_of(cells: Cells) -> list[Cells]:
    found: list[Cells] = [[]]
    for options in _options(cells):
        found = [before + option for before in found for option in options][: MOST_BRACES + 1]
    return found


def _closing(cells: Cells, at: int) -> int | None:
    """Find the brace that closes; None where none does or there is no comma between them."""
    depth, has_comma = 0, False
    for number in range(at, len(cells)):
        cell = cells[number]
        if cell == ("{", False):
            depth += 1
        elif cell == ("}", False):
            depth -= 1
            if depth == 0:
                return number if has_comma else None
        elif cell == (",", False) and depth == 1:
            has_comma = True
    return None


def _joined(cells: Cells) -> list[places.Piece]:
    pieces: list[places.Piece] = []
    for char, is_quoted in cells:
        if pieces and pieces[-1][1] == is_quoted:
            pieces[-1] = (pieces[-1][0] + char, is_quoted)
        else:
            pieces.append((char, is_quoted))
    return pieces
