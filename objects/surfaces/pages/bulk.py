"""The same done to many objects: tag, move, pause, delete. First a page that says what it would do, then the deed.

Each object is asked for by itself, through the command that does it to one: rights, trash and journal are the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final, Literal

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from objects.engine.running import engine
from objects.surfaces.pages.addresses import objects_address
from objects.surfaces.pages.answering import answer, wants_fragment
from objects.surfaces.pages.asking import Question, answers
from objects.surfaces.pages.requests import members_only
from objects.tree.paths import ObjectPath
from teams.access import Caller
from teams.pages import TeamRequest
from teams.problems import Problem, WrongArgument

MOST: Final = 200  # objects at once

Action = Literal["tag", "untag", "move", "pause", "resume", "delete"]
DONE: Final[dict[str, str]] = {
    "tag": "tagged", "untag": "untagged", "move": "moved", "pause": "paused", "resume": "resumed",
    "delete": "put into the trash",
}  # fmt: skip
WHOLE: Final = ("move", "pause", "resume", "delete")  # what lies beneath comes along
DUE_MOST: Final = 1_000  # counted so far


@dataclass(frozen=True, slots=True)
class Planned:
    """One of the objects: what goes with it, or why nothing can be done to it."""

    path: str
    objects: int = 1
    size: int = 0
    due: int = 0  # of these have something to do by themselves
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What templates/objects/_bulk.html shows: a question, or once it is done what came of it."""

    slug: str
    action: str
    items: Sequence[Planned]
    back: str
    to: str = ""
    tags: str = ""
    field_error: str = ""
    is_done: bool = False
    undo: Sequence[str] = ()  # numbers in the trash

    @property
    def objects(self) -> int:
        return sum(each.objects for each in self.items if not each.refusal)

    @property
    def size(self) -> int:
        return sum(each.size for each in self.items if not each.refusal)

    @property
    def due(self) -> int:
        return sum(each.due for each in self.items if not each.refusal)

    @property
    def is_whole(self) -> bool:
        """Whether what lies beneath comes along, so that it is counted."""
        return self.action in WHOLE

    @property
    def refused(self) -> int:
        return sum(bool(each.refusal) for each in self.items)

    @property
    def done_word(self) -> str:
        return DONE[self.action]


@members_only
@require_POST
def bulk(request: TeamRequest) -> HttpResponse:
    """Say what would be done to the chosen objects; with `confirmed`, do it."""
    slug, caller = request.team.slug, request.caller
    action, paths, back = _read(request)
    to, tags = request.POST.get("to", "").strip(), request.POST.get("tags", "").strip()
    plan = Plan(slug, action, (), back, to=to, tags=tags)
    if request.POST.get("confirmed") != "yes":
        items = _measured(caller, paths) if action in WHOLE else [Planned(path) for path in paths]
        if action == "pause":
            items = _with_due(caller, items)
        return _shown(request, replace(plan, items=items))
    try:
        calls = _calls(action, paths, to, tags)
    except WrongArgument as problem:
        items = _measured(caller, paths) if action == "move" else [Planned(path) for path in paths]
        asked = replace(plan, items=items, field_error=problem.detail)
        return _shown(request, asked, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    items, undo = [], []
    for path, command, arguments in calls:
        outcome = engine().call(caller.schema, path, command, arguments, caller, via="page", confirmed=True)
        value: Any = outcome.value if isinstance(outcome.value, dict) else {}
        refusal = outcome.problem.detail if outcome.problem is not None else ""
        items.append(Planned(path, value.get("objects", 1), value.get("size", 0), refusal=refusal))
        if action == "delete" and not refusal:
            undo.append(str(value["number"]))
    return _told(request, replace(plan, items=items, is_done=True, undo=undo))


def _read(request: TeamRequest) -> tuple[str, list[str], str]:
    """Read which objects, without those beneath others of them, and what to do."""
    action = request.POST.get("action", "")
    if action not in DONE:
        raise WrongArgument("action", f"action: nothing like '{action[:40]}'. What can be done: {', '.join(DONE)}.")
    chosen = sorted({ObjectPath.parse(path) for path in request.POST.getlist("path")})
    if not chosen:
        raise WrongArgument("path", "No object is chosen. Tick some in the table first.")
    if len(chosen) > MOST:
        raise WrongArgument("path", f"{len(chosen):,} objects are chosen; {MOST} is the most at once.")
    if action in WHOLE:
        chosen = [path for path in chosen if not any(path != top and path.is_under(top) for top in chosen)]
    back = request.POST.get("back", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = objects_address(request.team.slug)
    return action, [str(path) for path in chosen], back


def _measured(caller: Caller, paths: Sequence[str]) -> list[Planned]:
    outcomes = answers(caller, *(Question(path, "tree.measure") for path in paths))
    return [
        Planned(path, refusal=outcome.problem.detail)
        if outcome.problem is not None
        else Planned(path, outcome.value["objects"], outcome.value["size"])
        for path, outcome in zip(paths, outcomes, strict=True)
    ]


def _with_due(caller: Caller, items: Sequence[Planned]) -> list[Planned]:
    outcomes = answers(caller, *(Question(each.path, "cron.agenda", {"limit": DUE_MOST}) for each in items))
    return [
        each if outcome.problem is not None else replace(each, due=len({entry["path"] for entry in outcome.value}))
        for each, outcome in zip(items, outcomes, strict=True)
    ]


def _calls(action: str, paths: Sequence[str], to: str, tags: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Write the call for each object. Raises WrongArgument for what was typed."""
    if action in ("pause", "resume", "delete"):
        return [(path, f"tree.{action}", {}) for path in paths]
    if action == "move":
        folder = ObjectPath.parse(to, "to")
        return [(path, "tree.move", {"to": folder.below + ObjectPath(path).name}) for path in paths]
    words = tags.split()
    if not words:
        raise WrongArgument("tags", "Write at least one tag.")
    return [(path, f"tree.{action}", {"tags": words}) for path in paths]


def _shown(request: TeamRequest, plan: Plan, status: int = HTTPStatus.OK) -> HttpResponse:
    return answer(request, "objects/bulk.html", plan, fragment="objects/_bulk.html", status=status)


def _told(request: TeamRequest, plan: Plan) -> HttpResponse:
    """Say what came of it: scripts stay where they are, others go back to the table where nothing was refused."""
    if wants_fragment(request):
        response = _shown(request, plan)
        response.headers["HX-Trigger"] = "objects-changed"
        return response
    if plan.refused:
        return _shown(request, plan)
    messages.success(request, f"{plan.objects:,} {'object' if plan.objects == 1 else 'objects'} {plan.done_word}.")
    return HttpResponseRedirect(plan.back, status=HTTPStatus.SEE_OTHER)


def restore_all(caller: Caller, numbers: Sequence[str]) -> list[Problem]:
    """Bring back several things from the trash; gives what was refused."""
    refused = []
    for number in numbers[:MOST]:
        outcome = engine().call(caller.schema, "/", "tree.restore", {"what": number}, caller, via="page")
        if outcome.problem is not None:
            refused.append(outcome.problem)
    return refused
