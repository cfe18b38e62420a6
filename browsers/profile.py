"""What a browser keeps in its object's file: named parts, each a JSON text, in the table `_browser`.

    stamp       changes with every save: by it who has the browser awake sees whether the file is what it saved
    cookies     as Playwright gives and takes them
    settings    viewport, time zone and the like, as the commands set them
    tabs        which tab is in front, and of each its address, title, scroll position and session storage by origin
    origin …    of each origin its local storage and its databases

A file may come from anywhere, so nothing in it is trusted: addresses are checked when they are opened, settings when
they are read.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import orjson

from teams.problems import Conflict, TooLarge

TABLE: Final = "_browser"
ORIGIN: Final = "origin "

Parts = dict[str, str]


def read(context: Any, known: str | None) -> Parts | None:
    """Give a browser's parts as its object's file has them; None where the stamp is the one that is known."""
    db = context.db
    if not db.has(TABLE):
        return None if known == "" else {}
    stamp = db.run("SELECT value FROM _browser WHERE part = 'stamp'")
    if stamp and known == orjson.loads(stamp[0][0]):
        return None
    return dict(db.run("SELECT part, value FROM _browser"))


def stamp_of(parts: Mapping[str, str]) -> str:
    """Give the stamp of what was read; "" where nothing was ever saved."""
    return str(orjson.loads(parts["stamp"])) if "stamp" in parts else ""


def stamped(parts: Mapping[str, str]) -> Parts:
    """Give parts with a stamp of their own."""
    return {**parts, "stamp": orjson.dumps(uuid4().hex).decode()}


def write(context: Any, old: Mapping[str, str], new: Mapping[str, str], most_bytes: int) -> None:
    """Save what differs. old: as it was read or saved last.

    Raises TooLarge; Conflict where the file has been changed since by somebody else.
    """
    size_bytes = sum(map(len, new.values()))
    if size_bytes > most_bytes:
        raise TooLarge(
            f"Its cookies and storage would take {size_bytes:,} bytes, more than {most_bytes:,} (limit "
            "BROWSER_PROFILE_BYTES), so they were not saved. `browser storage --clear` makes room."
        )
    db = context.db
    found = db.run("SELECT value FROM _browser WHERE part = 'stamp'") if db.has(TABLE) else []
    if (str(orjson.loads(found[0][0])) if found else "") != stamp_of(old):
        raise Conflict("The object was put back or replaced meanwhile, with another state of its browser. Do it again.")
    db.need(TABLE)
    for part in old.keys() - new.keys():
        db.run("DELETE FROM _browser WHERE part = ?", (part,))
    for part, value in new.items():
        if old.get(part) != value:
            db.run("INSERT INTO _browser VALUES (?1, ?2) ON CONFLICT (part) DO UPDATE SET value = ?2", (part, value))


def packed(value: Any) -> str:
    """Give a part's text."""
    return orjson.dumps(value).decode()


def unpacked(parts: Mapping[str, str], part: str, otherwise: Any) -> Any:
    """Give what a part says, or something of the same type where it is missing or of another type."""
    value: Any = orjson.loads(parts[part]) if part in parts else otherwise
    return value if isinstance(value, type(otherwise)) else otherwise
