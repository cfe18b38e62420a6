"""Settings: the object's name and place, its tags, what is set here and what it inherits, and the way out."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse

from objects.surfaces.pages.object_tabs import TabRequest


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting in force. is_own: set at this object; else it comes from above, or is the default."""

    name: str
    value: Any
    is_own: bool


def show(tab: TabRequest) -> HttpResponse:
    """Show the tab."""
    here, effective = tab.facts["settings"], tab.facts["effective"]
    settings = [Setting(name, value, name in here) for name, value in sorted(effective.items())]
    return tab.show(settings=settings, is_root=tab.path == "/")
