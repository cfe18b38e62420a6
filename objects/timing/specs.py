"""What people write for times: a cron line, @daily, `every 90s`, `at 2026-12-24T18:00`, a recurrence rule (RRULE).

`read` makes a `Spec` of it, which knows the moments that it means. Where a text is wrong it is told which field of it,
why, and what would be right.
"""

import datetime as dt
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

import dateutil.rrule
from cron_descriptor import CasingTypeEnum, ExpressionDescriptor, Options
from cronsim import CronSim, CronSimError
from dateutil.rrule import DAILY, HOURLY, WEEKLY, rrule, rrulestr

from objects.commands.suggest import did_you_mean
from objects.commands.types import Seconds, show_seconds
from objects.timing.wallclock import LAST, Dst, moment_of, next_moment, zone_of
from teams.problems import WrongArgument

FIELD: Final = "spec"
LONGEST: Final = 500  # characters
EXAMPLES: Final = '"*/5 * * * *", "@daily", "every 90s", "at 2026-12-24T18:00" or "RRULE:FREQ=WEEKLY;BYDAY=MO"'
MACROS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
# Name, least, most, and the words that stand for numbers.
MONTHS: Final = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
DAYS: Final = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
FIELDS: Final[list[tuple[str, int, int, list[str]]]] = [
    ("second", 0, 59, []),
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day of the month", 1, 31, []),
    ("month", 1, 12, MONTHS),
    ("day of the week", 0, 7, DAYS),
]
DAY_TIMES: Final = 100  # of a recurrence rule
RULE_COUNT: Final = 10_000
LAST_YEAR: Final = 2200  # in which a rule can mean something

# A rule that means nothing, such as the 30th of February, makes dateutil (2.9) look day by day up to the last year that
# Python knows, 3 s of it, and its UNTIL is heeded only where something is found. So Python knows fewer years to it.
vars(dateutil.rrule)["datetime"] = SimpleNamespace(**vars(dt) | {"MAXYEAR": LAST_YEAR})


class Spec:
    """Moments that a text means."""

    def after(self, moment: float) -> float | None:
        """Give the first moment after one (Unix seconds); None where there is none any more."""
        raise NotImplementedError

    def words(self) -> str:
        """Say in words when it is."""
        raise NotImplementedError


def read(text: str, *, zone: str, dst: Dst, made_at: float) -> Spec:
    """Read a text. made_at: where `every` counts from, and a rule begins that does not say.

    Raises WrongArgument for "spec" or "zone".
    """
    return _read(text, zone, dst, made_at)


@lru_cache(maxsize=1_024)  # a schedule that fires asks several times, and a text of the clock means the same to many
def _read(text: str, zone: str, dst: Dst, made_at: float) -> Spec:
    place = read_zone(zone)
    line = " ".join(text.split())
    if not line:
        raise wrong(f"when? Write {EXAMPLES}.")
    if len(line) > LONGEST:
        raise wrong(f"has {len(line)} characters; {LONGEST} are the most.")
    first, _, rest = line.partition(" ")
    word = first.lower()
    if word == "every":
        return _every(rest, made_at)
    if word == "at":
        return _at(rest, place)
    if word.startswith("@"):
        if word not in MACROS:
            near = did_you_mean(word, MACROS)
            raise wrong(f"no '{first}'.{near} There are {', '.join(MACROS)}.")
        return Moments(Cron(MACROS[word]), place, dst)
    if word.startswith(("rrule", "freq=")) or "FREQ=" in line.upper():
        return Moments(_rule(line, place, made_at), place, dst)
    return Moments(_cron(line), place, dst)


def read_zone(name: str) -> ZoneInfo:
    """Find a time zone by its IANA name, or say which is near."""
    try:
        return zone_of(name)
    except KeyError:
        known = available_timezones()
        folded = {each.lower(): each for each in known} | {each.rpartition("/")[2].lower(): each for each in known}
        same = folded.get(name.lower().replace(" ", "_"))
        near = f" Did you mean '{same}'?" if same else did_you_mean(name, known)
        raise WrongArgument(
            "zone", f"no time zone '{name[:60]}'.{near} They are named as Europe/Berlin, America/New_York, UTC."
        ) from None


def wrong(message: str) -> WrongArgument:
    """Refuse the text of a schedule."""
    return WrongArgument(FIELD, f"spec: {message}")


# ---- Every so often, and once ----


@dataclass(frozen=True, slots=True)
class Every(Spec):
    """Again and again, a whole number of `seconds` after the anchor."""

    seconds: float
    anchor: float

    def after(self, moment: float) -> float | None:
        if moment < self.anchor:
            return self.anchor + self.seconds if moment + self.seconds < self.anchor else self._next(moment)
        return self._next(moment)

    def _next(self, moment: float) -> float:
        number = max(1, int((moment - self.anchor) / self.seconds) + 1)
        found = self.anchor + number * self.seconds
        return found if found > moment else found + self.seconds

    def words(self) -> str:
        return f"every {show_seconds(self.seconds)}"


@dataclass(frozen=True, slots=True)
class At(Spec):
    """Once."""

    moment: float
    zone: ZoneInfo

    def after(self, moment: float) -> float | None:
        return self.moment if self.moment > moment else None

    def words(self) -> str:
        return f"once, {datetime.fromtimestamp(self.moment, self.zone):%a %-d %b %Y %H:%M:%S} ({self.zone.key})"


def _every(text: str, made_at: float) -> Every:
    try:
        seconds = Seconds.__metadata__[0].load(text.replace(" ", ""))  # type: ignore[attr-defined]
    except ValueError:
        raise wrong(f"every '{text[:40]}'? Write a duration: every 90s, every 5m, every 1h30m; in quotes.") from None
    if not 1 <= seconds <= 10 * 366 * 86_400:
        raise wrong(f"every {show_seconds(seconds)}: from 1s to ten years it can be.")
    return Every(seconds, made_at)


def _at(text: str, zone: ZoneInfo) -> At:
    try:
        moment = datetime.fromisoformat(text.replace(" ", "T"))
        if moment.tzinfo is not None:
            return At(moment.timestamp(), zone)
        return At(moment_of(moment, zone), zone)
    except (ValueError, OverflowError):
        raise wrong(
            f"at '{text[:40]}' is no moment. Write it as at 2026-12-24T18:00, by the clocks of the schedule's zone, "
            "or with an offset: at 2026-12-24T18:00Z; in quotes."
        ) from None


# ---- By the clock on the wall ----


@dataclass(frozen=True, slots=True)
class Moments(Spec):
    """Whenever the clock of a place shows what a pattern means."""

    pattern: Any
    zone: ZoneInfo
    dst: Dst

    def after(self, moment: float) -> float | None:
        try:
            return next_moment(self.pattern, moment, self.zone, self.dst)
        except OverflowError:
            return None

    def words(self) -> str:
        return f"{self.pattern.words()} ({self.zone.key})"


class Cron:
    """A line of five or six fields."""

    def __init__(self, line: str) -> None:
        self.line = line.upper()
        *_, minute, hour, _, _, _ = self.line.split()
        self.is_fixed = not minute.startswith("*") and not hour.startswith("*")

    def after(self, wall: datetime) -> datetime | None:
        if wall > LAST:
            return None
        try:
            return next(CronSim(self.line, wall))
        except StopIteration:
            return None

    def words(self) -> str:
        return _described(self.line)


@lru_cache(maxsize=1024)
def _described(line: str) -> str:
    options = Options()
    options.use_24hour_time_format = True
    options.casing_type = CasingTypeEnum.LowerCase
    try:
        return str(ExpressionDescriptor(line, options).get_description())
    except Exception:  # noqa: BLE001 -- cron-descriptor 1.4.5 does not know all that cronsim does, and raises anything
        return f"at {line}"


def _cron(line: str) -> Cron:
    parts = line.upper().split()
    if len(parts) not in {5, 6}:
        if len(parts) == 1:
            raise wrong(f"'{line[:40]}' is no time. Write {EXAMPLES}, in quotes.")
        raise wrong(
            f"'{line[:60]}' has {len(parts)} fields; a cron line has five (minute, hour, day of the month, month, "
            "day of the week), or six with the second in front."
        )
    for (name, least, most, names), part in zip(FIELDS[-len(parts) :], parts, strict=True):
        _check_field(name, least, most, names, part)
    try:
        CronSim(line, datetime(2024, 1, 1))  # noqa: DTZ001 -- on the wall
    except CronSimError as error:
        raise wrong(f"day of the month: '{line[:60]}' never comes ({error}): no such month has such a day.") from None
    return Cron(line)


def _check_field(name: str, least: int, most: int, names: list[str], part: str) -> None:
    """Refuse a field, with what in it is wrong and what may be there."""
    for piece in part.split(","):
        base, slash, step = piece.partition("/")
        if slash and (not step.isdecimal() or int(step) == 0 or len(step) > 4):
            raise wrong(f"{name}: '/{step[:20]}' is no step. Write a number of 1 or more: */5, 10-50/5.")
        if base in {"*", ""}:
            if base == "":
                raise wrong(f"{name}: '{part[:40]}' lacks a value. Write *, {least}, {least}-{most} or */5.")
            continue
        if name == "day of the month" and base in {"L", "LW"}:
            continue
        if name == "day of the week":
            base = re.sub(r"(#[1-5]|L)$", "", base) if not re.fullmatch(r"[A-Z]{3}", base) else base
        low, dash, high = base.partition("-")
        ends = [low, high] if dash else [low]
        numbers = [_number(name, least, most, names, end, part) for end in ends]
        if len(numbers) == 2 and numbers[0] > numbers[1]:
            raise wrong(f"{name}: {base} runs backwards. Write {high}-{low}, or {low}-{most},{least}-{high}.")


def _number(name: str, least: int, most: int, names: list[str], text: str, part: str) -> int:
    if text in names:
        return names.index(text) + least
    if not text.isdecimal() or len(text) > 4:
        near = _near_name(text, names)
        also = f", or {names[0].lower()} to {names[-1].lower()}" if names else ""
        raise wrong(f"{name}: '{text[:40]}' is no value.{near} It takes {least} to {most}{also}, *, and lists of them.")
    if not least <= int(text) <= most:
        unit = name[0] if name in {"second", "minute", "hour"} and part == text and int(text) > most else ""
        hint = f' For every {int(text)} {name}s write "every {int(text)}{unit}".' if unit else ""
        raise wrong(f"{name}: {text} is not between {least} and {most}.{hint}")
    return int(text)


def _near_name(text: str, names: list[str]) -> str:
    """Give " Did you mean 'mon'?" for a day or a month that is written otherwise."""
    long = {"SUN": "SUNDAY", "MON": "MONDAY", "TUE": "TUESDAY", "WED": "WEDNESDAY", "THU": "THURSDAY", "FRI": "FRIDAY"}
    long |= {"SAT": "SATURDAY", "JAN": "JANUARY", "FEB": "FEBRUARY", "MAR": "MARCH", "APR": "APRIL", "JUN": "JUNE"}
    long |= {"JUL": "JULY", "AUG": "AUGUST", "SEP": "SEPTEMBER", "OCT": "OCTOBER", "NOV": "NOVEMBER", "DEC": "DECEMBER"}
    near = get_close_matches(text[:20], [long.get(name, name) for name in names], n=1, cutoff=0.6)
    return f" Did you mean '{near[0][:3].lower()}'?" if near else ""


# ---- Recurrence rules ----


class Rule:
    """An RRULE (RFC 5545), by the clock on the wall."""

    is_fixed = True

    def __init__(self, rule: rrule, text: str) -> None:
        self.rule = rule
        self.text = text

    def after(self, wall: datetime) -> datetime | None:
        found = _forward(self.rule, wall).after(wall)
        return found if found is not None and found < LAST else None

    def words(self) -> str:
        return f"by the rule {self.text}"


def _forward(rule: rrule, wall: datetime) -> rrule:
    """Begin a rule nearer to a time, where that changes nothing: dateutil goes through all from the beginning."""
    known: dict[str, Any] = vars(rule)
    start = known["_dtstart"]
    if known["_count"] is not None or known["_freq"] not in {DAILY, WEEKLY} or wall <= start:
        return rule
    step = timedelta(days=known["_interval"] * (7 if known["_freq"] == WEEKLY else 1))
    return rule.replace(dtstart=start + max(0, (wall - start) // step - 1) * step)


def _rule(line: str, zone: ZoneInfo, made_at: float) -> Rule:
    text = re.sub(r"^RRULE:", "", line, flags=re.IGNORECASE).replace(" ", "").upper()
    if "DTSTART" in text:
        raise wrong("a rule has no DTSTART here. Say --start, and --zone.")
    parts = dict(part.partition("=")[::2] for part in text.split(";") if part)
    start = datetime.fromtimestamp(made_at, UTC).astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)
    if "BYHOUR" in parts and "BYMINUTE" not in parts:
        start = start.replace(minute=0)
    until = parts.get("UNTIL", "")
    if until.endswith("Z"):
        text = text.replace(until, _local(until, zone))
    try:
        rule = rrulestr(text, dtstart=start)
    except Exception as error:  # noqa: BLE001 -- dateutil 2.9 raises whatever it stumbles over
        known = "FREQ, INTERVAL, COUNT, UNTIL, BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS, BYHOUR, BYMINUTE, WKST"
        raise wrong(f"'{text[:80]}' is no rule: {str(error)[:80] or 'unreadable'}. It is made of {known}.") from None
    if not isinstance(rule, rrule):
        raise wrong("one RRULE at a time: make a schedule for each.")
    attributes: dict[str, Any] = vars(rule)
    if attributes["_freq"] >= HOURLY:
        raise wrong('FREQ is at most DAILY in a rule. Write "every 6h", or a cron line such as "0 */6 * * *".')
    times = 1
    for name in ("_byhour", "_byminute", "_bysecond"):
        times *= max(1, len(attributes[name] or ()))
    if times > DAY_TIMES:
        raise wrong(f"{times:,} times a day: {DAY_TIMES} are the most in a rule. A cron line can say more.")
    if (attributes["_count"] or 0) > RULE_COUNT:
        raise wrong(f"COUNT={attributes['_count']:,}: {RULE_COUNT:,} is the most.")
    made = Rule(rule, text)
    if made.after(start - timedelta(seconds=1)) is None:
        raise wrong(f"'{text[:80]}' never comes: it leaves no day.")
    return made


def _local(until: str, zone: ZoneInfo) -> str:
    """Write an end that is given in UTC by the clock of the zone."""
    try:
        moment = datetime.strptime(until, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise wrong(f"UNTIL={until[:20]} is no moment. Write UNTIL=20271231T235959Z.") from None
    return moment.astimezone(zone).strftime("%Y%m%dT%H%M%S")
