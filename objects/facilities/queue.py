"""The queue: what is to be done later, here or in other objects, once each, whatever crashes meanwhile.

A message and its effect are one transaction: delivering it takes it away. What fails is tried again after a pause that
doubles, and is a dead letter when it has failed too often. The messages are in the object's own file.
"""

from typing import Any, Final

import orjson

from objects.sdk import Facility, NotAllowed, OverLimit, Problem, TooLarge, WrongArgument
from objects.timing.messages import OVER, Message, Messages
from teams.problems import BadRequest

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 3_600.0
BODY_CHARS: Final = 256 * 1024
TURN_S: Final = 0.05  # after so long in one transaction, the other callers of the object have their turn
HOPELESS: Final = (BadRequest, NotAllowed, TooLarge, WrongArgument)  # to try again would change nothing


class Queue(Facility):
    """Does things later, once each."""

    name = "queue"

    def send(self, path: str, command: str, arguments: dict[str, Any], delay_s: float) -> int:
        """Let a message wait; see `Context.send`."""
        now = self.context.now
        to = "" if path == self.context.path else path
        due_at = now + max(0.0, delay_s)
        return self._add(Message(to, command, orjson.dumps(arguments).decode(), self.context.caller.id, now, due_at))

    def due(self, most: int, broken: Problem | None = None) -> Any:
        """Deliver the messages whose turn it is."""
        messages, now = self._messages(), self.context.now
        took_s = 0.0
        while most and took_s < TURN_S and not messages.is_paused and not messages.is_copy:
            message = messages.ready(now)
            if message is None:
                break
            most -= 1
            if message.expires_at is not None and message.expires_at <= now:
                messages.bury(message, now, OVER, tried=False, keep=self._dead_most)
                continue
            problem = broken
            if problem is None:
                attempt = self.context.attempt(
                    message.path or self.context.path,
                    message.command,
                    message.content,
                    caller_id=message.caller,
                    via=f"message {message.number}",
                )
                problem, took_s = attempt.problem, took_s + attempt.took_s
            if problem is None:
                messages.remove(message, now)
            else:
                self._failed(messages, message, problem)
        self._wake()

    def _failed(self, messages: Messages, message: Message, problem: Problem) -> None:
        """Try a message again later, or never."""
        now = self.context.now
        if isinstance(problem, HOPELESS) or message.attempts + 1 >= message.most:
            messages.bury(message, now, problem.detail, tried=True, keep=self._dead_most)
            return
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**message.attempts) * (1 + self.context.random.random())
        messages.put_off(message, now + max(pause_s, problem.retry_after_s or 0.0), problem.detail)

    def _add(self, message: Message) -> int:
        """Let a message wait, and give its number."""
        if len(message.body) > BODY_CHARS:
            raise TooLarge(
                f"a message of {len(message.body):,} characters as JSON: {BODY_CHARS:,} is the most. Keep it as a file."
            )
        messages = self._messages()
        before = messages.next_due()
        messages.adopt(self.context.now)
        if messages.count() >= (most := self.context.limits.QUEUE_MESSAGES):
            raise OverLimit(f"{most:,} messages wait here already (limit QUEUE_MESSAGES). Let some be done.")
        number = messages.add(message)
        if messages.next_due() != before:
            self._wake()
        return number

    def _wake(self) -> None:
        """Ask for the moment at which there is something to do."""
        self.context.wake(self.name, self._messages().next_due())

    def _messages(self) -> Messages:
        return Messages(self.context.db, self.context.identity)

    @property
    def _dead_most(self) -> int:
        return int(self.context.limits.QUEUE_DEAD)
