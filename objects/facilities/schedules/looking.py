"""Commands that look at schedules: which there are, what fires when, what they did, and what is due in a whole tree."""

from itertools import islice
from typing import Annotated, Any, Final, Literal

from objects.facilities.schedules.clocks import clock_changes
from objects.facilities.schedules.coming import fires, spread
from objects.facilities.schedules.shapes import (
    Coming,
    Details,
    DstPolicy,
    Entry,
    Fire,
    History,
    Items,
    PlanName,
    Preview,
    When,
    Zone,
    details,
    entry,
    fire,
    item,
    past,
    state_of,
)
from objects.sdk import Between, Help, Length, NoSuch, command
from objects.timing import index
from objects.timing.plans import Plan, Plans
from objects.timing.specs import read, read_zone
from objects.timing.wallclock import utc

AGENDA_ROWS: Final = 5_000  # that are looked at for those that the caller sees
HOUR_S: Final = 3_600.0


class Looking:
    """A part of the facility."""

    context: Any

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
        plans = self._plans()
        found = plans.some(after, limit)
        return Items([item(plan, plans) for plan in found], found[-1].name if len(found) == limit else None)

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
        plans = self._plans()
        return details(self._found(plans, name), plans)

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
        zone = plan.said.zone
        return [fire(moment + plan.jitter(moment), zone) for moment in islice(fires(plan, self.context.now), count)]

    @command(reads=True)
    def ahead(
        self,
        *,
        hours: Annotated[int, Between(1, 168), Help("how far")] = 24,
        count: Annotated[int, Between(1, 20), Help("of the next moments of each")] = 5,
        parts: Annotated[int, Between(1, 100), Help("into how many parts `spread` divides the time")] = 48,
        after: Annotated[str, Help("only names after this; the last of the answer before")] = "",
        limit: Annotated[int, Between(1, 100)] = 20,
    ) -> list[Coming]:
        """Tell what fires in the coming hours, schedule by schedule.

        > cron add count "*/5 * * * *" -- state incr visits
        …
        > cron ahead --hours 1 --count 2 --parts 2
        name   when …
        count  every 5 minutes (UTC) …
        """
        now, plans = self.context.now, self._plans()
        until = now + hours * HOUR_S
        found = []
        for plan in plans.some(after, limit):
            if state_of(plan, plans) != "on":
                continue
            moments = [moment + plan.jitter(moment) for moment in islice(fires(plan, now), count)]
            said = item(plan, plans)
            where = [utc(moment) for moment in spread(plan, now, until, parts)]
            found.append(
                Coming(said.name, said.when, said.command, [utc(each) for each in moments if each <= until], where)
            )
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
            found.append(fire(moment, key))
            moment = meant.after(moment)
        return Preview(meant.words(), found, clock_changes(spec, zone, dst, now))

    @command(reads=True)
    def history(
        self,
        name: PlanName,
        *,
        before: Annotated[int | None, Help("only runs before this number; `next` of the answer before")] = None,
        limit: Annotated[int, Between(1, 200)] = 20,
    ) -> History:
        """Tell what a schedule did, the latest first: input, result, duration, outcome and log of each run.

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
        logs, tasks = plans.logs(runs), {each.run: each.task for each in plans.goings(name)}
        shown = [past(run, logs.get(run.number, ""), tasks.get(run.number, "")) for run in runs]
        return History(shown, runs[-1].number if len(runs) == limit else None)

    @command(reads=True)
    def agenda(
        self,
        *,
        failing: Annotated[bool, Help("only where something fails or is a dead letter")] = False,
        asking: Annotated[bool, Help("only where somebody is waited for: approvals, events, who fetches")] = False,
        facility: Annotated[Literal["cron", "queue", "steps"] | None, Help("only what is due of this")] = None,
        kind: Annotated[str, Length(0, 60), Help("only objects of this kind")] = "",
        by: Annotated[Literal["due", "path"], Help("in which order what is due is told")] = "due",
        after: Annotated[str, Length(0, 20_000), Help("by path: only those after this one")] = "",
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
            shown="failing" if failing else "asking" if asking else "next" if by == "due" else "places",
            kind=kind,
            source=facility or "",
            after=after,
        )
        sees = self.context.caller.sees
        return [entry(row, now) for row in rows if sees(row[0])][:limit]

    # ---- What the commands share ----

    def _found(self, plans: Plans, name: str) -> Plan:
        plan = plans.get(name)
        if plan is None:
            names = plans.names()
            there = f" There are {', '.join(names[:10])}." if names else " There is none here; `cron add` makes one."
            raise NoSuch(f"{name}: no such schedule.{there}", field="name")
        return plan

    def _plans(self) -> Plans:
        return Plans(self.context.db, self.context.identity)
