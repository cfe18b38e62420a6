"""History: one line a call, newest first; scrolling down brings the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpResponse

from objects.commands.tabs import Tab
from objects.models import JournalLine
from objects.surfaces.pages.answering import answer, wants_fragment
from objects.surfaces.pages.journals import LINES, journal
from objects.surfaces.pages.object_tabs import TabRequest, frame
from teams.problems import NoSuch

TAB: Final = Tab("History", order=900)


@dataclass(frozen=True, slots=True)
class JournalPage:
    """Some lines, and the address of those before them: "" where that was all."""

    lines: Sequence[JournalLine]
    older: str


def show(tab: TabRequest) -> HttpResponse:
    """Show the lines; `?before=` is where an earlier page ended."""
    if tab.rest:
        raise NoSuch(f"There is nothing at '{tab.rest[:60]}' in the history.")
    text = tab.query.get("before", "")
    before = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
    lines = journal(tab.request.caller, tab.path, before=before)
    older = f"{tab.address}?before={lines[-1].pk}" if len(lines) == LINES else ""
    page = JournalPage(lines, older)
    if before is not None and wants_fragment(tab.request):
        shown = frame(tab.request, tab.path, tab.facts, shown={"journal": page})
        return answer(tab.request, "objects/_journal_lines.html", shown)
    return tab.show(journal=page, is_newest=before is None)
