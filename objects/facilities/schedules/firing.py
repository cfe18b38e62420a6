"""What is due of an object's schedules: run by their rules, remembered, and told to who wants to know."""

from contextlib import suppress
from typing import Any, Final

import orjson

from objects.facilities.queue import Queue, pause_s
from objects.facilities.schedules.shapes import iso
from objects.sdk import Conflict, Context, OverLimit, Problem, WrongArgument
from objects.timing import mails
from objects.timing.plans import FOREIGN, LATE_S, NEVER, Plan, Plans, Run

TOPIC: Final = "cron"
RESULT_CHARS: Final = 4_000  # of a result in the history


class Firing:
    """Runs the plans of one object within one call. letters: mails that are to be sent after it."""

    def __init__(self, context: Context, plans: Plans) -> None:
        self.context = context
        self.plans = plans
        self.letters: list[mails.Mail] = []

    def is_broken(self, plan: Plan) -> bool:
        """Pause a plan that Grove did not write, or whose time cannot be told any more, for a zone is gone."""
        try:
            if not self.plans.is_signed(plan):
                raise Conflict(FOREIGN)
            plan.moments()
        except (Conflict, WrongArgument) as problem:
            self.note(plan, plan.nominal, "schedule", None, problem)
            plan.paused = 1
            self.plans.put(plan)
            return True
        return False

    def run_due(self, plan: Plan, broken: Problem | None) -> float:
        """Run a plan that is due, by its rules, and set when it fires next; gives the seconds that it took."""
        now, rules = self.context.now, plan.said
        lateness_s = rules.lateness_s
        if rules.missed == "none" and lateness_s is None:
            lateness_s = LATE_S
        first = plan.nominal
        left_out = 0 if rules.missed == "all" else plan.catch_up(now)
        if left_out:
            self._missed(plan, first, left_out)
        nominal, late_s = plan.nominal, now - plan.at
        is_missed = lateness_s is not None and late_s > lateness_s
        took_s = 0.0
        attempt = None
        if is_missed:
            self._missed(plan, nominal, 1)
        elif broken is None:
            attempt = self.context.attempt(
                self.context.path,
                plan.command,
                orjson.loads(plan.arguments),
                caller_id=plan.caller,
                via=f"{'alarm' if plan.is_alarm else 'cron'} {plan.name}",
            )
            took_s = attempt.took_s
        there = self.plans.get(plan.name)  # its own command may have edited, paused or removed it
        if there is None or (there.nominal, there.spec) != (first, plan.spec):
            return took_s
        if not self.plans.is_signed(there):
            return took_s
        self.plans.sign(there, there.caller, there.by)  # anew, so that an earlier secret key can be given up in time
        there.nominal, there.at = plan.nominal, plan.at
        there.aim(nominal)
        self._settle(there, nominal, attempt, broken, is_missed=is_missed, late_s=late_s)
        return took_s

    def _settle(
        self,
        plan: Plan,
        nominal: float,
        attempt: Any,
        broken: Problem | None,
        *,
        is_missed: bool,
        late_s: float,
    ) -> None:
        """Take note of how a run went, tell who wants to know, and keep the plan."""
        rules, failures = plan.said, plan.failures
        problem = broken if attempt is None else attempt.problem
        if is_missed:
            plan.last_at, plan.last = self.context.now, "missed"
        else:
            took_s = 0.0 if attempt is None else attempt.took_s
            self.note(plan, nominal, "alarm" if plan.is_alarm else "schedule", attempt, broken)
            if problem is not None and rules.tries > 1:
                self._try_again(plan, problem)
            occasions = {
                "failed": problem is not None and not failures,
                "recovered": problem is None and failures > 0,
                "late": late_s > rules.late_s,
                "slow": took_s > rules.slow_s,
            }
            for occasion in rules.alert_on:
                if occasions[occasion]:
                    self._tell(plan, occasion, problem, late_s=late_s, took_s=took_s)
        if plan.is_alarm and plan.at == NEVER:
            self.plans.remove(plan.name)
        else:
            self.plans.put(plan)

    def note(self, plan: Plan, nominal: float, cause: str, attempt: Any, broken: Any = None) -> None:
        """Remember a run, in the plan too, which the caller keeps unless the run was by hand."""
        problem = broken if attempt is None else attempt.problem
        result = None
        if problem is None:
            result = orjson.dumps(attempt.value).decode()
            if len(result) > RESULT_CHARS:
                result = orjson.dumps(result[:RESULT_CHARS] + "…").decode()
        outcome = "ok" if problem is None else "failed"
        took_s = 0.0 if attempt is None else attempt.took_s
        now = self.context.now
        text = None if problem is None else problem.detail
        run = Run(plan.name, nominal, now, took_s, outcome, cause, plan.arguments, result, text)
        run.number = self.plans.note(run, self.context.limits.CRON_RUNS)
        plan.last_at, plan.last = now, outcome
        if cause.startswith("by hand"):
            there = self.plans.get(plan.name)
            if there is not None:
                there.last_at, there.last = now, outcome
                self.plans.put(there)
        else:
            plan.failures = plan.failures + 1 if problem is not None else 0
        self.context.emit(TOPIC, {"name": plan.name, "run": run.number, "outcome": outcome, "problem": text})

    def _missed(self, plan: Plan, nominal: float, count: int) -> None:
        """Take note of runs that are not made up for."""
        many = f"{count:,}{' or more' if count >= 1_000 else ''} runs were" if count > 1 else "The run was"
        problem = f"{many} missed, and not to be made up for (missed {plan.said.missed})."
        now = self.context.now
        self.plans.note(
            Run(plan.name, nominal, now, 0.0, "missed", "schedule", plan.arguments, None, problem),
            self.context.limits.CRON_RUNS,
        )

    def _try_again(self, plan: Plan, problem: Problem) -> None:
        """Let the queue try a run again that failed."""
        now = self.context.now
        with suppress(OverLimit):  # the history has it
            self._queue().post(
                "",
                plan.command,
                orjson.loads(plan.arguments),
                caller=plan.caller,
                due_at=now + pause_s(0, self.context.random),
                attempts=1,
                most=plan.said.tries,
                problem=problem.detail,
            )

    def _tell(
        self,
        plan: Plan,
        occasion: str,
        problem: Problem | None,
        *,
        late_s: float,
        took_s: float,
    ) -> None:
        """Send an alert to whoever is to have it."""
        rules = plan.said
        alert = {
            "object": self.context.path,
            "schedule": plan.name,
            "occasion": occasion,
            "at": iso(self.context.now),
            "problem": None if problem is None else problem.detail,
            "late_s": round(late_s, 3),
            "took_s": round(took_s, 6),
        }
        if rules.alert_to:
            done, given = (
                (rules.alert_command, {"alert": alert}) if rules.alert_command else ("queue.push", {"body": alert})
            )
            with suppress(OverLimit):
                self._queue().post(rules.alert_to, done, given, caller=plan.caller)
        if rules.alert_mail:
            self.letters.append(mails.letter(rules.alert_mail, alert))

    def _queue(self) -> Queue:
        found: Any = self.context.facility("queue")
        queue: Queue = found
        return queue
