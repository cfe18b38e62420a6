"""Settings of an object: the limits under which it works, and what it may reach, inherited down the tree.

What is set at an object holds for all that is beneath it, until something nearer says otherwise. An installation's own
limit (`settings.GROVE`, see `config.limits`) is both the default and the ceiling: a team may lower it, never raise it.
Lists of sites narrow what the installation's guard lets through, and are empty by default.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from django.conf import settings as installation

from objects.network.guard import rules
from teams.problems import WrongArgument

Number = int | float
Value = Number | str
SITES_CHARS = 4_000

UNITS: Mapping[str, Mapping[str, float]] = {
    "bytes": {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30},
    "seconds": {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400},
    "rows": {},
}
NUMBER = re.compile(r"(\d[\d_]*(?:\.\d+)?)\s*([a-zA-Z]*)")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name, what it counts, and the limit of the installation that bounds it."""

    name: str
    unit: str  # a key of UNITS
    limit: str  # a name in config.limits
    least: Number
    help: str

    @property
    def most(self) -> Number:
        """The largest value, which is the default too."""
        most: Number = getattr(installation.GROVE, self.limit)
        return most

    @property
    def default(self) -> Number:
        """The value where nothing is set at or above an object."""
        return self.most

    def bounded(self, value: Any) -> Number:
        """Give a value that was set once: the installation's limit, which may be lower by now, bounds it."""
        number: Number = min(value, self.most)
        return number

    def read(self, value: object) -> Number:
        """Check a value, a number or text such as "10MB" or "2.5 s"; raises WrongArgument for the setting's name."""
        number = self._number(value)
        if not self.least <= number <= self.most:
            raise WrongArgument(
                self.name, f"{self.name}: {value} is not between {self.least:,} and {self.most:,} {self.unit}."
            )
        return number

    def _number(self, value: object) -> Number:
        number: Number
        units = UNITS[self.unit]
        if isinstance(value, str) and (match := NUMBER.fullmatch(value.strip())) and match[2] in {"", *units}:
            number = float(match[1].replace("_", "")) * units.get(match[2], 1)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            number = value
        else:
            shown = value if isinstance(value, str) and len(value) <= 40 else type(value).__name__
            known = f", or text with one of {', '.join(units)}" if units else ""
            raise WrongArgument(self.name, f"{self.name}: {shown!r} is not a number of {self.unit}{known}.")
        return number if isinstance(self.default, float) or number % 1 else int(number)


@dataclass(frozen=True, slots=True)
class SiteList:
    """A setting that lists sites, separated by commas: example.com, *.example.com:443, 203.0.113.0/24."""

    name: str
    help: str
    unit: str = "sites"
    default: str = ""

    def bounded(self, value: Any) -> str:
        """Give a value that was set once."""
        return str(value)

    def read(self, value: object) -> str:
        """Check a list; raises WrongArgument for the setting's name."""
        if not isinstance(value, str) or len(value) > SITES_CHARS:
            raise WrongArgument(
                self.name,
                f"{self.name}: write sites such as *.example.com:443, at most {SITES_CHARS:,} characters.",
            )
        parts = [part.strip().lower() for part in value.split(",") if part.strip()]
        try:
            rules(parts)
        except ValueError as error:
            raise WrongArgument(self.name, f"{self.name}: {error}.") from error
        return ", ".join(parts)


KNOWN: Mapping[str, Setting | SiteList] = {
    setting.name: setting
    for setting in (
        Setting("quota.bytes", "bytes", "OBJECT_BYTES", 65_536, "size of the object's SQLite file"),
        Setting("file.bytes", "bytes", "FILE_BYTES", 0, "size of one file in the object"),
        Setting("call.seconds", "seconds", "CALL_SECONDS", 0.01, "time from the arrival of a call to its answer"),
        Setting("result.bytes", "bytes", "RESULT_BYTES", 1_024, "size of a call's answer as JSON"),
        Setting("sql.seconds", "seconds", "SQL_SECONDS", 0.001, "time that one SQL text may take"),
        Setting("sql.rows", "rows", "SQL_ROWS", 1, "rows that one SQL text may answer"),
        Setting("history.keep_seconds", "seconds", "HISTORY_KEEP_S", 0, "how far back the object's past is kept"),
        SiteList("browser.allow", "sites that its browser may open; empty: all that the installation lets through"),
        SiteList("browser.deny", "sites that its browser does not open, also where they are allowed"),
    )
}


class Settings:
    """The settings in force at an object, by attribute: `settings.quota_bytes`, or by name: `settings["quota.bytes"]`.

    effective: what is set at the object and above it, as the tree keeps it. A value above the installation's limit,
    which may have been lowered since, counts as the limit.
    """

    __slots__ = ("effective",)

    def __init__(self, effective: Mapping[str, Any]) -> None:
        self.effective = effective

    def __getitem__(self, name: str) -> Any:
        setting = KNOWN[name]
        value = self.effective.get(name)
        return setting.default if value is None else setting.bounded(value)

    def sites(self, name: str) -> list[str]:
        """Give the entries of a list of sites."""
        return [each for each in str(self[name]).split(", ") if each]

    def as_dict(self) -> dict[str, Value]:
        """Give every known setting with the value in force."""
        return {name: self[name] for name in KNOWN}

    @property
    def quota_bytes(self) -> int:
        return int(self["quota.bytes"])

    @property
    def file_bytes(self) -> int:
        return int(self["file.bytes"])

    @property
    def call_seconds(self) -> float:
        return float(self["call.seconds"])

    @property
    def result_bytes(self) -> int:
        return int(self["result.bytes"])

    @property
    def sql_seconds(self) -> float:
        return float(self["sql.seconds"])

    @property
    def sql_rows(self) -> int:
        return int(self["sql.rows"])

    @property
    def history_keep_seconds(self) -> int:
        return int(self["history.keep_seconds"])


def known(name: str) -> Setting | SiteList:
    """Find a setting by name; raises WrongArgument for "name" with what may have been meant."""
    if name in KNOWN:
        return KNOWN[name]
    close = get_close_matches(name, KNOWN, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    raise WrongArgument("name", f"no setting '{name[:40]}'.{hint} Settings: {', '.join(KNOWN)}.")


def checked(values: Mapping[str, object]) -> dict[str, Value | None]:
    """Check settings to be set; None takes one away. Raises WrongArgument with every wrong one."""
    good: dict[str, Value | None] = {}
    wrong: dict[str, str] = {}
    for name, value in values.items():
        try:
            setting = known(name)
            good[name] = None if value is None else setting.read(value)
        except WrongArgument as problem:
            wrong[name] = problem.detail
    if wrong:
        first, *others = wrong
        raise WrongArgument(first, wrong[first], {name: wrong[name] for name in others})
    return good
