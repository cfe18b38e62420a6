"""Which command a typed line means, where, and which of its arguments the cursor is at. Lines need not be finished.

`@path`, `on path`, `time`, `watch 2s` and `each … --` stand before a command, as the language has them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from objects.commands.checks import Parameter
from objects.commands.spec import CommandSpec
from objects.tree.paths import ObjectPath
from teams.problems import Problem
from terminal.known import is_switch
from terminal.language import Raw, Word

MOST_WORDS: Final = 3
DURATION: Final = re.compile(r"[0-9][0-9.a-z]*")
BEFORE: Final = frozenset(("on", "time", "watch", "each"))


def at_path(here: str, typed: str) -> str | None:
    """Give the path that a text names from `here`; None where it can be none."""
    try:
        return str(ObjectPath.parse(here).joined(typed)) if typed else here
    except Problem:
        return None


def text_of(word: Word) -> str:
    """Give what a word says where it does not depend on variables; "" where it does."""
    if len(word.parts) == 1 and isinstance(rest := word.parts[0], Raw):
        return rest.text
    return word.literal or ""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a command's own words begin, and at which object it runs; path is None where that is not known yet."""

    index: int
    path: str | None
    each: bool = False  # it runs at many objects


def head_of(words: Sequence[Word], here: str) -> Head:
    """Find what stands before a command."""
    at, path, each = 0, here, False
    while at < len(words):
        bare = words[at].bare
        if bare.startswith("@"):
            path = (at_path(here, bare[1:]) or path) if len(bare) > 1 else path
            at += 1
        elif bare == "on" and at + 1 < len(words):
            path = at_path(here, text_of(words[at + 1])) or path
            at += 2
        elif bare == "time":
            at += 1
        elif bare == "watch":
            at += 2 if at + 1 < len(words) and DURATION.fullmatch(words[at + 1].bare) else 1
        elif bare == "each":
            ends = [number for number in range(at, len(words)) if words[number].bare == "--"]
            if not ends:
                break
            at, each = ends[0] + 1, True
        else:
            break
    return Head(at, path, each)


def spec_of(words: Sequence[Word], commands: Mapping[str, CommandSpec]) -> tuple[CommandSpec | None, int]:
    """Find the command that words begin with, and how many of them name it."""
    for count in range(min(MOST_WORDS, len(words)), 0, -1):
        names = [word.bare for word in words[:count]]
        if all(names) and (spec := commands.get(".".join(names))) is not None:
            return spec, count
    return None, 0


@dataclass(slots=True)
class Place:
    """What may stand after some words of a command.

    parameter: the argument whose value comes next; None where no more fit. is_value: of the flag right before.
    is_rest: the rest of the line belongs to it. flags_ended: a `--` came. given: arguments that flags have given.
    """

    parameter: Parameter | None = None
    is_value: bool = False
    is_rest: bool = False
    flags_ended: bool = False
    given: set[str] = field(default_factory=set)
    first_rest: int = 0  # index among the words of that with which the rest begins


def flag_of(spec: CommandSpec, text: str) -> Parameter | None:
    """Find the parameter that `--text` or `--no-text` names."""
    names = spec.by_name
    found = names.get(text) or names.get(text.replace("-", "_"))
    if found is None and text.startswith("no-"):
        found = flag_of(spec, text[3:])
        return found if found is not None and is_switch(found.shape) else None
    return found


def place_of(spec: CommandSpec, words: Sequence[Word]) -> Place:
    """Say what may follow these words, which come after the command's name."""
    place = Place()
    positional = [each for each in spec.parameters if not each.flag]
    count = 0
    waiting: Parameter | None = None
    for index, word in enumerate(words):
        bare = word.bare
        if waiting is not None:
            waiting = None
        elif not place.flags_ended and bare == "--":
            place.flags_ended = True
        elif not place.flags_ended and bare.startswith("--"):
            name, equals, _ = bare[2:].partition("=")
            parameter = flag_of(spec, name)
            if parameter is not None:
                place.given.add(parameter.name)
                if not equals and not is_switch(parameter.shape):
                    waiting = parameter
        else:
            at = _nth(positional, count, place.given)
            if at is not None and at.rest:
                place.parameter, place.is_rest, place.first_rest = at, True, index
                return place
            count += 1
    if waiting is not None:
        place.parameter, place.is_value = waiting, True
        return place
    place.parameter = _nth(positional, count, place.given)
    place.is_rest = place.parameter is not None and place.parameter.rest
    place.first_rest = len(words)
    return place


def _nth(positional: Sequence[Parameter], count: int, given: set[str]) -> Parameter | None:
    left = [each for each in positional if each.name not in given]
    if not left:
        return None
    return left[count] if count < len(left) else left[-1] if left[-1].variadic else None
