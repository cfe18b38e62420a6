"""Tasks: what runs outside of the object, to be narrowed down; and a page of each, with what it writes as it comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpResponse

from objects.commands.registry import registry
from objects.surfaces.pages.answering import answer
from objects.surfaces.pages.forms import Option
from objects.surfaces.pages.object_tabs import TabRequest, frame
from objects.surfaces.pages.results import Block, result_of
from objects.surfaces.pages.spans import words
from objects.work.records import OVER
from teams import clock
from teams.problems import NoSuch

LISTED: Final = 50
STATES: Final = ("waiting", "running", "done", "failed", "cancelled")
PIECES: Final = 400  # of what a task wrote that are shown at once; the next follow by themselves


@dataclass(frozen=True, slots=True)
class Row:
    """A task in the list. took: in words; part: what is done, in percent."""

    line: Any
    address: str
    took: str
    part: float | None


@dataclass(frozen=True, slots=True)
class Output:
    """What a task wrote, from a piece on. more_address: what comes after; "" where nothing will."""

    pieces: Sequence[Any]
    more_address: str
    is_whole: bool  # the page has all there is by now, and waits for what is written yet


def show(tab: TabRequest) -> HttpResponse:
    """Show all, or one: `:/task/k2m…`; `?part=output&after=7` is what it wrote after its seventh piece."""
    if tab.rest:
        return _more_output(tab) if tab.query.get("part") == "output" else _one(tab)
    state = tab.query.get("state", "")
    state = state if state in STATES else ""
    command = tab.query.get("command", "")
    commands = sorted(spec.name for spec in registry.commands(tab.facts["kind"]).values() if spec.task)
    command = command if command in commands else ""
    found = tab.ask(
        "task.list",
        **({"state": state} if state else {}),
        command=command,
        before=tab.query.get("before", "")[:60],
        limit=LISTED + 1,
    )
    lines = found[:LISTED]

    def address(**changed: str) -> str:
        query = {name: each for name, each in ({"state": state, "command": command} | changed).items() if each}
        return tab.address + (f"?{urlencode(query)}" if query else "")

    return tab.show(
        rows=[_row(tab, line) for line in lines],
        states=[Option(address(state=each), each or "all", each == state) for each in ("", *STATES)],
        commands=[Option(each, each or "any command", each == command) for each in ("", *commands)],
        state=state,
        command=command,
        older=address(before=lines[-1]["task"]) if len(found) > LISTED else "",
        is_first=not tab.query.get("before"),
        is_narrowed=bool(state or command),
    )


def _row(tab: TabRequest, line: Any) -> Row:
    took = "" if line["took"] is None else words(line["took"])
    return Row(line, tab.at(line["task"]), took, _percent(line["done"]))


def _percent(done: float | None) -> float | None:
    return None if done is None else round(100 * done, 1)


def _one(tab: TabRequest) -> HttpResponse:
    whole = tab.ask("task.show", task=tab.rest)
    return tab.show(
        "tabs/task_one.html",
        task=whole,
        part=_percent(whole["done"]),
        place=whole["place"],
        waited=_between(whole["created_at"], whole["started_at"] or whole["ended_at"]),
        took=_between(whole["started_at"], whole["ended_at"]) if whole["started_at"] else "",
        is_over=whole["state"] in OVER,
        result=_result(tab, whole) if whole["state"] == "done" else (),
        output=_output(tab, whole, 0),
    )


def _between(begin: str, end: str | None) -> str:
    ended_at = clock.now() if end is None else _unix(end)
    return words(max(0.0, round(ended_at - _unix(begin), 1)))


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _result(tab: TabRequest, whole: Any) -> Sequence[Block]:
    try:
        spec = registry.command(tab.facts["kind"], whole["command"])
    except NoSuch:  # a command of an earlier version
        return ()
    return result_of(spec, whole["value"], spec.result_shape).blocks


def _output(tab: TabRequest, whole: Any, after: int) -> Output:
    pieces = tab.ask("task.pieces", task=whole["task"], after=after, limit=PIECES)
    is_whole = len(pieces) < PIECES
    last = pieces[-1]["number"] if pieces else after
    query = urlencode({"part": "output", "after": last, "try": whole["tries"]})
    follows = not is_whole or whole["state"] not in OVER
    return Output(pieces, f"{tab.at(tab.rest)}?{query}" if follows else "", is_whole)


def _more_output(tab: TabRequest) -> HttpResponse:
    """Give what a task wrote since, as a fragment; from the top where it was begun again meanwhile."""
    whole = tab.ask("task.show", task=tab.rest)
    after, tried = tab.query.get("after", ""), tab.query.get("try", "")
    is_new = tried != str(whole["tries"])
    number = int(after) if after.isascii() and after.isdigit() and len(after) < 9 and not is_new else 0
    shown = {"output": _output(tab, whole, number), "task": whole}
    page = frame(tab.request, tab.path, tab.facts, shown=shown)
    if not is_new:
        return answer(tab.request, "tabs/_task_output.html", page)
    response = answer(tab.request, "tabs/_task_output_whole.html", page)
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#task-output", "outerHTML"
    return response
