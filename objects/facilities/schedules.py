"""Schedules: commands that run at their time, by the clock of a place or every so often; and alarms that code sets.

They are kept in the object's own file. What is due and its effect are one transaction, so it happens once, whatever
crashes meanwhile.
"""

from typing import Any, Final

import orjson

from objects.sdk import Facility, Problem, WrongArgument
from objects.timing.plans import Plan, Plans

TURN_S: Final = 0.05  # after so long in one transaction, the other callers of the object have their turn


class Schedules(Facility):
    """Does things at their time."""

    name = "cron"

    def set_alarm(
        self, name: str, command: str, arguments: dict[str, Any], at: float | None, every_s: float | None
    ) -> None:
        """Set an alarm; see `Context.schedule`."""
        if (at is None) == (every_s is None):
            raise WrongArgument("at", "an alarm has a moment (`at`) or comes again and again (`every`): give one.")
        if every_s is not None and not every_s >= 1:
            raise WrongArgument("every", f"every {every_s:g} s: once a second is the most.")
        now = self.context.now
        due_at = now + every_s if every_s is not None else at
        assert due_at is not None
        plan = Plan(
            name=name,
            spec=f"at {at!r}" if every_s is None else f"every {every_s!r}s",
            is_alarm=1,
            command=command,
            arguments=orjson.dumps(arguments).decode(),
            rules=orjson.dumps({} if every_s is None else {"every_s": every_s}).decode(),
            caller=self.context.caller.id,
            made_at=now,
            home=self.context.identity,
            paused=0,
            at=due_at,
            last_at=None,
            failures=0,
        )
        before = self._plans().next_due()
        self._plans().put(plan)
        self._wake_unless(before)

    def drop_alarm(self, name: str) -> bool:
        """Take an alarm away; tells whether there was one."""
        plans = self._plans()
        plan = plans.get(name)
        if plan is None or not plan.is_alarm:
            return False
        before = plans.next_due()
        plans.remove(name)
        self._wake_unless(before)
        return True

    def due(self, most: int, broken: Problem | None = None) -> Any:
        """Run what is due."""
        plans, now = self._plans(), self.context.now
        took_s = 0.0
        while most and took_s < TURN_S and (plan := plans.ready(now)) is not None:
            most -= 1
            every_s = orjson.loads(plan.rules).get("every_s")
            if every_s is None:
                plans.remove(plan.name)
            else:
                plans.move_on(plan, now, plan.at + every_s * (1 + (now - plan.at) // every_s))
            if broken is None:
                took_s += self.context.attempt(
                    self.context.path,
                    plan.command,
                    orjson.loads(plan.arguments),
                    caller_id=plan.caller,
                    via=f"alarm {plan.name}",
                ).took_s
        self._wake()

    def _wake(self) -> None:
        """Ask for the moment at which there is something to do."""
        self.context.wake(self.name, self._plans().next_due())

    def _wake_unless(self, before: float | None) -> None:
        if self._plans().next_due() != before:
            self._wake()

    def _plans(self) -> Plans:
        return Plans(self.context.db, self.context.identity)
