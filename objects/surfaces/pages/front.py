"""A team's front page: what is happening now, what is wrong, what is large, and how to begin."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_safe

from objects import starts
from objects.starts import Start
from objects.surfaces.pages import happenings
from objects.surfaces.pages.addresses import team_address
from objects.surfaces.pages.answering import answer, wants_fragment
from objects.surfaces.pages.asking import Question, answers, top_of
from objects.surfaces.pages.gallery import folder_of
from objects.surfaces.pages.happenings import Amount, Happening, Pace
from objects.surfaces.pages.objects_page import take_in_what_happened
from objects.surfaces.pages.requests import members_only
from teams.pages import TeamRequest

LISTED: Final = 8
SHOWN_STARTS: Final = 4
PARTS: Final = ("pace", "recent")


@dataclass(frozen=True, slots=True)
class FrontPage:
    """What templates/objects/front.html shows. Entries are those of `tree.find`."""

    slug: str
    amount: Amount | None
    pace: Pace
    recent: Sequence[Happening]
    failed: Sequence[Happening]
    largest: Sequence[Any]
    starts: Sequence[Start]
    folder: str
    is_empty: bool

    @property
    def most_bytes(self) -> int:
        """The size of the largest, which the others are drawn beside."""
        return max((each["size"] for each in self.largest), default=1) or 1


@members_only
@require_safe
def front(request: TeamRequest) -> HttpResponse:
    """Show the page; htmx gets it part by part, again and again while somebody looks."""
    slug, caller = request.team.slug, request.caller
    part = request.GET.get("part", "")
    take_in_what_happened(request)
    largest: Sequence[Any] = ()
    is_empty = False
    if part not in PARTS:
        top = top_of(caller)
        sized, any_at_all = answers(
            caller,
            Question(top, "tree.find", {"sort": "size", "limit": LISTED}),
            Question(top, "tree.find", {"limit": 1}),
        )
        if sized.problem is not None:
            raise sized.problem
        largest = [each for each in sized.value["objects"] if each["size"]]
        is_empty = top == "/" and any_at_all.value is not None and not any_at_all.value["objects"]
    schema = request.team.schema_name
    page = FrontPage(
        slug=slug,
        amount=happenings.known_amount(caller),
        pace=happenings.pace(caller, schema) if part != "recent" else happenings.NO_PACE,
        recent=happenings.latest(caller, schema) if part != "pace" else (),
        failed=happenings.failed(caller, schema) if not part else (),
        largest=largest,
        starts=tuple(starts.starts())[: None if is_empty else SHOWN_STARTS],
        folder=str(folder_of(caller)),
        is_empty=is_empty,
    )
    template = f"objects/_front_{part}.html" if part in PARTS else "objects/front.html"
    return answer(request, template, page)


@members_only
@require_safe
def amount(request: TeamRequest) -> HttpResponse:
    """Give how many objects there are and how large they are together: a fragment, since to count takes a moment."""
    counted = happenings.amount(request.caller)
    if not wants_fragment(request):  # it is known now, so the page shows it
        return HttpResponseRedirect(team_address(request.team.slug))
    return answer(request, "objects/_front_amount_alone.html", counted)
