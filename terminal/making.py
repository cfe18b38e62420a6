"""Where a session gets its shell and its editor's helper from: the seam between bytes and language."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

from prompt_toolkit.formatted_text import StyleAndTextTuples

from terminal import aids
from terminal.memory import Memory, Snapshot
from terminal.ports import Screen
from terminal.shell import Shell as Language
from terminal.world import TeamWorld


class Shell(Protocol):
    """What a session needs of the language. path: where it is; a Session changes nothing in it."""

    path: str
    status: int

    async def run(self, text: str) -> int:
        """Run what was typed; gives its status. Cancelling stops it."""

    async def close(self) -> None:
        """End its jobs: the session is over."""

    def is_complete(self, text: str) -> bool:
        """Whether the text can be run as it is."""

    def prompt(self) -> str:
        """Give what stands before the line, with colours."""

    def kept_variables(self) -> Mapping[str, Any]:
        """Give the variables that come back with the session."""


class Helper(Protocol):
    """What the editor needs of the language; see `terminal.editor.Helper`."""

    def is_complete(self, text: str) -> bool: ...
    def suggest(self, text: str) -> str: ...
    def colours(self, text: str) -> StyleAndTextTuples: ...
    async def complete(self, text: str, cursor: int) -> Sequence[Any]: ...
    def recall(self, lines: Sequence[str], here: Sequence[str]) -> None:
        """Take the lines that suggestions come from: all, and those of the object; the newest last."""


def make_shell(world: TeamWorld, screen: Screen, memory: Memory, *, path: str, snapshot: Snapshot | None) -> Shell:
    """Make the shell of a session; with what it had, where the session is brought back."""
    made = Language(world, screen, memory, path=path)
    if snapshot is not None:
        made.variables |= snapshot.variables
    return made


def make_helper(shell: Shell, redraw: Callable[[], None]) -> Helper:
    """Make what helps the editor of a session. redraw: called when colours may have become others."""
    return aids.Aids(cast("aids.Shell", shell), on_news=redraw)
