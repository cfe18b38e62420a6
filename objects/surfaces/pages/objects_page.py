"""The table of a team's objects: a folder, or what a search finds, in the order that is wanted. And the tree's rows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from objects import summaries
from objects.commands.registry import registry
from objects.surfaces.pages.addresses import objects_address
from objects.surfaces.pages.answering import answer
from objects.surfaces.pages.asking import ask, top_of
from objects.surfaces.pages.forms import Option
from objects.surfaces.pages.requests import members_only
from objects.surfaces.pages.sides import LISTED as BRANCH_LISTED
from objects.surfaces.pages.sides import Row, more, row, side
from objects.tree.paths import DEPTH, ObjectPath
from objects.tree.search import SORTS
from teams.access import Role
from teams.pages import TeamRequest
from teams.problems import WrongArgument

LISTED: Final = 60
FOUND_BESIDE: Final = 60  # in the tree beside the page
# A page that searches first takes in what happened lately, and no more than costs a few milliseconds.
LINES_AT_ONCE: Final = 500
STATES_AT_ONCE: Final = 40

WORD: Final = re.compile(r'(?:(?P<name>[a-z]+):)?(?:"(?P<quoted>[^"]*)"?|(?P<plain>\S+))')
NAMED: Final = ("kind", "tag", "state", "error", "is")


@dataclass(frozen=True, slots=True)
class Step:
    """A folder on the way down, linked."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the table can be sorted by."""

    name: str
    title: str
    address: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ObjectsPage:
    """What templates/objects/objects.html shows.

    is_deep: objects at any depth are listed, by path; else what is right beneath `at`, by name.
    """

    slug: str
    at: str
    steps: Sequence[Step]
    entries: Sequence[Any]
    itself: Any  # what `tree.describe` says of `at`, None where it is no row
    more_address: str
    find: str
    sort: str
    kinds: Sequence[Option]
    columns: Sequence[Column]
    is_deep: bool
    is_failing: bool
    shows_errors: bool  # each with what it was refused with last
    is_paused: bool
    deep_address: str
    failing_address: str
    paused_address: str
    plain_address: str
    here: str  # this page, to come back to
    may_create: bool
    may_change: bool

    @property
    def is_narrowed(self) -> bool:
        """Whether something is looked for, so that finding nothing does not mean that nothing is there."""
        return (
            bool(self.find)
            or self.is_failing
            or self.is_paused
            or any(each.chosen and each.value for each in self.kinds)
        )


@dataclass(frozen=True, slots=True)
class BranchPage:
    """Rows of the tree beside the page."""

    slug: str
    rows: Sequence[Row]
    nothing: str = ""


@members_only
@require_safe
def objects(request: TeamRequest) -> HttpResponse:
    """List objects; htmx gets the table, its further rows, or those of the tree beside the page."""
    at = ObjectPath.parse(request.GET.get("at") or top_of(request.caller), "at")
    asked = {name: request.GET.get(name, "").strip() for name in ("find", "kind", "sort", "error", "paused", "deep")}
    words = search_words(asked["find"])
    if asked["kind"]:
        words["kind"] = asked["kind"]
    if asked["error"]:
        words["error"] = "*"
    if asked["paused"]:
        words["paused"] = True
    if request.GET.get("part") == "outline":
        return _outline(request, at, asked["find"], words)
    is_deep = bool(words) or asked["deep"] == "yes"
    sort = asked["sort"] if asked["sort"] in SORTS else "path"
    take_in_what_happened(request)
    listing = ask(
        request.caller, at, "tree.find", **words, near=not is_deep, sort=sort, limit=LISTED,
        **_after(request.GET.get("after")),
    )  # fmt: skip
    itself = None if request.GET.get("after") else _itself(request, at, asked)
    page = _page(request, at, asked | {"sort": sort}, listing, itself, is_deep=is_deep, shows_errors="error" in words)
    fragment = "objects/_objects_rows.html" if request.GET.get("after") else "objects/_objects.html"
    return answer(request, "objects/objects.html", page, fragment=fragment)


def _itself(request: TeamRequest, at: ObjectPath, asked: dict[str, str]) -> Any:
    """Give the object whose folder is shown as a row before the others; None where what is looked for leaves it out."""
    if asked["find"] or asked["kind"]:
        return None
    facts = ask(request.caller, at, "tree.describe")
    is_left_out = (asked["error"] and not facts["errors"]) or (asked["paused"] and facts["paused_at"] is None)
    return None if is_left_out else facts


def take_in_what_happened(request: TeamRequest) -> None:
    """Bring the summaries, by which objects are found and sorted, a little further."""
    connection.ensure_connection()
    summaries.catch_up(connection.connection, request.team.schema_name, lines=LINES_AT_ONCE, states=STATES_AT_ONCE)


def search_words(text: str) -> dict[str, Any]:
    """Read what was typed into a search box: `kind:limiter state:"mode=manual" orders`. Other words are a part of the
    path. `error:` without a word finds all whose calls failed, `is:paused` those that are paused.
    """
    words: dict[str, Any] = {}
    parts = []
    for found in WORD.finditer(text.replace("error: ", "error:* ")):
        name, value = found["name"], found["plain"] if found["quoted"] is None else found["quoted"]
        if name in NAMED and value:
            if name in words:
                raise WrongArgument("find", f"two times {name}: an object is found by one {name} at a time.")
            words[name] = value
        elif found[0] == "error:":
            words["error"] = "*"
        else:
            parts.append(found[0].strip('"') if name is None else found[0])
    if (state := words.pop("is", None)) is not None:
        if state != "paused":
            raise WrongArgument("find", f"is:{state[:40]}: what an object can be is is:paused.")
        words["paused"] = True
    if parts:
        words["part"] = " ".join(parts)
    return words


def _after(after: str | None) -> dict[str, str]:
    return {} if not after else {"after": after}


def _outline(request: TeamRequest, at: ObjectPath, find: str, words: dict[str, Any]) -> HttpResponse:
    """Give what was found as rows of the tree, or the tree again where nothing is looked for."""
    slug = request.team.slug
    if not find:
        page = BranchPage(slug, side(request)["side"].rows)
    else:
        listing = ask(request.caller, at, "tree.find", **words, limit=FOUND_BESIDE)
        rows = [row(entry | {"name": entry["path"], "children": 0}, 0) for entry in listing["objects"]]
        page = BranchPage(slug, rows, "Nothing is called that.")
        if listing["next"] is not None:
            rows.append(Row("/", "", "", 0, 0, more_address=objects_address(slug, find=find)))
    return answer(request, "objects/_outline_alone.html", page)


@members_only
@require_safe
def branch(request: TeamRequest) -> HttpResponse:
    """Give what is right beneath an object as rows of the tree beside the page."""
    at = ObjectPath.parse(request.GET.get("at") or "/", "at")
    given = request.GET.get("depth", "")
    depth = min(int(given), DEPTH) if given.isascii() and given.isdigit() and len(given) < 4 else at.depth
    listing = ask(request.caller, at, "tree.list", limit=BRANCH_LISTED, **_after(request.GET.get("after")))
    slug = request.team.slug
    rows = [row(entry, depth) for entry in listing["objects"]]
    if listing["next"] is not None:
        rows.append(more(slug, at, depth, listing["next"]))
    return answer(request, "objects/_branch_alone.html", BranchPage(slug, rows))


def _page(
    request: TeamRequest,
    at: ObjectPath,
    asked: dict[str, str],
    listing: Any,
    itself: Any,
    *,
    is_deep: bool,
    shows_errors: bool,
) -> ObjectsPage:
    slug, caller = request.team.slug, request.caller
    query = {"at": str(at) if at != top_of(caller) else ""} | asked

    def address(**changed: str) -> str:
        return objects_address(slug, **{name: value for name, value in (query | changed).items() if value})

    sorts = {"path": "Name", "size": "Size", "called": "Last call", "errors": "Errors"}
    kinds = [("", "Any kind"), *((name, name) for name in registry.kinds)]
    return ObjectsPage(
        slug=slug,
        at=str(at),
        steps=steps(slug, at),
        entries=listing["objects"],
        itself=itself,
        more_address=address(after=listing["next"]) if listing["next"] else "",
        find=asked["find"],
        sort=asked["sort"],
        kinds=[Option(name, label, name == asked["kind"]) for name, label in kinds],
        columns=[
            Column(name, title, address(sort="" if name == "path" else name), name == asked["sort"])
            for name, title in sorts.items()
        ],
        is_deep=is_deep,
        is_failing=bool(asked["error"]),
        shows_errors=shows_errors,
        is_paused=bool(asked["paused"]),
        deep_address=address(deep="" if asked["deep"] else "yes"),
        failing_address=address(error="" if asked["error"] else "yes"),
        paused_address=address(paused="" if asked["paused"] else "yes"),
        plain_address=objects_address(slug, **({"at": str(at)} if at != "/" else {})),
        here=address(),
        may_create=caller.role_at(at) >= Role.EDITOR,
        may_change=any(role >= Role.EDITOR for _, role in caller.grants),
    )


def steps(slug: str, at: ObjectPath) -> list[Step]:
    """Give the folders from the top down to `at`, linked to their tables."""
    way = [*reversed(list(at.ancestors())), at][1:]
    return [Step(each.name, objects_address(slug, at=each)) for each in way]
