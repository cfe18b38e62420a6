"""State: keys and values; a change shows what becomes of what before it is kept, and can be undone."""

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponse

from objects.commands.bases import state_keys
from objects.commands.registry import registry
from objects.surfaces.pages.object_tabs import TabRequest
from objects.surfaces.pages.trees import tree_of
from teams.problems import NoSuch

LISTED: Final = 200


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a difference: " ", "-" or "+"."""

    sign: str
    text: str


def show(tab: TabRequest) -> HttpResponse:
    """Show all keys, or the editor of one: `:/state/lamp.colour`."""
    if tab.rest:
        return _edit(tab)
    query = tab.query
    prefix = query.get("prefix", "")
    found = tab.ask("state.list", prefix=prefix, after=query.get("after", ""), limit=LISTED)
    entries = [
        (entry["key"], tree_of(entry["key"], entry["value"]), tab.at(entry["key"])) for entry in found["entries"]
    ]
    return tab.show(entries=entries, prefix=prefix, next=found["next"])


def _edit(tab: TabRequest) -> HttpResponse:
    """Show the editor of a key. `value` is what was typed: then the difference stands before what keeps it."""
    key = tab.rest
    is_there = True
    try:
        now = tab.ask("state.get", key=key)
    except NoSuch:
        now, is_there = None, False
    before = written(now)
    typed = tab.request.POST.get("value")
    difference: Sequence[Line] = ()
    problem = ""
    if typed is not None:
        try:
            after = written(json.loads(typed))
        except ValueError as error:
            after = written(typed) if not typed.lstrip().startswith(("{", "[", '"')) else ""
            problem = "" if after else f"This is not JSON: {error}."
        if not problem:
            difference = tuple(difference_of(before, after))
            problem = "" if difference else "Nothing changes."
    return tab.show(
        "tabs/state_key.html",
        key=key,
        now=now,
        before=json.dumps(now),
        typed=before if typed is None else typed,
        is_there=is_there,
        difference=difference,
        problem=problem,
        base=tab.at(),
        here=tab.at(key),
        needed=_is_needed(tab, key),
    )


def _is_needed(tab: TabRequest, key: str) -> bool:
    return key in state_keys(registry.kind(tab.facts["kind"]))


def written(value: Any) -> str:
    """Write a value as it is edited: JSON over several lines; a text that is no JSON as it is."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=False)


def difference_of(before: str, after: str) -> Iterator[Line]:
    """Give the lines that differ, with those around them."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    for line in list(lines)[2:]:
        if not line.startswith("@@"):
            yield Line(line[0], line[1:])
