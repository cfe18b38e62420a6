"""The page of a command: its form, its help, and what came of it."""

import base64
import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

from objects.commands.help import CommandHelp, help_of_command
from objects.commands.registry import registry
from objects.commands.shapes import Shape
from objects.commands.spec import CommandSpec
from objects.commands.types import Download
from objects.engine.calls import Outcome
from objects.surfaces.pages import media
from objects.surfaces.pages.addresses import object_address, team_address
from objects.surfaces.pages.answering import answer, retry_after, wants_fragment
from objects.surfaces.pages.asking import ask, run, wait
from objects.surfaces.pages.forms import BACK, CONFIRMED, RUN, SHOW, SHOWN, CommandForm, arguments_of, form
from objects.surfaces.pages.object_tabs import Crumb, crumbs, locked
from objects.surfaces.pages.results import Result, file_block, result_of
from objects.tree.paths import ObjectPath
from teams.pages import TeamRequest
from teams.problems import NoSuch, Problem

TASK_WAIT_S: Final = 5.0  # how long a page waits for a task; then it tells that it was started
RAW: Final = "raw"  # as SHOW: the bytes alone, for what shows them
LEAVES: Final = ("tree.move", "tree.delete")  # after these the object is no longer where it was


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
    started: bool = False  # a task goes on
    hidden: tuple[tuple[str, str], ...] = field(default=())  # what was typed, to be sent once more with a yes


def show_command(request: TeamRequest, path: ObjectPath, command: str) -> HttpResponse:
    """Show a command's form; run it when it was sent. A command that only reads also runs from a link."""
    facts = ask(request.caller, path, "tree.describe")
    if not command:
        raise NoSuch("The form names no command.")
    spec = registry.command(facts["kind"], command)
    sent = request.POST if request.method == "POST" else request.GET
    runs = request.method == "POST" or (RUN in sent and spec.verb == "reads")
    if not runs:
        return _form_page(request, path, spec, sent or None)
    shape = None
    try:
        arguments = arguments_of(spec, sent, request.FILES)
        outcome = run(request.caller, path, spec.name, arguments, confirmed=sent.get(CONFIRMED) == "yes")
        if spec.task and outcome.problem is None:
            is_over, value = wait(request.caller, path, outcome.value["task"], TASK_WAIT_S)
            shape, outcome.value = (None, value) if is_over else (spec.answer_shape, outcome.value)
    except Problem as problem:
        outcome = Outcome(problem=problem)
    if outcome.problem is None and spec.downloads:
        file = _file(outcome.value)
        shows = sent.get(SHOW, "")
        if shows == RAW and file.content_type in media.SHOWN:
            return media.inline(request, file, file.content_type)
        if shows != "yes":
            return media.attachment(request, file)
        outcome.value = file
    if outcome.problem is None and (back := _back(request, sent)):
        return _return(request, spec, outcome, back, goes_on=shape is not None)
    return _form_page(request, path, spec, sent, outcome, shape)


def _form_page(
    request: TeamRequest,
    path: ObjectPath,
    spec: CommandSpec,
    sent: QueryDict | None,
    outcome: Outcome | None = None,
    shape: Shape | None = None,
) -> HttpResponse:
    slug = request.team.slug
    problem = outcome.problem if outcome is not None else None
    is_done = outcome is not None and problem is None
    made = form(slug, path, spec, origin=f"{request.scheme}://{request.get_host()}", sent=sent, problem=problem)
    result = None
    if is_done and outcome is not None and isinstance(outcome.value, Download):
        result = Result((file_block(outcome.value, _again(made, sent, RAW), _again(made, sent)),))
    elif is_done and outcome is not None:
        result = result_of(spec, outcome.value, shape)
    page = CommandPage(
        slug=slug,
        path=str(path),
        name=path.name or request.team.name,
        address=object_address(slug, path),
        crumbs=crumbs(slug, path),
        form=made,
        help=help_of_command(spec),
        locked=locked(request, path, spec),
        result=result,
        next_address=_next(made, sent, result),
        version=outcome.version if outcome is not None else 0,
        done=is_done,
        started=shape is not None,
        hidden=_kept(sent) if made.is_question and sent is not None else (),
    )
    status = problem.status if problem is not None else HTTPStatus.OK
    is_elsewhere = sent is not None and sent.get(SHOWN) == "result"
    fragment = "objects/_outcome.html" if is_elsewhere else "objects/_command.html"
    response = answer(request, "objects/command.html", page, fragment=fragment, status=status)
    if outcome is not None and is_done and spec.verb != "reads":
        response.headers["HX-Trigger"] = _news(outcome)
    return retry_after(response, problem)


def _news(outcome: Outcome, said: str = "") -> str:
    """Tell the page that the object changed: what shows it asks for itself again."""
    news: dict[str, Any] = {"object-changed": {"version": outcome.version}}
    return json.dumps(news | {"grove-said": {"text": said}} if said else news)


def _said(spec: CommandSpec, value: Any) -> str:
    """Say in a line what was done."""
    told = f": {spec.result_shape.show(value)}" if isinstance(value, int | float | str) else ""
    return f"{spec.words} done{told}"


def _back(request: TeamRequest, sent: QueryDict) -> str:
    """The page of this site that the form stands in and comes back to, "" where it names none."""
    back = sent.get(BACK, "")
    return back if back and url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}) else ""


def _return(
    request: TeamRequest, spec: CommandSpec, outcome: Outcome, back: str, *, goes_on: bool = False
) -> HttpResponse:
    """Go back to where the form stands. htmx stays there: what shows the object asks for itself again."""
    if spec.name in LEAVES:  # the object is no longer where the form stands
        gone = spec.name == "tree.delete"
        to = team_address(request.team.slug) if gone else object_address(request.team.slug, outcome.value["path"])
        if wants_fragment(request):
            return HttpResponseClientRedirect(to)
        return HttpResponseRedirect(to, status=HTTPStatus.SEE_OTHER)
    said = f"{spec.words} goes on" if goes_on else _said(spec, outcome.value)
    if wants_fragment(request):
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"HX-Trigger": _news(outcome, said)})
    messages.success(request, said)
    return HttpResponseRedirect(back, status=HTTPStatus.SEE_OTHER)


def _next(made: CommandForm, sent: QueryDict | None, result: Result | None) -> str:
    """The address of what follows in a list, for a command that only reads."""
    if result is None or not result.next or made.spec.verb != "reads":
        return ""
    query = {name: sent[name] for name in made.spec.by_name if sent and sent.get(name)}
    return f"{made.address}?{urlencode(query | {'after': result.next, RUN: 'yes'})}"


def _again(made: CommandForm, sent: QueryDict | None, show: str = "") -> str:
    """The address of the same call once more, of a command that only reads: for its bytes as they are."""
    pairs = [
        (name, each) for name, values in (sent or QueryDict()).lists() if name in made.spec.by_name for each in values
    ]
    return f"{made.address}?{urlencode([*pairs, (RUN, 'yes'), *([(SHOW, show)] if show else [])])}"


def _kept(sent: QueryDict) -> tuple[tuple[str, str], ...]:
    """Give all that was typed, for the question's own form. A dangerous command takes no file."""
    return tuple(
        (name, value)
        for name, values in sent.lists()
        if name not in ("csrfmiddlewaretoken", CONFIRMED)
        for value in values
    )


def _file(value: Any) -> Download:
    """Give the file that a call answered; a stored answer has its bytes in base64."""
    if isinstance(value, Download):
        return value
    return Download(value["name"], base64.b64decode(value["base64"]), content_type=value["type"])
