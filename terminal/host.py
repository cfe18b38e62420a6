"""What builtins may ask of the session that they run in: the language knows sessions by this alone."""

from contextvars import ContextVar
from typing import Any, Literal, Protocol

from teams.problems import Conflict


class Host(Protocol):
    """A session, as its shell's builtins see it."""

    def leave(self) -> None:
        """End the session once the line that runs has ended."""

    def share(self, *, may_type: bool) -> str:
        """Let people of the team come by a link, and give it."""

    def unshare(self) -> int:
        """End all links and let everybody go who came by one; gives how many people that were."""

    def people(self) -> list[dict[str, Any]]:
        """Tell who is here: name, typing, since."""

    def record(self, name: str, path: str) -> str:
        """Begin to record what is shown, into a file of the object at a path; gives the file's name."""

    async def stop_recording(self) -> dict[str, Any]:
        """End the recording and keep it; gives the file's name, size and seconds."""

    def edit_with(self, keys: Literal["emacs", "vi"]) -> None:
        """Edit lines with other keys from now on."""


running_in: ContextVar[Host] = ContextVar("running_in")


def host(name: str) -> Host:
    """Give the session that a builtin of this name runs in. Raises Conflict where it runs in none."""
    found = running_in.get(None)
    if found is None:
        raise Conflict(f"{name}: works in a terminal session only. Open one: this is a single command.")
    return found
