"""The agenda of a team: all that is due, runs, waits for somebody or fails, of the objects that who looks may see.

It is what `cron agenda` and `task agenda` answer at the root, or for a guest at each place that was granted: as many
questions for ten thousand schedules as for one.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from objects.commands.registry import registry
from objects.surfaces.pages.addresses import agenda_address, tab_address
from objects.surfaces.pages.answering import answer
from objects.surfaces.pages.asking import Question, answers, tops_of
from objects.surfaces.pages.forms import Option
from objects.surfaces.pages.requests import members_only
from objects.surfaces.pages.spans import AHEAD, WIDTH, ahead, words
from objects.tree.paths import ObjectPath
from teams import clock
from teams.pages import TeamRequest
from teams.problems import NoSuch, WrongArgument

LISTED: Final = 100  # of what is ahead
BESIDE: Final = 20  # of what runs, waits or fails
MOST: Final = 1_000  # that are asked for, and counted
PLACES: Final = 20  # of a guest
BUCKETS: Final = 120  # columns of the drawing
HEIGHT: Final = 48.0
WHATS: Final = {"cron": "Schedules", "queue": "Queues", "steps": "Steps", "task": "Tasks"}


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that is due, runs or fails, with the way to it. x: its place on the line of time."""

    path: str
    kind: str
    facility: str
    title: str
    address: str
    note: str = ""
    at: str | None = None
    x: float = 0.0
    part: float | None = None
    state: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """How much is due in a part of the line of time, drawn."""

    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class AgendaPage:
    """What templates/objects/agenda.html shows. more: how many are ahead beyond those listed."""

    slug: str
    at: str
    kind: str
    what: str
    kinds: Sequence[Option]
    whats: Sequence[Option]
    here: str
    running: Sequence[Entry]
    waiting: Sequence[Entry]
    asking: Sequence[Entry]
    failing: Sequence[Entry]
    ahead: Sequence[Entry]
    late: int
    columns: Sequence[Column]
    more: int
    running_count: str
    waiting_count: str
    asking_count: str
    failing_count: str
    ahead_count: str
    problem: str = ""

    @property
    def marks(self) -> Sequence[str]:
        """What stands beneath the line of time."""
        return [mark for _, mark in AHEAD]

    @property
    def ticks(self) -> Sequence[float]:
        """Where a thin line stands for each of them but the first and the last."""
        return [WIDTH * number / (len(AHEAD) - 1) for number in range(1, len(AHEAD) - 1)]

    @property
    def is_narrowed(self) -> bool:
        """Whether something is left out."""
        return bool(self.at or self.kind or self.what)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all."""
        return not (self.running or self.waiting or self.asking or self.failing or self.ahead)


@members_only
@require_safe
def agenda(request: TeamRequest) -> HttpResponse:
    """Show the page; htmx gets what changes of it again and again while somebody looks."""
    query, slug = request.GET, request.team.slug
    at, kind, what = (query.get(name, "").strip() for name in ("at", "kind", "what"))
    kind, what = kind if kind in registry.kinds else "", what if what in WHATS else ""
    problem, found = "", _Found((), (), (), (), ())
    try:
        found = _found(request, at, kind, what)
    except (NoSuch, WrongArgument) as refusal:
        problem = refusal.detail
    now = clock.now()
    at_work = [_due(slug, each, now) for each in found.next if each["state"] == "running"]
    running = [_task(slug, each) for each in found.tasks if each["state"] == "running"] + at_work
    waiting = [_task(slug, each) for each in found.tasks if each["state"] == "waiting"]
    asking = [entry for each in found.asking for entry in _asking(slug, each)]
    failing = [_failing(slug, each) for each in found.failing] + [_task(slug, each) for each in found.failed]
    due = [_due(slug, each, now) for each in found.next if each["state"] != "running"]
    chosen = {"at": at, "kind": kind, "what": what}
    page = AgendaPage(
        slug=slug,
        at=at,
        kind=kind,
        what=what,
        kinds=[Option(name, name or "any kind", name == kind) for name in ("", *registry.kinds)],
        whats=[Option(name, title, name == what) for name, title in {"": "everything", **WHATS}.items()],
        here=agenda_address(slug, **{name: value for name, value in chosen.items() if value}),
        running=running[:BESIDE],
        waiting=waiting[:BESIDE],
        asking=asking[:BESIDE],
        failing=failing[:BESIDE],
        ahead=due[:LISTED],
        late=sum(each.state == "due" for each in due),
        columns=_columns(due),
        more=max(0, len(due) - LISTED),
        running_count=_counted(running),
        waiting_count=_counted(waiting),
        asking_count=_counted(asking),
        failing_count=_counted(failing),
        ahead_count=_counted(due),
        problem=problem,
    )
    status = HTTPStatus.NOT_FOUND if problem else HTTPStatus.OK
    return answer(request, "objects/agenda.html", page, fragment="objects/_agenda.html", status=status)


@dataclass(frozen=True, slots=True)
class _Found:
    """What the commands answered."""

    next: Sequence[Any]
    asking: Sequence[Any]
    failing: Sequence[Any]
    tasks: Sequence[Any]
    failed: Sequence[Any]


def _found(request: TeamRequest, at: str, kind: str, what: str) -> _Found:
    """Ask for everything at once, in one batch. Raises NoSuch for a path that is hidden, too."""
    caller = request.caller
    places = [str(ObjectPath.parse(at, "at"))] if at else tops_of(caller)[:PLACES]
    if not places:
        raise NoSuch("There is nothing here that you may see.")
    facility = {"facility": what} if what else {}
    asked: dict[str, tuple[str, dict[str, Any]]] = {}
    if what != "task":
        asked["next"] = ("cron.agenda", {"limit": MOST, **facility})
        asked["asking"] = ("cron.agenda", {"asking": True, "limit": MOST, **facility})
        asked["failing"] = ("cron.agenda", {"failing": True, "limit": MOST, **facility})
    if what in ("", "task"):
        asked["tasks"] = ("task.agenda", {"limit": MOST})
        asked["failed"] = ("task.agenda", {"failed": True, "limit": MOST})
    questions = [
        Question(place, command, {**arguments, "kind": kind})
        for place in places
        for command, arguments in asked.values()
    ]
    gathered: dict[str, list[Any]] = {name: [] for name in ("next", "asking", "failing", "tasks", "failed")}
    for outcome, name in zip(answers(caller, *questions), list(asked) * len(places), strict=True):
        if outcome.problem is not None:
            raise outcome.problem
        gathered[name] += outcome.value
    gathered["next"].sort(key=lambda each: each["due"])
    return _Found(**gathered)


def _counted(entries: Sequence[Entry]) -> str:
    return f"{len(entries):,}{'+' if len(entries) >= MOST else ''}"


def _due(slug: str, each: Any, now: float) -> Entry:
    facility = each["facility"]
    away = _unix(each["due"]) - now
    return Entry(
        path=each["path"],
        kind=each["kind"],
        facility=facility,
        title=each["what"] or WHATS.get(facility, facility),
        address=_place(slug, each["path"], facility, each["what"] if facility == "cron" else ""),
        note="" if away > 0 else f"{words(round(-away, 1))} late",
        at=each["due"],
        x=ahead(away),
        state=each["state"],
    )


def _asking(slug: str, each: Any) -> Sequence[Entry]:
    path, kind, facility = each["path"], each["kind"], each["facility"]
    if not each["asked"]:
        return [Entry(path, kind, facility, each["what"], _place(slug, path, facility), "for who fetches them")]
    return [
        Entry(path, kind, facility, ask["name"], _place(slug, path, "steps", ask["run"]),
              "a yes or no" if ask["sort"] == "approval" else "an event", state=ask["sort"])
        for ask in each["asked"]
    ]  # fmt: skip


def _failing(slug: str, each: Any) -> Entry:
    path, facility, failing = each["path"], each["facility"], each["failing"]
    name = failing if facility == "cron" and "," not in failing else ""
    return Entry(path, each["kind"], facility, failing, _place(slug, path, facility, name), "failed the last time")


def _task(slug: str, each: Any) -> Entry:
    return Entry(
        path=each["path"],
        kind=each["kind"],
        facility="task",
        title=each["command"],
        address=_place(slug, each["path"], "task", each["task"]),
        note=each["note"],
        at=each["since"],
        part=None if each["done"] is None else round(100 * each["done"], 1),
        state=each["state"],
    )


def _place(slug: str, path: str, tab: str, rest: str = "") -> str:
    return tab_address(slug, path, tab, rest)


def _columns(due: Sequence[Entry]) -> Sequence[Column]:
    """Count what is due in each part of the line, and draw it."""
    width = WIDTH / BUCKETS
    counted = Counter(min(BUCKETS - 1, int(each.x / width)) for each in due)
    most = max(counted.values(), default=1)
    drawn = []
    for bucket, count in sorted(counted.items()):
        height = max(4.0, HEIGHT * count / most)
        drawn.append(Column(round(bucket * width, 1), round(HEIGHT - height, 1), round(height, 1)))
    return drawn


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
