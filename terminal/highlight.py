"""Colours for what is typed: the pieces of the syntax tree, each with the style of its role.

Works on any text at once, with what is known so far; a command that nobody knows yet has no colour rather than a wrong
one.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from objects.commands.spec import CommandSpec
from terminal import reading
from terminal.language import (
    Command,
    HereDocument,
    Part,
    Raw,
    Rest,
    Script,
    Substitution,
    Text,
    Variable,
    Word,
    commands_of,
    parse,
    words_of,
)

LONGEST: Final = 20_000  # characters; a longer text has no colours
STYLES: Final = (
    *(
        "command",
        "builtin",
        "unknown",
        "keyword",
        "flag",
        "string",
        "number",
        "variable",
        "operator",
        "path",
        "comment",
    ),
    "error",
)
KEYWORDS: Final = frozenset(("on", "time", "watch", "each"))


@dataclass(frozen=True, slots=True)
class Token:
    """Characters from start to end that have a style, one of STYLES."""

    start: int
    end: int
    style: str


@dataclass(frozen=True, slots=True)
class Colours:
    """What decides about colours.

    commands: what the object at a path can do, as far as known. names: builtins, macros and aliases.
    exists: whether there is an object; None while nobody knows.
    """

    path: str
    commands: Callable[[str], Mapping[str, CommandSpec] | None]
    names: frozenset[str] = frozenset()
    exists: Callable[[str], bool | None] = lambda _: None
    rules: Mapping[str, Rest | None] | None = None


def highlight(text: str, colours: Colours) -> list[Token]:
    """Give the tokens of a text in order; what is between them has no style. Raises nothing."""
    if len(text) > LONGEST:
        return []
    script = parse(text, colours.rules, tolerant=True)
    found = sorted(_tokens(text, script, colours), key=lambda each: (each.start, -each.end))
    tokens: list[Token] = []
    end = 0
    for each in found:
        start = max(each.start, end)
        if start < each.end:
            tokens.append(Token(start, each.end, each.style))
            end = each.end
    return tokens


def _tokens(text: str, script: Script, colours: Colours) -> Iterator[Token]:
    covered: list[tuple[int, int]] = []
    for command in commands_of(script):
        yield from _command(command, colours)
        covered += [(word.start, word.end) for word in words_of(command)]
    yield from _between(text, covered)


def _between(text: str, covered: list[tuple[int, int]]) -> Iterator[Token]:
    """Give operators and comments: what is no word."""
    at = 0
    for start, end in [*sorted(covered), (len(text), len(text))]:
        while at < start:
            char = text[at]
            if char == "#" and (at == 0 or text[at - 1].isspace() or text[at - 1] in ";|&"):
                line_end = text.find("\n", at)
                line_end = len(text) if line_end < 0 else line_end
                yield Token(at, line_end, "comment")
                at = line_end
            else:
                if char in "|&;<>":
                    yield Token(at, at + 1, "operator")
                at += 1
        at = max(at, end)


def _command(command: Command, colours: Colours) -> Iterator[Token]:
    for assignment in command.assignments:
        yield Token(assignment.start, assignment.start + len(assignment.name), "variable")
        yield from _parts(assignment.value)
    for redirection in command.redirections:
        if isinstance(redirection, HereDocument):
            yield Token(redirection.body.start, redirection.body.end, "string")
        else:
            yield Token(redirection.target.start, redirection.target.end, "path")
    head = reading.head_of(command.words, colours.path)
    for word in command.words[: head.index]:
        is_keyword = word.bare in KEYWORDS or word.bare == "--"
        yield from [Token(word.start, word.end, "keyword" if is_keyword else "path")]
    words = command.words[head.index :]
    if not words:
        return
    known = colours.commands(head.path or colours.path)
    spec, used = reading.spec_of(words, known or {})
    if spec is None:
        used = 1
        yield from _name(words, known, colours)
    else:
        yield Token(words[0].start, words[used - 1].end, "command")
    for word in words[used:]:
        yield from _argument(word, head.path or colours.path, colours)


def _name(words: tuple[Word, ...], known: Mapping[str, CommandSpec] | None, colours: Colours) -> Iterator[Token]:
    word, bare = words[0], words[0].bare
    if bare in colours.names:
        yield Token(word.start, word.end, "keyword" if bare in KEYWORDS else "builtin")
    elif not bare or known is None:
        yield from _parts(word)
    elif any(name.startswith(bare + ".") for name in known):
        yield Token(word.start, word.end, "command")
    elif bare.startswith(("/", "./", "../", "!")):
        yield Token(word.start, word.end, "path")
    else:
        yield Token(word.start, word.end, "unknown")


def _argument(word: Word, path: str, colours: Colours) -> Iterator[Token]:
    bare = word.bare
    if bare.startswith("--"):
        name, equals, _ = bare.partition("=")
        yield Token(word.start, word.start + len(name + equals), "flag")
    elif bare.startswith("-") and len(bare) > 1 and not bare[1].isdigit():
        yield Token(word.start, word.end, "flag")
    elif _is_number(bare):
        yield Token(word.start, word.end, "number")
    elif bare.startswith(("/", "./", "../")) and (there := reading.at_path(path, bare)) is not None:
        if colours.exists(there):
            yield Token(word.start, word.end, "path")
    else:
        yield from _parts(word)


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdigit()


def _parts(word: Word) -> Iterator[Token]:
    for part in word.parts:
        style = _style(part)
        if style:
            yield Token(part.start, part.end, style)


def _style(part: Part) -> str:
    if isinstance(part, Text) and part.quoted:
        return "string"
    if isinstance(part, Variable):
        return "variable"
    if isinstance(part, Substitution | Raw):
        return ""
    return ""
