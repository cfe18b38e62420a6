"""How builtins let a person edit a text."""

from collections.abc import Awaitable, Callable

from teams.problems import Conflict
from terminal.builtins.base import Stage


async def edited(stage: Stage, name: str, text: str, save: Callable[[str], Awaitable[None]], *, instead: str) -> None:
    """Open the editor, and say so where nothing was saved.

    instead: what can be typed where no editor can be opened. Raises Conflict with it.
    """
    editing = getattr(stage.screen, "edit", None)
    try:
        if editing is None or stage.shell.is_background:
            raise Conflict("no editor can be opened here.")
        was_saved = await editing(name, text, save)
    except Conflict as problem:
        raise Conflict(f"{stage.name}: {problem.detail} Write it so: `{instead}`, the lines, EOF.") from None
    if not was_saved:
        await stage.screen.write("Nothing was changed.\n")
