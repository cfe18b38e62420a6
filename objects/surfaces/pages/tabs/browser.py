"""The browser: its page as it is now, and as it was seen last for those without scripts; and its recordings."""

from typing import Any, Final

from django.http import HttpResponse

from objects.surfaces.pages.browser_macros import is_of_browser, key, macros_of
from objects.surfaces.pages.object_tabs import TabRequest
from objects.surfaces.pages.recordings import recording, recordings
from objects.surfaces.pages.traces import SUFFIX, trace

RUNS: Final = 5  # of scripts
LOOKED_AT: Final = 30  # tasks, for the last that has a picture


def show(tab: TabRequest) -> HttpResponse:
    """Show where it is; the live view is added by scripts. Beneath it: a recording (`:/browser/session`), a trace."""
    if tab.rest:
        if tab.rest.endswith(SUFFIX):
            return tab.show("tabs/browser_trace.html", trace=trace(tab, tab.rest))
        shown = recording(tab, tab.rest)
        return tab.show("tabs/browser_recording.html", recording=shown)
    mine = [each for each in tab.ask("task.list", limit=LOOKED_AT) if is_of_browser(tab, each["command"])]
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
        scripts=_scripts(tab, mine) if tab.may("browser.run") else None,
    )


def _scripts(tab: TabRequest, tasks: list[Any]) -> dict[str, Any]:
    """Give the scripts that were approved, and how the newest runs went."""
    runs = [each["task"] for each in tasks if is_of_browser(tab, each["command"], "run")][:RUNS]
    return {
        "lines": [{**each, "key": key(each["name"])} for each in tab.ask("browser.scripts")],
        "runs": tab.answers(*(("task.show", {"task": each}) for each in runs)),
    }


def _last_seen(tab: TabRequest, tasks: list[Any]) -> Any:
    """Give what the newest command with a picture answered."""
    for each in tasks:
        if each["state"] == "done":
            value = tab.ask("task.show", task=each["task"])["value"]
            if isinstance(value, dict) and value.get("picture") and value.get("url"):
                return value
    return None
