"""Starts: what a newcomer can make with one click, ready to look at. Some of a plain object, one of every other kind.

What is done to a new object is done by the commands that people use, as the person who clicked.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from objects.commands.bases import Kind
from objects.commands.help import purpose_of
from objects.commands.registry import registry
from objects.commands.types import Content
from objects.commands.words import parse_line
from objects.engine.running import engine
from objects.tree.paths import ObjectPath
from teams.access import Caller
from teams.problems import Conflict, NoSuch, Problem

Step = tuple[str, dict[str, Any]]  # a command and its arguments

PLAIN: Final = "object"
EXAMPLES: Final = 6  # lines of a kind's own help that its start runs
TRIES: Final = 50  # names: "counter", "counter-2"


@dataclass(frozen=True, slots=True)
class Start:
    """Something to begin with. picture: a template of templates/objects/pictures, or "" for one drawn from the kind."""

    name: str
    title: str
    purpose: str
    kind: str = PLAIN
    picture: str = ""
    steps: tuple[Step, ...] = field(default=())
    tags: tuple[str, ...] = ()


BOOKS: Final = """title,author,year,pages,read
The Overstory,Richard Powers,2018,502,yes
The Hidden Life of Trees,Peter Wohlleben,2015,288,yes
Braiding Sweetgrass,Robin Wall Kimmerer,2013,408,no
Entangled Life,Merlin Sheldrake,2020,358,yes
The Wild Iris,Louise Glück,1992,63,no
"""
NOTES: Final = """# Notes

- A file here is part of the object: it moves, is copied and exported with it.
- `files put`, `files get` and `files list` work on it in the terminal.
"""


def starts() -> Iterator[Start]:
    """Give all there are: those of a plain object, then one for each kind."""
    yield Start(
        "counter",
        "Counter",
        "One number that any number of callers may raise at the same time, and that never loses one.",
        picture="counter",
        steps=(("state.set", {"key": "count", "value": 0}), *[("state.incr", {"key": "count"})] * 3),
        tags=("example",),
    )
    yield Start(
        "books",
        "Table",
        "A database of its own, with rows that came from CSV. Ask it anything in SQL.",
        picture="table",
        steps=(
            ("sql.import", {"table": "books", "content": Content(BOOKS.encode(), name="books.csv")}),
            ("sql", {"query": "create index books_year on books(year)"}),
            ("sql", {"query": "create view unread as select title, author from books where read = 'no'"}),
        ),
        tags=("example",),
    )
    yield Start(
        "settings",
        "Settings",
        "Values by key, of any JSON type. Read them from a program, change them here, watch them change.",
        picture="settings",
        steps=(
            (
                "state.set_many",
                {"values": {"greeting": "Hello", "dark_mode": True, "limits": {"a_minute": 60, "at_once": 4}}},
            ),
        ),
        tags=("example",),
    )
    yield Start(
        "notebook",
        "Files",
        "Documents and data side by side, inside the object: one file to export, fork or take along.",
        picture="files",
        steps=(
            ("files.put", {"name": "README.md", "content": NOTES}),
            ("files.put", {"name": "data/books.csv", "content": BOOKS}),
        ),
        tags=("example",),
    )
    for name, kind in registry.kinds.items():
        if name != PLAIN:
            yield of_kind(name, kind)


def of_kind(name: str, kind: type[Kind[Any]]) -> Start:
    """Make a start of a kind: the examples of its own help, as far as they change something."""
    commands = registry.commands(name)
    steps: list[Step] = []
    for spec in registry.own_commands(kind).values():
        if spec.verb == "changes" and spec.examples:
            try:
                used, arguments = parse_line(commands, spec.examples[0].line)
            except Problem:  # an example of how it refuses
                continue
            steps.append((used.name, arguments))
    title = name.replace("_", " ").capitalize()
    return Start(name.replace("_", "-"), title, purpose_of(kind), kind=name, steps=tuple(steps[:EXAMPLES]))


def find(name: str) -> Start:
    """Find a start by its name; raises NoSuch."""
    found = next((each for each in starts() if each.name == name), None)
    if found is None:
        raise NoSuch(f"There is no start named '{name[:40]}'. The gallery has: {', '.join(s.name for s in starts())}.")
    return found


def begin(caller: Caller, start: Start, folder: str = "/", via: str = "page") -> str:
    """Make the object beneath `folder`, do its steps, and give its path. Raises what the caller may not do."""
    path = _create(caller, start, ObjectPath.parse(folder), via)
    if start.tags:
        _call(caller, path, "tree.tag", {"tags": list(start.tags)}, via)
    for command, arguments in start.steps:
        _call(caller, path, command, arguments, via)
    return path


def _create(caller: Caller, start: Start, folder: ObjectPath, via: str) -> str:
    for number in range(1, TRIES + 1):
        name = start.name if number == 1 else f"{start.name}-{number}"
        try:
            made = _call(caller, folder, "tree.create", {"name": name, "kind": start.kind}, via)
        except Conflict:
            continue
        return str(made["path"])
    raise Conflict(f"{TRIES} objects beneath {folder} are called {start.name} already. Delete some first.")


def _call(caller: Caller, path: str, command: str, arguments: dict[str, Any], via: str) -> Any:
    outcome = engine().call(caller.schema, path, command, arguments, caller, via=via)
    if outcome.problem is not None:
        raise outcome.problem
    return outcome.value
