"""What an object keeps of its tracked pages, in its own file: what they were last, and how they changed."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Literal, Self

import orjson

from browsers.macros.store import Sql
from objects.commands.suggest import did_you_mean
from teams.problems import NoSuch, OverLimit
from teams.seals import is_sealed, seal

FOLDER: Final = "tracked"  # of the files

What = Literal["text", "picture"]


@dataclass(frozen=True, slots=True)
class About:
    """What is looked at. selector: of it, "" is the whole page. ignore: CSS selectors of what does not count.

    threshold: of a picture, the percent of its dots that may differ.
    """

    url: str
    what: What = "text"
    selector: str = ""
    ignore: list[str] = field(default_factory=list)
    threshold: float = 0.1

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Self:
        """Read it from a file, which anybody may have written."""
        fresh = cls("")
        known = {
            each.name: kept[each.name]
            for each in fields(cls)
            if type(kept.get(each.name)) is type(getattr(fresh, each.name))
        }
        known["ignore"] = [str(each) for each in known.get("ignore", [])]
        if known.get("what") not in ("text", "picture"):
            known.pop("what", None)
        return cls(**({"url": ""} | known))


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told of changes, and with whose rights."""

    to: str = ""
    command: str = ""
    mail: str = ""
    hook: str = ""
    caller: str = ""
    by: str = ""

    @property
    def is_somebody(self) -> bool:
        return bool(self.to or self.mail or self.hook)


@dataclass(slots=True)
class Tracked:
    """A tracked page. seen: its text as it was last, or the name of the picture's file; None before the first look."""

    name: str
    about: About
    told: Told = field(default_factory=Told)
    seal: str = ""
    seen: str | None = None
    looked_at: float | None = None
    changed_at: float | None = None
    problem: str = ""

    def is_signed(self, identity: str) -> bool:
        """Whether Grove wrote who is told, for this object; else a file from elsewhere, or a copy, names them."""
        return is_sealed(self.seal, *self._sealed(identity))

    def sign(self, identity: str) -> None:
        """Let those who are told be so."""
        self.seal = seal(*self._sealed(identity))

    def _sealed(self, identity: str) -> tuple[str, ...]:
        return ("tracked", identity, self.name, *asdict(self.told).values())


@dataclass(frozen=True, slots=True)
class Change:
    """How a page changed. share: of the dots of a picture. file: the picture of what differs."""

    name: str
    at: float
    before: str
    after: str
    diff: str
    share: float | None = None
    file: str = ""
    number: int = 0


class Pages:
    """All tracked pages of one object, within one call."""

    def __init__(self, db: Sql) -> None:
        self.db = db

    def all(self) -> list[Tracked]:
        """Give them by name."""
        sql = "SELECT name, about, told, seal, seen, looked_at, changed_at, problem FROM _tracked ORDER BY name"
        return [_tracked(row) for row in self._rows("_tracked", sql)]

    def find(self, name: str) -> Tracked:
        """Give one; raises NoSuch."""
        every = {each.name: each for each in self.all()}
        if name not in every:
            there = did_you_mean(name, every) or " `browser tracked` lists those that there are."
            raise NoSuch(f"{name}: no page is tracked under this name.{there}", field="name")
        return every[name]

    def put(self, page: Tracked, most: int) -> None:
        """Keep one, in place of one of the same name; raises OverLimit."""
        self.db.need("_tracked")
        self.db.run(
            "INSERT OR REPLACE INTO _tracked VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                page.name, orjson.dumps(page.about).decode(), orjson.dumps(page.told).decode(), page.seal, page.seen,
                page.looked_at, page.changed_at, page.problem,
            ),
        )  # fmt: skip
        ((count,),) = self.db.run("SELECT count(*) FROM _tracked")
        if count > most:
            raise OverLimit(
                f"{most} tracked pages are the most here (limit BROWSER_MACROS). `browser untrack` makes room."
            )

    def remove(self, name: str) -> None:
        """Track one no more; raises NoSuch."""
        self.find(name)
        self.db.run("DELETE FROM _tracked WHERE name = ?", (name,))
        if self.db.has("_change"):
            self.db.run("DELETE FROM _change WHERE name = ?", (name,))

    def changes(self, name: str, limit: int, before: int | None = None) -> list[Change]:
        """Give changes, of all pages where no name is given, the latest first."""
        sql = (
            "SELECT name, at, before, after, diff, share, file, number FROM _change"
            " WHERE (?1 = '' OR name = ?1) AND number < ?2 ORDER BY number DESC LIMIT ?3"
        )
        return [Change(*row) for row in self._rows("_change", sql, (name, before or 1 << 62, limit))]

    def note(self, change: Change, keep: int) -> int:
        """Remember a change, and give its number. keep: how many of a page are remembered."""
        self.db.need("_change")
        values = (change.name, change.at, change.before, change.after, change.diff, change.share, change.file)
        ((number,),) = self.db.run(
            "INSERT INTO _change (name, at, before, after, diff, share, file) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " RETURNING number",
            values,
        )
        self.db.run(
            "DELETE FROM _change WHERE name = ?1 AND number NOT IN"
            " (SELECT number FROM _change WHERE name = ?1 ORDER BY number DESC LIMIT ?2)",
            (change.name, keep),
        )
        return int(number)

    def _rows(self, table: str, sql: str, params: Any = ()) -> list[Any]:
        return self.db.run(sql, params) if self.db.has(table) else []


def _tracked(row: Any) -> Tracked:
    name, about, told, *rest = row
    said = orjson.loads(told)
    known = {each.name: str(said[each.name]) for each in fields(Told) if each.name in said}
    return Tracked(name, About.of(orjson.loads(about)), Told(**known), *rest)
