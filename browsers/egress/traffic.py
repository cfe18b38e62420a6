"""What went through a browser's door: counted, and bounded by the hour."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from teams.problems import OverLimit, Problem

HOUR_S: Final = 3_600
REFUSALS_KEPT: Final = 50


@dataclass(frozen=True, slots=True)
class Refusal:
    """An address that was not opened, and why. number: in the order of one door, from 1."""

    number: int
    at: float  # Unix seconds
    host: str
    port: int
    problem: Problem


@dataclass(slots=True)
class Traffic:
    """The counters of one browser, since they were made. Bytes are those of the connections, heads and TLS included."""

    hour_bytes: int  # the most in an hour
    connections_most: int  # the most at once
    sent: int = 0
    received: int = 0
    connections: int = 0
    refused: int = 0
    open: int = 0
    refusals: deque[Refusal] = field(default_factory=lambda: deque(maxlen=REFUSALS_KEPT))
    _hour: int = 0
    _in_hour: int = 0

    def admit(self) -> None:
        """Count a connection that begins; raises OverLimit where one more may not be."""
        if self.open >= self.connections_most:
            raise OverLimit(
                f"{self.open} connections are open already (limit BROWSER_CONNECTIONS). Close some tabs.",
                retry_after_s=5,
            )
        if self.is_spent():
            raise OverLimit(
                f"this browser has moved {self.hour_bytes:,} bytes within the hour, and that is the most "
                "(limit BROWSER_HOUR_BYTES). It goes on in the next hour.",
                retry_after_s=HOUR_S - int(time.time()) % HOUR_S,
            )
        self.open += 1
        self.connections += 1

    def is_spent(self) -> bool:
        """Whether no more bytes may move in this hour."""
        return self._hour == int(time.time()) // HOUR_S and self._in_hour >= self.hour_bytes

    def count(self, *, sent: int = 0, received: int = 0) -> None:
        """Count bytes; raises OverLimit for those that are beyond what an hour may have."""
        hour = int(time.time()) // HOUR_S
        if hour != self._hour:
            self._hour, self._in_hour = hour, 0
        self.sent += sent
        self.received += received
        self._in_hour += sent + received
        if self._in_hour > self.hour_bytes:
            raise OverLimit("the bytes of this hour are used up (limit BROWSER_HOUR_BYTES).", retry_after_s=60)

    def is_recent(self) -> bool:
        """Whether bytes were counted in this hour."""
        return self._hour == int(time.time()) // HOUR_S

    def refuse(self, host: str, port: int, problem: Problem) -> Refusal:
        """Write down what was not opened."""
        self.refused += 1
        refusal = Refusal(self.refused, time.time(), host, port, problem)
        self.refusals.append(refusal)
        return refusal

    def refusal_of(self, url: str) -> Refusal | None:
        """Find the latest refusal of an address' host and port."""
        parts = urlsplit(url)
        try:
            port = parts.port or (443 if parts.scheme in ("https", "wss") else 80)
        except ValueError:
            return None
        host = (parts.hostname or "").rstrip(".")
        return next((each for each in reversed(self.refusals) if (each.host, each.port) == (host, port)), None)

    def numbered(self, number: int) -> Refusal | None:
        """Find a refusal by its number."""
        return next((each for each in self.refusals if each.number == number), None)
