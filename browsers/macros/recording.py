"""While somebody records a macro, whatever is done to the browser becomes a line of it.

Each command adds its step in the transaction that ends it, so a recording outlives whatever happens to the host. Lines
name things in words that still mean the same later, never by a number of `look`; what is typed into a field for
passwords becomes a secret parameter and is written nowhere.
"""

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from playwright.async_api import Error

from browsers.doings import Doing
from browsers.macros.language import literal, quoted
from browsers.macros.store import Kept, Macros
from browsers.sessions import Session
from browsers.targets import lasting
from objects.commands.registry import registry
from objects.commands.spec import CommandSpec
from objects.commands.words import written
from teams.problems import Problem

DONE: Final = frozenset({
    "open", "back", "forward", "reload", "tab", "close", "reset", "click", "type", "press", "fill", "select", "check",
    "hover", "scroll", "drag", "upload", "download", "wait", "expect", "save", "dialogs", "cookie", "storage",
    "viewport", "device", "geolocation", "timezone", "language", "dark", "offline", "throttle", "headers",
})  # fmt: skip
FIELDS: Final = ("fill", "select", "check", "upload")  # commands whose target is a field
LONGEST_PAUSE_S: Final = 30.0


@dataclass(slots=True)
class Command:
    """A command that is being done, as it will be written down."""

    spec: CommandSpec
    arguments: dict[str, Any]


async def before(session: Session, spec: CommandSpec, arguments: Mapping[str, Any]) -> Command | None:
    """Look at a command before it is done: what it names may be gone afterwards. None where it is not recorded."""
    name = spec.name.rpartition(".")[2]
    if not session.recording or name not in DONE or (name == "dialogs" and "answer" not in arguments):
        return None
    given = {each: _plain(spec, each, value) for each, value in arguments.items()}
    for argument in ("target", "field", "onto"):
        number = given.get(argument)
        tab = session.tabs[session.front] if session.tabs else None
        if isinstance(number, str) and number.isdigit() and tab is not None and tab.page is not None:
            with suppress(Error):
                given[argument] = await lasting(session, tab.page, int(number), fields=name in FIELDS)
    return Command(registry.command("object", f"browser.{name}"), given)


def after(session: Session, doing: Command, told: Any) -> dict[str, Any]:
    """Give the step that a command was, to be added. told: what it answered, as JSON."""
    now = time.time()
    answer = told if isinstance(told, dict) and "did" in told else {}
    step: dict[str, Any] = {
        "command": doing.spec.name,
        "arguments": doing.arguments,
        "url": answer.get("url", ""),
        "title": answer.get("title", ""),
        "did": answer.get("did", ""),
        "after": round(min(LONGEST_PAUSE_S, max(0.0, now - session.recorded_at)), 1) if session.recorded_at else 0.0,
    }
    session.recorded_at = now
    if session.is_secret and "text" in doing.arguments:
        step["arguments"] = doing.arguments | {"text": ""}
        step["secret"] = str(doing.arguments.get("field", "password"))
    return step


# What a driver does by hand


async def hear(session: Session) -> None:
    """Hear what a driver does for as long as a macro is recorded."""
    if session.recording and session.listener is None:
        session.listener = lambda doing: _driven(session, doing)
        await session.doings.listen(session.listener)
    elif session.listener is not None and not session.recording:
        listener, session.listener = session.listener, None
        await session.doings.leave(listener)


def taken(session: Session) -> list[dict[str, Any]]:
    """Give what a driver did and was not written down yet; the caller does so."""
    steps, session.driven = session.driven, []
    return steps


def _driven(session: Session, doing: Any) -> None:
    """Take down what a driver did. What it led to, such as another page, is what the step is expected to lead to."""
    if not isinstance(doing, Doing) or doing.by != "driver":
        return
    steps = session.driven
    if doing.kind == "navigate":
        if steps:
            steps[-1]["url"] = doing.url
        return
    command, arguments = _command_of(doing)
    if not command or len(steps) >= session.limits.BROWSER_PLAY_STEPS:
        return
    pause = min(LONGEST_PAUSE_S, max(0.0, doing.at - session.recorded_at)) if session.recorded_at else 0.0
    step: dict[str, Any] = {"command": command, "arguments": arguments, "url": "", "title": "", "did": ""}
    step["after"] = round(pause, 1)
    session.recorded_at = doing.at
    if doing.is_secret:
        step["arguments"], step["secret"] = arguments | {"text": ""}, doing.target
    if command == "browser.fill" and steps and steps[-1]["arguments"].get("field") == doing.target:
        steps.pop()  # the same field a moment before: what is in it in the end counts
    steps.append(step)


def _command_of(doing: Doing) -> tuple[str, dict[str, Any]]:
    """Give the command that does the same; "" where what was done is only what follows from something else."""
    target, value = doing.target, doing.value
    match doing.kind:
        case "click" if target:
            return "browser.click", {"target": target} | ({value: True} if value in ("twice", "right") else {})
        case "fill" if target:
            return "browser.fill", {"field": target, "text": value}
        case "press" if value:
            return "browser.press", {"key": value}
        case "select" if target:
            return "browser.select", {"field": target, "options": value.splitlines()}
        case "check" | "uncheck" if target:
            return "browser.check", {"target": target} | ({"off": True} if doing.kind == "uncheck" else {})
        case "upload" if target:
            return "browser.upload", {"field": target, "files": value.splitlines()}
    return "", {}


# Inside the object


def opening(url: str, title: str) -> dict[str, Any]:
    """Give the step with which a macro begins that is recorded from an open page on."""
    return {"command": "browser.open", "arguments": {"url": url}, "url": url, "title": title, "did": "", "after": 0.0}


def begin(context: Any, name: str, steps: Sequence[Mapping[str, Any]]) -> None:
    """Record a macro from now on, inside the object. steps: with which it begins."""
    macros = Macros(context.db)
    macros.begin(name)
    for step in steps:
        macros.add(step)


def add(context: Any, *steps: Mapping[str, Any]) -> None:
    """Add steps to what is recorded, inside the object."""
    macros = Macros(context.db)
    name, count = macros.recording()
    if name:
        for step in steps[: max(0, context.limits.BROWSER_PLAY_STEPS - count)]:
            macros.add(step)


def end(context: Any, name: str, most: int) -> None:
    """Record no more, inside the object, and keep the macro that came of it. most: macros of an object."""
    macros = Macros(context.db)
    steps = macros.end()
    text, recorded = composed(steps, context.now, context.caller.name)
    if recorded and len(macros.all()) < most:
        macros.put(Kept(name, text, recorded, context.now, context.caller.name), most)


def composed(steps: Sequence[Mapping[str, Any]], now: float, by: str) -> tuple[str, list[dict[str, Any]]]:
    """Write a macro of what was done; gives its text, and what each of its lines answered."""
    heads: dict[str, str] = {}
    lines: list[str] = []
    recorded: list[dict[str, Any]] = []
    for step in filter(_is_step, steps):
        spec = registry.command("object", step["command"])
        arguments = {name: _literal(value) for name, value in step["arguments"].items()}
        if secret := step.get("secret"):
            name = _name(secret, "password")
            heads[name] = f"secret {name}"
            arguments["text"] = f"{{{name}}}"
        else:
            for name, value in step["arguments"].items():
                if isinstance(value, str) and not value.isprintable():
                    parameter = _free(_name(str(step["arguments"].get("field", name)), "text"), heads)
                    heads[parameter] = f"param {parameter} = {quoted(value)}"
                    arguments[name] = f"{{{parameter}}}"
        line = written(spec.put_in_front(), arguments)
        lines.append(line)
        recorded.append({"line": line, **{name: step[name] for name in ("url", "title", "did", "after")}})
    at = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M UTC")
    top = [f"# Recorded on {at} by {by}.", *heads.values(), ""]
    return "\n".join([*top, *lines]) + "\n", recorded


def _is_step(step: Mapping[str, Any]) -> bool:
    """Whether it is a step as it is written down here: a file may come from anywhere."""
    name, arguments = step.get("command"), step.get("arguments")
    if not isinstance(name, str) or name.removeprefix("browser.") not in DONE or not isinstance(arguments, dict):
        return False
    told = all(isinstance(step.get(each), str) for each in ("url", "title", "did"))
    if not told or not isinstance(step.get("after"), int | float):
        return False
    try:
        given = arguments | {"text": "secret"} if step.get("secret") else arguments
        registry.command("object", f"browser.{name.removeprefix('browser.')}").check(given)
    except Problem:
        return False
    return True


def _literal(value: Any) -> Any:
    if isinstance(value, list):
        return [_literal(each) for each in value]
    return literal(value) if isinstance(value, str) else value


def _name(words: str, otherwise: str) -> str:
    """Make the name of a parameter of the words on a field; of a CSS selector, of its last part."""
    parts = re.findall(r"[a-z0-9]+", words.lower())
    name = "_".join(parts[-3:])
    return name if re.fullmatch(r"[a-z][a-z0-9_]{0,40}", name) and not re.search(r"[#>=:\[]", words) else otherwise


def _free(name: str, taken: Mapping[str, str]) -> str:
    count, free = 2, name
    while free in taken:
        free, count = f"{name}_{count}", count + 1
    return free


def _plain(spec: CommandSpec, name: str, value: Any) -> Any:
    parameter = spec.by_name[name]
    plain = parameter.shape.plain
    if plain is None:
        return list(value) if parameter.variadic else value
    return [plain(each) for each in value] if parameter.variadic else plain(value)
