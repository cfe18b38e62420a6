"""What operators see of a team's objects: that they are there, and how large. Not what they hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from objects.models import Object
from teams.answering import answer
from teams.models import Team
from teams.operating.site import operators_page
from teams.pages.requests import as_number, asked
from teams.schemas import inside

LISTED: Final = 100
PAGE_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Row:
    """An object from outside."""

    path: str
    kind: str
    size: int
    version: int
    changed_at: datetime
    trashed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ObjectsPage:
    """What templates/admin/team_objects.html shows."""

    team: Team
    under: str
    rows: Sequence[Row]
    next: str


@operators_page("teams/<int:number>/objects/", "team_objects")
@require_safe
def team_objects(request: HttpRequest, number: int) -> HttpResponse:
    """List a team's objects in the order of their paths, a page at a time."""
    team = get_object_or_404(Team, pk=number)
    under = asked(request, "under").rstrip("/")
    path, _, text = asked(request, "after").rpartition("@")
    last_id = as_number(text)
    with inside(team.schema_name):
        listed = Object.objects.order_by("path", "id")
        if under:
            listed = listed.filter(path__gte=under, path__lt=under + chr(0x10FFFF))
        if path and last_id is not None:
            listed = listed.filter(path__gte=path).exclude(path=path, id__lte=last_id)
        found = list(
            listed.values_list("path", "kind", "pages", "version", "changed_at", "trashed_at", "id")[: LISTED + 1]
        )
    rows = [Row(each[0], each[1], each[2] * PAGE_BYTES, *each[3:6]) for each in found[:LISTED]]
    follows = ""
    if len(found) > LISTED:
        last = found[LISTED - 1]
        follows = "?" + urlencode({"under": under, "after": f"{last[0]}@{last[6]}"})
    return answer(request, "admin/team_objects.html", ObjectsPage(team, under, rows, follows))
