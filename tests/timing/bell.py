"""A kind for the tests of time: it does things later, and remembers what it did."""

import os
import signal
import time
from dataclasses import dataclass, field

from objects.sdk import Conflict, Json, Kind, Role, WrongArgument, command


@dataclass
class State:
    """What a bell remembers. strokes: what it was told, in order. moments: Unix seconds, one a stroke."""

    strokes: list[Json] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)
    tries: int = 0


class Bell(Kind[State]):
    """Rings when it is told to, or later."""

    @command
    def ring(self, what: Json = "ding") -> int:
        """Ring, and tell how often it did."""
        self.state.strokes = [*self.state.strokes, what]
        self.state.moments = [*self.state.moments, self.now]
        return len(self.state.strokes)

    @command(role=Role.ADMIN)
    def melt(self) -> None:
        """Melt it down, which only admins may."""
        self.ring("molten")

    @command(reads=True)
    def strokes(self) -> list[Json]:
        """Tell what it rang."""
        return self.state.strokes

    @command(reads=True)
    def moments(self) -> list[float]:
        """Tell when it rang."""
        return self.state.moments

    @command
    def ring_later(self, what: Json, seconds: float = 0, to: str = "") -> int:
        """Have this or another bell ring later; gives the message's number."""
        return self.send(to or self.path, "ring", {"what": what}, delay=seconds)

    @command
    def ring_later_and_fail(self, what: Json) -> int:
        """Think better of it."""
        self.send(self.path, "ring", {"what": what})
        self.schedule("never", "ring", at=self.now)
        raise Conflict("on second thoughts, no.")

    @command
    def chain(self, left: int) -> int:
        """Ring, and again until none is left, a message for each."""
        self.ring(left)
        if left:
            self.send(self.path, "chain", {"left": left - 1})
        return left

    @command
    def set_alarm(self, name: str, what: Json, at: float | None = None, every: float | None = None) -> None:
        """Set an alarm clock."""
        self.schedule(name, "ring", {"what": what}, at=at, every=every)

    @command
    def stop_alarm(self, name: str) -> bool:
        """Turn an alarm clock off."""
        return self.unschedule(name)

    @command
    def crack(self, seconds: float = 0) -> None:
        """Fail, always; before that, change something."""
        self.ring("crack")
        time.sleep(seconds)
        raise Conflict("it cracked.")

    @command
    def tell_all(self, to: str = "", fails: bool = False, lines: int = 0) -> int:
        """Say what it does, also in another bell; then fail, if it is to."""
        self.log("rings", what="all", times=2)
        for number in range(lines):
            self.log("again", number=number)
        if to:
            self.call(to, "tell_all", fails=fails)
        if fails:
            raise Conflict("it cracked.")
        return self.ring("all")

    @command
    def crack_later(self, how: str = "crack") -> int:
        """Have something run later that goes wrong."""
        return self.send(self.path, how)

    @command
    def misunderstand(self) -> None:
        """Refuse as wrong, whatever one says."""
        raise WrongArgument("what", "what? Say it otherwise.")

    @command
    def stumble(self) -> None:
        """Fail by a fault of ours."""
        self.ring("stumble")
        raise RuntimeError("it fell down")

    @command
    def hang(self) -> None:
        """Take for ever, in SQL."""
        self.ring("hang")
        self.sql("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n")

    @command
    def end_the_world(self) -> None:
        """Take the process along."""
        os.kill(os.getpid(), signal.SIGKILL)
