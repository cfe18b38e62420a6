"""Steps: runs of durable functions, and each on a line of time, with what it waits for and who may say it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpResponse

from objects.commands.registry import registry
from objects.surfaces.pages.forms import Option
from objects.surfaces.pages.object_tabs import TabRequest
from objects.surfaces.pages.spans import Span, span, words
from objects.surfaces.pages.trees import Branch, tree_of
from teams import clock
from teams.access import Role

LISTED: Final = 50
STATES: Final = ("going", "waiting", "undoing", "done", "failed", "cancelled")
OVER: Final = ("done", "failed", "cancelled")
THIN: Final = 4.0  # of 1,000: what takes no time is still seen


@dataclass(frozen=True, slots=True)
class Row:
    """A run in the list. took: in words, until now where it is not over."""

    line: Any
    address: str
    took: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A step on the line of time. coming: from where on it lies ahead; 0 where it is over."""

    x: float
    width: float
    coming_x: float
    coming_width: float


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step with how it is drawn. asks: "approval" or "event", where it waits for somebody who may say so is looking.

    role: who may say it, where somebody is looking who may not.
    """

    step: Any
    bar: Bar
    took: str
    value: Branch | None
    asks: str
    role: str


def show(tab: TabRequest) -> HttpResponse:
    """Show all, or one: `:/steps/k2m…`."""
    if tab.rest:
        return _one(tab)
    state = tab.query.get("state", "")
    state = state if state in STATES else ""
    found = tab.ask(
        "steps.list",
        **({"state": state} if state else {}),
        before=tab.query.get("before", "")[:60],
        limit=LISTED + 1,
    )
    lines = found[:LISTED]

    def address(**query: str) -> str:
        given = {name: each for name, each in query.items() if each}
        return tab.address + (f"?{urlencode(given)}" if given else "")

    return tab.show(
        rows=[Row(line, tab.at(line["run"]), _took(line)) for line in lines],
        states=[Option(address(state=each), each or "all", each == state) for each in ("", *STATES)],
        state=state,
        older=address(state=state, before=lines[-1]["run"]) if len(found) > LISTED else "",
        is_first=not tab.query.get("before"),
        durable=_functions(tab),
    )


def _functions(tab: TabRequest) -> list[str]:
    """Name the durable functions that objects of this kind have."""
    kind = registry.kind(tab.facts["kind"])
    return sorted(name for name in dir(kind) if getattr(getattr(kind, name, None), "__durable__", False))


def _took(line: Any) -> str:
    return words(max(0.0, round(_unix(line["ended_at"], clock.now()) - _unix(line["began_at"]), 1)))


def _one(tab: TabRequest) -> HttpResponse:
    run = tab.ask("steps.show", run=tab.rest)
    now = clock.now()
    began = _unix(run["began_at"])
    is_over = run["state"] in OVER
    last = [_unix(run["ended_at"], now), *(_unix(step["due_at"]) for step in run["steps"])]
    drawn = span(max(1.0, max(last) - began))
    return tab.show(
        "tabs/steps_one.html",
        run=run,
        rows=[_row(tab, step, drawn, began, now) for step in run["steps"]],
        marks=drawn.marks,
        now_x=0.0 if is_over else drawn.at(now - began),
        took=_took(run),
        value=tree_of("", run["value"]) if run["value"] is not None else None,
        is_over=is_over,
        is_plan=run["what"] == "plan",
        coming=_coming(run),
    )


def _row(tab: TabRequest, step: Any, drawn: Span, began: float, now: float) -> StepRow:
    waits = step["state"] == "waiting"
    begin = _unix(step["began_at"]) - began
    took = now - began - begin if waits else (step["took"] or 0.0)
    x = drawn.at(begin)
    end = drawn.at(begin + took)
    due = drawn.at(_unix(step["due_at"], now) - began) if waits and step["due_at"] else end
    asks = step["sort"] if waits and step["sort"] in ("approval", "event") else ""
    role = ""
    if asks == "approval" and tab.request.caller.role_at(tab.path) < Role.from_word(step["detail"]):
        role, asks = step["detail"], ""
    if asks and not tab.may(f"steps.{'approve' if asks == 'approval' else 'signal'}"):
        asks = ""
    x = min(x, 1_000.0 - THIN)
    return StepRow(
        step=step,
        bar=Bar(x, max(THIN, end - x), end, max(0.0, due - end)),
        took=words(round(took, 3)) if took else "",
        value=tree_of("", step["value"]) if step["value"] not in (None, True, False) else None,
        asks=asks,
        role=role,
    )


def _coming(run: Any) -> Sequence[str]:
    """Name the parts of a plan that it has not come to. What a function does next nobody knows before it does."""
    if run["what"] != "plan" or run["state"] in ("undoing", *OVER):
        return ()
    named = [
        part.get("name") or part.get("do") or part.get("event") or part.get("approval") or f"sleep {number}"
        for number, part in enumerate(run["arguments"].get("plan", []), start=1)
    ]
    met = {step["name"] for step in run["steps"]}
    return [name for name in named if name not in met]


def _unix(text: str | None, otherwise: float = 0.0) -> float:
    return otherwise if text is None else datetime.fromisoformat(text).timestamp()
