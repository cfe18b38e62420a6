"""The coming day of a team: every schedule that the reader may see, on one line of 24 hours, by path, a page at a time.

Which objects have something ahead is one question; what each has ahead is one question an object, all in one batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from objects.commands.registry import registry
from objects.surfaces.pages.addresses import day_address, tab_address
from objects.surfaces.pages.answering import answer
from objects.surfaces.pages.asking import Question, answers, tops_of
from objects.surfaces.pages.forms import Option
from objects.surfaces.pages.requests import members_only
from objects.surfaces.pages.spans import WIDTH
from objects.tree.paths import ObjectPath
from teams import clock
from teams.access import Caller
from teams.pages import TeamRequest
from teams.problems import NoSuch, WrongArgument

LISTED: Final = 20  # objects on a page
LANES: Final = 20  # schedules of an object; its own tab has the others
FIRES: Final = 4  # moments in words
PARTS: Final = 96  # of a line: a quarter of an hour each
HOURS: Final = 24
PLACES: Final = 20  # of a guest


@dataclass(frozen=True, slots=True)
class Lane:
    """A schedule. fires: its next moments; marks: where on the line it fires, 0 to 1,000."""

    name: str
    when: str
    command: str
    address: str
    fires: Sequence[str]
    marks: Sequence[float]


@dataclass(frozen=True, slots=True)
class Timetable:
    """An object with its schedules that fire in the coming day. more: it has more than are shown."""

    path: str
    kind: str
    address: str
    lanes: Sequence[Lane]
    more: bool


@dataclass(frozen=True, slots=True)
class DayPage:
    """What templates/objects/agenda_day.html shows. next: the address of the objects that follow, "" for none."""

    slug: str
    at: str
    kind: str
    kinds: Sequence[Option]
    timetables: Sequence[Timetable]
    here: str
    next: str
    is_first: bool
    problem: str = ""

    @property
    def marks(self) -> Sequence[str]:
        """What stands above the lines of time."""
        return ("now", "6 h", "12 h", "18 h", "24 h")

    @property
    def is_narrowed(self) -> bool:
        """Whether something is left out."""
        return bool(self.at or self.kind)


@members_only
@require_safe
def day(request: TeamRequest) -> HttpResponse:
    """Show the page; htmx gets the list alone."""
    slug, query = request.team.slug, request.GET
    at, kind, after = (query.get(name, "").strip() for name in ("at", "kind", "after"))
    kind = kind if kind in registry.kinds else ""
    problem, found, follows = "", list[Timetable](), ""
    try:
        found, follows = _timetables(request, at, kind, after)
    except (NoSuch, WrongArgument) as refusal:
        problem = refusal.detail
    chosen = {name: value for name, value in (("at", at), ("kind", kind)) if value}
    page = DayPage(
        slug=slug,
        at=at,
        kind=kind,
        kinds=[Option(name, name or "any kind", name == kind) for name in ("", *registry.kinds)],
        timetables=found,
        here=day_address(slug, **chosen | ({"after": after} if after else {})),
        next=day_address(slug, **chosen, after=follows) if follows else "",
        is_first=not after,
        problem=problem,
    )
    status = HTTPStatus.NOT_FOUND if problem else HTTPStatus.OK
    return answer(request, "objects/agenda_day.html", page, fragment="objects/_agenda_day.html", status=status)


def _timetables(request: TeamRequest, at: str, kind: str, after: str) -> tuple[list[Timetable], str]:
    """Give what is ahead, and behind which path the next page begins. Raises NoSuch for a path that is hidden, too."""
    caller, slug = request.caller, request.team.slug
    objects = _with_schedules(caller, at, kind, after)
    listed = objects[:LISTED]
    now = clock.now()
    asked = {"hours": HOURS, "count": FIRES, "parts": PARTS, "limit": LANES}
    found = []
    for (path, its_kind), outcome in zip(
        listed, answers(caller, *(Question(path, "cron.ahead", asked) for path, _ in listed)), strict=True
    ):
        # It moved, went or was closed to the reader since the first question.
        if outcome.problem is not None or not outcome.value:
            continue
        lanes = [_lane(slug, path, each, now) for each in outcome.value if each["spread"] or each["fires"]]
        if lanes:
            more = len(outcome.value) == LANES
            found.append(Timetable(path, its_kind, tab_address(slug, path, "cron"), lanes, more))
    return found, listed[-1][0] if len(objects) > LISTED else ""


def _with_schedules(caller: Caller, at: str, kind: str, after: str) -> list[tuple[str, str]]:
    """Give path and kind of the objects that follow and have something ahead: one more than are listed, to know
    whether there is one.
    """
    places = [str(ObjectPath.parse(at, "at"))] if at else tops_of(caller)[:PLACES]
    if not places:
        raise NoSuch("There is nothing here that you may see.")
    asked = {"facility": "cron", "kind": kind, "by": "path", "after": after, "limit": LISTED + 1}
    found: dict[str, str] = {}
    for outcome in answers(caller, *(Question(place, "cron.agenda", asked) for place in places)):
        if outcome.problem is not None:
            raise outcome.problem
        found |= {each["path"]: each["kind"] for each in outcome.value}
    return sorted(found.items())[: LISTED + 1]


def _lane(slug: str, path: str, each: Any, now: float) -> Lane:
    away = [datetime.fromisoformat(moment).timestamp() - now for moment in each["spread"]]
    return Lane(
        name=each["name"],
        when=each["when"],
        command=each["command"],
        address=tab_address(slug, path, "cron", each["name"]),
        fires=each["fires"],
        marks=[round(WIDTH * max(0.0, seconds) / (HOURS * 3_600), 1) for seconds in away],
    )
