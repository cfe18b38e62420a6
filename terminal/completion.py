"""What Tab offers: commands, flags, values, paths, tables and columns, keys, files, macros, history; at most in 50 ms.

`Completions` knows nothing of editors. It asks through `terminal.known`, so it offers what the caller may see and no
more. Offers are ranked: what begins as typed, then what holds it, then what has its letters in that order.
"""

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from objects.commands.checks import Parameter
from objects.commands.help import purpose_of
from objects.commands.registry import registry
from objects.commands.shapes import BoolShape, ChoiceShape, ListShape, MaybeShape, Shape, compact
from objects.commands.spec import CommandSpec
from objects.commands.types import is_path
from terminal import reading
from terminal.fields import Fields, Told, condition_offers, fields_into
from terminal.known import LISTED, Known, Typing, is_switch, rule_of
from terminal.language import Command, Rest, Word, parse, piped_into, quoted, spot
from terminal.offers import MOST, Offer, ranked
from terminal.sql_offers import sql_offers

TAB_S: Final = 0.05  # a person feels more than this
LONGEST_HELP: Final = 100  # characters
LONGEST_LINE: Final = 20_000  # a longer text is not looked into

# What an argument of a facility names, where its type does not say it.
NAMED: Final[Mapping[tuple[str, str], str]] = {
    ("state", "key"): "keys",
    ("state", "keys"): "keys",
    ("state", "prefix"): "keys",
    ("files", "name"): "files",
    ("files", "names"): "files",
    ("files", "folder"): "folders",
    ("files", "to"): "files",
    ("sql", "table"): "tables",
    ("sql", "file"): "files",
    ("help", "command"): "commands",
    ("tree", "kind"): "kinds",
    ("tree", "tags"): "tags",
}

OF_FIELDS: Final = ("fields", "total", "label")  # flags of builtins whose values are fields

UNCLOSED: Final = re.compile(r"\$\{\w*$")  # a variable whose brace is still to come

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Completion:
    """An offer: `text` takes the place of what stands from `start` to the cursor.

    display: what the list shows; "" where it is the text. help: a few words about it.
    """

    text: str
    start: int  # characters
    display: str = ""
    help: str = ""


async def complete(shell: Typing, text: str, cursor: int) -> list[Completion]:
    """Give what may stand at the cursor. Raises nothing; `Completions` keeps answers between keys."""
    return await Completions(Known(shell)).at(text, cursor)


class Completions:
    """Completion for one shell."""

    def __init__(self, known: Known, builtins: Mapping[str, Told] | None = None) -> None:
        self.known = known
        self.shell = known.shell
        self.builtins = builtins or {}

    async def at(self, text: str, cursor: int, *, within_s: float = TAB_S) -> list[Completion]:
        """Give what may stand at the cursor, the likeliest first."""
        if len(text) > LONGEST_LINE:
            return []
        until = asyncio.get_running_loop().time() + within_s
        try:
            return await _Line(self, text[: max(0, cursor)], until).complete()
        except Exception:  # a key must never cost the session; the log says what was wrong
            log.exception("completion failed")
            return []


class _Line:
    """One line up to the cursor, on its way to completions."""

    def __init__(self, completions: Completions, text: str, until: float) -> None:
        self.known = completions.known
        self.shell = completions.shell
        self.builtins = completions.builtins
        self.text = text
        self.cursor = len(text)
        self.until = until
        self.before: Sequence[Command] = ()  # whose output comes through the pipe

    async def complete(self) -> list[Completion]:
        commands = await self.known.commands(self.shell.path, self.until)
        rules: dict[str, Rest | None] = {spec.words: rule_of(spec) for spec in commands.values()}
        rules |= {name: rule_of(told.spec) for name, told in self.builtins.items()}
        script = parse(self.text, rules, tolerant=True)
        found = spot(script, self.cursor)
        if found.command is None:
            return await self.names("", self.cursor)
        self.before = piped_into(script, found.command)
        word = found.word
        start = self.cursor if word is None or not word.parts else word.start
        typed = "" if word is None else reading.text_of(word)
        if found.role == "variable" or UNCLOSED.search(self.text):
            return self.variables()
        if found.role == "redirection":
            return await self.paths(self.shell.path, typed, start, wants=("files",))
        if found.role in ("comment", "assignment"):
            return []
        return await self.argument(found.command.words[: found.index], typed, start)

    # ---- Which argument ----

    async def argument(self, before: Sequence[Word], typed: str, start: int) -> list[Completion]:
        """Offer what may follow the words of a command that are `before` the one that is typed."""
        head = reading.head_of(before, self.shell.path)
        words = before[head.index :]
        path = head.path or self.shell.path
        if (words and words[0].bare in ("each", "on")) or (not words and before and before[-1].bare == "on"):
            return await self.paths(self.shell.path, typed, start, wants=("objects",))
        if not words:
            return await self.names(typed, start, path)
        commands = await self.known.commands(path, self.until)
        spec, used = reading.spec_of(words, commands)
        below = await self.below(words, commands, typed, start)
        if spec is not None:
            below = [each for each in below if each.text.startswith(typed)]
            return [*below, *await self.of_command(spec, words[used:], typed, start, path)][:MOST]
        if below:
            return below
        told = self.builtins.get(words[0].bare)
        if told is not None:
            return await self.of_builtin(told, words[1:], typed, start, path)
        return await self.paths(path, typed, start, wants=("objects", "files"))

    async def below(
        self, words: Sequence[Word], commands: Mapping[str, CommandSpec], typed: str, start: int
    ) -> list[Completion]:
        """Offer the further words of a command's name: `state` has `set`, `get`…"""
        names = [word.bare for word in words]
        if not all(names) or len(names) >= reading.MOST_WORDS:
            return []
        prefix = ".".join(names) + "."
        offers = [
            Offer(name.removeprefix(prefix).replace(".", " "), spec.summary)
            for name, spec in commands.items()
            if name.startswith(prefix)
        ]
        return self.made(ranked(typed, offers), start, ends=True)

    # ---- Names of commands ----

    async def names(self, typed: str, start: int, path: str = "") -> list[Completion]:
        """Offer what a line may begin with."""
        if typed.startswith("!"):
            return await self.lines(typed[1:], start)
        if typed.startswith(("/", "./", "../")):
            return await self.paths(self.shell.path, typed, start, wants=("objects",))
        if typed.startswith("@"):
            return await self.paths(self.shell.path, typed[1:], start + 1, wants=("objects",))
        commands, macros, aliases = await asyncio.gather(
            self.known.commands(path or self.shell.path, self.until),
            self.known.macros(self.until),
            self.known.aliases(self.until),
        )
        offers = list(_of_commands(commands, whole=bool(typed)))
        offers += [Offer(name, told.spec.summary) for name, told in self.builtins.items()]
        offers += [Offer(name, f"alias: {text}") for name, text in aliases.items()]
        offers += [Offer(name, "macro: " + text.partition("\n")[0]) for name, text in macros.items()]
        return self.made(ranked(typed, offers), start, ends=True, is_plain=True)

    async def lines(self, typed: str, start: int) -> list[Completion]:
        """Offer lines of the history, the newest first."""
        history = await self.known.history(self.until)
        offers = [Offer(each.line, each.path) for each in reversed(history) if "\n" not in each.line]
        return [Completion(each.name, start, "", each.help) for each in ranked(typed, offers)]

    def variables(self) -> list[Completion]:
        """Offer names of variables, behind `$` or `${`."""
        match = re.search(r"\$\{?(\w*)$", self.text)
        if match is None:
            return []
        offers = [Offer(name, compact(value)[:LONGEST_HELP]) for name, value in self.shell.variables.items()]
        closing = "}" if "{" in match[0] else ""
        start = match.start(1)
        return [Completion(each.name + closing, start, each.name, each.help) for each in ranked(match[1], offers)]

    # ---- Arguments ----

    async def of_command(
        self, spec: CommandSpec, words: Sequence[Word], typed: str, start: int, path: str
    ) -> list[Completion]:
        place = reading.place_of(spec, words)
        if place.is_rest and place.parameter is not None and spec.facility == "sql":
            rest_start = words[place.first_rest].start if place.first_rest < len(words) else start
            if not self.text.startswith("--", rest_start):
                return await self.sql(self.text[rest_start:], path)
        if not place.is_value and not place.flags_ended and typed.startswith("-"):
            name, equals, value = typed.partition("=")
            parameter = reading.flag_of(spec, name.removeprefix("--"))
            if equals and parameter is not None:
                offered = await self.values(spec, parameter, value, path)
                return self.made(offered, start + len(name) + 1, ends=True)
            return self.made(ranked(typed, _flags(spec, place.given)), start, is_plain=True)
        if place.parameter is None:
            return self.made(ranked(typed, _flags(spec, place.given)), start, is_plain=True)
        parameter = place.parameter
        if is_path(_inner(parameter.shape)):
            return await self.paths(path, typed, start, wants=("objects",))
        source = NAMED.get((spec.facility or "", parameter.name), "")
        if source in ("files", "folders"):
            return await self.paths(path, typed, start, wants=(source,))
        offered = await self.values(spec, parameter, typed, path)
        flags = [] if typed or place.is_value else ranked("", _flags(spec, place.given))
        return [*self.made(offered, start, ends=True), *self.made(flags, start, is_plain=True)]

    async def values(self, spec: CommandSpec, parameter: Parameter, typed: str, path: str) -> list[Offer]:
        """Offer values of an argument."""
        about = parameter.help or parameter.described()
        shape = _inner(parameter.shape)
        offers: list[Offer] = []
        if isinstance(shape, ChoiceShape):
            offers = [Offer(word, about) for word in shape.words]
        elif isinstance(shape, BoolShape):
            offers = [Offer(word, about) for word in ("yes", "no")]
        else:
            source = NAMED.get((spec.facility or "", parameter.name), "kinds" if parameter.name == "kind" else "")
            offers = await self.source(source, typed, path)
        if isinstance(parameter.shape, MaybeShape) and offers:
            offers.append(Offer("null", "nothing"))
        return ranked(typed, offers)

    async def source(self, source: str, typed: str, path: str) -> list[Offer]:
        """Offer the names of a sort of thing; for "a,b" the words themselves."""
        if source == "commands":
            commands = await self.known.commands(path, self.until)
            offers = list(_of_commands(commands, whole=bool(typed)))
            return offers + [Offer(name, told.spec.summary) for name, told in self.builtins.items()]
        if source == "kinds":
            return [Offer(name, purpose_of(kind)) for name, kind in registry.kinds.items()]
        if source == "tags":
            return [Offer(tag) for tag in await self.known.tags(path, self.until)]
        return [Offer(name, about[:LONGEST_HELP]) for name, about in (await self.named(source, typed, path)).items()]

    async def named(self, source: str, typed: str, path: str) -> Mapping[str, str]:
        """Give names with what they stand for."""
        if source == "keys":
            keys = await self.known.keys(path, "", self.until)
            if typed and len(keys) >= LISTED:
                keys = await self.known.keys(path, typed, self.until)
            return {key: compact(value) for key, value in keys}
        if source == "tables":
            return {name: ", ".join(columns) for name, columns in (await self.known.tables(path, self.until)).items()}
        if source == "fields":
            return await self.fields()
        if source == "macros":
            return await self.known.macros(self.until)
        if source == "aliases":
            return await self.known.aliases(self.until)
        if source == "variables":
            return {name: compact(value) for name, value in self.shell.variables.items()}
        return dict.fromkeys(source.split(","), "") if "," in source else {}

    async def of_builtin(
        self, told: Told, words: Sequence[Word], typed: str, start: int, path: str
    ) -> list[Completion]:
        """Offer arguments of a builtin: what it says that it takes, else what its types say."""
        place = reading.place_of(told.spec, words)
        plain = [word for word in words if not word.bare.startswith("-")]
        takes = told.takes[min(len(plain), len(told.takes) - 1)] if told.takes else ""
        if place.is_value and place.parameter is not None and place.parameter.name in OF_FIELDS:
            return await self.listed_fields(typed, start)
        if typed.startswith("-") or place.is_value or not takes:
            return await self.of_command(told.spec, words, typed, start, path)
        if takes == "condition":
            rest_start = words[place.first_rest].start if place.first_rest < len(words) else start
            return await self.condition(self.text[rest_start:])
        if takes in ("objects", "files", "anything"):
            wants = ("objects", "files") if takes == "anything" else (takes,)
            offered = await self.paths(path, typed, start, wants=wants)
        else:
            offered = self.made(ranked(typed, await self.source(takes, typed, path)), start, ends=True)
        flags = [] if typed else ranked("", _flags(told.spec, place.given))
        return [*offered, *self.made(flags, start, is_plain=True)]

    async def listed_fields(self, typed: str, start: int) -> list[Completion]:
        """Offer fields for a flag that takes one, or some with commas between them."""
        before, comma, last = typed.rpartition(",")
        offers = [Offer(before + comma + name, about) for name, about in (await self.fields()).items()]
        return self.made(ranked(before + comma + last, offers), start, ends=True)

    # ---- Paths ----

    async def paths(self, here: str, typed: str, start: int, *, wants: Sequence[str]) -> list[Completion]:
        """Offer objects beneath what was typed, and its files."""
        folder, slash, last = typed.rpartition("/")
        base = reading.at_path(here, (folder or "/") if slash else "")
        if base is None:
            return []
        shown = folder + slash
        offers: list[Offer] = []
        if "objects" in wants:
            children = await self.known.children(base, last, self.until)
            offers += [Offer(shown + each.name, each.note, each.is_folder) for each in children]
        if "files" in wants or "folders" in wants:
            only_folders = "folders" in wants and "files" not in wants
            offers += await self.files(here, shown, base, only_folders=only_folders)
        if last in (".", ".."):
            offers.append(Offer(shown + "..", "what it is in", is_open=True))
        return self.made(ranked(typed, offers), start, ends=True)

    async def files(self, here: str, shown: str, base: str, *, only_folders: bool) -> list[Offer]:
        """Offer files in the folder that was typed: of the object there, or of one above whose folder it is."""
        at, folder = base, ""
        for _ in range(8):
            listed = await self.known.files(at, folder, self.until)
            if listed is not None:
                return [
                    Offer(shown + each.name, each.note, each.is_folder)
                    for each in listed
                    if each.is_folder or not only_folders
                ]
            if at in ("/", here):
                break
            at, _, name = at.rpartition("/")
            at, folder = at or "/", f"{name}/{folder}".rstrip("/")
        return []

    async def sql(self, query: str, path: str) -> list[Completion]:
        """Offer tables, columns and keywords."""
        typed, offers = sql_offers(query, await self.known.tables(path, self.until))
        return self.made(ranked(typed, offers), self.cursor - len(typed), is_plain=True)

    async def condition(self, typed: str) -> list[Completion]:
        """Offer what a condition may go on with: fields, comparisons, and, or."""
        last, offers = condition_offers(typed, await self.fields())
        return self.made(
            ranked(last, [Offer(*each) for each in offers]), self.cursor - len(last), ends=True, is_plain=True
        )

    async def fields(self) -> Fields:
        """Give the fields of what comes through the pipe."""
        return await fields_into(self.known, self.builtins, self.before, self.until)

    # ---- Offers to completions ----

    def made(
        self, offers: Sequence[Offer], start: int, *, ends: bool = False, is_plain: bool = False
    ) -> list[Completion]:
        """Write offers as words, in quotes where they need them.

        ends: what follows is another word, so a space may as well be there.
        """
        made = []
        for each in offers:
            text = each.name + "/" * each.is_open
            word = text if is_plain else quoted(text)
            made.append(
                Completion(word + (" " if ends and not each.is_open else ""), start, text, each.help[:LONGEST_HELP])
            )
        return made


def _of_commands(commands: Mapping[str, CommandSpec], *, whole: bool) -> Iterable[Offer]:
    """Offer first words: `take`, `state`; and behind them whole names: `state set`, found by their second word."""
    facilities: dict[str, CommandSpec] = {}
    for name, spec in commands.items():
        first, dot, _ = name.partition(".")
        if not dot:
            yield Offer(name, spec.summary)
        elif first not in commands:
            facilities.setdefault(first, spec)
    for name, spec in facilities.items():
        yield Offer(name, purpose_of(spec.owner))
    if whole:
        yield from (Offer(spec.words, spec.summary) for name, spec in commands.items() if "." in name)


def _flags(spec: CommandSpec, given: set[str]) -> Iterable[Offer]:
    for each in spec.parameters:
        if each.name in given and not isinstance(_inner(each.shape), ListShape):
            continue
        if each.rest or (not each.flag and each.variadic):
            continue
        name = each.name.replace("_", "-")
        about = each.help or each.described()
        if is_switch(each.shape) and each.default is True:
            yield Offer(f"--no-{name}", about)
        elif each.flag:
            yield Offer(f"--{name}", about)


def _inner(shape: Shape) -> Shape:
    return shape.inner if isinstance(shape, MaybeShape) else shape
