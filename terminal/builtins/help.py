"""`help`: what can be done here, what a command takes, how the shell works. What the caller may not do is left out."""

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Final

from objects.commands.help import HelpPage, help_of_command, purpose_of
from objects.commands.registry import registry
from objects.commands.spec import CommandSpec
from objects.commands.suggest import did_you_mean
from objects.commands.types import Help, Json
from teams.problems import NoSuch, NotAllowed
from terminal.builtins.base import Builtin, Stage, builtin, builtins
from terminal.rendering import Style, columns_of, visible
from terminal.values import Flow

SECTIONS: Final = ("Arguments:", "Examples:")  # of a command's help
WIDEST_USAGE: Final = 34  # columns; a longer usage has its summary on the next line

TOPICS: Final[Mapping[str, str]] = {
    "keys": """Keys
  Tab            complete; again: the next offer       Right, Ctrl-E  take the grey rest of the line
  Up, Down       earlier lines that begin as typed     Ctrl-R         search in earlier lines
  Ctrl-A Ctrl-E  begin, end of the line                Alt-B Alt-F    a word back, on
  Ctrl-W Ctrl-U  delete the word, the line before      Ctrl-Y         put it back
  Ctrl-C         stop the command, drop the line       Ctrl-D         leave
  Alt-Enter      another line of the same input        Ctrl-L         clear the screen""",
    "pipes": """Pipes
  Values flow, not text: `tree list | where kind == counter | sort size | head 3`.
  A pipe ends in a picture of the data: `sql select day, n from sales | chart`, `… | table`, `… | json`, `… | csv`.
  `a && b` runs b if a went well, `a || b` if it did not, `a ; b` both. `$?` is how the last one ended: 0 is well.""",
    "redirection": """Redirection
  `COMMAND > report.csv`  writes the answer to a file of this object; the name's ending says how: .csv, .json, .txt.
  `COMMAND >> log.txt`    adds to it.
  `COMMAND < names.txt`   reads from it.
  `COMMAND <<EOF`         takes the lines that follow, up to a line EOF. With <<'EOF' nothing in them is replaced.
  Commands that take the rest of the line (`sql`, `where`) keep `>` for themselves: write `sql … | save report.csv`.
  Their rest ends at | ; && or the line's end, not in quotes; in SQL, || joins texts.""",
    "globs": """Patterns of paths
  `*` any name, `?` one character, `[ab]` one of these, `**` objects at any depth, `{a,b}` one after the other.
  `ls /project/*/file`, `each /project/** -- state get size`. In quotes they are ordinary characters.""",
    "quoting": """Quoting
  'single quotes' keep all as it is. "Double quotes" replace $variables and $( … ). A backslash keeps one character.
  What begins with { or [ and is JSON is one word: `state set box {"w": 3}`.""",
    "variables": """Variables
  `x=5`, then `$x` or `${x}`; `${x.key.0}` looks inside. `$( … )` is what a command gives: `n=$(state get level)`.
  `$?` is how the last command ended; `$1`, `$2`, `$@` are what a macro was given.""",
    "paths": """Paths
  The tree is a file system: `cd ..`, `cd /project`, `cd -`. An object is a directory: its objects beside its files,
  `state/KEY`, tables under `db/TABLE`. `@PATH COMMAND` or `on PATH COMMAND` runs a command elsewhere.""",
    "history": """History
  `history` lists lines, `history PART --here` those of this object with PART in them. Up and Ctrl-R go back; `!PART`
  and Tab finds one. A line that begins with a space is not kept, and secrets are masked.
  `macro save NAME --last 3` keeps lines under a name; `alias ll='ls -l'`; `rc edit` changes what runs at the start.""",
    "jobs": """Background
  `COMMAND &` goes on by itself: `jobs` lists, `fg` waits for it, `kill` stops it. Ctrl-C stops what runs in front.""",
}


@builtin("help", short={"a": "all"}, always=True, takes=("commands",))
async def help(
    stage: Stage,
    *words: Annotated[str, Help("a command, a facility or a topic, such as state set, state or keys")],
    all: Annotated[bool, Help("spell out every command")] = False,  # noqa: A002 -- `--all` is what people type
    json: Annotated[bool, Help("as data, for programs")] = False,
) -> Json:
    """Tell what can be done here, or what a command takes and gives.

    > help state set
    state set key value …
    …
    > help globs
    Patterns of paths
    …
    > help
    …
    """
    shell = stage.shell
    commands = await shell.world.commands(shell.path)
    kind = await shell.world.kind_of(shell.path)
    if not words:
        page = page_of(shell.path, kind, commands)
        return page if json else Flow(page, view=lambda value, style: page_text(value, style, full=all))
    name = " ".join(words).replace(".", " ").strip().lower()
    found = about(name, commands)
    if found is None:
        found = await _own(stage, name)
    if found is None:
        raise _unknown(name, kind, commands)
    value, text = found
    return value if json else Flow(value, view=lambda _, style: _painted(text, style))


def page_of(path: str, kind: str, commands: Mapping[str, CommandSpec]) -> dict[str, Any]:
    """Say what can be done at an object, as data."""
    facilities: dict[str, list[CommandSpec]] = {}
    own = []
    for spec in commands.values():
        if spec.facility is None or spec.in_front:
            own.append(spec)
        else:
            facilities.setdefault(spec.facility, []).append(spec)
    groups: dict[str, list[Builtin]] = {}
    for each in builtins.values():
        groups.setdefault(each.group, []).append(each)
    return {
        "path": path,
        "kind": kind,
        "purpose": purpose_of(registry.kind(kind)),
        "commands": [_line(spec) for spec in own],
        "facilities": [
            {"name": name, "purpose": purpose_of(specs[0].owner), "commands": [_line(spec) for spec in specs]}
            for name, specs in sorted(facilities.items())
        ],
        "shell": [{"name": name, "commands": [_line(each.spec) for each in group]} for name, group in groups.items()],
        "topics": list(TOPICS),
    }


def _line(spec: CommandSpec) -> dict[str, str]:
    return {"name": spec.name, "usage": spec.usage(), "summary": spec.summary}


def page_text(page: Mapping[str, Any], style: Style, *, full: bool) -> str:
    """Write what can be done at an object, for people: its own first."""
    lines = [f"{style.paint(page['path'], 'bold')}  {page['kind']}", style.paint(page["purpose"], "dim"), ""]
    if page["commands"]:
        lines += [*_listed(page["commands"], style), ""]
    if full:
        for group in page["facilities"]:
            title = f"{style.paint(group['name'], 'bold')}  {style.paint(group['purpose'], 'dim')}"
            lines += [title, *_listed(group["commands"], style), ""]
        for group in page["shell"]:
            lines += [style.paint(group["name"].capitalize(), "bold"), *_listed(group["commands"], style), ""]
    else:
        lines += [style.paint("Every object has", "bold"), *_summed_up(page["facilities"], style), ""]
        lines += [style.paint("The shell", "bold"), *_names(page["shell"], style), ""]
    hint = (
        "`help COMMAND` tells more" if full else "`help COMMAND` or `help FACILITY` tells more, `help --all` lists all"
    )
    topics = textwrap.wrap(f"Topics: {', '.join(page['topics'])}.", style.width, break_long_words=False)
    lines += [style.paint(line, "dim") for line in topics]
    lines.append(style.paint(f"{hint}.", "dim"))
    return "\n".join(lines)


def _listed(commands: Iterable[Mapping[str, str]], style: Style) -> list[str]:
    commands = list(commands)
    widest = max((width for each in commands if (width := columns_of(each["usage"])) <= WIDEST_USAGE), default=0)
    lines = []
    for each in commands:
        name, space, rest = each["usage"].partition(" ")
        words = each["name"].replace(".", " ")
        if each["usage"].startswith(words):  # all words of a command's name stand out
            name, rest = words, each["usage"][len(words) :]
            space = ""
        usage = style.paint(visible(name), "green") + visible(space + rest)
        width = columns_of(each["usage"])
        gap = " " * (widest - width) if width <= widest else "\n  " + " " * widest
        lines.append(f"  {usage}{gap}  {each['summary']}")
    return lines


def _summed_up(groups: Iterable[Mapping[str, Any]], style: Style) -> list[str]:
    groups = list(groups)
    widest = max((len(group["name"]) for group in groups), default=0)
    lines = []
    for group in groups:
        names = [each["name"].removeprefix(group["name"] + ".") for each in group["commands"]]
        names = _fitting(names, style.width - widest - 7 - columns_of(group["purpose"]))
        shown = style.paint(f" ({', '.join(names)})", "dim") if len(names) > 1 else ""
        lines.append(f"  {style.paint(group['name'].ljust(widest), 'green')}  {group['purpose']}{shown}")
    return lines


def _fitting(names: list[str], room: int) -> list[str]:
    """Keep as many names as fit with commas between them; … says that there are more."""
    if len(", ".join(names)) <= room:
        return names
    while names and len(", ".join([*names, "…"])) > room:
        names = names[:-1]
    return [*names, "…"] if names else []


def _names(groups: Iterable[Mapping[str, Any]], style: Style) -> list[str]:
    groups = list(groups)
    widest = max((len(group["name"]) for group in groups), default=0)
    lines = []
    for group in groups:
        line, width = "", 0
        for each in group["commands"]:
            if width and widest + 4 + width + len(each["name"]) + 1 > style.width:
                line, width = line + "\n" + " " * (widest + 4), 0
            line += style.paint(each["name"], "cyan") + " "
            width += len(each["name"]) + 1
        lines.append(f"  {style.paint(group['name'].ljust(widest), 'dim')}  {line.rstrip()}")
    return lines


def about(name: str, commands: Mapping[str, CommandSpec]) -> tuple[Any, str] | None:
    """Give what there is to say about a command, a facility, a builtin or a topic: as data, and as text."""
    spec = commands.get(name.replace(" ", "."))
    below = [each for each in commands.values() if each.facility == name and not each.in_front]
    told = builtins.get(name)
    if told is not None and (told.always or spec is None):
        return _of_command(told.spec)
    if spec is not None and len(below) <= 1:
        return _of_command(spec)
    if below:
        group = {"name": name, "purpose": purpose_of(below[0].owner), "commands": [_line(each) for each in below]}
        page: dict[str, Any] = {"title": name, "kind": None, "facilities": [group], "command": None, "full": True}
        return group, HelpPage.as_text(page, 100)
    if name in TOPICS:
        return {"topic": name, "text": TOPICS[name]}, TOPICS[name]
    return None


def _of_command(spec: CommandSpec) -> tuple[Any, str]:
    command = asdict(help_of_command(spec))
    page: dict[str, Any] = {"title": spec.words, "kind": None, "facilities": [], "command": command, "full": True}
    return command, HelpPage.as_text(page, 100)


async def _own(stage: Stage, name: str) -> tuple[Any, str] | None:
    """Tell of a macro or an alias of the person."""
    keeper = stage.shell.keeper
    for what, kept in (("macro", await keeper.macros()), ("alias", await keeper.aliases())):
        if name in kept:
            return {what: name, "text": kept[name]}, f"{name}: a {what} of yours\n{visible(kept[name], lines=True)}"
    return None


def _unknown(name: str, kind: str, commands: Mapping[str, CommandSpec]) -> NoSuch | NotAllowed:
    hidden = registry.commands(kind).get(name.replace(" ", "."))
    if hidden is not None and hidden.operators:
        return NotAllowed(f"{hidden.words}: is for those who operate this Grove (GROVE_{hidden.operators}).")
    if hidden is not None:
        return NotAllowed(f"{hidden.words}: needs the role {hidden.needs.word} here. Ask an owner of the team for it.")
    names = [*(spec.words for spec in commands.values()), *registry.facilities, *builtins, *TOPICS]
    return NoSuch(f"no help about '{visible(name[:60])}'.{did_you_mean(name, names)} `help` lists what there is.")


def _painted(text: str, style: Style) -> str:
    """Colour a help text: its first line, its headings, and the lines to type."""
    lines = text.split("\n")
    painted = [style.paint(lines[0], "bold")]
    for line in lines[1:]:
        if line in SECTIONS or line.startswith("Gives: "):
            painted.append("")  # room before each part
        if line.startswith("  > "):
            painted.append("  > " + style.paint(line[4:], "green"))
        elif line in SECTIONS:
            painted.append(style.paint(line, "bold"))
        else:
            painted.append(line)
    return "\n".join(painted)
