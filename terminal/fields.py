"""Which fields come through a pipe to the command that is being typed: what `where`, `sort` and others can name.

Nothing is run to find out: commands say what they give by their types, builtins by `gives`, tables by their columns.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from objects.commands.registry import registry
from objects.commands.shapes import ListShape, MaybeShape, RecordShape, Shape
from objects.commands.spec import CommandSpec
from terminal import reading
from terminal.builtins.base import KEPT, NAMED
from terminal.known import Known
from terminal.language import Command, Word

COMPARISONS: Final = ("==", "!=", "<", "<=", ">", ">=", "=~", "in", "contains", "starts", "ends")
JOINED: Final = ("and", "or")
_WORDS: Final = re.compile(r"""==|!=|<=|>=|=~|!~|[=<>()]|"[^"]*"?|'[^']*'?|[^\s=<>()!"']+""")

Fields = Mapping[str, str]
"""Names of fields, with what each is."""


class Told(Protocol):
    """A builtin as completion sees it: `terminal.builtins.base.Builtin`.

    takes: what its arguments name, in order, the last again and again: "objects", "files", "anything", "macros", "a,b"…
    gives: the fields of what comes out; KEPT, NAMED.
    """

    @property
    def spec(self) -> CommandSpec: ...
    @property
    def takes(self) -> Sequence[str]: ...
    @property
    def gives(self) -> Sequence[str]: ...


async def fields_into(known: Known, builtins: Mapping[str, Told], before: Sequence[Command], until: float) -> Fields:
    """Give the fields of what these commands, one piped into the next, give; nothing where nobody can tell."""
    fields: Fields = {}
    for command in before:
        fields = await _given(known, builtins, command, fields, until)
    return fields


async def _given(known: Known, builtins: Mapping[str, Told], command: Command, coming: Fields, until: float) -> Fields:
    here = known.shell.path
    head = reading.head_of(command.words, here)
    words = command.words[head.index :]
    if not words or head.each:
        return {}
    path = head.path or here
    spec, used = reading.spec_of(words, await known.commands(path, until))
    if spec is not None and (spec.facility is not None or words[0].bare not in builtins):
        if spec.facility == "sql" and spec.rest is not None:
            return await _columns(known, path, " ".join(map(reading.text_of, words[used:])), until)
        return of_shape(spec.result_shape)
    builtin = builtins.get(words[0].bare)
    if builtin is None:
        return {}
    if builtin.spec.name == "cat":
        return await _of_table(known, path, words[1:], until)
    if builtin.gives == KEPT:
        return coming
    if builtin.gives == NAMED:
        return {name: coming.get(name, "") for word in words[1:] if (name := word.bare) and not name.startswith("-")}
    return dict.fromkeys(builtin.gives, "")


def of_shape(shape: Shape | None) -> Fields:
    """Give the fields of the items that a value of this type has: see `terminal.values.Flow.each`."""
    while isinstance(shape, MaybeShape | ListShape):
        shape = shape.inner if isinstance(shape, MaybeShape) else shape.item
    if not isinstance(shape, RecordShape) or getattr(shape.record, "as_text", None) is not None:
        return {}
    tables = [
        each.item
        for each in shape.fields.values()
        if isinstance(each, ListShape) and isinstance(each.item, RecordShape)
    ]
    found = tables[0] if len(tables) == 1 else shape
    return {name: each.noun for name, each in found.fields.items()}


async def _columns(known: Known, path: str, query: str, until: float) -> Fields:
    """Give the columns of the tables that a query mentions, and the names that it gives to others."""
    words = set(re.findall(r"\w+", query.casefold()))
    found = {
        column: f"{table} {declared}".strip()
        for table, columns in (await known.tables(path, until)).items()
        if table.casefold() in words
        for column, declared in columns.items()
    }
    return found | dict.fromkeys(re.findall(r"\bas\s+(\w+)", query, re.IGNORECASE), "")


async def _of_table(known: Known, here: str, words: Sequence[Word], until: float) -> Fields:
    named = [text for word in words if (text := reading.text_of(word)) and not text.startswith("-")]
    if len(named) != 1:
        return {}
    folder, room, table = named[0].rpartition("db/")
    path = reading.at_path(here, folder) if room and folder[-1:] in ("", "/") else None
    if path is None:
        return {}
    return (await known.tables(path, until)).get(table, {})


def condition_offers(typed: str, fields: Fields) -> tuple[str, Iterable[tuple[str, str]]]:
    """Give the last word of a condition as typed so far, and what may stand there: names with what they are."""
    words = _WORDS.findall(typed)
    last = words.pop() if words and not typed[-1:].isspace() and words[-1] not in (*COMPARISONS, "(", ")") else ""
    before = words[-1] if words else ""
    if before in ("", "(", "not", "where", *JOINED):
        return last, fields.items()
    if before in COMPARISONS or before == "=":
        return last, [(name, "") for name in _values(words[-2] if len(words) > 1 else "")]
    if len(words) > 1 and words[-2] in (*COMPARISONS, "="):
        return last, [(word, "") for word in JOINED]
    return last, [(sign, "") for sign in COMPARISONS]


def _values(field: str) -> Iterable[str]:
    return registry.kinds if field == "kind" else ()
