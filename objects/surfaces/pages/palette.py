"""The palette: one box that finds objects, commands of the object at hand, and pages; Enter goes there, or opens it.

What is typed may be a whole line of a terminal, `state set colour green`: its form comes filled in.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from objects.commands.registry import registry
from objects.commands.shapes import compact
from objects.commands.spec import CommandSpec
from objects.commands.words import find_command, read_words, split
from objects.surfaces.pages import shelves
from objects.surfaces.pages.addresses import agenda_address, object_address, objects_address, team_address
from objects.surfaces.pages.answering import answer, wants_fragment
from objects.surfaces.pages.asking import ask, top_of
from objects.surfaces.pages.forms import RUN
from objects.surfaces.pages.objects_page import search_words
from objects.surfaces.pages.requests import members_only
from objects.tree.paths import ObjectPath
from teams.access import Role, may_operate
from teams.pages import TeamRequest
from teams.pages.places import places
from teams.problems import Problem

OBJECTS: Final = 8
COMMANDS: Final = 8


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that was found. runs: the address answers a form or a result, which opens in the palette."""

    title: str
    address: str
    icon: str = ""
    kind: str = ""
    more: str = ""
    runs: bool = False
    is_data: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one sort."""

    title: str
    choices: Sequence[Choice]


@dataclass(frozen=True, slots=True)
class PalettePage:
    """What templates/objects/_palette_found.html shows."""

    slug: str
    groups: Sequence[Group]
    typed: str


@members_only
@require_safe
def palette(request: TeamRequest) -> HttpResponse:
    """Give what was found for what was typed; `at` is the object at hand."""
    typed = request.GET.get("find", "").strip()
    slug = request.team.slug
    if not wants_fragment(request):
        return HttpResponseRedirect(objects_address(slug, find=typed) if typed else objects_address(slug))
    try:
        at = ObjectPath.parse(request.GET.get("at") or "/", "at")
    except Problem:
        at = ObjectPath.parse("/")
    found = [
        Group("Objects" if typed else "Recent", list(_objects(request, typed))),
        Group(f"Commands of {at}", list(_commands(request, at, typed))),
        Group("Pages", list(_pages(request, typed))),
    ]
    return answer(
        request, "objects/_palette_found.html", PalettePage(slug, [each for each in found if each.choices], typed)
    )


def _objects(request: TeamRequest, typed: str) -> Iterator[Choice]:
    slug, caller = request.team.slug, request.caller
    if not typed:
        shelf = shelves.read(caller)
        seen = {each.id: each for each in [*shelf.recent, *shelf.pinned]}
        for each in list(seen.values())[:OBJECTS]:
            yield Choice(str(each.path), object_address(slug, each.path), kind=each.kind, more=each.kind, is_data=True)
        return
    try:
        listing = ask(caller, top_of(caller), "tree.find", **search_words(typed), limit=OBJECTS)
    except Problem:  # what is half typed means nothing yet
        return
    for entry in listing["objects"]:
        path, kind = entry["path"], entry["kind"]
        yield Choice(path, object_address(slug, path), kind=kind, more=kind, is_data=True)


def _commands(request: TeamRequest, at: ObjectPath, typed: str) -> Iterator[Choice]:
    """Find commands of the object at hand: by a line that begins with one, or by words of what they do."""
    caller, slug = request.caller, request.team.slug
    try:
        commands = registry.commands(ask(caller, at, "tree.describe")["kind"])
    except Problem:
        return
    mine = {
        name: spec
        for name, spec in commands.items()
        if caller.role_at(at) >= spec.needs and (not spec.operators or may_operate(caller, spec.operators))
    }
    begun, arguments = _typed(mine, typed)
    if begun is not None:
        yield _choice(slug, at, begun, arguments)
    wanted = typed.lower().replace(".", " ").split()
    left = COMMANDS - (begun is not None)
    for spec in mine.values():
        text = f"{spec.words} {spec.summary}".lower()
        if left and spec is not begun and all(word in text for word in wanted) and (typed or not spec.facility):
            left -= 1
            yield _choice(slug, at, spec, {})


def _typed(commands: Mapping[str, CommandSpec], line: str) -> tuple[CommandSpec | None, dict[str, str]]:
    """Find the command that a line begins with, and its arguments as far as they are typed."""
    try:
        spec = find_command(commands, line)
        if spec is None:
            return None, {}
        arguments, _ = read_words(spec, line, split(line)[spec.name.count(".") + 1 :])
    except Problem:
        return None, {}
    return spec, {name: _as_field(value) for name, value in arguments.items()}


def _as_field(value: Any) -> str:
    """Write a word of a line as a form's field holds it: several are lines."""
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return value if isinstance(value, str) else compact(value)


def _choice(slug: str, at: ObjectPath, spec: CommandSpec, arguments: Mapping[str, str]) -> Choice:
    query = dict(arguments)
    missing = any(each.required and each.name not in query for each in spec.parameters)
    if spec.verb == "reads" and not spec.downloads and not missing:
        query[RUN] = "yes"
    address = object_address(slug, at, spec.name) + (f"?{urlencode(query)}" if query else "")
    return Choice(
        f"{spec.words} {' '.join(value for name, value in query.items() if name != RUN)}".strip(),
        address,
        icon="command-line",
        more=spec.summary,
        runs=not spec.downloads,
        is_data=True,
    )


def _pages(request: TeamRequest, typed: str) -> Iterator[Choice]:
    slug = request.team.slug
    may_change = any(role >= Role.EDITOR for _, role in request.caller.grants)
    known = [
        Choice("Home", team_address(slug), icon="home", more="What is happening"),
        Choice("Objects", objects_address(slug), icon="table-cells", more="All of them, to sort and search"),
        Choice("Agenda", agenda_address(slug), icon="clock", more="All that is due, running and failing"),
        Choice("Failing objects", objects_address(slug, error="yes", sort="errors"), icon="exclamation-triangle",
               more="Whose calls were refused"),
        Choice("Paused objects", objects_address(slug, paused="yes"), icon="pause", more="Nothing is done by itself"),
        Choice("Largest objects", objects_address(slug, deep="yes", sort="size"), icon="circle-stack", more="By size"),
        Choice("Gallery", reverse("gallery", args=[slug]), icon="squares-2x2", more="Kinds and examples"),
        Choice("Trash", reverse("trash", args=[slug]), icon="trash", more="Restore what was deleted"),
        *(Choice(each.name, each.address, icon=each.icon, more=each.about) for each in places(request)),
        Choice("Your teams", reverse("teams"), icon="rectangle-stack", more="Switch to another, make one"),
        Choice("Your account", reverse("account"), icon="user-circle", more="Name, password, passkeys, sessions"),
    ]  # fmt: skip
    if may_change:
        new = Choice("New object", reverse("new", args=[slug]), icon="plus", more="Choose a path and a kind")
        known.insert(2, new)
    wanted = typed.lower().split()
    for choice in known:
        if all(word in f"{choice.title} {choice.more}".lower() for word in wanted):
            yield choice
