"""Schedules: commands that run at their time, by the clocks of a place or every so often; and alarms that code sets.

They are kept in the object's own file. What is due and its effect are one transaction, so it happens once, whatever
crashes meanwhile. A run has the rights of who made or last edited the schedule, as they are when it runs. In a copy of
the object all schedules are paused. Every run is told on the topic "cron".
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final

import orjson

from objects.facilities.schedules.alerts import secret
from objects.facilities.schedules.firing import TOPIC, Firing
from objects.facilities.schedules.looking import Looking
from objects.facilities.schedules.shapes import (
    OCCASIONS,
    Arguments,
    Details,
    DstPolicy,
    Ends,
    Item,
    Jitter,
    Lateness,
    Line,
    MissedPolicy,
    Occasion,
    Outcome,
    OverlapPolicy,
    PlanName,
    Starts,
    Sure,
    Tries,
    When,
    Zone,
    details,
    item,
    unix,
)
from objects.facilities.schedules.tasks import BY_HAND, is_task
from objects.sdk import (
    AtLeast,
    Conflict,
    Facility,
    Help,
    Json,
    Length,
    Moment,
    ObjectPath,
    OverLimit,
    Problem,
    Role,
    Seconds,
    Tab,
    WrongArgument,
    check_url,
    command,
)
from objects.timing import mails
from objects.timing.lines import planned
from objects.timing.plans import LATE_S, NEVER, Plan, Plans, Rules
from objects.timing.specs import At, read, read_zone
from objects.timing.wallclock import utc

TURN_S: Final = 0.05  # after so long in one transaction, the other callers of the object have their turn


class Schedules(Looking, Facility):
    """Does things at their time."""

    name = "cron"
    tab = Tab("Schedules", order=200)

    # ---- What one sets ----

    @command
    def add(  # noqa: PLR0913 -- what a schedule is made of
        self,
        name: PlanName,
        spec: When,
        command: Line,
        *,
        arguments: Arguments = None,
        zone: Zone = "UTC",
        dst: DstPolicy = "once",
        missed: MissedPolicy = "last",
        lateness: Lateness = None,
        jitter: Jitter = 0.0,
        starts: Starts = None,
        ends: Ends = None,
        tries: Tries = 1,
        overlap: OverlapPolicy = "skip",
        paused: Annotated[bool, Help("do not begin yet")] = False,
        sure: Sure = False,
    ) -> Item:
        """Add a schedule: a command of this object that runs again and again, or once.

        > cron add count "*/5 * * * *" -- state incr visits
        name     count
        when     every 5 minutes (UTC)
        command  state incr key=visits
        …
        > cron add greet "0 9 * * mon-fri" --zone Europe/Berlin --missed none -- state set greeting hello
        name     greet
        when     at 09:00, monday through friday (Europe/Berlin)
        …
        """
        plans = self._plans()
        if (there := plans.get(name)) is not None:
            what = "an alarm" if there.is_alarm else "a schedule"
            raise Conflict(
                f"{name}: there is {what} of this name already. `cron edit {name}` changes it.", field="name"
            )
        self._check_room(plans)
        read(
            spec, zone=zone, dst=dst, made_at=self.context.now
        )  # first: words of it that lack quotes end up in `command`
        done, given = planned(self.context.kind, command, arguments, is_sure=sure)
        rules = Rules(
            zone=read_zone(zone).key,
            dst=dst,
            missed=missed,
            lateness_s=lateness,
            jitter_s=jitter,
            starts_at=unix(starts),
            ends_at=unix(ends),
            tries=tries,
            overlap=overlap,
        )
        plan = self._new(name, spec, done, given, rules)
        plan.paused = int(paused)
        self._sign(plans, plan)
        self._set(plans, plan)
        return item(plan, plans)

    @command
    def edit(  # noqa: PLR0913 -- what a schedule is made of
        self,
        name: PlanName,
        *,
        spec: When | None = None,
        command: Annotated[str | None, Help("the command, as in a terminal, in quotes")] = None,
        arguments: Arguments = None,
        zone: Zone | None = None,
        dst: DstPolicy | None = None,
        missed: MissedPolicy | None = None,
        lateness: Lateness = None,
        jitter: Jitter | None = None,
        starts: Starts = None,
        ends: Ends = None,
        tries: Tries | None = None,
        overlap: OverlapPolicy | None = None,
        sure: Sure = False,
    ) -> Item:
        """Change a schedule: what is named changes, the rest stays. Its runs have your rights from now on.

        > cron add count "*/5 * * * *" -- state incr visits
        …
        > cron edit count --spec @hourly
        name     count
        when     every hour (UTC)
        …
        """
        plans = self._plans()
        plan = self._found(plans, name)
        if plan.is_alarm:
            raise Conflict(
                f"{name}: is an alarm, which the object's own code sets. `cron remove {name}` takes it away."
            )
        if command is not None or arguments is not None:
            done, given = planned(self.context.kind, command or plan.command, arguments, is_sure=sure)
            plan.command, plan.arguments = done, orjson.dumps(given).decode()
        changes: dict[str, Any] = {
            "zone": read_zone(zone).key if zone is not None else None,
            "dst": dst,
            "missed": missed,
            "lateness_s": lateness,
            "jitter_s": jitter,
            "starts_at": unix(starts),
            "ends_at": unix(ends),
            "tries": tries,
            "overlap": overlap,
        }
        plan.say(replace(plan.said, **{name: value for name, value in changes.items() if value is not None}))
        plan.spec = plan.spec if spec is None else spec
        self._sign(plans, plan)
        self._set(plans, plan)
        return item(plan, plans)

    @command
    def alert(
        self,
        name: PlanName,
        *occasions: Annotated[Occasion, Help("when; all of them where none is named")],
        to: Annotated[ObjectPath | None, Help("an object that gets a message")] = None,
        command: Annotated[
            str, Help("its command that is called with `alert`; else the alert waits in its queue")
        ] = "",
        mail: Annotated[str, Help("the address of a member of the team")] = "",
        hook: Annotated[str, Length(0, 4_000), Help("an address that gets a signed POST; see `cron secret`")] = "",
        late: Annotated[Seconds, AtLeast(1), Help("from when on a run is late")] = LATE_S,
        slow: Annotated[Seconds, AtLeast(0.001), Help("from when on a run is slow")] = 5.0,
        off: Annotated[bool, Help("tell nobody any more")] = False,
    ) -> Details:
        """Have somebody told when runs of a schedule fail, are late or slow, or are well again.

        Of a row of failures the first is told, and then that it is over. Its runs, which tell it, have your rights
        from now on. A webhook is told by a task, again and again until it answers 2xx, under one `webhook-id`.

        > cron add count "*/5 * * * *" -- state incr visits
        …
        > cron alert count failed recovered --to /
        …
        alerts     failed, recovered
        …
        """
        plans = self._plans()
        plan = self._found(plans, name)
        if not off and to is None and not mail and not hook:
            raise WrongArgument(
                "to",
                "to: who shall be told? An object (--to), a member by mail (--mail) or a webhook (--hook).",
            )
        if mail and not mails.is_member(self.context.pg, mail):
            raise WrongArgument("mail", f"mail: {mail[:100]} is no member of this team. Only members are written to.")
        if hook:
            check_url(hook, "hook")
        rules = replace(
            plan.said,
            alert_on=() if off else tuple(dict.fromkeys(occasions)) or OCCASIONS,
            alert_to=to or "",
            alert_command=command,
            alert_mail=mail,
            alert_hook=hook,
            late_s=late,
            slow_s=slow,
        )
        plan.say(rules)
        self._sign(plans, plan)
        plans.put(plan)
        return details(plan, plans)

    @command(reads=True, role=Role.EDITOR)
    def secret(self, name: PlanName) -> str:
        """Tell the secret with which a schedule signs what it tells a webhook, as standardwebhooks.com has it.

        > cron add count "*/5 * * * *" -- state incr visits
        …
        > cron secret count
        whsec_…
        """
        return secret(self.context.identity, self._found(self._plans(), name).name)

    @command
    def remove(self, *names: PlanName) -> int:
        """Remove schedules or alarms, with their history; all of them or none. Tells how many.

        > cron add count "*/5 * * * *" -- state incr visits
        …
        > cron remove count
        1
        """
        plans = self._plans()
        found = self._all_found(plans, names)
        before = plans.next_due()
        for plan in found:
            plans.remove(plan.name)
        self._changed(plans, before, {"removed": [plan.name for plan in found]})
        return len(found)

    @command
    def pause(self, *names: PlanName) -> int:
        """Let schedules rest until they are resumed; what would have run meanwhile is not made up for. Tells how many.

        A task that is going goes on: `task cancel` stops it.

        > cron add count "*/5 * * * *" -- state incr visits
        …
        > cron pause count
        1
        """
        plans = self._plans()
        found = self._all_found(plans, names)
        before = plans.next_due()
        for plan in found:
            plan.paused = 1
            plans.put(plan)
        self._changed(plans, before, {"paused": [plan.name for plan in found]})
        return len(found)

    @command
    def resume(self, *names: PlanName) -> int:
        """Let paused schedules run again, from now on; in a copy of an object, too. Tells how many.

        Those that came with a copy or a file from elsewhere have your rights from now on.

        > cron add count "*/5 * * * *" --paused -- state incr visits
        …
        > cron resume count
        1
        """
        plans = self._plans()
        found = self._all_found(plans, names)
        before = plans.next_due()
        for plan in found:
            if plan.home != self.context.identity or not plans.is_signed(plan):
                self._sign(plans, plan)
                plans.forget_goings(plan.name)
            plan.paused, plan.home = 0, self.context.identity
            plan.aim(self.context.now)
            plans.put(plan)
        self._changed(plans, before, {"resumed": [plan.name for plan in found]})
        return len(found)

    @command
    def run(
        self,
        name: PlanName,
        *,
        as_of: Annotated[Moment | None, Help("let the command see this moment as now")] = None,
        dry: Annotated[bool, Help("tell what would happen, and take it back")] = False,
    ) -> Outcome:
        """Run a schedule's command now, with your rights, whether it is due or not; the next run stays as it is.

        > cron add count "*/5 * * * *" -- state incr visits
        …
        > cron run count --dry
        outcome ok  result 1  problem  took …  kept no  log
        > cron run count
        outcome ok  result 1  problem  took …  kept yes  log
        """
        plans = self._plans()
        plan = self._found(plans, name)
        cause = f"{BY_HAND}, {self.context.caller.name}"
        if is_task(self.context.kind, plan.command):
            if as_of is not None:
                raise WrongArgument(
                    "as_of", "as_of: a task goes by the clock; a transaction alone can see another moment."
                )
            if not dry:
                run = Firing(self.context, plans).tasks.by_hand(plan, cause, self.context.caller.id)
                self._wake(plans)
                return Outcome(
                    "failed" if run.problem else "running", None, run.problem or "", 0.0, kept=not run.problem
                )
        attempt = self.context.attempt(
            self.context.path,
            plan.command,
            orjson.loads(plan.arguments),
            caller_id=self.context.caller.id,
            via=f"cron {name}",
            as_of=unix(as_of),
            keeps=not dry,
        )
        problem = "" if attempt.problem is None else attempt.problem.detail
        if not dry:
            at = unix(as_of) or self.context.now
            Firing(self.context, plans).note(plan, at, cause, attempt)
        value = None if attempt.task else attempt.value  # a task that was not to be started has no result
        return Outcome(
            "failed" if problem else "ok",
            value,
            problem,
            round(attempt.took_s, 4),
            kept=not dry and not problem,
            log=attempt.log,
        )

    # ---- What one asks ----

    @command
    def hear(self, task: Annotated[str, Length(0, 60)], value: Json = None, problem: Json = None) -> None:  # noqa: ARG002 -- every command that is told an outcome takes them
        """Look at a task that a schedule started: is it over? Grove does so by itself.

        > cron hear none
        …
        """
        plans = self._plans()
        plans.look(task, self.context.now)
        self._wake(plans)

    # ---- Alarms, for code ----

    def set_alarm(
        self, name: str, command: str, arguments: dict[str, Any], at: float | None, every_s: float | None
    ) -> None:
        """Set an alarm; see `Context.schedule`."""
        if (at is None) == (every_s is None):
            raise WrongArgument("at", "an alarm has a moment (`at`) or comes again and again (`every`): give one.")
        if every_s is not None and not every_s >= 1:
            raise WrongArgument("every", f"every {every_s:g} s: once a second is the most.")
        plans = self._plans()
        there = plans.get(name)
        if there is not None and not there.is_alarm:
            raise Conflict(f"{name}: there is a schedule of this name, which people made. Call the alarm otherwise.")
        if there is None:
            self._check_room(plans)
        spec = f"every {every_s!r}s" if at is None else f"at {utc(at).isoformat()}"
        plan = self._new(name, spec, command, arguments, Rules(missed="last", tries=8))
        plan.is_alarm = 1
        self._sign(plans, plan)
        before = plans.next_due()
        plan.aim(self.context.now)
        if at is not None:
            plan.nominal = plan.at = at  # also one that has passed: it rings at once
        plans.put(plan)
        self._changed(plans, before, None)

    def drop_alarm(self, name: str) -> bool:
        """Take an alarm away; tells whether there was one."""
        plans = self._plans()
        plan = plans.get(name)
        if plan is None or not plan.is_alarm:
            return False
        before = plans.next_due()
        plans.remove(name)
        self._changed(plans, before, None)
        return True

    # ---- When something is due ----

    def due(self, most: int, broken: Problem | None = None) -> list[mails.Mail] | None:
        """Run what is due. Gives the mails that are to be sent."""
        plans, now = self._plans(), self.context.now
        firing = Firing(self.context, plans)
        while (going := plans.to_look_at(now)) is not None:
            firing.tasks.look(going)
        took_s = 0.0
        while most and took_s < TURN_S and (plan := plans.ready(now)) is not None:
            most -= 1
            if firing.is_broken(plan):
                continue
            took_s += firing.run_due(plan, broken)
            broken = None
        self._wake(plans)
        return firing.alerts.letters or None

    @staticmethod
    def after_due(schema: str, object_id: int, path: str, value: list[mails.Mail]) -> None:  # noqa: ARG004
        """Send the mails."""
        mails.post(schema, value)

    # ---- What the commands share ----

    def _new(self, name: str, spec: str, done: str, given: Mapping[str, Any], rules: Rules) -> Plan:
        caller = self.context.caller
        return Plan(
            name=name,
            spec=spec,
            is_alarm=0,
            command=done,
            arguments=orjson.dumps(dict(given)).decode(),
            rules=orjson.dumps(rules).decode(),
            caller=caller.id,
            by=caller.name,
            made_at=self.context.now,
            home=self.context.identity,
        )

    def _set(self, plans: Plans, plan: Plan) -> None:
        """Keep a plan that was made or changed, and aim it."""
        before = plans.next_due()
        plan.aim(self.context.now)
        if plan.at == NEVER:
            reason = "it lies in the past" if isinstance(plan.moments(), At) else "it never comes within what is set"
            raise WrongArgument("spec", f"spec: {plan.spec}: {reason}. `cron preview` shows what a text means.")
        plans.put(plan)
        self._changed(plans, before, {"set": plan.name})

    def _sign(self, plans: Plans, plan: Plan) -> None:
        """Let a plan have the caller's rights."""
        plans.sign(plan, self.context.caller.id, self.context.caller.name)

    def _changed(self, plans: Plans, before: float | None, event: Any) -> None:
        # What people change may change the name of what is next, too, which the team's page says.
        if event is not None or plans.next_due() != before or not plans.is_next_signed():
            self._wake(plans)
        if event is not None:
            self.context.emit(TOPIC, event)

    def _wake(self, plans: Plans) -> None:
        """Ask for the moment at which there is something to do; what fails stays in the team's view."""
        (due_at, name), failing = plans.coming(), plans.failing()
        if due_at is None and failing:
            due_at = NEVER
        note = {"failing": failing, "next": name}
        self.context.wake(self.name, due_at, {name: told for name, told in note.items() if told})

    def _check_room(self, plans: Plans) -> None:
        if plans.count() >= (most := self.context.limits.CRON_PLANS):
            raise OverLimit(f"{most:,} schedules and alarms are the most here (limit CRON_PLANS). Remove some first.")

    def _all_found(self, plans: Plans, names: tuple[str, ...]) -> list[Plan]:
        if not names:
            raise WrongArgument("names", "Name at least one schedule.")
        return [self._found(plans, name) for name in dict.fromkeys(names)]
