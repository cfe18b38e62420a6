"""The browser: its page as it is now, and as it was seen last for those without scripts; and its recordings."""

from typing import Any, Final

from django.http import HttpResponse

from objects.surfaces.pages.browser_macros import macros_of
from objects.surfaces.pages.object_tabs import TabRequest
from objects.surfaces.pages.recordings import recording, recordings
from objects.surfaces.pages.traces import SUFFIX, trace

LOOKED_AT: Final = 30  # tasks, for the last that has a picture


def show(tab: TabRequest) -> HttpResponse:
    """Show where it is; the live view is added by scripts. Beneath it: a recording (`:/browser/session`), a trace."""
    if tab.rest:
        if tab.rest.endswith(SUFFIX):
            return tab.show("tabs/browser_trace.html", trace=trace(tab, tab.rest))
        shown = recording(tab, tab.rest)
        return tab.show("tabs/browser_recording.html", recording=shown)
    mine = [each for each in tab.ask("task.list", limit=LOOKED_AT) if each["command"].startswith("browser.")]
    problem = tab.ask("task.show", task=mine[0]["task"])["problem"] if mine and mine[0]["state"] == "failed" else None
    may_drive = tab.may("browser.click")
    return tab.show(
        last=_last_seen(tab, mine),
        problem=problem,
        may_drive=may_drive,
        wakes=may_drive and bool(tab.ask("browser.kept")),
        waiting=[each for each in reversed(mine) if each["state"] == "waiting"],
        recordings=recordings(tab),
        macros=macros_of(tab),
        scripts=tab.ask("browser.scripts") if tab.may("browser.run") else None,
    )


def _last_seen(tab: TabRequest, tasks: list[Any]) -> Any:
    """Give what the newest command with a picture answered."""
    for each in tasks:
        if each["state"] == "done":
            value = tab.ask("task.show", task=each["task"])["value"]
            if isinstance(value, dict) and value.get("picture") and value.get("url"):
                return value
    return None
