"""What is known about the world while a line is typed: answers of the world, kept for seconds, asked for in time.

Completion, highlighting and help look things up here. A look-up that takes too long goes on beside the keystrokes, so
that the next one finds its answer. All is asked as the caller: who may not see something is not told of it.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar, cast

from objects.commands.shapes import BoolShape, MaybeShape
from objects.commands.spec import CommandSpec
from teams.problems import Problem
from terminal.language import Rest
from terminal.ports import Keeper, Remembered, World

KEEP_S: Final = 2.0
# What hardly changes but by a command typed here, after which all is asked anew; with 200 who type it is most of what
# is asked. A right that is taken away is refused at once all the same: this is about colours and offers.
KEEP_LONG_S: Final = {"commands": 10.0, "macros": 30.0, "aliases": 30.0}
KEPT: Final = 500  # answers
LISTED: Final = 1_000  # children, files or keys that are looked at
HIGHEST: Final = "\U0010ffff"

T = TypeVar("T")
Question = tuple[str, ...]


class Typing(Protocol):
    """What of a shell matters while somebody types."""

    world: World
    keeper: Keeper
    path: str
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Child:
    """Something in an object: an object beneath it, or a file or folder of its own. note: its kind or size."""

    name: str
    is_folder: bool
    note: str


class Known:
    """Answers about one shell's world. Nothing here raises a Problem: what may not be seen is not there."""

    def __init__(self, shell: Typing, *, on_news: Callable[[], None] = lambda: None) -> None:
        """on_news: called when an answer came that somebody did not wait for."""
        self.shell = shell
        self.on_news = on_news
        self._kept: OrderedDict[tuple[str, ...], tuple[float, Any]] = OrderedDict()
        self._asked: dict[tuple[str, ...], asyncio.Task[Any]] = {}

    # What is asked

    async def commands(self, path: str, until: float) -> Mapping[str, CommandSpec]:
        """Give what the caller may do at a path, by name."""
        nothing: Mapping[str, CommandSpec] = {}
        return await self._answer(("commands", path), lambda: self.shell.world.commands(path), nothing, until)

    async def children(self, path: str, begins: str, until: float) -> Sequence[Child]:
        """Give the objects beneath a path, by name. begins: how the name begins, which matters where there are many."""
        first = await self._list(("objects", path), path, "tree.list", {}, until)
        if first["next"] is not None and begins:
            before = begins[:-1] + chr(ord(begins[-1]) - 1) + HIGHEST if ord(begins[-1]) > 1 else begins[:-1]
            first = await self._list(("objects", path, begins), path, "tree.list", {"after": before}, until)
        listed = first.get("objects", ())
        return [Child(each["name"], bool(each["children"]), each["kind"]) for each in listed]

    async def files(self, path: str, folder: str, until: float) -> Sequence[Child] | None:
        """Give the files and folders in a folder of an object; None where it has none."""
        listing = await self._list(("files", path, folder), path, "files.list", {"folder": folder}, until)
        if "files" not in listing:
            return None
        found = []
        for each in listing["files"]:
            name = each["name"].removeprefix(folder + "/" if folder else "")
            is_folder = name.endswith("/") or each.get("type") == "folder"
            found.append(Child(name.rstrip("/"), is_folder, "folder" if is_folder else "file"))
        return found

    async def tables(self, path: str, until: float) -> Mapping[str, Mapping[str, str]]:
        """Give the columns with their types, by table."""
        none: list[dict[str, Any]] = []
        rows = await self._called(("tables", path), path, "sql.tables", {}, none, until)
        return {each["name"]: each["columns"] for each in rows}

    async def keys(self, path: str, begins: str, until: float) -> Sequence[tuple[str, Any]]:
        """Give the keys of the state that begin so, with their values."""
        listing = await self._list(("keys", path, begins), path, "state.list", {"prefix": begins}, until)
        return [(each["key"], each["value"]) for each in listing.get("entries", ())]

    async def tags(self, path: str, until: float) -> Sequence[str]:
        """Give the tags of an object."""
        found: list[str] = []
        return await self._called(("tags", path), path, "tree.tags", {}, found, until)

    async def macros(self, until: float) -> Mapping[str, str]:
        """Give the person's macros by name."""
        nothing: Mapping[str, str] = {}
        return await self._answer(("macros",), self.shell.keeper.macros, nothing, until)

    async def aliases(self, until: float) -> Mapping[str, str]:
        """Give the person's aliases by name."""
        nothing: Mapping[str, str] = {}
        return await self._answer(("aliases",), self.shell.keeper.aliases, nothing, until)

    async def history(self, until: float) -> Sequence[Remembered]:
        """Give the newest lines, the newest last."""
        nothing: Sequence[Remembered] = ()
        return await self._answer(("history",), lambda: self.shell.keeper.history(limit=LISTED), nothing, until)

    async def exists(self, path: str, until: float) -> bool | None:
        """Whether there is such an object, for the caller; None while nobody knows."""

        async def ask() -> bool:
            await self.shell.world.kind_of(path)
            return True

        nobody_knows: bool | None = None
        return await self._answer(("exists", path), ask, nobody_knows, until, refused=False)

    def exists_now(self, path: str) -> bool | None:
        """Whether there is such an object, as far as known; asks for it beside what is going on."""
        kept = self._kept.get(self._key(("exists", path)))
        if kept is None or kept[0] <= time.monotonic():
            self._start(("exists", path), lambda: self.shell.world.kind_of(path), refused=False)
        return None if kept is None else bool(kept[1])

    def commands_now(self, path: str) -> Mapping[str, CommandSpec] | None:
        """Give what the caller may do at a path, as far as known; asks for it beside what is going on."""
        return cast("Mapping[str, CommandSpec] | None", self._now(("commands", path), self.shell.world.commands, path))

    def names_now(self) -> frozenset[str]:
        """Give the names of macros and aliases, as far as known."""
        macros = self._now(("macros",), self.shell.keeper.macros) or {}
        aliases = self._now(("aliases",), self.shell.keeper.aliases) or {}
        return frozenset(macros) | frozenset(aliases)

    def forget(self) -> None:
        """Ask anew from now on: a command ran, and may have changed anything."""
        self._kept.clear()

    # How it is asked

    def _key(self, question: Question) -> tuple[str, ...]:
        caller = self.shell.world.caller
        return (caller.schema, caller.id, *question)

    def _now(self, question: Question, ask: Callable[..., Awaitable[Any]], *arguments: str) -> Any:
        kept = self._kept.get(self._key(question))
        if kept is None or kept[0] <= time.monotonic():
            self._start(question, lambda: ask(*arguments), refused=None if kept is None else kept[1])
        return None if kept is None else kept[1]

    async def _list(
        self, question: Question, path: str, command: str, arguments: Mapping[str, Any], until: float
    ) -> Mapping[str, Any]:
        nothing: Mapping[str, Any] = {"next": None}
        return await self._called(question, path, command, {**arguments, "limit": LISTED}, nothing, until)

    async def _called(
        self, question: Question, path: str, command: str, arguments: Mapping[str, Any], otherwise: T, until: float
    ) -> T:
        async def ask() -> T:
            return cast("T", (await self.shell.world.call(path, command, arguments)).value)

        return await self._answer(question, ask, otherwise, until)

    async def _answer(
        self,
        question: Question,
        ask: Callable[[], Awaitable[T]],
        otherwise: T,
        until: float,
        *,
        refused: Any = None,
    ) -> T:
        """Give the answer, kept or new; `otherwise` where it does not come in time. until: of the loop's clock."""
        kept = self._kept.get(self._key(question))
        if kept is not None and kept[0] > time.monotonic():
            return cast("T", kept[1])
        task = self._start(question, ask, refused=otherwise if refused is None else refused)
        left = until - asyncio.get_running_loop().time()
        if left > 0:
            # Waits without cancelling it: an answer that comes too late serves the next key.
            await asyncio.wait([task], timeout=left)
        kept = self._kept.get(self._key(question), kept)
        return otherwise if kept is None else cast("T", kept[1])

    def _start(self, question: Question, ask: Callable[[], Awaitable[Any]], *, refused: Any) -> asyncio.Task[Any]:
        key = self._key(question)
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.get_running_loop().create_task(self._ask(key, ask, refused))
        return task

    async def _ask(self, key: tuple[str, ...], ask: Callable[[], Awaitable[Any]], refused: Any) -> None:
        try:
            answer = await ask()
        except (Problem, OSError):
            answer = refused
        finally:
            self._asked.pop(key, None)
        if key[2] == "exists" and answer is not refused:
            answer = True
        kept = self._kept.get(key)
        is_news = kept is None or kept[1] != answer
        if kept is not None and not is_news:
            answer = kept[1]  # the very same, so that nothing that was made of it is made again
        self._kept[key] = (time.monotonic() + KEEP_LONG_S.get(key[2], KEEP_S), answer)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        if is_news:
            self.on_news()


def rule_of(spec: CommandSpec) -> Rest | None:
    """Say how a command reads the rest of a line; None where it reads ordinary words."""
    if spec.rest is None or spec.rest.flag:
        return None
    before = sum(1 for each in spec.parameters if not each.flag) - 1
    return Rest(before, frozenset(each.name for each in spec.parameters if is_switch(each.shape)))


def is_switch(shape: object) -> bool:
    """Whether a flag of this shape takes no value."""
    return isinstance(shape.inner if isinstance(shape, MaybeShape) else shape, BoolShape)
