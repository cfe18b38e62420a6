"""The browsers of one host: which are awake, and who has to sleep before another one wakes."""

import time
from collections.abc import Callable
from typing import Final

from browsers.sessions import Session
from teams.limits import Limits
from teams.problems import OverLimit, Overloaded

BLAMED_S: Final = 5.0  # from ending a page's process until its page says that it crashed


class Sessions:
    """All of them, and those that sleep as long as something is known of them."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._all: dict[tuple[str, int], Session] = {}
        self._ended_at = -BLAMED_S

    def of(self, schema: str, object_id: int) -> Session:
        """Give an object's, asleep where it is not known yet."""
        found = self._all.get((schema, object_id))
        if found is None:
            found = self._all[schema, object_id] = Session(schema, object_id, self._limits, self._why_crashed)
        return found

    def find(self, schema: str, object_id: int) -> Session | None:
        """Give an object's, where there is one here."""
        return self._all.get((schema, object_id))

    def awake(self) -> list[Session]:
        """Give those that are awake, the one unused for longest first."""
        return sorted((each for each in self._all.values() if each.context is not None), key=lambda one: one.used_at)

    def surplus(self, newcomer: Session, team_most: int) -> list[Session]:
        """Name who should sleep before one more wakes: idle ones, unused for longest, of the same team first.

        Raises OverLimit where all of the team's are at work, Overloaded where all of the host's are.
        """
        taken = [each for each in self._all.values() if each.is_taken and each is not newcomer]
        idle = sorted((each for each in taken if not each.lock.locked()), key=lambda one: one.used_at)
        ours = [each for each in taken if each.schema == newcomer.schema]
        beyond = len(ours) - team_most + 1
        if beyond > 0:
            sleepy = [each for each in idle if each.schema == newcomer.schema][:beyond]
            if len(sleepy) < beyond:
                raise OverLimit(
                    f"{len(ours)} browsers of the team are at work on this host, and {team_most} is the most (limit "
                    "BROWSER_TEAM_AWAKE, or the team's plan). Do it again when one is done, or cancel a task.",
                    retry_after_s=5,
                )
            return sleepy
        if len(taken) < self._limits.BROWSER_AWAKE:
            return []
        if not idle:
            raise Overloaded(
                f"{len(taken)} browsers are at work on this host, which is the most (limit BROWSER_AWAKE). Do it "
                "again when one is done.",
                retry_after_s=5,
            )
        return idle[:1]

    def forget(self, session: Session) -> None:
        """Forget one that sleeps."""
        if not session.is_taken and not session.lock.locked():
            self._all.pop((session.schema, session.object_id), None)

    def each(self, do: Callable[[Session], None]) -> None:
        """Do something with all of them."""
        for session in list(self._all.values()):
            do(session)

    def blame_memory(self) -> None:
        """Take note that a page's process was ended, for what it took: whose it was is known when the page says so."""
        self._ended_at = time.monotonic()

    def _why_crashed(self) -> str:
        if time.monotonic() - self._ended_at > BLAMED_S:
            return "crashed"
        return f"took more than {self._limits.BROWSER_PAGE_BYTES:,} bytes (limit BROWSER_PAGE_BYTES) and was ended"
