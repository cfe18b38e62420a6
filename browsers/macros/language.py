"""The text of a macro to its steps.

    # A comment.
    param plant = Mint             a parameter, with what it is where nobody says otherwise
    secret password                one that is shown nowhere, and has no default
    open http://demo.localhost/shop?q={plant}
    fill Password {password}       any command of the browser, as it is typed in a terminal
    each sql select name from site where town = :town
      open {name}                  once for each row: its columns are what {…} says, here and in :… of SQL
    end                            also `each file plants.csv` (or .json) and `each rows`, those given to `play`
    keep table #deliveries into delivery     rows of the page to a table of the object, under the run's number
    expect text Thank you          a command too: see `browser.expect`

{plant} stands for a value and {{plant}} for the text itself; all other braces are what they are. A value is put in once
the line is parted into words, so nothing in it can become a word or a flag of its own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal

import orjson

from objects.commands.registry import registry
from objects.commands.spec import CommandSpec
from objects.commands.suggest import did_you_mean
from objects.commands.words import read_line
from teams.problems import BadRequest, NoSuch, Problem, WrongArgument

FACILITY: Final = "browser"
PLACE: Final = "browser"
NOT_IN_MACROS: Final = ("browser.play", "browser.record", "browser.compare", "browser.run")
KEPT: Final = ("table", "links", "forms", "text", "attr", "html", "eval", "cookies", "look", "find")
WORDS: Final = ("param", "secret", "each", "end", "keep")
TEXT_CHARS: Final = 100_000
DEEPEST: Final = 4
TOLD: Final = 5  # wrong lines that a refusal names

_PLACE = re.compile(r"\{\{([A-Za-z_]\w*)\}\}|\{([A-Za-z_]\w*)\}")
_PARAMETER = re.compile(r"(?P<name>[a-z][a-z0-9_]{0,62})(?:\s*=\s*(?P<default>.*))?", re.DOTALL)
_TABLE = re.compile(r"[A-Za-z]\w{0,62}")
_NAME_IN_SQL = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class Parameter:
    """What differs from one time to the next. default: None where a value has to be given."""

    name: str
    default: str | None
    secret: bool


@dataclass(frozen=True, slots=True)
class Do:
    """A command. arguments: as text, with {…} in them. line: from 1. text: as it was written."""

    line: int
    text: str
    spec: CommandSpec
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Keep:
    """A command whose answer is kept. table: of the object's database; "" where it is only answered."""

    line: int
    text: str
    spec: CommandSpec
    arguments: Mapping[str, Any]
    table: str


@dataclass(frozen=True, slots=True)
class Each:
    """Steps that are done once for each row. what: the query, or the name of the file."""

    line: int
    text: str
    source: Literal["sql", "file", "rows"]
    what: str
    steps: "list[Step]" = field(default_factory=list)


Step = Do | Keep | Each


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro that can be played."""

    parameters: Sequence[Parameter]
    steps: Sequence[Step]
    lines: int

    def every(self, steps: Sequence[Step] | None = None) -> Iterator[Do | Keep]:
        """Give all commands in the order of their lines, those of loops once."""
        for each in self.steps if steps is None else steps:
            if isinstance(each, Each):
                yield from self.every(each.steps)
            else:
                yield each

    @property
    def takes_rows(self) -> bool:
        """Whether rows have to be given to it."""
        return _takes_rows(self.steps)


def _takes_rows(steps: Sequence[Step]) -> bool:
    return any(isinstance(each, Each) and (each.source == "rows" or _takes_rows(each.steps)) for each in steps)


@cache
def commands() -> Mapping[str, CommandSpec]:
    """Give the commands that lines can be, by both their names: `open` and `browser.open`."""
    own = registry.own_commands(registry.facility(FACILITY)).values()
    usable = [each for each in own if each.task and each.task.place == PLACE and each.name not in NOT_IN_MACROS]
    return {name: spec for each in usable for name, spec in ((_short(each), each.put_in_front()), (each.name, each))}


def _short(spec: CommandSpec) -> str:
    return spec.name.partition(".")[2]


def read(text: str) -> Macro:
    """Read a macro. Raises WrongArgument for "text", which names wrong lines and says what to write instead."""
    if len(text) > TEXT_CHARS:
        raise WrongArgument("text", f"has {len(text):,} characters; a macro has at most {TEXT_CHARS:,}.")
    reader = _Reader()
    lines = text.splitlines()
    wrong: list[tuple[int, str]] = []
    for number, line in enumerate(lines, start=1):
        try:
            reader.read(number, line.strip())
        except Problem as problem:
            wrong.append((number, problem.detail))
    if len(reader.open) > 1:
        each = reader.open[-1]
        wrong.append((each.line, "is not ended. Write `end` on a line of its own behind what is done for each row."))
    if not wrong and not reader.steps:
        wrong.append((max(1, len(lines)), "nothing is done. Write a command, such as `open http://demo.localhost/`."))
    if wrong:
        told = "\n".join(f"line {number}: {why}" for number, why in wrong[:TOLD])
        more = f"\nand {len(wrong) - TOLD} more" if len(wrong) > TOLD else ""
        raise WrongArgument("text", told + more, line=wrong[0][0])
    return Macro(list(reader.parameters.values()), reader.steps, len(lines))


class _Reader:
    """Reads line after line. open: the loops that are not ended yet, the whole macro first."""

    def __init__(self) -> None:
        self.parameters: dict[str, Parameter] = {}
        self.steps: list[Step] = []
        self.open: list[Each] = [Each(0, "", "rows", "", self.steps)]

    def read(self, number: int, line: str) -> None:
        if not line or line.startswith("#"):
            return
        first, _, rest = line.partition(" ")
        rest = rest.strip()
        match first:
            case "param" | "secret":
                self._parameter(rest, is_secret=first == "secret")
            case "each":
                self._each(number, line, rest)
            case "end":
                if rest or len(self.open) == 1:
                    raise BadRequest("`end` stands alone, and ends what `each` began.")
                self.open.pop()
            case "keep":
                self._keep(number, line, rest)
            case _:
                spec, arguments = self._command(line, commands())
                self.open[-1].steps.append(Do(number, line, spec, arguments))

    def _parameter(self, rest: str, *, is_secret: bool) -> None:
        found = _PARAMETER.fullmatch(rest)
        word = "secret" if is_secret else "param"
        if found is None:
            example = "secret password" if is_secret else "param plant = Mint"
            raise BadRequest(f"'{rest[:40]}' names no parameter. Write `{example}`: small letters, digits and _.")
        if len(self.open) > 1 or self.steps:
            raise BadRequest(f"`{word}` comes before the first command, so that one sees at the top what there is.")
        name, default = found["name"], found["default"]
        if name in self.parameters:
            raise BadRequest(f"{name} is a parameter already.")
        if is_secret and default is not None:
            raise BadRequest(
                f"a secret has no default, which all could read here. Write `secret {name}` alone, and keep it with "
                f"`browser secret {name} …` or give it with `play … --secret {name}=…`."
            )
        self.parameters[name] = Parameter(name, None if default is None else unquoted(default.strip()), is_secret)

    def _each(self, number: int, line: str, rest: str) -> None:
        source, _, what = rest.partition(" ")
        what = what.strip()
        if len(self.open) > DEEPEST:
            self.open.append(Each(number, line, "rows", ""))  # so that its `end` finds it
            raise BadRequest(f"loops in loops: at most {DEEPEST} deep.")
        if source == "rows" and not what:
            step = Each(number, line, "rows", "")
        elif source in ("sql", "file") and what:
            step = Each(number, line, "sql" if source == "sql" else "file", what)
        else:
            self.open.append(Each(number, line, "rows", ""))
            raise BadRequest(
                "`each` takes rows of SQL, of a file, or those given. Write `each sql select name from plant`, "
                "`each file plants.csv` or `each rows`."
            )
        self.open[-1].steps.append(step)
        self.open.append(step)

    def _keep(self, number: int, line: str, rest: str) -> None:
        inner, into, table = rest.rpartition(" into ")
        if not into:
            inner, table = rest, ""
        table = table.strip()
        if into and not _TABLE.fullmatch(table):
            raise BadRequest(f"'{table[:40]}' is no name of a table. Write letters, digits and _, a letter first.")
        if table.lower() == "sqlar" or table.lower().startswith("sqlite_"):
            raise BadRequest(f"{table}: is the platform's own. Choose another name.")
        if inner.partition(" ")[0] not in KEPT:
            raise BadRequest(f"keeps what one of these tells: {', '.join(KEPT)}. Write `keep table into price`.")
        spec, arguments = self._command(inner, {name: commands()[name] for name in KEPT})
        self.open[-1].steps.append(Keep(number, line, spec, arguments, table))

    def _command(self, line: str, known: Mapping[str, CommandSpec]) -> tuple[CommandSpec, dict[str, Any]]:
        try:
            spec, arguments, _ = read_line(known, line)
        except NoSuch as problem:
            word = line.partition(" ")[0]
            names = [name for name in known if "." not in name]
            near = did_you_mean(word, [*names, *WORDS])
            raise NoSuch(
                f"'{word[:40]}' is no command of the browser and no word of macros.{near} Write one such as "
                '`click "Sign in"`; words are param, secret, each … end and keep.'
            ) from problem
        except WrongArgument as problem:
            raise BadRequest(f"{line.partition(' ')[0]}: {problem.detail}") from problem
        except BadRequest as problem:
            way = ' Put the words in "…".' if "is not closed" in problem.detail else ""
            raise BadRequest(problem.detail + way) from problem
        for name in sorted({name for each in arguments.values() for name in names_in(each)}):
            if name not in self.parameters and len(self.open) == 1:
                raise BadRequest(
                    f"{{{name}}}: there is no such parameter. Write `param {name}` at the top, or {{{{{name}}}}} for "
                    "the text itself."
                )
        self._check(spec, arguments)
        return spec, arguments

    def _check(self, spec: CommandSpec, arguments: dict[str, Any]) -> None:
        """Refuse what is wrong whatever is put in."""
        sample = {name: self._sample(each) for name, each in arguments.items()}
        try:
            spec.check(sample, text=True)
        except WrongArgument as problem:
            for name, why in problem.extra["fields"].items():
                if not names_in(arguments.get(name, "")):
                    raise BadRequest(f"{spec.words}: {name} {why} Usage: {spec.usage()}") from problem

    def _sample(self, value: Any) -> Any:
        known = {each.name: each.default for each in self.parameters.values() if each.default is not None}
        return filled(value, known, loosely=True)


def names_in(value: Any) -> set[str]:
    """Name what has to be put into an argument."""
    if isinstance(value, list):
        return {name for each in value for name in names_in(each)}
    if isinstance(value, dict):
        return {name for each in value.values() for name in names_in(each)}
    return {found[2].lower() for found in _PLACE.finditer(value) if found[2]} if isinstance(value, str) else set()


def filled(value: Any, values: Mapping[str, str], *, loosely: bool = False) -> Any:
    """Put values into an argument. loosely: what is not known stays as it is; else raises NoSuch."""

    def put(found: re.Match[str]) -> str:
        if found[1]:
            return f"{{{found[1]}}}"
        known = values.get(found[2].lower())
        if known is None and not loosely:
            there = f" There are {', '.join(sorted(values))}." if values else ""
            raise NoSuch(f"{{{found[2]}}}: there is no such value here.{there}")
        return found[0] if known is None else known

    if isinstance(value, list):
        return [filled(each, values, loosely=loosely) for each in value]
    if isinstance(value, dict):
        return {name: filled(each, values, loosely=loosely) for name, each in value.items()}
    return _PLACE.sub(put, value) if isinstance(value, str) else value


def literal(text: str) -> str:
    """Write a text so that nothing is put into it."""
    return re.sub(r"\{([A-Za-z_]\w*)\}", r"{{\1}}", text)


def names_in_sql(query: str) -> set[str]:
    """Name the values that a query asks for as :name."""
    return {found[1] for found in _NAME_IN_SQL.finditer(query)}


def quoted(default: str) -> str:
    """Write a parameter's default so that `unquoted` gives it back."""
    is_plain = default == default.strip() and default.isprintable() and not default.startswith('"')
    return default if is_plain else orjson.dumps(default).decode()


def unquoted(written: str) -> str:
    """Read a parameter's default: as it stands, or a JSON text where it begins with a double quote."""
    if not written.startswith('"'):
        return written
    try:
        value = orjson.loads(written)
    except orjson.JSONDecodeError as error:
        raise BadRequest(
            'what begins with " is a text in JSON: close it with ", and write \\" for one in it.'
        ) from error
    return str(value)
