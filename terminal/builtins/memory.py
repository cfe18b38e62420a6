"""What the shell remembers of a person: history, macros, aliases and ~/.groverc."""

from dataclasses import dataclass
from typing import Annotated, Literal

from objects.commands.shapes import shape_of
from objects.commands.suggest import did_you_mean
from objects.commands.types import AtLeast, Between, Help, Json, Moment, ObjectPath
from teams.problems import BadRequest, NoSuch, WrongArgument
from terminal.builtins.base import Stage, builtin
from terminal.builtins.editing import edited
from terminal.values import Flow, text_of

GROUP = "memory"
MOST_LINES = 1_000

Name = Annotated[str, Help("its name")]


@dataclass(frozen=True)
class Line:
    """A line of the history, as people see it."""

    line: str
    path: ObjectPath
    at: Moment
    status: int


LINES = shape_of(list[Line])
Last = Annotated[int, Between(1, MOST_LINES), Help("how many of the newest lines")]


@builtin(GROUP, short={"h": "here", "n": "last"}, number="last", gives=("line", "path", "at", "status"))
async def history(
    stage: Stage,
    part: Annotated[str, Help("only lines with this in them")] = "",
    *,
    here: Annotated[bool, Help("only lines that were run at this object")] = False,
    last: Last = 50,
) -> Json:
    """List lines that you ran, the newest last. Up, Ctrl-R and `!` with Tab go back to them.

    A line that begins with a space is not kept; secrets are masked.

    > history --last 10
    …
    > history set --here
    …
    """
    lines = await stage.shell.keeper.history(path=stage.shell.path if here else "", part=part, limit=last)
    rows = [{"line": each.line, "path": each.path, "at": each.at.isoformat(), "status": each.status} for each in lines]
    return Flow(rows, LINES)


@builtin(GROUP, takes=("list,show,save,run,remove", "macros", "anything"))
async def macro(
    stage: Stage,
    action: Annotated[Literal["list", "show", "save", "run", "remove"], Help("what to do")] = "list",
    name: Name = "",
    *words: Annotated[str, Help("save: the text, where not the last lines; run: what $1, $2 and $@ are")],
    last: Annotated[int, AtLeast(0), Help("save: keep this many of the newest lines")] = 0,
) -> Json:
    """Keep lines under a name, and run them again: `macro run NAME`, or the name alone.

    `$1`, `$2` and `$@` in the text are what is given behind the name; put the text in 'single quotes'.

    > macro save low 'state set level $1'
    > macro run low 3
    key level  value 3
    > macro show low
    state set level $1
    > macro remove low
    """
    keeper = stage.shell.keeper
    macros = await keeper.macros()
    if action == "list":
        return [{"name": each, "text": text} for each, text in macros.items()]
    if not name:
        raise WrongArgument("name", f"macro {action}: needs the name of a macro.")
    if action == "save":
        await keeper.save_macro(name, await _to_save(stage, words, last))
        return None
    if name not in macros:
        raise NoSuch(f"no macro '{name[:60]}'.{did_you_mean(name, macros)} `macro list` lists them.")
    if action == "remove":
        await keeper.save_macro(name, "")
        return None
    if action == "show":
        return macros[name]
    stage.status = await stage.shell.source(macros[name], words)
    return None


async def _to_save(stage: Stage, words: tuple[str, ...], last: int) -> str:
    if stage.has_input:
        text = text_of(await stage.input.whole())
    elif words:
        text = " ".join(words)
    else:
        # This line itself is not remembered yet when it runs.
        lines = await stage.shell.keeper.history(limit=last or 1)
        text = "\n".join(each.line for each in lines)
    if not text.strip():
        raise BadRequest("macro save: there is nothing to save: give a text in quotes, or run a line before.")
    return text


@builtin(GROUP, takes=("aliases",))
async def alias(stage: Stage, *definitions: Annotated[str, Help("NAME='text'; a name alone shows its text")]) -> Json:
    """Let a word stand for others where a command is expected; without a word, list what does.

    > alias ll='ls -l'
    > alias ll
    name  text
    ll    ls -l
    """
    keeper = stage.shell.keeper
    aliases = await keeper.aliases()
    if not definitions:
        return [{"name": each, "text": text} for each, text in aliases.items()]
    shown = []
    for each in definitions:
        name, equals, text = each.partition("=")
        if equals:
            if not text.strip():
                raise WrongArgument(
                    "definitions", f"alias {name[:60]}=: needs a text. `unalias {name[:60]}` forgets it."
                )
            await keeper.save_alias(name, text)
        elif name in aliases:
            shown.append({"name": name, "text": aliases[name]})
        else:
            raise NoSuch(f"no alias '{name[:60]}'.{did_you_mean(name, aliases)} `alias` lists them.")
    return shown or None


@builtin(GROUP, takes=("aliases",))
async def unalias(stage: Stage, *names: Name) -> None:
    """Forget aliases.

    > alias lt='ls -l'
    > unalias lt
    """
    keeper = stage.shell.keeper
    aliases = await keeper.aliases()
    for name in names:
        if name not in aliases:
            raise NoSuch(f"no alias '{name[:60]}'.{did_you_mean(name, aliases)} `alias` lists them.")
    for name in names:
        await keeper.save_alias(name, "")


@builtin(GROUP, takes=("show,write,edit,run",))
async def rc(
    stage: Stage,
    action: Annotated[Literal["show", "write", "edit", "run"], Help("what to do")] = "show",
    *text: Annotated[str, Help("write: the lines, where none come through a pipe")],
) -> Json:
    """Show or change your ~/.groverc: lines that run when a session of yours begins.

    What is wrong in it is shown then, and never keeps you out.

    > rc write "alias ll='ls -l'"
    > rc show
    alias ll='ls -l'
    """
    keeper = stage.shell.keeper
    kept = await keeper.startup()
    if action == "show":
        return Flow(kept)
    if action == "run":
        stage.status = await stage.shell.source(kept) if kept.strip() else 0
        return None
    if action == "edit":
        await edited(stage, "~/.groverc", kept, keeper.save_startup, instead="rc write <<EOF")
        return None
    if not stage.has_input and not text:
        raise BadRequest("rc write: needs lines: `rc write <<EOF`, the lines, and EOF alone on the last.")
    new = text_of(await stage.input.whole()) if stage.has_input else " ".join(text)
    await keeper.save_startup(new if not new or new.endswith("\n") else new + "\n")
    return None
