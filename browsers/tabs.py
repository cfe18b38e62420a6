"""Tabs of a browser."""

from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Page

from browsers.addresses import BLANK, is_web


@dataclass(slots=True, eq=False)
class Tab:
    """A tab. page: None while it sleeps: it is then opened again, at its address, when it comes to the front."""

    page: Page | None = None
    url: str = BLANK
    title: str = ""
    scroll: tuple[int, int] = (0, 0)
    storage: dict[str, dict[str, str]] = field(default_factory=dict)  # session storage by origin


def tab_of(kept: Any) -> Tab:
    """Read a tab from a file, which anybody may have written."""
    if not isinstance(kept, dict) or not is_web(str(kept.get("url"))):
        return Tab()
    try:
        x, y = kept["scroll"]
        storage = {str(origin): dict(each) for origin, each in kept["storage"].items()}
        return Tab(None, str(kept["url"]), str(kept["title"]), (int(x), int(y)), storage)
    except (KeyError, TypeError, ValueError, AttributeError):
        return Tab(None, str(kept["url"]))
