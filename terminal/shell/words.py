"""What words mean: variables, `$( … )`, braces and patterns worked out. Raises Problem with `column`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from objects.commands.shapes import parsed
from teams.problems import BadRequest, Problem, TooLarge
from terminal import places
from terminal.builtins import Argument
from terminal.language import Block, Raw, Substitution, Text, Variable, Word, unparse
from terminal.shell.braces import braces
from terminal.values import text_of

if TYPE_CHECKING:
    from terminal.shell import Shell

MOST_ARGUMENTS = 20_000  # words of a command once its patterns are worked out
LONGEST_SUBSTITUTION = 4_000_000  # characters that `$( … )` may put into a line


async def expanded(shell: "Shell", words: Sequence[Word]) -> list[Argument]:
    """Work out variables, `$( … )`, braces and patterns. Raises Problem with `column`."""
    found: list[Argument] = []
    for word in words:
        found += await _expanded(shell, word)
        if len(found) > MOST_ARGUMENTS:
            raise TooLarge(
                f"the words come to more than {MOST_ARGUMENTS:,}. Make the pattern narrower, or use a pipe.",
                column=word.start + 1,
            )
    return found


async def _expanded(shell: "Shell", word: Word) -> list[Argument]:
    start, end = word.start, word.end
    if len(word.parts) == 1:
        part = word.parts[0]
        if isinstance(part, Raw):
            return [Argument(part.text, start, end, raw=True)]
        if isinstance(part, Block):
            text = shell.text[part.start : part.end]
            return [Argument(text or "{ " + unparse(part.script) + " }", start, end, script=part.script)]
        if isinstance(part, Text) and part.quoted:
            return [Argument(part.text, start, end, quoted=True)]
        if isinstance(part, Variable | Substitution) and not part.quoted:
            value = await _part(shell, part)
            if isinstance(part, Substitution) and isinstance(value, str):
                value = value.split("\n") if value else []
            several = value if isinstance(value, list) else [] if value is None else [value]
            return [Argument(text_of(each), start, end, value=each, quoted=isinstance(each, str)) for each in several]
    return await _patterns(shell, word)


async def _patterns(shell: "Shell", word: Word) -> list[Argument]:
    """Work out a word of several parts, or with braces or patterns in it."""
    start, end = word.start, word.end
    pieces: list[places.Piece] = []
    for part in word.parts:
        if isinstance(part, Text):
            pieces.append((part.text, part.quoted))
        else:
            value = await _part(shell, part)
            text = " ".join(map(text_of, value)) if isinstance(value, list) else text_of(value)
            pieces.append((text, True))
    starts_quoted = bool(pieces) and pieces[0][1]
    found: list[Argument] = []
    for each in braces(pieces, start):
        text = "".join(part for part, _ in each)
        matched: list[str] = []
        if places.is_pattern(each):
            try:
                matched = await places.matching(shell.world, shell.path, each)
            except TooLarge as problem:
                problem.extra["column"] = start + 1
                raise
            except Problem:  # what the pattern begins with is no path, so it is a word like any other
                matched = []
        found += [Argument(path, start, end, quoted=path.startswith("-")) for path in matched] or [
            Argument(text, start, end, quoted=starts_quoted)
        ]
    return found


async def _part(shell: "Shell", part: Any) -> Any:
    try:
        if isinstance(part, Variable):
            return shell.variable(part.name)
        if isinstance(part, Substitution):
            flow, shell.status = await shell.gathered(part.script)
            if flow.is_file:
                return await flow.text()
            value = await flow.whole()
            if isinstance(value, str) and len(value) > LONGEST_SUBSTITUTION:
                raise TooLarge(f"$( … ) gave more than {LONGEST_SUBSTITUTION:,} characters. Use a pipe.")
            return value.removesuffix("\n") if isinstance(value, str) else value
        if isinstance(part, Block):
            return "{ " + unparse(part.script) + " }"
    except Problem as problem:
        problem.extra.setdefault("column", part.start + 1)
        raise
    return part.text


async def value_of(shell: "Shell", word: Word) -> Any:
    """Give the value of an assignment: whole where it is one variable or `$( … )`, JSON where it reads as such."""
    if not word.parts:
        return ""
    if len(word.parts) == 1 and isinstance(part := word.parts[0], Variable | Substitution) and not part.quoted:
        return await _part(shell, part)
    text = await text_of_word(shell, word)
    part = word.parts[0]
    if (
        len(word.parts) == 1
        and isinstance(part, Text)
        and (not part.quoted or shell.text[part.start : part.start + 1] in ("{", "["))
    ):
        return parsed(text, text)
    return text


async def text_of_word(shell: "Shell", word: Word) -> str:
    texts = []
    for part in word.parts:
        value = await _part(shell, part)
        texts.append(" ".join(map(text_of, value)) if isinstance(value, list) else text_of(value))
    return "".join(texts)


async def one(shell: "Shell", word: Word) -> Argument:
    found = await _expanded(shell, word)
    if len(found) != 1:
        raise BadRequest(f"one name is needed here; these are {len(found)}.", column=word.start + 1)
    return found[0]
