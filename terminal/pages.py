"""The page that is a terminal alone: `/t/{team}/terminal/{path}`. Its keys and colours are static/src/terminal.js."""

from dataclasses import dataclass

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import re_path
from django.views.decorators.http import require_safe

from objects.surfaces.pages.answering import answer
from objects.surfaces.pages.asking import ask
from objects.surfaces.pages.requests import members_only
from objects.tree.paths import ObjectPath
from teams.pages import TeamRequest
from terminal.templatetags.terminal import terminal_page


@dataclass(frozen=True, slots=True)
class TerminalPage:
    """What templates/terminal/terminal.html shows."""

    slug: str
    path: str


@members_only
@require_safe
def show(request: TeamRequest, address: str) -> HttpResponse:
    """Show the terminal of an object that the reader may see."""
    path = ObjectPath.parse("/" + address)
    slug = request.team.slug
    if "/" + address != path:  # a slash at the end, or accents taken apart
        return HttpResponseRedirect(terminal_page(slug, path))
    ask(request.caller, path, "tree.describe")
    return answer(request, "terminal/terminal.html", TerminalPage(slug, str(path)))


urlpatterns = [re_path(r"^t/(?P<slug>[-\w]+)/terminal/(?P<address>.*)$", show, name="terminal")]
