"""Schedules: commands that run at their time, by the clocks of a place or every so often; and alarms that code sets.

They are kept in the object's own file. What is due and its effect are one transaction, so it happens once, whatever
crashes meanwhile. A run has the rights of who made or last edited the schedule, as they are when it runs. In a copy of
the object all schedules are paused. Every run is told on the topic "cron".
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import orjson

from objects.facilities.queue import Queue, pause_s
from objects.sdk import (
    AtLeast,
    Between,
    Conflict,
    Facility,
    Help,
    Json,
    Length,
    Moment,
    Name,
    NoSuch,
    ObjectPath,
    OverLimit,
    Problem,
    RestOfLine,
    Seconds,
    Tab,
    WrongArgument,
    command,
)
from objects.timing import index, mails
from objects.timing.lines import planned, shown
from objects.timing.plans import FOREIGN, LATE_S, NEVER, Plan, Plans, Rules, Run
from objects.timing.specs import At, read, read_zone
from objects.timing.wallclock import utc

TOPIC: Final = "cron"
TURN_S: Final = 0.05  # after so long in one transaction, the other callers of the object have their turn
RESULT_CHARS: Final = 4_000  # of a result in the history
TRIES: Final = 20
AGENDA_ROWS: Final = 5_000  # that are looked at for those that the caller sees

When = Annotated[
    str,
    Length(1, 500),
    Help('"*/5 * * * *", "@daily", "every 90s", "at 2026-12-24T18:00" or an RRULE; in quotes'),
]
Line = Annotated[RestOfLine, Help("the command, as in a terminal; after -- where it has flags")]
Arguments = Annotated[dict[str, Json] | None, Help("the command's arguments; it is then a name alone")]
Zone = Annotated[str, Help("whose clocks count, such as Europe/Berlin")]
DstPolicy = Annotated[
    Literal["once", "skip", "both"], Help("for a time of day that the clocks leave out or show twice when they change")
]
MissedPolicy = Annotated[
    Literal["all", "last", "none"], Help("which of the runs to make up for that nothing was there to do")
]
Lateness = Annotated[Seconds | None, Help("a run that is later than this is left out; for `none` a minute by default")]
Jitter = Annotated[Seconds, Between(0, 86_400), Help("run up to this later; always as much for the same moment")]
Starts = Annotated[Moment | None, Help("not before this moment; `every` counts from it")]
Ends = Annotated[Moment | None, Help("not after this moment")]
Tries = Annotated[int, Between(1, TRIES), Help("how often a run that fails is tried, with longer and longer pauses")]
Sure = Annotated[bool, Help("let a dangerous command run without asking")]
PlanName = Annotated[Name, Help("what the schedule is called")]
PlanState = Literal["on", "paused", "copied", "foreign", "over"]
Occasion = Literal["failed", "late", "slow", "recovered"]
OCCASIONS: Final[list[Occasion]] = ["failed", "late", "slow", "recovered"]


@dataclass(frozen=True, slots=True)
class Item:
    """A schedule in a list. state: on, paused, copied (paused, for it is at work in the original), foreign, or over.

    foreign: paused, for it came with a file from elsewhere; `cron resume` lends it your rights.
    """

    name: str
    when: str
    command: str
    state: PlanState
    next: Moment | None
    last: Moment | None
    outcome: str  # of the last run: ok, failed, missed; "" where there was none


@dataclass(frozen=True, slots=True)
class Items:
    """Some schedules by name."""

    schedules: list[Item]
    next: str | None  # hand it in as `after` for what follows; null when that was all


@dataclass(frozen=True, slots=True)
class Details:
    """All about one schedule. by: whose rights its runs have. failures: runs in a row that failed.

    problem: why it is paused where nobody paused it.
    """

    name: str
    spec: str
    words: str
    command: str
    arguments: Json
    state: PlanState
    next: Moment | None
    zone: str
    dst: str
    missed: str
    lateness: Seconds | None
    jitter: Seconds
    starts: Moment | None
    ends: Moment | None
    tries: int
    alerts: list[str]
    by: str
    alarm: bool
    failures: int
    problem: str


@dataclass(frozen=True, slots=True)
class Fire:
    """A moment at which a schedule fires, and the same by the clocks of its zone."""

    at: Moment
    local: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a text means: in words, and the next moments."""

    words: str
    next: list[Fire]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run went. kept: whether its effect stays; a dry run leaves none."""

    outcome: Literal["ok", "failed"]
    result: Json
    problem: str
    took: Seconds
    kept: bool


@dataclass(frozen=True, slots=True)
class Past:
    """A run in the history. meant: the moment it was for. cause: what made it run."""

    number: int
    meant: Moment
    began: Moment
    took: Seconds
    outcome: str
    cause: str
    input: Json
    result: Json
    problem: str


@dataclass(frozen=True, slots=True)
class History:
    """Some runs, the latest first."""

    runs: list[Past]
    next: int | None  # hand it in as `before` for earlier ones; null when that was all


@dataclass(frozen=True, slots=True)
class Ask:
    """Something that a run waits for until somebody says it: `steps approve` or `steps signal`."""

    run: str
    name: str
    sort: Literal["approval", "event"]


@dataclass(frozen=True, slots=True)
class Entry:
    """An object with something to do. failing: schedules and runs that failed the last time; dead letters."""

    path: ObjectPath
    facility: str
    state: Literal["waiting", "due", "running", "idle"]
    due: Moment | None
    failing: str
    kind: str
    what: str  # is due, in words: a schedule's name, how many messages wait, a run
    asked: list[Ask]


class Schedules(Facility):
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
            starts_at=_unix(starts),
            ends_at=_unix(ends),
            tries=tries,
        )
        plan = self._new(name, spec, done, given, rules)
        plan.paused = int(paused)
        self._sign(plans, plan)
        self._set(plans, plan)
        return self._item(plan)

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
        rules = plan.said
        changes = {
            "zone": read_zone(zone).key if zone is not None else None,
            "dst": dst,
            "missed": missed,
            "lateness_s": lateness,
            "jitter_s": jitter,
            "starts_at": _unix(starts),
            "ends_at": _unix(ends),
            "tries": tries,
        }
        for field_name, value in changes.items():
            if value is not None:
                setattr(rules, field_name, value)
        plan.say(rules)
        plan.spec = plan.spec if spec is None else spec
        self._sign(plans, plan)
        self._set(plans, plan)
        return self._item(plan)

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
        late: Annotated[Seconds, AtLeast(1), Help("from when on a run is late")] = LATE_S,
        slow: Annotated[Seconds, AtLeast(0.001), Help("from when on a run is slow")] = 5.0,
        off: Annotated[bool, Help("tell nobody any more")] = False,
    ) -> Details:
        """Have somebody told when runs of a schedule fail, are late or slow, or are well again.

        Of a row of failures the first is told, and then that it is over. Its runs, which tell it, have your rights
        from now on.

        > cron add count "*/5 * * * *" -- state incr visits
        …
        > cron alert count failed recovered --to /
        …
        alerts     failed, recovered
        …
        """
        plans = self._plans()
        plan = self._found(plans, name)
        if not off and to is None and not mail:
            raise WrongArgument("to", "to: who shall be told? Name an object with --to, or an address with --mail.")
        if mail and not mails.is_member(self.context.pg, mail):
            raise WrongArgument("mail", f"mail: {mail[:100]} is no member of this team. Only members are written to.")
        rules = plan.said
        rules.alert_on = [] if off else list(dict.fromkeys(occasions)) or list(OCCASIONS)
        rules.alert_to, rules.alert_command, rules.alert_mail = to or "", command, mail
        rules.late_s, rules.slow_s = late, slow
        plan.say(rules)
        self._sign(plans, plan)
        plans.put(plan)
        return self._details(plan)

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
        outcome ok  result 1  problem  took …  kept no
        > cron run count
        outcome ok  result 1  problem  took …  kept yes
        """
        plans = self._plans()
        plan = self._found(plans, name)
        attempt = self.context.attempt(
            self.context.path,
            plan.command,
            orjson.loads(plan.arguments),
            caller_id=self.context.caller.id,
            via=f"cron {name}",
            as_of=_unix(as_of),
            keeps=not dry,
        )
        problem = "" if attempt.problem is None else attempt.problem.detail
        if not dry:
            moment = _unix(as_of) or self.context.now
            self._note(plans, plan, moment, f"by hand, {self.context.caller.name}", attempt)
        outcome: Literal["ok", "failed"] = "failed" if problem else "ok"
        return Outcome(outcome, attempt.value, problem, round(attempt.took_s, 4), kept=not dry and not problem)

    # ---- What one asks ----

    @command(name="list", reads=True)
    def list_(
        self,
        *,
        after: Annotated[str, Help("only names after this; `next` of the answer before")] = "",
        limit: Annotated[int, Between(1, 1_000)] = 100,
    ) -> Items:
        """List schedules and alarms, by name.

        > cron add count "*/5 * * * *" -- state incr visits
        …
        > cron list
        name   when …
        count  every 5 minutes (UTC) …
        """
        found = self._plans().some(after, limit)
        return Items([self._item(plan) for plan in found], found[-1].name if len(found) == limit else None)

    @command(reads=True)
    def show(self, name: PlanName) -> Details:
        """Tell all about a schedule.

        > cron add count "*/5 * * * *" -- state incr visits
        …
        > cron show count
        name       count
        spec       */5 * * * *
        …
        """
        return self._details(self._found(self._plans(), name))

    @command(reads=True)
    def next(self, name: PlanName, count: Annotated[int, Between(1, 100)] = 20) -> list[Fire]:
        """Tell when a schedule fires next.

        > cron add lunch "0 12 24 12 *" --zone Europe/Berlin -- state incr lunches
        …
        > cron next lunch 1
        at                    local
        2026-12-24T11:00:00Z  Thu 24 Dec 2026 12:00:00 CET
        """
        plan = self._found(self._plans(), name)
        if plan.nominal == NEVER:
            return []
        rules = plan.said
        found: list[Fire] = []
        spec, moment = plan.moments(), plan.nominal if plan.at > self.context.now else None
        if moment is None:
            moment = spec.after(max(self.context.now, plan.nominal))
        while moment is not None and len(found) < count and moment <= (rules.ends_at or NEVER):
            found.append(_fire(moment + plan.jitter(moment), rules.zone))
            moment = spec.after(moment)
        return found

    @command(reads=True)
    def preview(
        self,
        spec: When,
        *,
        zone: Zone = "UTC",
        dst: DstPolicy = "once",
        count: Annotated[int, Between(1, 100)] = 5,
    ) -> Preview:
        """Tell what a text would mean, without keeping anything.

        > cron preview "0 9 * * mon" --count 2
        at                    local
        …
        words at 09:00, only on monday (UTC)
        """
        now = self.context.now
        meant, key = read(spec, zone=zone, dst=dst, made_at=now), read_zone(zone).key
        found: list[Fire] = []
        moment = meant.after(now)
        while moment is not None and len(found) < count:
            found.append(_fire(moment, key))
            moment = meant.after(moment)
        return Preview(meant.words(), found)

    @command(reads=True)
    def history(
        self,
        name: PlanName,
        *,
        before: Annotated[int | None, Help("only runs before this number; `next` of the answer before")] = None,
        limit: Annotated[int, Between(1, 200)] = 20,
    ) -> History:
        """Tell what a schedule did, the latest first: input, result, duration and outcome of each run.

        > cron add count "*/5 * * * *" -- state incr visits
        …
        > cron run count
        …
        > cron history count
        number  meant …
             1  2026-05-17T09:30:00Z …
        """
        plans = self._plans()
        self._found(plans, name)
        runs = plans.runs(name, before, limit)
        return History([_past(run) for run in runs], runs[-1].number if len(runs) == limit else None)

    @command(reads=True)
    def agenda(
        self,
        *,
        failing: Annotated[bool, Help("only where something fails or is a dead letter")] = False,
        asking: Annotated[bool, Help("only where somebody is waited for: approvals, events, who fetches")] = False,
        facility: Annotated[Literal["cron", "queue", "steps"] | None, Help("only what is due of this")] = None,
        kind: Annotated[str, Length(0, 60), Help("only objects of this kind")] = "",
        limit: Annotated[int, Between(1, 1_000)] = 50,
    ) -> list[Entry]:
        """Tell what is due next in this object and all beneath it, at work now, or failing; the next first.

        > cron add count "*/5 * * * *" -- state incr visits
        …
        > cron agenda
        path …
        """
        now, pg = self.context.now, self.context.pg
        rows = index.agenda(
            pg.connection,
            pg.schema,
            self.context.path,
            now=now,
            most=AGENDA_ROWS,
            shown="failing" if failing else "asking" if asking else "next",
            kind=kind,
            source=facility or "",
        )
        sees = self.context.caller.sees
        return [_entry(row, now) for row in rows if sees(row[0])][:limit]

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
        letters: list[mails.Mail] = []
        took_s = 0.0
        while most and took_s < TURN_S and (plan := plans.ready(now)) is not None:
            most -= 1
            if self._is_broken(plans, plan):
                continue
            took_s += self._run_due(plans, plan, broken, letters)
            broken = None
        self._wake(plans)
        return letters or None

    @staticmethod
    def after_due(schema: str, object_id: int, path: str, value: list[mails.Mail]) -> None:  # noqa: ARG004
        """Send the mails."""
        mails.post(schema, value)

    def _is_broken(self, plans: Plans, plan: Plan) -> bool:
        """Pause a plan that Grove did not write, or whose time cannot be told any more, for a zone is gone."""
        try:
            if not plans.is_signed(plan):
                raise Conflict(FOREIGN)
            plan.moments()
        except (Conflict, WrongArgument) as problem:
            self._note(plans, plan, plan.nominal, "schedule", None, problem)
            plan.paused = 1
            plans.put(plan)
            return True
        return False

    def _run_due(self, plans: Plans, plan: Plan, broken: Problem | None, letters: list[mails.Mail]) -> float:
        """Run a plan that is due, by its rules, and set when it fires next; gives the seconds that it took."""
        now, rules = self.context.now, plan.said
        lateness_s = rules.lateness_s
        if rules.missed == "none" and lateness_s is None:
            lateness_s = LATE_S
        first = plan.nominal
        left_out = 0 if rules.missed == "all" else plan.catch_up(now)
        if left_out:
            self._missed(plans, plan, first, left_out)
        nominal, late_s = plan.nominal, now - plan.at
        is_missed = lateness_s is not None and late_s > lateness_s
        took_s = 0.0
        attempt = None
        if is_missed:
            self._missed(plans, plan, nominal, 1)
        elif broken is None:
            attempt = self.context.attempt(
                self.context.path,
                plan.command,
                orjson.loads(plan.arguments),
                caller_id=plan.caller,
                via=f"{'alarm' if plan.is_alarm else 'cron'} {plan.name}",
            )
            took_s = attempt.took_s
        there = plans.get(plan.name)  # its own command may have edited, paused or removed it
        if there is None or (there.nominal, there.spec) != (first, plan.spec):
            return took_s
        if not plans.is_signed(there):
            return took_s
        plans.sign(there, there.caller, there.by)  # anew, so that an earlier secret key can be given up in time
        there.nominal, there.at = plan.nominal, plan.at
        there.aim(nominal)
        self._settle(plans, there, nominal, attempt, broken, is_missed=is_missed, late_s=late_s, letters=letters)
        return took_s

    def _settle(
        self,
        plans: Plans,
        plan: Plan,
        nominal: float,
        attempt: Any,
        broken: Problem | None,
        *,
        is_missed: bool,
        late_s: float,
        letters: list[mails.Mail],
    ) -> None:
        """Take note of how a run went, tell who wants to know, and keep the plan."""
        rules, failures = plan.said, plan.failures
        problem = broken if attempt is None else attempt.problem
        if is_missed:
            plan.last_at, plan.last = self.context.now, "missed"
        else:
            took_s = 0.0 if attempt is None else attempt.took_s
            self._note(plans, plan, nominal, "alarm" if plan.is_alarm else "schedule", attempt, broken)
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
                    self._tell(plan, occasion, problem, late_s=late_s, took_s=took_s, letters=letters)
        if plan.is_alarm and plan.at == NEVER:
            plans.remove(plan.name)
        else:
            plans.put(plan)

    def _note(self, plans: Plans, plan: Plan, nominal: float, cause: str, attempt: Any, broken: Any = None) -> None:
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
        run.number = plans.note(run, self.context.limits.CRON_RUNS)
        plan.last_at, plan.last = now, outcome
        if cause.startswith("by hand"):
            there = plans.get(plan.name)
            if there is not None:
                there.last_at, there.last = now, outcome
                plans.put(there)
        else:
            plan.failures = plan.failures + 1 if problem is not None else 0
        self.context.emit(TOPIC, {"name": plan.name, "run": run.number, "outcome": outcome, "problem": text})

    def _missed(self, plans: Plans, plan: Plan, nominal: float, count: int) -> None:
        """Take note of runs that are not made up for."""
        many = f"{count:,}{' or more' if count >= 1_000 else ''} runs were" if count > 1 else "The run was"
        problem = f"{many} missed, and not to be made up for (missed {plan.said.missed})."
        now = self.context.now
        plans.note(
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
        letters: list[mails.Mail],
    ) -> None:
        """Send an alert to whoever is to have it."""
        rules = plan.said
        alert = {
            "object": self.context.path,
            "schedule": plan.name,
            "occasion": occasion,
            "at": _iso(self.context.now),
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
            letters.append(mails.letter(rules.alert_mail, alert))

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
        due_at, failing = plans.next_due(), plans.failing()
        if due_at is None and failing:
            due_at = NEVER
        note = {"failing": failing, "next": plans.next_name()}
        self.context.wake(self.name, due_at, {name: told for name, told in note.items() if told})

    def _check_room(self, plans: Plans) -> None:
        if plans.count() >= (most := self.context.limits.CRON_PLANS):
            raise OverLimit(f"{most:,} schedules and alarms are the most here (limit CRON_PLANS). Remove some first.")

    def _found(self, plans: Plans, name: str) -> Plan:
        plan = plans.get(name)
        if plan is None:
            names = plans.names()
            there = f" There are {', '.join(names[:10])}." if names else " There is none here; `cron add` makes one."
            raise NoSuch(f"{name}: no such schedule.{there}", field="name")
        return plan

    def _all_found(self, plans: Plans, names: tuple[str, ...]) -> list[Plan]:
        if not names:
            raise WrongArgument("names", "Name at least one schedule.")
        return [self._found(plans, name) for name in dict.fromkeys(names)]

    def _item(self, plan: Plan) -> Item:
        return Item(
            name=plan.name,
            when=_words(plan),
            command=shown(plan.command, orjson.loads(plan.arguments)),
            state=self._state(plan),
            next=None if plan.at == NEVER or self._state(plan) != "on" else _moment(plan.at),
            last=_moment(plan.last_at),
            outcome=plan.last,
        )

    def _details(self, plan: Plan) -> Details:
        item, rules = self._item(plan), plan.said
        return Details(
            name=plan.name,
            spec=plan.spec,
            words=item.when,
            command=plan.command,
            arguments=orjson.loads(plan.arguments),
            state=item.state,
            next=item.next,
            zone=rules.zone,
            dst=rules.dst,
            missed=rules.missed,
            lateness=rules.lateness_s,
            jitter=rules.jitter_s,
            starts=_moment(rules.starts_at),
            ends=_moment(rules.ends_at),
            tries=rules.tries,
            alerts=rules.alert_on,
            by=plan.by,
            alarm=bool(plan.is_alarm),
            failures=plan.failures,
            problem=FOREIGN if item.state == "foreign" else "",
        )

    def _state(self, plan: Plan) -> PlanState:
        if plan.home != self.context.identity:
            return "copied"
        if not self._plans().is_signed(plan):
            return "foreign"
        if plan.paused:
            return "paused"
        return "over" if plan.at == NEVER else "on"

    def _queue(self) -> Queue:
        found: Any = self.context.facility("queue")
        queue: Queue = found
        return queue

    def _plans(self) -> Plans:
        return Plans(self.context.db, self.context.identity)


def _words(plan: Plan) -> str:
    """Say in words when a plan runs; in a list one that cannot be read must not hide the others."""
    try:
        return plan.moments().words()
    except (Conflict, WrongArgument) as problem:
        return problem.detail


def _unix(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _moment(unix: float | None) -> datetime | None:
    return None if unix is None else utc(unix)


def _iso(unix: float) -> str:
    return utc(unix).isoformat(timespec="seconds").replace("+00:00", "Z")


def _fire(moment: float, zone: str) -> Fire:
    local = datetime.fromtimestamp(moment, read_zone(zone))
    return Fire(utc(moment), f"{local:%a %-d %b %Y %H:%M:%S %Z}")


def _entry(row: tuple[Any, ...], now: float) -> Entry:
    path, kind, facility, due_at, is_running, note = row
    state: Literal["waiting", "due", "running", "idle"] = "waiting" if due_at > now else "due"
    if due_at == NEVER:
        state = "idle"
    elif is_running:
        state = "running"
    dead = note.get("dead", 0)
    letters = f"{dead:,} dead letter{'s' * (dead > 1)}" if dead else ""
    failing = ", ".join(note.get("failing", [])) or letters
    waits = f"{note['waiting']:,} waiting" if "waiting" in note else ""
    what = note.get("next") or note.get("what") or waits
    asked = [Ask(**each) for each in note.get("asked", [])]
    return Entry(path, facility, state, _moment(None if due_at == NEVER else due_at), failing, kind, what, asked)


def _past(run: Run) -> Past:
    return Past(
        number=run.number,
        meant=utc(run.nominal),
        began=utc(run.began_at),
        took=round(run.took_s, 4),
        outcome=run.outcome,
        cause=run.cause,
        input=orjson.loads(run.input),
        result=None if run.result is None else orjson.loads(run.result),
        problem=run.problem or "",
    )
