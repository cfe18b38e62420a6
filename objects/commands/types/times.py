"""Durations and moments."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from objects.commands.shapes import number
from objects.commands.types.loaded import Loaded, shown

_NUMBER = r"(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:e[+-]?[0-9]{1,4})?"
_DURATION = re.compile(rf"[+-]?(?:{_NUMBER}|(?:{_NUMBER}(?:us|ms|s|m|h|d|w))+)")
_PART = re.compile(rf"({_NUMBER})(us|ms|s|m|h|d|w)")
_SECONDS_IN = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


class _SecondsShape(Loaded):
    noun = "a duration such as 300ms, 5m or 1h30m"
    schema: Mapping[str, Any] = {
        "anyOf": [{"type": "number"}, {"type": "string", "pattern": _DURATION.pattern.replace("(?:", "(")}],
        "description": "seconds, or a text such as 300ms, 5m, 1h30m, 2d",
    }
    result_schema: Mapping[str, Any] | None = {"type": "number", "description": "seconds"}

    def load(self, value: Any) -> float:
        if isinstance(value, str):
            value = _duration(value)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{shown(value)} is not {self.noun}")  # noqa: TRY004 -- pydantic collects ValueErrors
        try:
            seconds = float(value)
        except OverflowError:
            seconds = float("inf")
        if seconds - seconds != 0.0:
            raise ValueError(f"{shown(value)} is not a finite number of seconds.")
        return seconds

    def word(self, plain: Any) -> str:
        return f"{float(plain)!r}s"

    def show(self, plain: Any) -> str:
        return show_seconds(plain)

    def is_number(self) -> bool:
        return True


def _duration(text: str) -> float:
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{shown(text)} is not {_SecondsShape.noun}")
    parts = _PART.findall(text)
    if not parts:
        return float(text)
    total = sum(float(count) * _SECONDS_IN[unit] for count, unit in parts)
    return -total if text.startswith("-") else total


def show_seconds(seconds: float) -> str:
    """Write a duration for people: 0.3s, 5m, 1h30m, 2d."""
    if abs(seconds) < 60 or abs(seconds) >= 1e12:
        return f"{number(seconds)}s"
    text = "-" if seconds < 0 else ""
    rest = round(abs(seconds), 6)
    for unit in ("d", "h", "m"):
        count, rest = divmod(rest, _SECONDS_IN[unit])
        if count:
            text += f"{int(count)}{unit}"
    return text + (f"{number(round(rest, 6))}s" if rest else "")


Seconds = Annotated[float, _SecondsShape()]
"""A duration: float seconds. In text also "300ms", "5m", "1h30m", "2d"; a bare number is seconds."""


class _MomentShape(Loaded):
    noun = "a moment such as 2026-05-17T09:30:00Z, or Unix seconds"
    schema: Mapping[str, Any] = {
        "anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}],
        "description": "ISO 8601 with a time zone, or Unix seconds",
    }
    result_schema: Mapping[str, Any] | None = {"type": "string", "format": "date-time"}

    def __init__(self) -> None:
        self.plain = _iso

    def load(self, value: Any) -> datetime:
        try:
            moment = _moment(value)
            if moment is not None and moment.tzinfo is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            moment = None
        if moment is not None:
            raise ValueError(f"{shown(value)} has no time zone: add Z, or an offset such as +02:00.")
        raise ValueError(f"{shown(value)} is not {self.noun}")

    def word(self, plain: Any) -> str:
        return str(plain)


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        # Eight digits are far more likely a date such as 20260517 than a second of 1970.
        if not re.fullmatch(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?", value) or len(value) == 8:
            return datetime.fromisoformat(value)
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    return None


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[datetime, _MomentShape()]
"""A moment: aware, UTC. ISO 8601 with a time zone, or Unix seconds; never naive."""
