"""An object's page, and the form of each of its commands."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

from django.http import HttpResponse, HttpResponseRedirect, QueryDict, StreamingHttpResponse
from django.views.decorators.http import require_http_methods

from objects.commands.bases import Facility, Kind
from objects.commands.help import CommandHelp, help_of_command, purpose_of
from objects.commands.registry import CommandSpec, registry
from objects.commands.types import Download
from objects.engine.calls import Outcome
from objects.models import JournalLine
from objects.surfaces.pages.addresses import object_address, read
from objects.surfaces.pages.answering import answer, retry_after
from objects.surfaces.pages.asking import Question, answers, ask, run
from objects.surfaces.pages.forms import CONFIRMED, RUN, CommandForm, arguments_of, form
from objects.surfaces.pages.journals import LINES, journal
from objects.surfaces.pages.requests import members_only
from objects.surfaces.pages.results import Result, result_of
from objects.tree.paths import ObjectPath
from teams.access import Role
from teams.pages import TeamRequest
from teams.problems import NoSuch, Problem

LISTED: Final = 100  # keys, files or children that the page shows at first
# Forms that stand beside what they change, and the id of that place.
INLINE: Final = {"state.set": "state-title", "files.put": "files-title", "sql": "tables-title"}
PARTS: Final = ("facts", "state", "tables", "files", "journal")

COMMANDS_LISTED_FIRST: Final = ("state", "sql", "files", "tree")


@dataclass(frozen=True, slots=True)
class Crumb:
    """One step of the path, linked."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A command in the list: its form comes when it is opened, or stands open at `anchor` already.

    locked: the role that it needs, where the reader has less.
    """

    spec: CommandSpec
    address: str
    locked: str
    anchor: str


@dataclass(frozen=True, slots=True)
class CommandGroup:
    """The commands of the kind or of one facility."""

    name: str
    purpose: str
    commands: tuple[CommandEntry, ...]
    is_own: bool


@dataclass(frozen=True, slots=True)
class JournalPage:
    """Some lines, and the id to go on with: None where that was all."""

    lines: Sequence[JournalLine]
    next: int | None


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """What templates/objects/object.html shows. Values are those of the commands' own results."""

    slug: str
    path: str
    name: str
    address: str
    crumbs: tuple[Crumb, ...]
    facts: Any
    purpose: str = ""
    role: str = ""
    may_create: bool = False
    state: Any = None
    tables: Sequence[Any] = ()
    files: Any = None
    children: Sequence[Any] = ()
    siblings: Sequence[Any] = ()
    parent: str = ""
    journal: JournalPage | None = None
    groups: tuple[CommandGroup, ...] = ()
    set_state: CommandForm | None = None
    put_file: CommandForm | None = None
    run_sql: CommandForm | None = None


@dataclass(frozen=True, slots=True)
class CommandPage:
    """What templates/objects/command.html shows: a form, its help, and what came of it."""

    slug: str
    path: str
    name: str
    address: str
    crumbs: tuple[Crumb, ...]
    form: CommandForm
    help: CommandHelp
    locked: str = ""
    result: Result | None = None
    next_address: str = ""
    version: int = 0
    done: bool = False
    hidden: tuple[tuple[str, str], ...] = field(default=())  # what was typed, to be sent once more with a yes


@members_only
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: TeamRequest, address: str) -> HttpResponse:
    """Answer for an object, or for one of its commands: the address says which."""
    path, command = read(address)
    if request.method != "POST":
        query = request.META.get("QUERY_STRING", "")
        if "/" + address != path + (f":{command}" if command else ""):  # a slash at the end, or accents taken apart
            canonical = object_address(request.team.slug, path, command)
            return HttpResponseRedirect(canonical + (f"?{query}" if query else ""))
    if command or request.method == "POST":
        return _command(request, path, command)
    return _object(request, path)


# The object


def _object(request: TeamRequest, path: ObjectPath) -> HttpResponse:
    """Show the object. `?part=state` is a part alone, which htmx asks for when something changed."""
    part = request.GET.get("part", "")
    if part == "journal":
        return _journal(request, path)
    facts = ask(request.caller, path, "tree.describe")
    if part in ("crumbs", "facts"):
        return answer(request, "objects/_facts.html", _page(request, path, facts))
    caller, slug = request.caller, request.team.slug
    asked = [
        Question(path, "state.list", {"limit": LISTED}),
        Question(path, "sql.tables"),
        Question(path, "files.list"),
        Question(path, "tree.list"),
    ]
    if path != "/" and caller.sees(path.parent):
        asked.append(Question(path.parent, "tree.list"))
    state, tables, files, children, *siblings = [_value(outcome) for outcome in answers(caller, *asked)]
    commands = registry.commands(facts["kind"])
    origin = f"{request.scheme}://{request.get_host()}"
    forms = {name: form(slug, path, commands[name], origin=origin) for name in INLINE if name in commands}
    page = _page(
        request,
        path,
        facts,
        purpose=purpose_of(registry.kind(facts["kind"])),
        role=caller.role_at(path).word,
        may_create=caller.role_at(path) >= Role.EDITOR,
        state=state,
        tables=tables,
        files=files,
        children=_entries(children),
        siblings=_entries(siblings[0]) if siblings else (),
        parent=str(path.parent) if siblings else "",
        journal=_journal_page(request, path),
        groups=_groups(request, path, facts["kind"]),
        set_state=_if_may(request, path, forms.get("state.set")),
        put_file=_if_may(request, path, forms.get("files.put")),
        run_sql=_if_may(request, path, forms.get("sql")),
    )
    template = f"objects/_{part}.html" if part in PARTS else "objects/object.html"
    return answer(request, template, page)


def _page(request: TeamRequest, path: ObjectPath, facts: Any, **more: Any) -> ObjectPage:
    slug = request.team.slug
    name = path.name or request.team.name
    return ObjectPage(slug, str(path), name, object_address(slug, path), _crumbs(slug, path), facts, **more)


def _crumbs(slug: str, path: ObjectPath) -> tuple[Crumb, ...]:
    above = [*reversed(list(path.ancestors()))]
    return tuple(Crumb(each.name, object_address(slug, each)) for each in above)


def _value(outcome: Outcome) -> Any:
    if outcome.problem is not None:
        raise outcome.problem
    return outcome.value


def _entries(listing: Any) -> Sequence[Any]:
    """Give the entries of what `tree.list` answered."""
    return listing["objects"]  # type: ignore[no-any-return]


def _if_may(request: TeamRequest, path: ObjectPath, made: CommandForm | None) -> CommandForm | None:
    """Leave out a form that the reader may not send: the list of commands says which role that needs."""
    return made if made is not None and not _locked(request, path, made.spec) else None


def _locked(request: TeamRequest, path: ObjectPath, spec: CommandSpec) -> str:
    return spec.needs.word if request.caller.role_at(path) < spec.needs else ""


def _groups(request: TeamRequest, path: ObjectPath, kind_name: str) -> tuple[CommandGroup, ...]:
    kind = registry.kind(kind_name)
    facilities = sorted(
        registry.facilities.values(),
        key=lambda each: COMMANDS_LISTED_FIRST.index(each.name) if each.name in COMMANDS_LISTED_FIRST else 99,
    )
    groups = []
    owners: list[type[Kind[Any] | Facility]] = [kind, *facilities]
    for owner in owners:
        entries = tuple(_entry(request, path, spec) for spec in registry.own_commands(owner).values())
        if entries:
            groups.append(CommandGroup(owner.name, purpose_of(owner), entries, is_own=owner is kind))
    return tuple(groups)


def _entry(request: TeamRequest, path: ObjectPath, spec: CommandSpec) -> CommandEntry:
    locked = _locked(request, path, spec)
    anchor = "" if locked else INLINE.get(spec.name, "")
    return CommandEntry(spec, object_address(request.team.slug, path, spec.name), locked, anchor)


def _journal_page(request: TeamRequest, path: ObjectPath) -> JournalPage:
    text = request.GET.get("before", "")
    before = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
    lines = journal(request.caller, path, before=before)
    return JournalPage(lines, lines[-1].pk if len(lines) == LINES else None)


def _journal(request: TeamRequest, path: ObjectPath) -> HttpResponse:
    facts = ask(request.caller, path, "tree.describe")
    page = _page(request, path, facts, journal=_journal_page(request, path))
    fragment = "objects/_journal_lines.html" if request.GET.get("before") else "objects/_journal.html"
    return answer(request, "objects/journal.html", page, fragment=fragment)


# A command


def _command(request: TeamRequest, path: ObjectPath, command: str) -> HttpResponse:
    """Show a command's form; run it when it was sent. A command that only reads also runs from a link."""
    facts = ask(request.caller, path, "tree.describe")
    if not command:
        raise NoSuch("The form names no command.")
    spec = registry.command(facts["kind"], command)
    sent = request.POST if request.method == "POST" else request.GET
    runs = request.method == "POST" or (RUN in sent and spec.verb == "reads")
    if not runs:
        return _form_page(request, path, spec, sent or None)
    try:
        arguments = arguments_of(spec, sent, request.FILES)
        outcome = run(request.caller, path, spec.name, arguments, confirmed=sent.get(CONFIRMED) == "yes")
    except Problem as problem:
        outcome = Outcome(problem=problem)
    if outcome.problem is None and spec.downloads:
        return _download(outcome.value)
    return _form_page(request, path, spec, sent, outcome)


def _form_page(
    request: TeamRequest, path: ObjectPath, spec: CommandSpec, sent: QueryDict | None, outcome: Outcome | None = None
) -> HttpResponse:
    slug = request.team.slug
    problem = outcome.problem if outcome is not None else None
    is_done = outcome is not None and problem is None
    made = form(slug, path, spec, origin=f"{request.scheme}://{request.get_host()}", sent=sent, problem=problem)
    result = result_of(spec, outcome.value) if is_done and outcome is not None else None
    page = CommandPage(
        slug=slug,
        path=str(path),
        name=path.name or request.team.name,
        address=object_address(slug, path),
        crumbs=_crumbs(slug, path),
        form=made,
        help=help_of_command(spec),
        locked=_locked(request, path, spec),
        result=result,
        next_address=_next(made, sent, result),
        version=outcome.version if outcome is not None else 0,
        done=is_done,
        hidden=_kept(sent) if made.is_question and sent is not None else (),
    )
    status = problem.status if problem is not None else HTTPStatus.OK
    response = answer(request, "objects/command.html", page, fragment="objects/_command.html", status=status)
    if is_done and spec.verb != "reads":
        response.headers["HX-Trigger"] = "object-changed"  # what shows the object asks for itself again
    return retry_after(response, problem)


def _next(made: CommandForm, sent: QueryDict | None, result: Result | None) -> str:
    """The address of what follows in a list, for a command that only reads."""
    if result is None or not result.next or made.spec.verb != "reads":
        return ""
    query = {name: sent[name] for name in made.spec.by_name if sent and sent.get(name)}
    return f"{made.address}?{urlencode(query | {'after': result.next, RUN: 'yes'})}"


def _kept(sent: QueryDict) -> tuple[tuple[str, str], ...]:
    """Give all that was typed, for the question's own form. A dangerous command takes no file."""
    return tuple(
        (name, value)
        for name, values in sent.lists()
        if name not in ("csrfmiddlewaretoken", CONFIRMED)
        for value in values
    )


def _download(value: Any) -> HttpResponse:
    """Hand a file out, always to be kept and never shown: what a team's object holds must not run on this site."""
    if isinstance(value, Download):
        name, size_bytes = value.name, value.size
        response: Any = StreamingHttpResponse(value.chunks(), content_type="application/octet-stream")
    else:
        body = base64.b64decode(value["base64"])
        name, size_bytes = value["name"], len(body)
        response = HttpResponse(body, content_type="application/octet-stream")
    plain = name.rpartition("/")[2]
    response.headers["Content-Length"] = str(size_bytes)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(plain, safe='')}"
    response.headers["Cache-Control"] = "private, no-store"
    return response  # type: ignore[no-any-return]
