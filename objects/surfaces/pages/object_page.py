"""Every address below an object: the object, its tabs, its commands. Which it is, the part behind the colon says."""

from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods

from objects.surfaces.pages.addresses import object_address, read
from objects.surfaces.pages.command_page import show_command
from objects.surfaces.pages.object_tabs import OVERVIEW, show_tab
from objects.surfaces.pages.requests import members_only
from teams.pages import TeamRequest


@members_only
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: TeamRequest, address: str) -> HttpResponse:
    """Answer for an object (`/o/a`), one of its tabs (`/o/a:/state`) or one of its commands (`/o/a:state.set`)."""
    path, command = read(address)
    if request.method != "POST":
        query = request.META.get("QUERY_STRING", "")
        if "/" + address != path + (f":{command}" if command else ""):  # a slash at the end, or accents taken apart
            canonical = object_address(request.team.slug, path, command)
            return HttpResponseRedirect(canonical + (f"?{query}" if query else ""))
        if not command:
            return show_tab(request, path, OVERVIEW)
    if command.startswith("/"):  # by POST where what is to be looked at is too long for an address; nothing is changed
        return show_tab(request, path, command.removeprefix("/"))
    return show_command(request, path, command)
