"""The queue: what is to be done later, here or in other objects, once each, whatever crashes meanwhile.

A message has a command of this object, which the platform runs, or a body that somebody elsewhere fetches. A message
and its effect are one transaction: delivering it takes it away. What fails is tried again after a pause that doubles,
and is a dead letter when it has failed too often. Messages are in the object's own file. Changes are told on the topic
"queue".
"""

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import orjson

from objects.sdk import (
    AtLeast,
    BadRequest,
    Between,
    Conflict,
    Facility,
    Help,
    Json,
    Length,
    Moment,
    NoSuch,
    NotAllowed,
    OverLimit,
    Problem,
    RestOfLine,
    Seconds,
    Tab,
    TooLarge,
    WrongArgument,
    command,
    effect_of,
)
from objects.timing.depths import Depths
from objects.timing.lines import planned, shown
from objects.timing.messages import FOREIGN, NEVER, OVER, TRIES, Message, Messages
from objects.timing.wallclock import utc

TOPIC: Final = "queue"
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 3_600.0
BODY_CHARS: Final = 256 * 1024
TURN_S: Final = 0.05  # after so long in one transaction, the other callers of the object have their turn
LEASE_S: Final = 30.0
HOPELESS: Final = (BadRequest, NotAllowed, TooLarge, WrongArgument)  # to try again would change nothing
PAUSED, DRAINING = 1, 2

Key = Annotated[str, Length(1, 200)]
Delay = Annotated[Seconds, Between(0, 366 * 86_400)]
Lease = Annotated[Seconds, Between(1, 12 * 3_600), Help("how long it is yours; then others may have it")]
Receipt = Annotated[str, Length(1, 60), Help("what `queue receive` gave with it")]
Number = Annotated[int, AtLeast(1), Help("the message's number")]
State = Literal["on", "paused", "draining"]


@dataclass(frozen=True, slots=True)
class Pushed:
    """A message that waits. new: whether this call made it; one with the same key waited already otherwise."""

    number: int
    due: Moment | None  # null while it is behind others of its group
    new: bool


@dataclass(frozen=True, slots=True)
class Received:
    """A message that is yours until the lease ends."""

    number: int
    receipt: str
    body: Json
    attempts: int  # this one included
    group: str
    sent: Moment
    until: Moment


@dataclass(frozen=True, slots=True)
class Look:
    """A message as it is in the queue. what: its command, or its body where somebody fetches it."""

    number: int
    what: str
    path: str
    state: Literal["due", "delayed", "behind", "leased", "dead"]
    due: Moment | None
    priority: int
    attempts: int
    group: str
    key: str
    problem: str
    sent: Moment


@dataclass(frozen=True, slots=True)
class Looks:
    """Some messages by number."""

    messages: list[Look]
    next: int | None  # hand it in as `after` for what follows; null when that was all


@dataclass(frozen=True, slots=True)
class Depth:
    """How full the queue is. age: of the longest waiting message that is due."""

    state: State
    waiting: int
    due: int
    delayed: int
    leased: int
    dead: int
    age: Seconds


@dataclass(frozen=True, slots=True)
class DepthAt:
    """How many messages waited at most in the minute that began at a moment. Between two, as many as at the first."""

    at: Moment
    waiting: int


class Queue(Facility):
    """Does things later, once each."""

    name = "queue"
    tab = Tab("Queue", order=210)

    # ---- Pushing ----

    @command
    def push(  # noqa: PLR0913 -- what a message is made of
        self,
        command: Annotated[RestOfLine, Help("a command of this object; after -- where it has flags")] = "",
        *,
        arguments: Annotated[dict[str, Json] | None, Help("the command's arguments; it is then a name alone")] = None,
        body: Annotated[Json, Help("instead of a command: what somebody is to fetch with `queue receive`")] = None,
        delay: Annotated[Delay, Help("not before so long from now")] = 0.0,
        priority: Annotated[int, Between(-9, 9), Help("higher comes first")] = 0,
        key: Annotated[Key | None, Help("while a message with this key waits, no other with it is added")] = None,
        group: Annotated[Key | None, Help("messages of a group are done one after the other, in this order")] = None,
        expires: Annotated[
            Seconds | None, AtLeast(1), Help("what is not done so long after now is a dead letter")
        ] = None,
        tries: Annotated[int, Between(1, 100), Help("how often it is tried before it is a dead letter")] = TRIES,
        sure: Annotated[bool, Help("let a dangerous command run without asking")] = False,
    ) -> Pushed:
        """Let a command of this object run later; or a message wait for somebody elsewhere.

        > queue push -- state incr visits
        number 1  due 2026-05-17T09:30:00Z  new yes
        > queue push --delay 5m --key tidy -- state set tidy true
        number 2  due 2026-05-17T09:35:00Z  new yes
        > queue push --body {"order":42}
        number 3  due 2026-05-17T09:30:00Z  new yes
        """
        if bool(command) == (body is not None):
            raise WrongArgument("command", "command: give a command of this object, or a --body for somebody to fetch.")
        done, content = ("", body)
        if command:
            done, content = planned(self.context.kind, command, arguments, is_sure=sure)
        elif arguments is not None:
            raise WrongArgument("arguments", "arguments: a body has none. Name a command.")
        messages, now = self._messages(), self.context.now
        if key is not None and (number := messages.waiting_twin(key)) is not None and not messages.is_copy:
            twin = messages.get(number)
            assert twin is not None
            return Pushed(number, _moment(twin.due_at), new=False)
        message = self._message(done, content, now + delay)
        message.priority, message.dedupe, message.grp, message.most = priority, key, group, tries
        message.expires_at = None if expires is None else now + expires
        number = self._add(message)
        self.context.emit(TOPIC, {"pushed": number})
        return Pushed(number, _moment(message.due_at), new=True)

    # ---- For those who fetch ----

    @command
    def receive(
        self,
        count: Annotated[int, Between(1, 100), Help("how many at most")] = 1,
        *,
        lease: Lease = LEASE_S,
    ) -> list[Received]:
        """Fetch messages that have a body: they are yours for a while, and gone once you `queue ack` them.

        > queue push --body {"order":42}
        …
        > queue receive
        number  receipt …
             1  1-2 …
        """
        messages, now = self._messages(), self.context.now
        found: list[Received] = []
        if messages.is_untouched or self._state() == "paused":
            return found
        messages.adopt(now)
        while len(found) < count and (message := messages.ready(now, fetched=True)) is not None:
            if message.expires_at is not None and message.expires_at <= now:
                self._bury(messages, message, OVER, tried=False)
            elif message.attempts >= message.most:
                self._bury(messages, message, message.problem or "who fetched it never acknowledged it", tried=False)
            else:
                receipt = messages.lend(message, now + lease)
                found.append(
                    Received(
                        message.number,
                        receipt,
                        message.content,
                        message.attempts + 1,
                        message.grp or "",
                        utc(message.sent_at),
                        utc(now + lease),
                    )
                )
        self._wake()
        return found

    @command
    def ack(self, *receipts: Receipt) -> int:
        """Say that fetched messages are done; all of them or, where one is not yours any more, none. Tells how many.

        > queue push --body {"order":42}
        …
        > queue receive
        …
        > queue ack 1-2
        1
        """
        messages = self._messages()
        held = [self._held(messages, receipt) for receipt in dict.fromkeys(receipts)]
        for message in held:
            messages.remove(message, self.context.now)
        self._told({"done": [message.number for message in held]})
        return len(held)

    @command
    def nack(
        self,
        receipt: Receipt,
        *,
        delay: Annotated[Delay | None, Help("when it may be fetched again; a pause that doubles by default")] = None,
        reason: Annotated[str, Length(0, 1_000), Help("why it failed")] = "",
    ) -> None:
        """Give a fetched message back undone: others may have it later.

        > queue push --body {"order":42}
        …
        > queue receive
        …
        > queue nack 1-2 --reason "no paper"
        …
        """
        messages = self._messages()
        message = self._held(messages, receipt)
        if message.attempts >= message.most:
            self._bury(messages, message, reason or "given back by who fetched it", tried=False)
        else:
            pause = pause_s(message.attempts - 1, self.context.random) if delay is None else delay
            messages.put_off(message, self.context.now + pause, reason or None, tried=False)
        self._told({"failed": [message.number]})

    @command
    def extend(self, receipt: Receipt, *, lease: Lease = LEASE_S) -> Moment:
        """Keep a fetched message longer; tells until when.

        > queue push --body {"order":42}
        …
        > queue receive
        …
        > queue extend 1-2 --lease 5m
        2026-05-17T09:35:00Z
        """
        messages = self._messages()
        until = self.context.now + lease
        messages.extend(self._held(messages, receipt), until)
        return utc(until)

    # ---- Looking ----

    @command(reads=True)
    def depth(self) -> Depth:
        """Tell how full the queue is.

        > queue push --delay 5m -- state incr visits
        …
        > queue depth
        state on  waiting 1  due 0  delayed 1  leased 0  dead 0  age 0s
        """
        messages, now = self._messages(), self.context.now
        counted = messages.counts(now)
        return Depth(state=self._state(), **counted)

    @command(reads=True)
    def depths(
        self, since: Annotated[Seconds, Between(60, 86_400), Help("how far back; a day at most")] = 3_600.0
    ) -> list[DepthAt]:
        """Tell how full the queue was, minute by minute; minutes in which nothing changed are left out.

        > queue push --delay 5m -- state incr visits
        …
        > queue depths
        at                    waiting
        2026-05-17T09:30:00Z        1
        """
        return [DepthAt(utc(at), most) for at, most in Depths(self.context.db).since(self.context.now - since)]

    @command(reads=True)
    def peek(
        self,
        *,
        dead: Annotated[bool, Help("show dead letters instead")] = False,
        after: Annotated[int, Help("only numbers after this; `next` of the answer before")] = 0,
        limit: Annotated[int, Between(1, 200)] = 20,
    ) -> Looks:
        """Look at the messages without touching them.

        > queue push -- state incr visits
        …
        > queue peek
        number  what …
             1  state incr key=visits …
        """
        now = self.context.now
        found = [_look(each, now) for each in self._messages().some(after, limit, dead=dead)]
        return Looks(found, found[-1].number if len(found) == limit else None)

    # ---- Putting right ----

    @command
    def redrive(self, *numbers: Number) -> int:
        """Let dead letters wait again, with all their tries: those of these numbers, or all. Tells how many.

        Those that came with a copy or a file from elsewhere have your rights from now on.

        > queue redrive
        0
        """
        messages, now = self._messages(), self.context.now
        if messages.is_untouched:
            found: list[Message] = []
        else:
            messages.adopt(now)
            found = self._dead(messages, numbers)
        for message in found:
            if message.dedupe is not None and messages.waiting_twin(message.dedupe) is not None:
                raise Conflict(f"{message.number}: another message with the key '{message.dedupe}' waits. Drop one.")
            messages.revive(message, now, self.context.caller.id)
        self._told({"redriven": [message.number for message in found]})
        return len(found)

    @command
    def drop(self, *numbers: Number) -> int:
        """Take messages or dead letters out of the queue, undone; all of them or none. Tells how many.

        > queue push --delay 5m -- state incr visits
        …
        > queue drop 1
        1
        """
        if not numbers:
            raise WrongArgument("numbers", "Name at least one message. `queue purge` drops all.")
        messages, now = self._messages(), self.context.now
        found = []
        for number in dict.fromkeys(numbers):
            message = messages.get(number)
            if message is None:
                raise NoSuch(f"{number}: no such message. `queue peek` shows those that wait.", field="numbers")
            found.append(message)
        messages.adopt(now)
        for message in found:
            messages.forget(message, now)
        self._told({"dropped": [message.number for message in found]})
        return len(found)

    @command(dangerous=True)
    def purge(self, *, dead: Annotated[bool, Help("the dead letters instead of what waits")] = False) -> int:
        """Drop all that waits, or all dead letters. Nothing brings them back. Tells how many.

        > queue push --delay 5m -- state incr visits
        …
        > queue purge
        1
        """
        messages = self._messages()
        if messages.is_untouched:
            return 0
        messages.adopt(self.context.now)
        gone = messages.empty(dead=dead)
        self._told({"purged": gone})
        return gone

    @effect_of(purge)
    def _purge_effect(self, *, dead: bool = False) -> str:
        counted = self._messages().counts(self.context.now)
        if dead:
            return f"Drops {counted['dead']:,} dead letters for good."
        return f"Drops {counted['waiting']:,} waiting messages for good."

    @command
    def pause(self) -> State:
        """Let messages wait until `queue resume`: nothing is delivered, and nobody can fetch any.

        > queue pause
        paused
        """
        return self._turn(PAUSED)

    @command
    def drain(self) -> State:
        """Take no new messages until `queue resume`; what waits is done.

        > queue drain
        draining
        """
        return self._turn(DRAINING)

    @command
    def resume(self) -> State:
        """Take and deliver messages again.

        > queue pause
        paused
        > queue resume
        on
        """
        return self._turn(0)

    # ---- For code ----

    def send(self, path: str, command: str, arguments: dict[str, Any], delay_s: float) -> int:
        """Let a message wait; see `Context.send`."""
        message = self._message(command, arguments, self.context.now + max(0.0, delay_s))
        message.path = "" if path == self.context.path else path
        return self._add(message)

    def post(
        self,
        path: str,
        command: str,
        arguments: dict[str, Any],
        *,
        caller: str,
        due_at: float = 0.0,
        attempts: int = 0,
        most: int = TRIES,
        problem: str | None = None,
    ) -> int:
        """Let a message of another facility wait, on behalf of a caller; it is taken while the queue drains, too."""
        message = self._message(command, arguments, max(due_at, self.context.now))
        message.path, message.caller = path, caller
        message.attempts, message.most, message.problem = attempts, most, problem
        return self._add(message, is_own=True)

    def due(self, most: int, broken: Problem | None = None) -> Any:
        """Deliver the messages whose turn it is."""
        messages, now = self._messages(), self.context.now
        took_s = 0.0
        while most and took_s < TURN_S and self._state() != "paused" and not messages.is_copy:
            message = messages.ready(now)
            if message is None:
                break
            most -= 1
            if message.expires_at is not None and message.expires_at <= now:
                self._bury(messages, message, OVER, tried=False)
                continue
            if not messages.is_signed(message):
                self._bury(messages, message, FOREIGN, tried=False)
                continue
            problem, broken = broken, None
            if problem is None:
                attempt = self.context.attempt(
                    message.path or self.context.path,
                    message.command,
                    message.content,
                    caller_id=message.caller,
                    via=f"message {message.number}",
                )
                problem, took_s = attempt.problem, took_s + attempt.took_s
            if messages.get(message.number) is None:
                continue  # its own command dropped it
            if problem is None:
                messages.remove(message, now)
            else:
                self._failed(messages, message, problem)
        self._wake()

    # ---- What the commands share ----

    def _failed(self, messages: Messages, message: Message, problem: Problem) -> None:
        """Try a message again later, or never."""
        if isinstance(problem, HOPELESS) or message.attempts + 1 >= message.most:
            self._bury(messages, message, problem.detail, tried=True)
            return
        pause = max(pause_s(message.attempts, self.context.random), problem.retry_after_s or 0.0)
        messages.put_off(message, self.context.now + pause, problem.detail, tried=True)

    def _bury(self, messages: Messages, message: Message, problem: str, *, tried: bool) -> None:
        messages.bury(message, self.context.now, problem, tried=tried, keep=self.context.limits.QUEUE_DEAD)
        self.context.emit(TOPIC, {"dead": message.number, "problem": problem})

    def _message(self, command: str, content: Any, due_at: float) -> Message:
        body = orjson.dumps(content).decode()
        if len(body) > BODY_CHARS:
            raise TooLarge(
                f"a message of {len(body):,} characters as JSON: {BODY_CHARS:,} is the most. Keep it as a file."
            )
        return Message("", command, body, self.context.caller.id, self.context.now, due_at)

    def _add(self, message: Message, *, is_own: bool = False) -> int:
        """Let a message wait, and give its number."""
        messages = self._messages()
        if not is_own and self._state() == "draining":
            raise Conflict("the queue takes no new messages: somebody drains it. `queue resume` ends that.")
        before = messages.next_due()
        messages.adopt(self.context.now)
        if messages.count() >= (most := self.context.limits.QUEUE_MESSAGES):
            raise OverLimit(f"{most:,} messages wait here already (limit QUEUE_MESSAGES). Let some be done.")
        number = messages.add(message)
        waiting = messages.count()
        Depths(self.context.db).note(self.context.now, waiting)
        # The team's page says how many wait: while more and more are pushed, it is told as often as they double.
        if not messages.is_awaited(before) or waiting & (waiting - 1) == 0:
            self._wake()
        return number

    def _held(self, messages: Messages, receipt: str) -> Message:
        """Find the message that a receipt is for; raises Conflict where it is somebody else's by now."""
        number, _, _ = receipt.partition("-")
        message = messages.get(int(number)) if number.isdecimal() and len(number) < 18 else None
        if message is None or message.receipt != receipt or messages.is_copy:
            raise Conflict(
                f"{receipt}: this message is done, or its lease ended and others may have it. Receive it again.",
                field="receipt",
            )
        return message

    def _dead(self, messages: Messages, numbers: tuple[int, ...]) -> list[Message]:
        if not numbers:
            return messages.some(0, self.context.limits.QUEUE_DEAD, dead=True)
        found = []
        for number in dict.fromkeys(numbers):
            message = messages.get(number)
            if message is None or message.dead_at is None:
                raise NoSuch(f"{number}: no such dead letter. `queue peek --dead` shows them.", field="numbers")
            found.append(message)
        return found

    def _turn(self, paused: int) -> State:
        messages = self._messages()
        messages.adopt(self.context.now)
        messages.turn(paused)
        self._told({"state": self._state()})
        return self._state()

    def _state(self) -> State:
        states: list[State] = ["on", "paused", "draining"]
        return states[self._messages().paused]

    def _told(self, event: dict[str, Any]) -> None:
        """Ask for the next waking after a change, and tell who listens."""
        self._wake()
        self.context.emit(TOPIC, event)

    def _wake(self) -> None:
        """Ask for the moment at which there is something to do; dead letters stay in the team's view."""
        messages = self._messages()
        waiting = messages.count()
        counts = {"dead": messages.dead_count(), "waiting": waiting}
        note = {name: count for name, count in counts.items() if count}
        due_at = messages.next_due()
        if due_at is None and note:
            due_at = NEVER
        if not messages.is_untouched:
            Depths(self.context.db).note(self.context.now, waiting)
        self.context.wake(self.name, due_at, note)

    def _messages(self) -> Messages:
        return Messages(self.context.db, self.context.identity)


def pause_s(failures: int, chance: random.Random) -> float:
    """Give the seconds before the next try after so many that failed: twice as long each time, and a part by chance."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures, 30)) * (1 + chance.random())


def _moment(unix: float) -> datetime | None:
    return None if unix == NEVER else utc(unix)


def _look(message: Message, now: float) -> Look:
    state: Literal["due", "delayed", "behind", "leased", "dead"]
    if message.dead_at is not None:
        state = "dead"
    elif message.due_at == NEVER:
        state = "behind"
    elif message.due_at <= now:
        state = "due"
    else:
        state = "leased" if message.receipt is not None else "delayed"
    content = message.content
    return Look(
        number=message.number,
        what=shown(message.command, content) if message.command else orjson.dumps(content).decode()[:200],
        path=message.path,
        state=state,
        due=_moment(message.due_at),
        priority=message.priority,
        attempts=message.attempts,
        group=message.grp or "",
        key=message.dedupe or "",
        problem=message.problem or "",
        sent=utc(message.sent_at),
    )
