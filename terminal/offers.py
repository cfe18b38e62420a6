"""What may be meant by what is typed, ranked by how well it fits."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MOST: Final = 200  # offers; who sees more types another letter


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that may be meant, before it is ranked. is_open: more of the same word may follow it."""

    name: str
    help: str = ""
    is_open: bool = False


def ranked(typed: str, offers: Iterable[Offer]) -> list[Offer]:
    """Keep the offers that fit, in the order of how well; those that fit alike in the order they came."""
    found: list[tuple[int, Offer]] = []
    folded = typed.casefold()
    seen: set[str] = set()
    for each in offers:
        if each.name in seen:
            continue
        place = _fit(typed, folded, each.name)
        if place is not None:
            seen.add(each.name)
            found.append((place, each))
    # What is less likely is for when nothing likelier fits: letters in the midst of a word, and scattered about.
    best = min((place for place, _ in found), default=0)
    worst = 2 if best <= 1 else 3 if best <= 3 else 4
    found = [each for each in found if each[0] <= worst]
    found.sort(key=lambda each: each[0])
    return [each for _, each in found[:MOST]]


def _fit(typed: str, folded: str, name: str) -> int | None:
    if name.startswith(typed):
        return 0
    lower = name.casefold()
    if lower.startswith(folded):
        return 1
    at = lower.find(folded)
    if at > 0:
        return 2 if not lower[at - 1].isalnum() else 3
    letters = iter(lower)
    return 4 if len(folded) > 1 and all(char in letters for char in folded) else None
