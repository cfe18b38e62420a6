"""How an editor looks: its styles, and the colours of what is typed."""

from collections.abc import Callable, Hashable
from functools import cache

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import BaseStyle, Style, default_ui_style, merge_styles


class Colours(Lexer):
    """Colours of the syntax, worked out once a text."""

    def __init__(self, colours: Callable[[str], StyleAndTextTuples]) -> None:
        self._colours = colours
        self._kept: tuple[str, list[StyleAndTextTuples]] = ("", [[]])
        self._news = 0

    def forget(self) -> None:
        """Work colours out anew."""
        self._kept = ("", [[]])
        self._news += 1

    def invalidation_hash(self) -> Hashable:
        return self._news

    def lines(self, text: str) -> list[StyleAndTextTuples]:
        """Give the lines of a text in coloured pieces."""
        if text != self._kept[0]:
            self._kept = (text, _by_line(self._colours(text)))
        return self._kept[1]

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        lines = self.lines(document.text)
        return lambda number: lines[number] if number < len(lines) else []


def _by_line(pieces: StyleAndTextTuples) -> list[StyleAndTextTuples]:
    lines: list[StyleAndTextTuples] = [[]]
    for piece in pieces:
        style, text = piece[0], piece[1]
        first, *others = text.split("\n")
        lines[-1].append((style, first))
        lines.extend([(style, other)] for other in others)
    return lines


def depth(colours: int) -> ColorDepth:
    """Give the colour depth of a terminal with so many colours."""
    if colours > 256:
        return ColorDepth.DEPTH_24_BIT
    return {256: ColorDepth.DEPTH_8_BIT, 16: ColorDepth.DEPTH_4_BIT}.get(colours, ColorDepth.DEPTH_1_BIT)


@cache
def style() -> BaseStyle:
    """Give the style of everything that an editor draws."""
    own = Style.from_dict({
        "auto-suggestion": "ansibrightblack",
        "continuation": "ansibrightblack",
        # Of the terminal's own colours, so that it fits a dark and a light one alike. Not in reverse: where xterm.js 6
        # sees to contrasts, that becomes grey on white.
        "completion-menu": "bg:ansidefault ansidefault",
        "completion-menu.completion": "bg:ansidefault ansidefault",
        "completion-menu.completion.current": "noreverse bg:ansigreen ansiblack",
        "completion-menu.meta.completion": "bg:ansidefault ansibrightblack",
        "completion-menu.meta.completion.current": "noreverse bg:ansigreen ansiblack",
        "scrollbar.background": "bg:ansidefault",
        "scrollbar.button": "bg:ansibrightblack",
        "bar": "ansibrightblack",
        "bar.name": "bold",
        "bar.key": "ansigreen",
        "bar.warn": "ansiyellow",
        "bar.line": "ansibrightblack",
        "line-number": "ansibrightblack",
        "line-number.current": "ansibrightblack",
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
