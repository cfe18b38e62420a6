"""What the shell asks of the world, of the screen and of memory. It knows them by these protocols alone.

So the same shell runs over a WebSocket, over SSH, on a local terminal and in tests.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from objects.commands.spec import CommandSpec
from teams.access import Caller


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command gave: JSON values (or a Download), and the spec that knows its type."""

    value: Any
    spec: CommandSpec
    version: int


class World(Protocol):
    """One team's tree as one caller may see and change it. Every refusal is raised as a `teams.problems.Problem`."""

    caller: Caller
    team: str  # the slug

    async def call(
        self, path: str, command: str, arguments: Mapping[str, Any], *, text: bool = False, confirmed: bool = False
    ) -> Answer:
        """Run a command of an object. Raises NeedsConfirmation for a dangerous one that is not confirmed."""

    async def kind_of(self, path: str) -> str:
        """Give the kind of the object at a path."""

    async def commands(self, path: str) -> Mapping[str, CommandSpec]:
        """Give what the object at a path can do and this caller may."""

    def events(self, path: str, topic: str) -> AsyncIterator[Any]:
        """Give an object's events as they come, until the iterator is closed."""

    def task(self, path: str, task: str) -> AsyncIterator[dict[str, Any]]:
        """Give what is told of a task as it comes, at last the whole of it, as `task.show` has it."""


class Screen(Protocol):
    """Where output goes. Text may hold escape sequences of ours only: data passes `rendering.visible` first."""

    width: int  # columns
    height: int  # rows
    colours: int  # 0, 16, 256 or 16_777_216
    pictures: str  # "sixel", "iterm" or "": how a picture can be shown inline
    plain: bool  # for screen readers: no boxes, no redrawing

    async def write(self, text: str) -> None:
        """Show text; waits while the reader is too slow to take more."""

    async def ask(self, question: str, *, secret: bool = False) -> str:
        """Ask the person for a line. secret: it is neither shown nor remembered."""


class EditingScreen(Screen, Protocol):
    """A screen that can open an editor; `edit` uses it where the method is there."""

    async def edit(self, name: str, text: str, save: Callable[[str], Awaitable[None]]) -> bool:
        """Let the person edit a text of several lines; gives whether anything was saved.

        save: awaited with the text whenever the person saves. A Problem that it raises is shown, and nothing is lost.
        Raises Conflict where there is no room for an editor.
        """


@dataclass(frozen=True, slots=True)
class Remembered:
    """A line of the history."""

    line: str
    path: str
    at: datetime
    status: int


class Keeper(Protocol):
    """What outlives a session, for one person in one team."""

    async def remember(self, line: str, path: str, status: int) -> None:
        """Keep a line that was run at an object. Lines that begin with a space are not handed in."""

    async def history(self, *, path: str = "", part: str = "", limit: int = 1_000) -> Sequence[Remembered]:
        """Give lines, the newest last; of one object, with a part in them."""

    async def macros(self) -> Mapping[str, str]:
        """Give the macros by name."""

    async def save_macro(self, name: str, text: str) -> None:
        """Keep a macro; an empty text forgets it."""

    async def aliases(self) -> Mapping[str, str]:
        """Give the aliases by name."""

    async def save_alias(self, name: str, text: str) -> None:
        """Keep an alias; an empty text forgets it."""

    async def startup(self) -> str:
        """Give the text of the person's ~/.groverc."""

    async def save_startup(self, text: str) -> None:
        """Keep the text of the person's ~/.groverc."""
