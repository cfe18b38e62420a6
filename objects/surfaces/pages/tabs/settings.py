"""Settings: the object's name and place, its tags, what is set here and what it inherits, and the way out."""

from dataclasses import dataclass

from django.http import HttpResponse

from objects.commands.types import show_bytes, show_seconds
from objects.surfaces.pages.object_tabs import TabRequest
from objects.tree.settings import KNOWN


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting in force. is_own: set at this object; else it comes from above, or is the default."""

    name: str
    value: str
    is_own: bool


def show(tab: TabRequest) -> HttpResponse:
    """Show the tab."""
    here, effective = tab.facts["settings"], tab.facts["effective"]
    settings = [Setting(name, _told(name, value), name in here) for name, value in sorted(effective.items())]
    return tab.show(settings=settings, is_root=tab.path == "/")


def _told(name: str, value: float | str) -> str:
    """Write a value for people: 33.6MB, 7d, 10,000, a text as it is."""
    if isinstance(value, str):
        return value or "none"
    unit = KNOWN[name].unit
    return show_bytes(value) if unit == "bytes" else show_seconds(value) if unit == "seconds" else f"{value:,}"
