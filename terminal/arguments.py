"""Words after expansion to the arguments of a command: what `objects.commands.words` does for a line of text."""

from collections.abc import Mapping, Sequence
from typing import Any

from objects.commands.spec import CommandSpec
from objects.commands.words import Word, quote, read_words
from teams.problems import BadRequest, Problem, WrongArgument
from terminal.builtins.base import Argument, Builtin
from terminal.values import json_of


def read(spec: CommandSpec, given: Sequence[Argument], end: int) -> tuple[dict[str, Any], dict[str, int]]:
    """Give a command's arguments as text by name, and where each was typed (from 0).

    end: where the command ends in what was typed. Raises BadRequest or WrongArgument with `column`.
    """
    line, words, starts = "", [], {}
    for argument in given:
        text = argument.text if argument.value is None or isinstance(argument.value, str) else json_of(argument.value)
        starts[len(line)] = argument.start
        # `read_words` sees by a quote in the line that a word that begins with -- is no flag, and that a rest is whole.
        shown = (
            "'" + text
            if argument.quoted or argument.raw
            else text
            if text and not quote(text).startswith("'")
            else quote(text)
        )
        words.append(Word(text, len(line), len(line) + len(shown), argument.quoted or argument.raw))
        line += shown + " "
    try:
        arguments, columns = read_words(spec, line.rstrip(" "), words)
    except Problem as problem:
        if "column" in problem.extra:
            problem.extra["column"] = starts.get(problem.extra["column"] - 1, end) + 1
        raise
    return arguments, {name: starts.get(column - 1, end) for name, column in columns.items()}


def spelled_out(builtin: Builtin, given: Sequence[Argument]) -> list[Argument]:
    """Write short flags in full: `-la` is `--long --all`, `-n5` is `--n 5`, `-5` is what `number` names."""
    found: list[Argument] = []
    for at, argument in enumerate(given):
        text = argument.text
        if argument.quoted or argument.raw or argument.value is not None or len(text) < 2 or text[0] != "-":
            found.append(argument)
        elif text == "--":
            return [*found, *given[at:]]
        elif text.startswith("--") or text[1:2] == ".":
            found.append(argument)
        elif builtin.number and text[1:].isdecimal():
            flag = builtin.spec.by_name.get(builtin.number)
            if flag is not None and flag.flag:
                found.append(_like(argument, f"--{builtin.number}"))
            found.append(_like(argument, text[1:]))
        elif text[1].isdecimal():
            found.append(argument)
        else:
            found += _letters(builtin, argument)
    return found


def _letters(builtin: Builtin, argument: Argument) -> list[Argument]:
    found: list[Argument] = []
    letters = argument.text[1:]
    for at, letter in enumerate(letters):
        name = builtin.short.get(letter)
        if name is None:
            known = ", ".join(f"-{short} (--{long})" for short, long in builtin.short.items())
            raise WrongArgument(
                letter,
                f"no flag '-{letter}'. "
                + (f"Flags: {known}." if known else f"{builtin.name} has no short flags.")
                + " Put -- before words that begin so.",
                column=argument.start + 1,
            )
        found.append(_like(argument, f"--{name}"))
        if not builtin.spec.by_name[name].shape.noun.startswith("yes or no"):
            if letters[at + 1 :]:
                found.append(_like(argument, letters[at + 1 :]))
            break
    return found


def _like(argument: Argument, text: str) -> Argument:
    return Argument(text, argument.start, argument.end)


def checked(spec: CommandSpec, arguments: Mapping[str, Any], places: Mapping[str, int], end: int) -> dict[str, Any]:
    """Convert and check arguments; raises WrongArgument with `column`."""
    try:
        return spec.check(arguments, text=True)
    except WrongArgument as problem:
        problem.extra["column"] = places.get(problem.field or "", end) + 1
        raise


def needless(name: str, given: Sequence[Argument]) -> None:
    """Refuse words that nothing takes."""
    if given:
        raise BadRequest(f"{name}: '{given[0].text[:60]}' is one word too many.", column=given[0].start + 1)
