"""The syntax tree: what a line says, and where.

`start` and `end` count characters of the text that was parsed, from 0. They are left out of comparisons, so that two
texts that say the same have equal trees.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Something with a place in the text."""

    start: int = field(compare=False)
    end: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Text(Node):
    """Characters. quoted: taken as they are; otherwise * ? [ ] { , } are patterns."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """`$name`, `${name.key.0}`, `$?`, `$1`, `$@`. quoted: it stands in double quotes and gives one text."""

    name: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Substitution(Node):
    """`$(…)`: what a script gives. quoted: it stands in double quotes and gives one text."""

    script: "Script"
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Block(Node):
    """`{ … }`: a script handed to a command as a word."""

    script: "Script"


@dataclass(frozen=True, slots=True)
class Raw(Node):
    """The rest of a line as it was typed, for commands that take it so (`sql`, `where`)."""

    text: str


Part = Text | Variable | Substitution | Block | Raw


@dataclass(frozen=True, slots=True)
class Word(Node):
    """Parts that stand together without a space."""

    parts: tuple[Part, ...]

    @property
    def bare(self) -> str:
        """The text where all of it was typed without quotes; "" otherwise."""
        if len(self.parts) == 1 and isinstance(part := self.parts[0], Text) and not part.quoted:
            return part.text
        return ""

    @property
    def literal(self) -> str | None:
        """The text where it does not depend on variables; patterns are given as they were typed. None otherwise."""
        if all(isinstance(part, Text) for part in self.parts):
            return "".join(part.text for part in self.parts if isinstance(part, Text))
        return None


@dataclass(frozen=True, slots=True)
class Assignment(Node):
    """`name=value`."""

    name: str
    value: Word


@dataclass(frozen=True, slots=True)
class Redirection(Node):
    """`> file`, `>> file` or `< file`."""

    operator: str
    target: Word


@dataclass(frozen=True, slots=True)
class HereDocument(Node):
    """Lines that follow, as the input of a command. start, end: of the `<<WORD`; the body has its own."""

    body: Word


@dataclass(frozen=True, slots=True)
class Command(Node):
    """One stage of a pipeline: assignments, words, and where input and output go."""

    words: tuple[Word, ...]
    assignments: tuple[Assignment, ...] = ()
    redirections: tuple[Redirection | HereDocument, ...] = ()

    @property
    def name(self) -> str:
        """The first word, where it was typed without quotes; "" otherwise."""
        return self.words[0].bare if self.words else ""


@dataclass(frozen=True, slots=True)
class Pipeline(Node):
    """Commands between `|`."""

    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """Pipelines between `&&` and `||`. operators: one fewer. background: it ends with `&`."""

    pipelines: tuple[Pipeline, ...]
    operators: tuple[str, ...] = ()
    background: bool = False


@dataclass(frozen=True, slots=True)
class Script(Node):
    """Chains between `;`, `&` and line ends."""

    chains: tuple[Chain, ...]


def commands_of(script: Script) -> Iterator[Command]:
    """Give every command, also those in blocks and substitutions, in the order of their beginnings."""
    for chain in script.chains:
        for pipeline in chain.pipelines:
            for command in pipeline.commands:
                yield command
                for inner in _inner_scripts(command):
                    yield from commands_of(inner)


def piped_into(script: Script, command: Command) -> tuple[Command, ...]:
    """Give the commands of whose pipeline a command is the next, from the first on."""
    for chain in script.chains:
        for pipeline in chain.pipelines:
            for number, each in enumerate(pipeline.commands):
                if each is command:
                    return pipeline.commands[:number]
                for inner in _inner_scripts(each):
                    found = piped_into(inner, command)
                    if found:
                        return found
    return ()


def words_of(command: Command) -> Iterator[Word]:
    """Give every word of a command: of assignments, its own, of redirections and here-documents."""
    yield from (each.value for each in command.assignments)
    yield from command.words
    for each in command.redirections:
        yield each.target if isinstance(each, Redirection) else each.body


def _inner_scripts(command: Command) -> Iterator[Script]:
    for word in words_of(command):
        for part in word.parts:
            if isinstance(part, Substitution | Block):
                yield part.script


@dataclass(frozen=True, slots=True)
class Spot:
    """What stands at a place of a text, for completion.

    command: the innermost one there. word: the one that the place is in or right behind; None where a new one begins.
    index: which word of the command it is, from 0; -1 where it is none of them.
    role: "command", "argument", "redirection", "assignment", "variable", "rest" or "comment".
    """

    command: Command | None
    word: Word | None
    index: int
    role: str


def spot(script: Script, position: int) -> Spot:
    """Find what stands at a place; parse with `tolerant=True` for a line that is still being typed."""
    found: Command | None = None
    for command in commands_of(script):  # the last that fits is the innermost
        if command.start <= position <= command.end:
            found = command
    if found is None:
        return Spot(None, None, 0, "command")
    for each in found.redirections:
        word = each.target if isinstance(each, Redirection) else each.body
        if each.start < position <= each.end or (word.parts and word.start <= position <= word.end):
            return Spot(found, word, -1, _role(word, position, "redirection"))
    for assignment in found.assignments:
        if assignment.start <= position <= assignment.end:
            return Spot(found, assignment.value, -1, _role(assignment.value, position, "assignment"))
    index = 0
    for index, word in enumerate(found.words):
        if word.start <= position <= word.end:
            return Spot(found, word, index, _role(word, position, "command" if index == 0 else "argument"))
        if word.start > position:
            return Spot(found, None, index, "command" if index == 0 else "argument")
    index = len(found.words)
    return Spot(found, None, index, "command" if index == 0 else "argument")


def _role(word: Word, position: int, otherwise: str) -> str:
    for part in word.parts:
        if part.start <= position <= part.end:
            if isinstance(part, Raw):
                return "rest"
            if isinstance(part, Variable) and position > part.start:
                return "variable"
    return otherwise
