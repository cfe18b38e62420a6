"""The lists of an object: which sites its browser may open, and which not.

They only narrow what the node's guard lets through: no team opens the operator's network to itself.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from objects.network.guard import Rule, rules
from teams.problems import NotAllowed


@dataclass(frozen=True, slots=True)
class Sites:
    """allow: nothing but these, where there are any. deny: never these, also where they are allowed."""

    allow: tuple[Rule, ...] = ()
    deny: tuple[Rule, ...] = ()

    @classmethod
    def read(cls, allow: Iterable[str] = (), deny: Iterable[str] = ()) -> Self:
        """Read entries such as example.com, *.example.com:443, 203.0.113.0/24. Raises ValueError."""
        return cls(rules(allow), rules(deny))

    def check(self, host: str, port: int, addresses: Sequence[str]) -> None:
        """Raise NotAllowed where the lists say no."""
        for each in map(ipaddress.ip_address, addresses):
            if any(rule.fits(host, each, port) for rule in self.deny):
                raise NotAllowed(f"{host}: is on the list of sites that this browser does not open (browser.deny).")
            if self.allow and not any(rule.fits(host, each, port) for rule in self.allow):
                raise NotAllowed(
                    f"{host}: is not on the list of sites that this browser opens (browser.allow). "
                    "Who may change settings here can add it."
                )
