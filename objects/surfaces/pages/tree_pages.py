"""New objects, and the trash."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from objects.commands.help import purpose_of
from objects.commands.registry import registry
from objects.engine.calls import Outcome
from objects.surfaces.pages.addresses import object_address
from objects.surfaces.pages.answering import answer, retry_after, wants_fragment
from objects.surfaces.pages.asking import ask, run, top_of
from objects.surfaces.pages.forms import Field, Option
from objects.surfaces.pages.forms import messages as field_messages
from objects.surfaces.pages.requests import members_only
from objects.tree.paths import ObjectPath
from teams.access import Role
from teams.pages import TeamRequest
from teams.problems import NeedsConfirmation, Problem, WrongArgument

LISTED: Final = 100


@dataclass(frozen=True, slots=True)
class NewPage:
    """The form that makes an object."""

    slug: str
    fields: tuple[Field, ...]
    message: str
    under: str


@dataclass(frozen=True, slots=True)
class TrashPage:
    """What was deleted and can come back."""

    slug: str
    items: Sequence[Any]
    next: int | None
    problem: Problem | None
    failed_id: str
    action: str
    may_restore: bool
    may_erase: bool
    keep_days: int

    @property
    def is_question(self) -> bool:
        """Whether something dangerous was asked for, which wants a yes."""
        return isinstance(self.problem, NeedsConfirmation)


@members_only
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: TeamRequest) -> HttpResponse:
    """Make an object and go to it."""
    slug = request.team.slug
    if request.method != "POST":
        under = ObjectPath.parse(request.GET.get("under") or "/", "under")
        return answer(request, "objects/new.html", _new_page(slug, under.below, "object", str(under)))
    path, kind = request.POST.get("path", "").strip(), request.POST.get("kind", "object")
    try:
        made = ObjectPath.parse(path)
        top = _nearest_seen(request, made)
        ask(request.caller, top, "tree.create", name=str(made), kind=kind, parents=True)
    except Problem as problem:
        page = _new_page(slug, path, kind, "/", problem)
        fragment = "objects/_new.html"
        status = HTTPStatus.UNPROCESSABLE_ENTITY if field_messages(problem) else problem.status
        return retry_after(answer(request, "objects/new.html", page, fragment=fragment, status=status), problem)
    address = object_address(slug, made)
    if wants_fragment(request):
        return HttpResponseClientRedirect(address)
    return HttpResponseRedirect(address, status=HTTPStatus.SEE_OTHER)


def _nearest_seen(request: TeamRequest, path: ObjectPath) -> str:
    """Give the object that is asked to make the new one: the root, or for a guest the top of what is seen."""
    return next((above for above in [*path.ancestors()][::-1] if request.caller.sees(above)), "/")


def _new_page(slug: str, path: str, kind: str, under: str, problem: Problem | None = None) -> NewPage:
    wrong = field_messages(problem)
    fields = (
        Field(
            id="new-path", name="path", label="path", input="text", required=True, value=path, is_data=True,
            help="where it stands, from the root; folders on the way are made too", takes="/shop/orders",
            error=wrong.get("path") or wrong.get("name", ""),
        ),
        Field(
            id="new-kind", name="kind", label="kind", input="select", required=True, takes="",
            error=wrong.get("kind", ""), help="what it is and can do", options=tuple(
                Option(name, f"{name} – {purpose_of(each)}", name == kind) for name, each in registry.kinds.items()
            ),
        ),
    )  # fmt: skip
    beside = any(each.error for each in fields)
    return NewPage(slug, fields, "" if problem is None or beside else problem.detail, under)


@members_only
@require_http_methods(["GET", "HEAD", "POST"])
def trash(request: TeamRequest) -> HttpResponse:
    """List what was deleted; bring something back, erase it for good, or empty the trash."""
    slug, top = request.team.slug, top_of(request.caller)
    if request.method != "POST":
        return answer(request, "objects/trash.html", _trash_page(request, top))
    action, chosen = request.POST.get("action", "restore"), request.POST.getlist("what")
    to = request.POST.get("to", "").strip()
    failed, problem, restored = "", None, []
    for item in [""] if action == "empty" else chosen[:LISTED]:
        outcome = _trash_call(request, top, action, item, to if len(chosen) == 1 else "")
        if outcome.problem is not None:
            failed, problem = item, outcome.problem
            break
        restored.append(outcome.value)
    if problem is None and action == "restore" and len(restored) == 1:
        return _go(request, object_address(slug, restored[0]["path"]))
    if problem is None:
        messages.success(request, _told(action, restored))
        return _go(request, reverse("trash", args=[slug]))
    page = _trash_page(request, top, problem, failed, action)
    return retry_after(answer(request, "objects/trash.html", page, status=problem.status), problem)


def _trash_call(request: TeamRequest, top: str, action: str, item: str, to: str) -> Outcome:
    if action not in ("restore", "erase", "empty"):
        raise WrongArgument("action", f"action: nothing like '{action[:40]}'. What can be done: restore, erase, empty.")
    arguments = {"what": item} if action != "empty" else {}
    confirmed = request.POST.get("confirmed") == "yes"
    return run(request.caller, top, f"tree.{action}", arguments | ({"to": to} if to else {}), confirmed=confirmed)


def _told(action: str, done: Sequence[Any]) -> str:
    objects = sum(each["objects"] for each in done)
    return f"{objects:,} {'object' if objects == 1 else 'objects'} {'restored' if action == 'restore' else 'erased'}."


def _go(request: TeamRequest, address: str) -> HttpResponse:
    if wants_fragment(request):
        return HttpResponseClientRedirect(address)
    return HttpResponseRedirect(address, status=HTTPStatus.SEE_OTHER)


def _trash_page(
    request: TeamRequest, top: str, problem: Problem | None = None, failed_id: str = "", action: str = ""
) -> TrashPage:
    before = request.GET.get("before", "")
    after = {"before": int(before)} if before.isascii() and before.isdigit() and len(before) < 19 else {}
    listing = ask(request.caller, top, "tree.trash", limit=LISTED, **after)
    return TrashPage(
        slug=request.team.slug,
        items=listing["deleted"],
        next=listing["next"],
        problem=problem,
        failed_id=failed_id,
        action=action,
        may_restore=any(role >= Role.EDITOR for _, role in request.caller.grants),
        may_erase=request.caller.role_at(top) >= Role.ADMIN,
        keep_days=settings.GROVE.TRASH_KEEP_S // 86_400,
    )
