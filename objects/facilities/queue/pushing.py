"""How messages come into a queue: by its command, and by code."""

from typing import Annotated, Any, Final

import orjson

from objects.facilities.queue.delivering import TOPIC, Delivering
from objects.facilities.queue.shapes import Delay, Key, Pushed, moment
from objects.sdk import (
    AtLeast,
    Between,
    Conflict,
    Help,
    Json,
    OverLimit,
    RestOfLine,
    Seconds,
    TooLarge,
    WrongArgument,
    command,
)
from objects.timing.depths import Depths
from objects.timing.lines import planned
from objects.timing.messages import TRIES, Message

BODY_CHARS: Final = 256 * 1024


class Pushing(Delivering):
    """A part of the facility."""

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
            return Pushed(number, moment(twin.due_at), new=False)
        message = self._message(done, content, now + delay)
        message.priority, message.dedupe, message.grp, message.most = priority, key, group, tries
        message.expires_at = None if expires is None else now + expires
        number = self._add(message)
        self.context.emit(TOPIC, {"pushed": number})
        return Pushed(number, moment(message.due_at), new=True)

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

    # ---- What they share ----

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
