"""What a kind or a facility shows of itself on an object's page: a tab, declared once, beside its commands.

    class Cron(Facility):
        tab = Tab("Schedules", order=200, asks={"jobs": Asks("cron.list", takes=("after",))})

is the tab at `/t/{team}/o/{path}:/cron`, shown by `templates/tabs/cron.html`, where `page.shown.jobs` is what
`cron.list` answered. Where a template is not enough, a module of the tab's name in `objects/surfaces/pages/tabs/` has a
function `show`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Asks:
    """A command that only reads, and is asked for what the tab shows.

    arguments: always given. takes: arguments that the query of the tab's address may give: `?after=x`.
    """

    command: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    takes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of the object's page. Those of the lowest order stand first; Overview is 0 and Settings 1,000.

    name: its place in the address; that of the kind or facility where it is left out.
    asks: what the template finds in `page.shown`, by name. live: all of it is fetched again when the object changed;
    where not, its parts do that themselves.
    """

    title: str
    order: int
    name: str = ""
    asks: Mapping[str, Asks] = field(default_factory=dict)
    live: bool = True

    def __post_init__(self) -> None:
        if self.name and not NAME.fullmatch(self.name):
            raise ValueError(f"the tab '{self.name}': its name is of small letters, digits and _.")

    @property
    def template(self) -> str:
        """What shows it, unless a function does."""
        return f"tabs/{self.name}.html"
