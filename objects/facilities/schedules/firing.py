"""What is due of an object's schedules: run by their rules, remembered, and told to who wants to know."""

from contextlib import suppress
from typing import Any, Final

import orjson

from objects.facilities.queue import Queue, pause_s
from objects.facilities.schedules.alerts import Alerts
from objects.facilities.schedules.tasks import BY_HAND, TaskRuns, is_task
from objects.sdk import Conflict, Context, OverLimit, Problem, WrongArgument
from objects.timing.plans import FOREIGN, LATE_S, NEVER, Plan, Plans, Run

TOPIC: Final = "cron"
RESULT_CHARS: Final = 4_000  # of a result in the history


class Firing:
    """Runs the plans of one object within one call."""

    def __init__(self, context: Context, plans: Plans) -> None:
        self.context = context
        self.plans = plans
        self.alerts = Alerts(context)
        self.tasks = TaskRuns(self)

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
            self._missed(plan, nominal, 1, late_s)
        elif broken is None and is_task(self.context.kind, plan.command):
            self._fire_task(plan, nominal, late_s)
            return took_s
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

    def _fire_task(self, plan: Plan, nominal: float, late_s: float) -> None:
        """Let a plan fire whose command is a task; what comes of it is known later."""
        self.plans.sign(plan, plan.caller, plan.by)
        plan.aim(nominal)
        self.plans.put(plan)
        run = self.tasks.fire(plan, nominal)
        self.alerts.tell(plan, run.number, {"late": late_s > plan.said.late_s}, run.problem, late_s=late_s)

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
            run = self.note(plan, nominal, "alarm" if plan.is_alarm else "schedule", attempt, broken)
            if problem is not None and rules.tries > 1:
                self._try_again(plan, problem)
            occasions = {
                "failed": problem is not None and not failures,
                "recovered": problem is None and failures > 0,
                "late": late_s > rules.late_s,
                "slow": took_s > rules.slow_s,
            }
            self.alerts.tell(plan, run.number, occasions, run.problem, late_s=late_s, took_s=took_s)
        if plan.is_alarm and plan.at == NEVER:
            self.plans.remove(plan.name)
        else:
            self.plans.put(plan)

    def note(self, plan: Plan, nominal: float, cause: str, attempt: Any, broken: Any = None) -> Run:
        """Remember a run, in the plan too, which the caller keeps unless the run was by hand."""
        problem = broken if attempt is None else attempt.problem
        result = self.cut(orjson.dumps(attempt.value).decode()) if problem is None else None
        outcome = "ok" if problem is None else "failed"
        took_s = 0.0 if attempt is None else attempt.took_s
        now = self.context.now
        text = None if problem is None else problem.detail
        run = Run(plan.name, nominal, now, took_s, outcome, cause, plan.arguments, result, text)
        run.number = self.plans.note(run, self.context.limits.CRON_RUNS, "" if attempt is None else attempt.log)
        plan.last_at, plan.last = now, outcome
        if cause.startswith(BY_HAND):
            there = self.plans.get(plan.name)
            if there is not None:
                there.last_at, there.last = now, outcome
                self.plans.put(there)
        else:
            plan.failures = plan.failures + 1 if problem is not None else 0
        self.emit(plan, run)
        return run

    def emit(self, plan: Plan, run: Run) -> None:
        """Tell those who watch how a run stands."""
        told = {"name": plan.name, "run": run.number, "outcome": run.outcome, "problem": run.problem}
        self.context.emit(TOPIC, told)

    @staticmethod
    def cut(result: str | None) -> str | None:
        """Give a result as JSON that is not too long to be remembered."""
        if result is None or len(result) <= RESULT_CHARS:
            return result
        return orjson.dumps(result[:RESULT_CHARS] + "…").decode()

    def _missed(self, plan: Plan, nominal: float, count: int, late_s: float = 0.0) -> None:
        """Take note of runs that are not made up for."""
        many = f"{count:,}{' or more' if count >= 1_000 else ''} runs were" if count > 1 else "The run was"
        problem = f"{many} missed, and not to be made up for (missed {plan.said.missed})."
        now = self.context.now
        run = Run(plan.name, nominal, now, 0.0, "missed", "schedule", plan.arguments, None, problem)
        run.number = self.plans.note(run, self.context.limits.CRON_RUNS)
        self.alerts.tell(plan, run.number, {"late": late_s > plan.said.late_s}, problem, late_s=late_s)

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

    def _queue(self) -> Queue:
        found: Any = self.context.facility("queue")
        queue: Queue = found
        return queue
