"""A team's tree: folders that open when asked, a search, new objects and the trash."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRedirect

from objects.commands.help import purpose_of
from objects.commands.registry import registry
from objects.surfaces.pages.addresses import object_address, team_address
from objects.surfaces.pages.answering import answer, retry_after, wants_fragment
from objects.surfaces.pages.asking import ask
from objects.surfaces.pages.forms import Field, Option, messages
from objects.surfaces.pages.requests import members_only
from objects.tree.paths import ObjectPath
from teams.access import Role
from teams.pages import TeamRequest
from teams.problems import Problem, WrongArgument

LISTED: Final = 100


@dataclass(frozen=True, slots=True)
class Step:
    """A folder on the way down, linked."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Branch:
    """What is right beneath an object, or what a search found. `more_address`: what follows, or ""."""

    slug: str
    entries: Sequence[Any]
    more_address: str
    is_found: bool = False


@dataclass(frozen=True, slots=True)
class TreePage:
    """What templates/objects/tree.html shows."""

    slug: str
    at: str
    steps: tuple[Step, ...]
    branch: Branch
    find: str
    may_create: bool


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
    problem: Problem | None
    failed_id: str
    may_restore: bool
    keep_days: int


@members_only
@require_safe
def tree(request: TeamRequest) -> HttpResponse:
    """Show the tree from a folder on, or what a search finds; htmx gets the branch alone."""
    slug, caller = request.team.slug, request.caller
    at = ObjectPath.parse(request.GET.get("at") or "/", "at")
    find, after = request.GET.get("find", "").strip(), request.GET.get("after") or None
    if find:
        listing = ask(caller, at, "tree.find", **search_words(find), limit=LISTED, **_after(after))
    else:
        listing = ask(caller, at, "tree.list", limit=LISTED, **_after(after))
    branch = _branch(slug, at, find, listing)
    steps = tuple(Step(each.name, team_address(slug, at=each)) for each in [*reversed(list(at.ancestors())), at][1:])
    page = TreePage(slug, str(at), steps, branch, find, may_create=caller.role_at(at) >= Role.EDITOR)
    return answer(request, "objects/tree.html", page, fragment="objects/_branch.html")


def search_words(text: str) -> dict[str, str]:
    """Read what was typed into the search box: `kind:limiter tag:eu orders`. Other words are a part of the path."""
    words: dict[str, str] = {}
    parts = []
    for word in text.split():
        name, colon, value = word.partition(":")
        if colon and name in ("kind", "tag") and value:
            if name in words:
                raise WrongArgument("find", f"two times {name}: an object is found by one {name} at a time.")
            words[name] = value
        else:
            parts.append(word)
    if parts:
        words["part"] = " ".join(parts)
    return words


def _after(after: str | None) -> dict[str, str]:
    return {} if after is None else {"after": after}


def _branch(slug: str, at: ObjectPath, find: str, listing: Any) -> Branch:
    entries, follows = listing["objects"], listing["next"]
    query = {"at": str(at)} | ({"find": find} if find else {})
    more = team_address(slug, **query, after=follows) if follows else ""
    return Branch(slug, entries, more, is_found=bool(find))


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
        status = HTTPStatus.UNPROCESSABLE_ENTITY if messages(problem) else problem.status
        return retry_after(answer(request, "objects/new.html", page, fragment=fragment, status=status), problem)
    address = object_address(slug, made)
    if wants_fragment(request):
        return HttpResponseClientRedirect(address)
    return HttpResponseRedirect(address, status=HTTPStatus.SEE_OTHER)


def _nearest_seen(request: TeamRequest, path: ObjectPath) -> str:
    """Give the object that is asked to make the new one: the root, or for a guest the top of what is seen."""
    return next((above for above in [*path.ancestors()][::-1] if request.caller.sees(above)), "/")


def _new_page(slug: str, path: str, kind: str, under: str, problem: Problem | None = None) -> NewPage:
    wrong = messages(problem)
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
    """List what was deleted; bring one back and go to it."""
    problem: Problem | None = None
    item = request.POST.get("what", "")
    if request.method == "POST":
        to = request.POST.get("to", "").strip()
        try:
            restored = ask(request.caller, "/", "tree.restore", what=item, **({"to": to} if to else {}))
        except Problem as refused:
            problem = refused
        else:
            address = object_address(request.team.slug, restored["path"])
            return HttpResponseRedirect(address, status=HTTPStatus.SEE_OTHER)
    page = _trash_page(request, problem, item)
    status = HTTPStatus.OK if problem is None else problem.status
    return retry_after(answer(request, "objects/trash.html", page, status=status), problem)


def _trash_page(request: TeamRequest, problem: Problem | None, item: str) -> TrashPage:
    listing = ask(request.caller, "/", "tree.trash", limit=LISTED)
    return TrashPage(
        slug=request.team.slug,
        items=listing["deleted"],
        problem=problem,
        failed_id=item,
        may_restore=request.caller.role_at("/") >= Role.EDITOR,
        keep_days=settings.GROVE.TRASH_KEEP_S // 86_400,
    )
