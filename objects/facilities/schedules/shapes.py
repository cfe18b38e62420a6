"""What is said of schedules and what is answered about them: the types of arguments, and the shapes of answers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import orjson

from objects.sdk import (
    Between,
    Conflict,
    Help,
    Json,
    Length,
    Moment,
    Name,
    ObjectPath,
    RestOfLine,
    Seconds,
    WrongArgument,
)
from objects.timing.lines import shown
from objects.timing.plans import FOREIGN, NEVER, Plan, Plans, Run
from objects.timing.specs import read_zone
from objects.timing.wallclock import utc

TRIES: Final = 20

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
OverlapPolicy = Annotated[
    Literal["skip", "queue", "cancel", "allow"],
    Help("for a task that is still going when the next is due: leave that out, let it wait, stop the old one, or both"),
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
OCCASIONS: Final[tuple[Occasion, ...]] = ("failed", "late", "slow", "recovered")


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
    outcome: str  # of the last run: ok, failed, missed, cancelled, running; "" where there was none


@dataclass(frozen=True, slots=True)
class Items:
    """Some schedules by name."""

    schedules: list[Item]
    next: str | None  # hand it in as `after` for what follows; null when that was all


@dataclass(frozen=True, slots=True)
class Details:
    """All about one schedule. by: whose rights its runs have. failures: runs in a row that failed.

    alerts: when somebody is told; to, mail, hook: who. problem: why it is paused where nobody paused it.
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
    overlap: str
    alerts: list[str]
    to: str
    mail: str
    hook: str
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
class Coming:
    """What a schedule does in the coming hours: its next moments, and the first of each part of the time in which it
    fires.
    """

    name: str
    when: str
    command: str
    fires: list[Moment]
    spread: list[Moment]


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A change of the clocks that matters to a schedule. fires: when it fires in the hours around it."""

    at: Moment
    turn: Literal["forward", "back"]
    fires: list[Fire]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a text means: in words, and the next moments. clocks: the days of the next year to look at."""

    words: str
    next: list[Fire]
    clocks: list[ClockChange]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run went. kept: whether its effect stays; a dry run leaves none. running: it is a task, see the history."""

    outcome: Literal["ok", "failed", "running"]
    result: Json
    problem: str
    took: Seconds
    kept: bool
    log: str = ""  # what it said


@dataclass(frozen=True, slots=True)
class Past:
    """A run in the history. meant: the moment it was for. cause: what made it run. log: what it said.

    outcome: ok, failed, missed, skipped (the one before was still going) or cancelled; running or waiting where it is
    not over. task: the one that it is, while it is not over.
    """

    number: int
    meant: Moment
    began: Moment
    took: Seconds
    outcome: str
    cause: str
    input: Json
    result: Json
    problem: str
    log: str
    task: str


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


def state_of(plan: Plan, plans: Plans) -> PlanState:
    if plan.home != plans.identity:
        return "copied"
    if not plans.is_signed(plan):
        return "foreign"
    if plan.paused:
        return "paused"
    return "over" if plan.at == NEVER else "on"


def item(plan: Plan, plans: Plans) -> Item:
    state = state_of(plan, plans)
    return Item(
        name=plan.name,
        when=words_of(plan),
        command=shown(plan.command, orjson.loads(plan.arguments)),
        state=state,
        next=None if plan.at == NEVER or state != "on" else moment(plan.at),
        last=moment(plan.last_at),
        outcome=plan.last,
    )


def details(plan: Plan, plans: Plans) -> Details:
    listed, rules = item(plan, plans), plan.said
    return Details(
        name=plan.name,
        spec=plan.spec,
        words=listed.when,
        command=plan.command,
        arguments=orjson.loads(plan.arguments),
        state=listed.state,
        next=listed.next,
        zone=rules.zone,
        dst=rules.dst,
        missed=rules.missed,
        lateness=rules.lateness_s,
        jitter=rules.jitter_s,
        starts=moment(rules.starts_at),
        ends=moment(rules.ends_at),
        tries=rules.tries,
        overlap=rules.overlap,
        alerts=list(rules.alert_on),
        to=rules.alert_to if rules.alert_on else "",
        mail=rules.alert_mail if rules.alert_on else "",
        hook=rules.alert_hook if rules.alert_on else "",
        by=plan.by,
        alarm=bool(plan.is_alarm),
        failures=plan.failures,
        problem=FOREIGN if listed.state == "foreign" else "",
    )


def words_of(plan: Plan) -> str:
    """Say in words when a plan runs; in a list one that cannot be read must not hide the others."""
    try:
        return plan.moments().words()
    except (Conflict, WrongArgument) as problem:
        return problem.detail


def unix(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()


def moment(at: float | None) -> datetime | None:
    return None if at is None else utc(at)


def iso(at: float) -> str:
    return utc(at).isoformat(timespec="seconds").replace("+00:00", "Z")


def fire(at: float, zone: str) -> Fire:
    local = datetime.fromtimestamp(at, read_zone(zone))
    return Fire(utc(at), f"{local:%a %-d %b %Y %H:%M:%S %Z}")


def entry(row: tuple[Any, ...], now: float) -> Entry:
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
    return Entry(path, facility, state, moment(None if due_at == NEVER else due_at), failing, kind, what, asked)


def past(run: Run, log: str, task: str) -> Past:
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
        log=log,
        task=task,
    )
