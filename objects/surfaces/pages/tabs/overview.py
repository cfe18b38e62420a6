"""Overview: the terminal, beside the kind's panel and all that the object can do."""

import json
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponse
from django.template.loader import TemplateDoesNotExist, get_template

from objects.commands.bases import Facility, Kind
from objects.commands.help import purpose_of
from objects.commands.registry import registry
from objects.commands.spec import CommandSpec
from objects.commands.tabs import Tab
from objects.surfaces.pages.addresses import object_address
from objects.surfaces.pages.answering import answer
from objects.surfaces.pages.object_tabs import TabRequest, frame, locked

TAB: Final = Tab("Overview", order=0, live=False)
LISTED: Final = 12  # keys in the plain panel
FIRST: Final = ("state", "sql", "files", "tree")  # facilities whose commands are listed first


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A command in the list; its form comes when it is opened. locked: the role that it needs, where that is more."""

    spec: CommandSpec
    address: str
    locked: str


@dataclass(frozen=True, slots=True)
class CommandGroup:
    """The commands of the kind or of one facility."""

    name: str
    purpose: str
    commands: tuple[CommandEntry, ...]
    is_own: bool


def show(tab: TabRequest) -> HttpResponse:
    """Show the tab. `?part=facts` and `?part=panel` are parts alone, which fetch themselves when something changed."""
    part = tab.query.get("part", "")
    if part == "facts":
        return answer(tab.request, "objects/_facts.html", frame(tab.request, tab.path, tab.facts, here=tab.address))
    if part == "panel":
        page = frame(tab.request, tab.path, tab.facts, shown=_panel(tab))
        return answer(tab.request, "objects/_panel.html", page)
    return tab.show(groups=_groups(tab), **_panel(tab))


def _panel(tab: TabRequest) -> dict[str, Any]:
    """Give what the panel shows: the kind's own template with its state, or a glance at what every object has."""
    kind = registry.kind(tab.facts["kind"])
    template = f"kinds/{kind.name}.html"
    try:
        get_template(template)
    except TemplateDoesNotExist:
        state, tables, files, children = tab.answers(
            ("state.list", {"limit": LISTED}), ("sql.tables", {}), ("files.list", {"limit": LISTED}), ("tree.list", {})
        )
        return {"entries": state, "tables": tables, "files": files, "below": children["objects"][:LISTED]}
    form = kind.state_form
    fresh = {} if form is None else {name: json.loads(text) for name, text in form.fresh.items()}
    (stored,) = tab.answers(("state.list", {"limit": 1_000}))
    state = fresh | {entry["key"]: entry["value"] for entry in stored["entries"]}
    return {"panel": template, "state": state}


def _groups(tab: TabRequest) -> tuple[CommandGroup, ...]:
    kind = registry.kind(tab.facts["kind"])
    facilities = sorted(
        registry.facilities.values(), key=lambda each: FIRST.index(each.name) if each.name in FIRST else len(FIRST)
    )
    groups = []
    owners: list[type[Kind[Any] | Facility]] = [kind, *facilities]
    for owner in owners:
        entries = tuple(_entry(tab, spec) for spec in registry.own_commands(owner).values())
        if entries:
            groups.append(CommandGroup(owner.name, purpose_of(owner), entries, is_own=owner is kind))
    return tuple(groups)


def _entry(tab: TabRequest, spec: CommandSpec) -> CommandEntry:
    address = object_address(tab.request.team.slug, tab.path, spec.name)
    return CommandEntry(spec, address, locked(tab.request, tab.path, spec))
