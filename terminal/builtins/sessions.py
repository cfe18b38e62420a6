"""What the shell can do about its session: leave it, share it, record it, and play recordings."""

import asyncio
from typing import Annotated, Literal

from objects.commands.types import Between, Help, Json, Name
from teams.problems import WrongArgument
from terminal import recording
from terminal.builtins.base import Stage, builtin
from terminal.host import host

GROUP = "session"


@builtin(GROUP, always=True)
async def exit(stage: Stage) -> None:  # noqa: A001, ARG001 -- as users say it
    """Leave the terminal. Ctrl-D on an empty line does the same.

    > exit
    """
    host("exit").leave()


@builtin(GROUP)
async def clear(stage: Stage) -> None:
    """Clear the screen, and what went off it. Ctrl-L keeps that.

    > clear
    """
    if not stage.screen.plain:
        await stage.screen.write("\x1b[H\x1b[2J\x1b[3J")


@builtin(GROUP)
async def share(
    stage: Stage,  # noqa: ARG001
    *,
    write: Annotated[bool, Help("they may type as well, with your rights")] = False,
) -> Json:
    """Let people of the team look on at this session: gives the link to send them.

    With `--write` they type along, and what they run runs as you. All who come are named here; `unshare` ends it.

    > share
    > share --write
    """
    return {"link": host("share").share(may_type=write), "may": "look on and type" if write else "look on"}


@builtin(GROUP)
async def unshare(stage: Stage) -> Json:  # noqa: ARG001
    """End all links to this session, and let everybody go who came by one.

    > unshare
    """
    return {"left": host("unshare").unshare()}


@builtin(GROUP)
async def people(stage: Stage) -> Json:  # noqa: ARG001
    """Tell who is at this session.

    > people
    """
    return host("people").people()


@builtin(GROUP)
async def record(
    stage: Stage,
    action: Annotated[Literal["start", "stop"], Help("what to do")],
    name: Annotated[str, Help("start: its name; the file is recordings/NAME.cast")] = "",
) -> Json:
    """Record what this terminal shows, into a file of the object where you are: asciicast v2.

    Secrets that you type are not shown and so not recorded.

    > record start tour
    > record stop
    """
    here = host("record")
    if action == "stop":
        return await here.stop_recording()
    if not name:
        raise WrongArgument("name", "record start: needs a name for the recording.")
    return f"Recording into {here.record(name, stage.shell.path)}. `record stop` ends it."


@builtin(GROUP, takes=("files",))
async def replay(
    stage: Stage,
    name: Annotated[Name, Help("of the recording, or its file")],
    *,
    speed: Annotated[float, Between(0.1, 100.0), Help("how many times as fast")] = 1.0,
) -> None:
    """Play a recording of the object where you are. Ctrl-C stops it; pauses are two seconds at most.

    > replay tour
    > replay tour --speed 4
    """
    answer = await stage.world.call(stage.shell.path, "files.get", {"name": recording.file_of(name)})
    content = await asyncio.to_thread(answer.value.read)
    try:
        for pause, text in recording.events(content):
            await asyncio.sleep(pause / speed)
            await stage.screen.write(text)
    finally:
        await stage.screen.write("" if stage.screen.plain else "\x1b[0m\n")


@builtin(GROUP)
async def keymap(stage: Stage, which: Annotated[Literal["emacs", "vi"], Help("the keys to edit lines with")]) -> None:  # noqa: ARG001
    """Edit lines with the keys of Emacs (as at first) or vi. In `~/.groverc` it holds for every session.

    > keymap vi
    """
    host("keymap").edit_with(which)
