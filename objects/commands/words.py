"""A terminal line to a command and its arguments.

Words are parted by spaces. 'single quotes' keep all inside as it is; in "double quotes" a backslash keeps a quote or a
backslash, and outside any character. What begins with { or [ and is JSON is one word, spaces and quotes included.
`--flag value`, `--flag=value`, `--flag` and `--no-flag` for yes and no; `--` ends flags. Refusals carry `column`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from objects.commands.checks import Parameter
from objects.commands.shapes import BoolShape, DictShape, ListShape, MaybeShape, Shape
from objects.commands.spec import CommandSpec
from objects.commands.suggest import did_you_mean
from teams.problems import BadRequest, NoSuch, WrongArgument

MOST_WORDS_OF_A_COMMAND = 3
MOST_FAILED_JSON = 16  # words of a line that begin like JSON and are none; later ones are taken as plain words
LONGEST_LINE = 1_000_000  # characters; longer things are files

_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a line. start, end: where it stands in the line, quotes included. quoted: some of it was in quotes."""

    text: str
    start: int
    end: int
    quoted: bool = False


def split(line: str) -> list[Word]:
    """Part a line into words; raises BadRequest with `column` for a quote that is not closed."""
    if len(line) > LONGEST_LINE:
        raise BadRequest(
            f"the line has {len(line):,} characters; at most {LONGEST_LINE:,} are read. Send a file.", column=1
        )
    words: list[Word] = []
    # What looks like JSON and is none costs reading ahead: a line of 250,000 such words took 26 s without a bound.
    tries_left = MOST_FAILED_JSON
    at, end = 0, len(line)
    while at < end:
        if line[at].isspace():
            at += 1
            continue
        word = _json_word(line, at) if tries_left > 0 and line[at] in "{[" else None
        if word is None:
            tries_left -= line[at] in "{["
            word = _word(line, at)
        words.append(word)
        at = word.end
    return words


def _json_word(line: str, start: int) -> Word | None:
    try:
        _, end = _DECODER.raw_decode(line, start)
    except (ValueError, RecursionError):
        return None
    if end < len(line) and not line[end].isspace():
        return None
    return Word(line[start:end], start, end)


def _word(line: str, start: int) -> Word:
    text: list[str] = []
    quoted = False
    at, end = start, len(line)
    while at < end and not line[at].isspace():
        char = line[at]
        if char == "\\":
            if at + 1 == end:
                raise BadRequest("the line ends with a backslash: it needs a character after it.", column=at + 1)
            text.append(line[at + 1])
            at += 2
        elif char in "'\"":
            quoted = True
            at = _quoted(line, at, text)
        else:
            text.append(char)
            at += 1
    return Word("".join(text), start, at, quoted)


def _quoted(line: str, start: int, text: list[str]) -> int:
    """Read from an opening quote to what follows the closing one; adds what is inside to `text`."""
    quote, at = line[start], start + 1
    while at < len(line):
        char = line[at]
        if char == quote:
            return at + 1
        if char == "\\" and quote == '"' and at + 1 < len(line) and line[at + 1] in '"\\':
            at += 1
            char = line[at]
        text.append(char)
        at += 1
    raise BadRequest(f"column {start + 1}: the quote {quote} is not closed.", column=start + 1)


def quote(word: str) -> str:
    """Write a word so that `split` gives it back."""
    if word and not any(char.isspace() or char in "'\"\\{[" for char in word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"


def find_command(commands: Mapping[str, CommandSpec], line: str) -> CommandSpec | None:
    """Find the command that a line begins with; None where there is none."""
    found, _ = _match(commands, split(line))
    return found


def _match(commands: Mapping[str, CommandSpec], words: Sequence[Word]) -> tuple[CommandSpec | None, int]:
    """Find the longest run of words that names a command, and how many words it took."""
    for count in range(min(MOST_WORDS_OF_A_COMMAND, len(words)), 0, -1):
        if any(word.quoted for word in words[:count]):
            continue
        spec = commands.get(".".join(word.text for word in words[:count]))
        if spec is not None:
            return spec, count
    return None, 0


def no_such_command(commands: Mapping[str, CommandSpec], words: Sequence[str], column: int = 1) -> NoSuch:
    """Say that there is no such command, and which is near."""
    first = words[0] if words else ""
    below = [spec.words for name, spec in commands.items() if name.startswith(first + ".")] if first else []
    typed = " ".join(words[: 2 if below else 1])
    if below and len(words) < 2:
        listed = ", ".join(spec.partition(" ")[2] for spec in below)
        return NoSuch(f"{first}: what of it? {first} has: {listed}.", column=column)
    near = did_you_mean(typed, below or [spec.words for spec in commands.values()])
    return NoSuch(f"no command '{typed[:60]}'.{near} `help` lists them.", column=column)


@dataclass(slots=True)
class _Parse:
    """A line on its way to arguments."""

    spec: CommandSpec
    line: str
    arguments: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, int] = field(default_factory=dict)
    positional: list[Word] = field(default_factory=list)
    rest_from: int | None = None  # index of the word with which the rest of the line begins

    def wrong(self, name: str, message: str, column: int) -> WrongArgument:
        return WrongArgument(name, message, column=column)


def parse_line(commands: Mapping[str, CommandSpec], line: str) -> tuple[CommandSpec, dict[str, Any]]:
    """Give the command of a line and its checked arguments.

    Raises NoSuch (no such command), BadRequest (cannot be read), WrongArgument; each with `column`, counted from 1.
    """
    spec, arguments, columns = read_line(commands, line)
    try:
        return spec, spec.check(arguments, text=True)
    except WrongArgument as problem:
        problem.extra["column"] = columns.get(problem.field or "", len(line) + 1)
        raise


def read_line(commands: Mapping[str, CommandSpec], line: str) -> tuple[CommandSpec, dict[str, Any], dict[str, int]]:
    """Give the command of a line and its arguments as text, unchecked, with the column where each stands.

    Raises NoSuch and BadRequest, and WrongArgument for a flag that is none; each with `column`.
    """
    words = split(line)
    if not words:
        raise BadRequest("the line is empty. `help` lists the commands.", column=1)
    spec, used = _match(commands, words)
    if spec is None:
        raise no_such_command(commands, [word.text for word in words], words[0].start + 1)
    return spec, *read_words(spec, line, words[used:])


def written(spec: CommandSpec, arguments: Mapping[str, Any]) -> str:
    """Write a call as a line that `parse_line` reads as the same. arguments: as JSON values."""
    words, flags = [spec.words], []
    by_position = True
    for parameter in spec.parameters:
        if parameter.name not in arguments:
            by_position = by_position and parameter.flag
            continue
        value = arguments[parameter.name]
        name = "--" + parameter.name.replace("_", "-")
        if parameter.variadic:
            words += [_quoted_word(_as_text(parameter.shape, each)) for each in value]
        elif _is_bool(parameter.shape) and value is not None and (parameter.flag or not by_position):
            flags.append(name if value else f"--no-{name[2:]}")
        elif parameter.flag or not by_position:
            flags.append(f"{name}={_quoted_word(_as_text(parameter.shape, value))}")
        elif parameter.rest:
            words.append(_rest_of_line(_as_text(parameter.shape, value)))
        else:
            words.append(_quoted_word(_as_text(parameter.shape, value)))
    return " ".join([words[0], *flags, *words[1:]])


def _as_text(shape: Shape, value: Any) -> str:
    return value if isinstance(value, str) else shape.word(value)


def _quoted_word(text: str) -> str:
    return f"'{text}'" if text.startswith("--") and "'" not in text else quote(text)


def _rest_of_line(text: str) -> str:
    """Write what takes the rest of a line: in quotes where it would be read otherwise."""
    try:
        words = split(text)
    except BadRequest:
        words = []
    is_plain = words and text == text.strip() and not any(word.text.startswith("--") for word in words)
    return text if is_plain and text[0] not in "'\"" else "'" + text.replace("'", "'\\''") + "'"


def read_words(spec: CommandSpec, line: str, words: Sequence[Word]) -> tuple[dict[str, Any], dict[str, int]]:
    """Give a command's arguments, as text, from the words after its name; and the column where each stands."""
    parse = _Parse(spec, line)
    positional = [each for each in spec.parameters if not each.flag]
    before_rest = len(positional) - 1 if spec.rest is not None and not spec.rest.flag else None
    flags_ended = False
    at = 0
    while at < len(words):
        word = words[at]
        if not flags_ended and not word.quoted and word.text == "--":
            flags_ended = True
            at += 1
        elif not flags_ended and word.text.startswith("--") and not line.startswith(("'", '"'), word.start):
            at = _flag(parse, words, at)
        elif before_rest is not None and len(parse.positional) == before_rest:
            _rest(parse, words[at:])
            break
        else:
            parse.positional.append(word)
            at += 1
    _place(parse, positional)
    return parse.arguments, parse.columns


def _rest(parse: _Parse, words: Sequence[Word]) -> None:
    assert parse.spec.rest is not None
    name, first = parse.spec.rest.name, words[0]
    alone_in_quotes = len(words) == 1 and parse.line[first.start] in "'\""
    parse.arguments[name] = first.text if alone_in_quotes else parse.line[first.start :].rstrip()
    parse.columns[name] = first.start + 1


def _place(parse: _Parse, positional: Sequence[Parameter]) -> None:
    """Give the words without a flag to the arguments that no flag has given, in order."""
    spec, left = parse.spec, list(parse.positional)
    for parameter in positional:
        if not left:
            return
        if parameter.name in parse.arguments:
            continue
        parse.columns[parameter.name] = left[0].start + 1
        if parameter.variadic:
            parse.arguments[parameter.name] = [word.text for word in left]
            return
        parse.arguments[parameter.name] = left.pop(0).text
    if left:
        raise BadRequest(
            f"{spec.words}: '{left[0].text[:60]}' is one word too many. Usage: {spec.usage()}", column=left[0].start + 1
        )


def _flag(parse: _Parse, words: Sequence[Word], at: int) -> int:
    """Read a flag and its value; gives the index of the word after them."""
    word, spec = words[at], parse.spec
    typed, equals, value = word.text[2:].partition("=")
    column = word.start + 1
    parameter = _parameter(spec, typed)
    at += 1
    if parameter is None and not equals and typed.startswith("no-"):
        parameter = _parameter(spec, typed[3:])
        if parameter is not None and not _is_bool(parameter.shape):
            raise parse.wrong(parameter.name, f"--{typed}: only yes and no can be turned off so.", column)
        value, equals = "no", "="
    if parameter is None:
        options = ["--" + each.name.replace("_", "-") for each in spec.parameters]
        near = did_you_mean("--" + typed, options)
        has = f" Flags: {', '.join(options)}." if options else f" {spec.words} takes none."
        raise parse.wrong(
            typed[:60], f"no flag '--{typed[:60]}'.{near}{has} Put -- before words that begin so.", column
        )
    if not equals:
        if _is_bool(parameter.shape):
            value = "yes"
        elif at == len(words):
            raise parse.wrong(parameter.name, f"--{typed} needs a value: {parameter.described()}.", column)
        elif parameter.rest:
            raise parse.wrong(parameter.name, f"--{typed}: write the rest of the line without a flag.", column)
        else:
            value, column = words[at].text, words[at].start + 1
            at += 1
    if parameter.variadic or (parameter.name in parse.arguments and _is_list(parameter.shape)):
        given = parse.arguments.get(parameter.name, [])
        parse.arguments[parameter.name] = [*(given if isinstance(given, list) else [given]), value]
    elif parameter.name in parse.arguments and _is_dict(parameter.shape):
        parse.arguments[parameter.name] = _more_members(parse, parameter, value, column)
    elif parameter.name in parse.arguments:
        raise parse.wrong(parameter.name, f"--{typed} is given twice.", word.start + 1)
    else:
        parse.arguments[parameter.name] = value
    parse.columns.setdefault(parameter.name, column)
    return at


def _more_members(parse: _Parse, parameter: Parameter, value: str, column: int) -> dict[str, Any]:
    """Add members to an object that a flag gave before: `--arg name=ann --arg town=Oslo`."""
    shape = parameter.shape.inner if isinstance(parameter.shape, MaybeShape) else parameter.shape
    given = parse.arguments[parameter.name]
    members: dict[str, Any] = {}
    for each in (shape.from_text(given) if isinstance(given, str) else given, shape.from_text(value)):
        if not isinstance(each, dict):
            raise parse.wrong(parameter.name, f"--{parameter.name} takes NAME=VALUE, once for each.", column)
        members |= each
    return members


def _parameter(spec: CommandSpec, typed: str) -> Parameter | None:
    return spec.by_name.get(typed) or spec.by_name.get(typed.replace("-", "_"))


def _is_bool(shape: Shape) -> bool:
    return isinstance(shape.inner if isinstance(shape, MaybeShape) else shape, BoolShape)


def _is_list(shape: Shape) -> bool:
    return isinstance(shape.inner if isinstance(shape, MaybeShape) else shape, ListShape)


def _is_dict(shape: Shape) -> bool:
    return isinstance(shape.inner if isinstance(shape, MaybeShape) else shape, DictShape)
