"""Runs of schedules whose command is a task: begun, kept apart by their overlap policy, and seen to their end.

Such a run is over when its task is. Whoever ends the task says so by `cron.hear`, which only has the task looked at: a
word that is lost, said twice or made up can delay what is written here, never falsify it.
"""

from typing import TYPE_CHECKING, Any, Final

import orjson

from objects.facilities.queue import pause_s
from objects.sdk import NoSuch, registry
from objects.timing.plans import NEVER, Going, Plan, Run
from objects.work.records import OVER, Then

if TYPE_CHECKING:
    from objects.facilities.schedules.firing import Firing

BY_HAND: Final = "by hand"
MOST_WAITING: Final = 100  # runs of a schedule that wait for the one before; what comes then is left out
OUTCOMES: Final = {"done": "ok", "failed": "failed", "cancelled": "cancelled"}


def is_task(kind: str, command: str) -> bool:
    """Whether a command of a kind is a task; one that is gone by now is none."""
    try:
        return registry.command(kind, command).task is not None
    except NoSuch:
        return False


class TaskRuns:
    """The runs that are tasks, of one object within one call."""

    def __init__(self, firing: "Firing") -> None:
        self.firing = firing
        self.context: Any = firing.context
        self.plans = firing.plans

    def fire(self, plan: Plan, nominal: float) -> Run:
        """Begin a run that is due, or do with it what the overlap policy says."""
        going = self._still_going(plan)
        if not going or plan.said.overlap == "allow":
            return self.begin(plan, self._noted(plan, nominal, "waiting"))
        if plan.said.overlap == "cancel":
            self._cancel(going)
        elif plan.said.overlap == "skip":
            return self._noted(plan, nominal, "skipped", f"Run {going[0].run} was still going (overlap skip).")
        elif sum(not each.task for each in going) >= MOST_WAITING:
            return self._noted(
                plan, nominal, "skipped", f"{MOST_WAITING} runs were waiting for run {going[0].run} already."
            )
        run = self._noted(plan, nominal, "waiting")
        self.plans.keep_going(Going(run.number, plan.name))
        return run

    def by_hand(self, plan: Plan, cause: str, caller_id: str) -> Run:
        """Begin a run now, whatever else is going."""
        return self.begin(plan, self._noted(plan, self.context.now, "waiting", cause=cause), caller_id=caller_id)

    def begin(self, plan: Plan, run: Run, *, caller_id: str = "", tried: int = 0, after_s: float = 0.0) -> Run:
        """Start the task of a run."""
        attempt = self.context.attempt(
            self.context.path,
            plan.command,
            orjson.loads(plan.arguments),
            caller_id=caller_id or plan.caller,
            via=f"cron {plan.name}",
            then=Then("cron.hear", {}, after_s),
        )
        if attempt.problem is None:
            run.outcome, run.began_at = "running", self.context.now
            self.plans.keep_going(Going(run.number, plan.name, attempt.task, tried))
            self._keep(plan, run)
        else:
            self._over(plan, run, "failed", attempt.problem.detail)
        return run

    def look(self, going: Going) -> None:
        """See whether the task of a run is over, and then to what follows from that."""
        task = self._task(going)
        if task is not None and task.state not in OVER:
            self.plans.look(going.task, NEVER)
            return
        self.plans.is_over(going)
        plan, run = self.plans.get(going.name), self.plans.run(going.run)
        if plan is None or run is None:
            return
        if task is None:
            self._over(plan, run, "failed", "Its task is gone, and nobody knows how it ended.")
        else:
            self._ended(plan, run, task, going.tried)
        self._next(plan.name)

    # Inside

    def _ended(self, plan: Plan, run: Run, task: Any, tried: int) -> None:
        """Take over how a task ended, or have it begun again."""
        said = self.plans.logs([run]).get(run.number, "") + self.context.tasks.output(task.id)
        self.plans.say(run.number, said)
        if task.started_at is not None:
            run.began_at = task.started_at.timestamp()
            run.took_s = (task.ended_at - task.started_at).total_seconds()
        is_ours = self.plans.is_signed(plan) and plan.home == self.context.identity and not plan.paused
        if task.state == "failed" and is_ours and not run.cause.startswith(BY_HAND) and tried + 1 < plan.said.tries:
            run.problem = (task.problem or {}).get("detail", "")
            self.begin(plan, run, tried=tried + 1, after_s=pause_s(tried, self.context.random))
            return
        problem = (task.problem or {}).get("detail", "") if task.state == "failed" else None
        if task.state == "cancelled":
            problem = "It was cancelled."
        self._over(plan, run, OUTCOMES[task.state], problem, result=task.value)

    def _over(self, plan: Plan, run: Run, outcome: str, problem: str | None, *, result: str | None = None) -> None:
        """Write down how a run ended, and tell who wants to know."""
        failures = plan.failures
        run.outcome, run.problem, run.result = outcome, problem, self.firing.cut(result)
        if outcome in ("ok", "failed"):
            plan.failures = failures + 1 if outcome == "failed" else 0
            occasions = {
                "failed": outcome == "failed" and not failures,
                "recovered": outcome == "ok" and failures > 0,
                "slow": run.took_s > plan.said.slow_s,
            }
            self.firing.alerts.tell(plan, run.number, occasions, problem, took_s=run.took_s)
        self._keep(plan, run)

    def _keep(self, plan: Plan, run: Run) -> None:
        self.plans.rewrite(run)
        plan.last_at, plan.last = self.context.now, run.outcome
        if plan.is_alarm and plan.at == NEVER and not self.plans.goings(plan.name):
            self.plans.remove(plan.name)
        else:
            self.plans.put(plan)
        self.firing.emit(plan, run)

    def _next(self, name: str) -> None:
        """Begin the run that waits longest, where none is going any more."""
        while (going := self.plans.goings(name)) and not any(each.task for each in going):
            self.plans.is_over(going[0])
            plan, run = self.plans.get(name), self.plans.run(going[0].run)
            if plan is None or run is None:
                continue
            if plan.paused or plan.home != self.context.identity or not self.plans.is_signed(plan):
                run.outcome, run.problem = "skipped", "The schedule was paused before its turn came."
                self._keep(plan, run)
            else:
                self.begin(plan, run)

    def _still_going(self, plan: Plan) -> list[Going]:
        """Give the runs that are not over. Of a task that is, nobody may have said so: its starter's rights went."""
        for each in self.plans.goings(plan.name):
            if each.task and ((task := self._task(each)) is None or task.state in OVER):
                self.look(each)
        kept = self.plans.get(plan.name)
        if kept is not None:  # what became of those counts
            plan.failures, plan.last, plan.last_at = kept.failures, kept.last, kept.last_at
        return self.plans.goings(plan.name)

    def _cancel(self, going: list[Going]) -> None:
        """Stop all that is going, and leave out what waits: the newest alone counts."""
        for each in going:
            if not each.task:
                self.plans.is_over(each)
                run, plan = self.plans.run(each.run), self.plans.get(each.name)
                if run is not None and plan is not None:
                    run.outcome, run.problem = "cancelled", "A newer run took its place."
                    self._keep(plan, run)
            elif (task := self._task(each)) is not None and task.state not in OVER:
                self.context.tasks.cancel(task)

    def _task(self, going: Going) -> Any:
        try:
            return self.context.tasks.find(going.task)
        except NoSuch:
            return None

    def _noted(
        self, plan: Plan, nominal: float, outcome: str, problem: str | None = None, cause: str = "schedule"
    ) -> Run:
        run = Run(plan.name, nominal, self.context.now, 0.0, outcome, cause, plan.arguments, None, problem)
        run.number = self.plans.note(run, self.context.limits.CRON_RUNS)
        self.firing.emit(plan, run)
        return run
