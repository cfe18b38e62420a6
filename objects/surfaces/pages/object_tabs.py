"""The object's page: its frame, and the tabs that kinds, facilities and `objects.surfaces.pages.tabs` declare."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from http import HTTPStatus
from typing import Any, Final
from zlib import crc32

from django.http import HttpResponse, QueryDict

from objects.commands.bases import Facility, Kind
from objects.commands.help import purpose_of
from objects.commands.registry import registry
from objects.commands.spec import CommandSpec
from objects.commands.tabs import Tab
from objects.engine.calls import Outcome
from objects.surfaces.pages import tabs as own
from objects.surfaces.pages.addresses import object_address, tab_address
from objects.surfaces.pages.answering import answer
from objects.surfaces.pages.asking import Question, answers, ask
from objects.surfaces.pages.forms import BACK, CommandForm, form
from objects.tree.paths import ObjectPath
from teams.access import Role, may_operate
from teams.pages import TeamRequest
from teams.problems import NoSuch

OVERVIEW: Final = "overview"  # the tab at the object's own address

View = Callable[["TabRequest"], HttpResponse]


# Which tabs there are


@cache
def _own_tabs() -> tuple[Tab, ...]:
    found = []
    for each in pkgutil.iter_modules(own.__path__):
        declared = getattr(importlib.import_module(f"{own.__name__}.{each.name}"), "TAB", None)
        if isinstance(declared, Tab):
            found.append(replace(declared, name=declared.name or each.name))
    return tuple(found)


@cache
def _view(name: str) -> View | None:
    """Find the function that shows a tab; None where its template is enough."""
    if not any(each.name == name for each in pkgutil.iter_modules(own.__path__)):
        return None
    view: View = importlib.import_module(f"{own.__name__}.{name}").show
    return view


def tabs_of(kind_name: str) -> tuple[Tab, ...]:
    """Give the tabs of an object of this kind, in their order."""
    owners: list[type[Kind[Any] | Facility]] = [registry.kind(kind_name), *registry.facilities.values()]
    declared = [replace(each.tab, name=each.tab.name or each.name) for each in owners if each.tab is not None]
    found = sorted([*_own_tabs(), *declared], key=lambda tab: (tab.order, tab.title))
    names = [tab.name for tab in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two tabs of {kind_name} are named '{min(twice)}'")
    return tuple(found)


# The frame


@dataclass(frozen=True, slots=True)
class Crumb:
    """One step of the path, linked."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class TabLink:
    """A tab in the row of tabs."""

    name: str
    title: str
    address: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """What templates/objects/object.html shows around a tab, and `shown`: what the tab itself has to show.

    here: the address of the tab as it is shown, for what fetches itself again and for forms that come back.
    """

    slug: str
    path: str
    name: str
    address: str
    crumbs: tuple[Crumb, ...]
    facts: Any
    purpose: str = ""
    role: str = ""
    may_create: bool = False
    tabs: tuple[TabLink, ...] = ()
    tab: Tab | None = None
    here: str = ""
    template: str = ""
    shown: Mapping[str, Any] = field(default_factory=dict)


def frame(request: TeamRequest, path: ObjectPath, facts: Any, **more: Any) -> ObjectPage:
    """Give what every page of an object begins with. facts: what `tree.describe` answered."""
    slug = request.team.slug
    role = request.caller.role_at(path)
    return ObjectPage(
        slug=slug,
        path=str(path),
        name=path.name or request.team.name,
        address=object_address(slug, path),
        crumbs=crumbs(slug, path),
        facts=facts,
        purpose=purpose_of(registry.kind(facts["kind"])),
        role=role.word,
        may_create=role >= Role.EDITOR,
        **more,
    )


def crumbs(slug: str, path: ObjectPath) -> tuple[Crumb, ...]:
    """Give the steps above an object, each linked."""
    return tuple(Crumb(each.name, object_address(slug, each)) for each in reversed(list(path.ancestors())))


def value_of(outcome: Outcome) -> Any:
    """Give the value of an outcome, or raise what it was refused with."""
    if outcome.problem is not None:
        raise outcome.problem
    return outcome.value


# A request for a tab


@dataclass(frozen=True)
class TabRequest:
    """Somebody looks at a tab of an object. rest: what its address says beneath the tab, such as a table."""

    request: TeamRequest
    path: ObjectPath
    facts: Any
    tab: Tab
    rest: str = ""

    @property
    def query(self) -> QueryDict:
        """What stands behind the question mark."""
        return self.request.GET

    @property
    def address(self) -> str:
        """The tab's own address."""
        return self.at()

    def at(self, rest: str = "") -> str:
        """Give the address of something beneath the tab."""
        slug = self.request.team.slug
        if self.tab.name == OVERVIEW:
            return object_address(slug, self.path)
        return tab_address(slug, self.path, self.tab.name, rest)

    def ask(self, command: str, /, **arguments: Any) -> Any:
        """Call a command of the object as the person who looks; raises what it refuses with."""
        return ask(self.request.caller, self.path, command, **arguments)

    def answers(self, *questions: tuple[str, dict[str, Any]]) -> list[Any]:
        """Ask several commands that only read at once; raises the first refusal."""
        asked = [Question(self.path, command, arguments) for command, arguments in questions]
        return [value_of(outcome) for outcome in answers(self.request.caller, *asked)]

    def may(self, command: str) -> bool:
        """Whether the person's role is enough for a command."""
        return not locked(self.request, self.path, registry.command(self.facts["kind"], command))

    def form(self, command: str, **filled: Any) -> CommandForm:
        """Make the form of a command of this object, with fields filled in."""
        spec = registry.command(self.facts["kind"], command)
        return filled_form(self.request, str(self.path), spec, filled)

    def show(self, template: str = "", *, status: int = HTTPStatus.OK, **shown: Any) -> HttpResponse:
        """Answer with the tab: `shown` is `page.shown` in its template."""
        request = self.request
        chosen = self.tab.name
        links = tuple(
            TabLink(
                each.name,
                each.title,
                object_address(request.team.slug, self.path)
                if each.name == OVERVIEW
                else tab_address(request.team.slug, self.path, each.name),
                is_chosen=each.name == chosen,
            )
            for each in tabs_of(self.facts["kind"])
        )
        page = frame(
            request,
            self.path,
            self.facts,
            tabs=links,
            tab=self.tab,
            here=request.get_full_path(),
            template=template or self.tab.template,
            shown=shown,
        )
        wanted = request.headers.get("HX-Target", "")
        fragment = "objects/_tab_content.html" if wanted == "tab-content" else "objects/_tab.html"
        return answer(request, "objects/object.html", page, fragment=fragment, status=status)


def locked(request: TeamRequest, path: ObjectPath, spec: CommandSpec) -> str:
    """Give the role that a command needs, where the reader has less; "" where that is enough."""
    if spec.operators and not may_operate(request.caller, spec.operators):
        return "operator"
    return spec.needs.word if request.caller.role_at(path) < spec.needs else ""


def filled_form(request: TeamRequest, path: str, spec: CommandSpec, filled: Mapping[str, Any]) -> CommandForm:
    """Make a form that has something filled in already."""
    sent = QueryDict(mutable=True)
    for name, value in filled.items():
        sent.setlist(name, [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)])
    origin = f"{request.scheme}://{request.get_host()}"
    told = "&".join(f"{name}={value}" for name, value in sorted(filled.items()) if name != BACK)
    among = f"-{crc32(told.encode()):x}" if told else ""
    return form(request.team.slug, path, spec, origin=origin, sent=sent or None, among=among)


def show_tab(request: TeamRequest, path: ObjectPath, address: str) -> HttpResponse:
    """Answer for a tab. address: its name, and behind a slash what lies beneath it. Raises NoSuch for no such tab."""
    name, _, rest = address.partition("/")
    facts = ask(request.caller, path, "tree.describe")
    tab = next((each for each in tabs_of(facts["kind"]) if each.name == name), None)
    if tab is None:
        raise NoSuch(f"{path} has no tab '{name[:60]}'.")
    asked = TabRequest(request, path, facts, tab, rest)
    view = _view(tab.name)
    return view(asked) if view is not None else _declared(asked)


def _declared(tab: TabRequest) -> HttpResponse:
    """Show a tab by its template, with what the commands that it names answer."""
    if tab.rest:
        raise NoSuch(f"There is nothing at '{tab.rest[:60]}' in {tab.tab.title}.")
    questions = []
    for asks in tab.tab.asks.values():
        spec = registry.command(tab.facts["kind"], asks.command)
        given = {name: tab.query[name] for name in asks.takes if tab.query.get(name)}
        questions.append((asks.command, spec.check(given, text=True) | dict(asks.arguments)))
    return tab.show(**dict(zip(tab.tab.asks, tab.answers(*questions), strict=True)))
