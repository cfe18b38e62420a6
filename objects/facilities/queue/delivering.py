"""What is due of an object's queue: delivered, tried again later, or buried."""

import random
from typing import Any, ClassVar, Final

from objects.facilities.queue.shapes import State
from objects.sdk import BadRequest, NotAllowed, Problem, TooLarge, WrongArgument
from objects.timing.depths import Depths
from objects.timing.messages import FOREIGN, NEVER, OVER, Message, Messages

TOPIC: Final = "queue"
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 3_600.0
TURN_S: Final = 0.05  # after so long in one transaction, the other callers of the object have their turn
HOPELESS: Final = (BadRequest, NotAllowed, TooLarge, WrongArgument)  # to try again would change nothing


class Delivering:
    """A part of the facility, on which its other parts stand."""

    name: ClassVar[str]
    context: Any

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
