"""Commands that put a queue right: dead letters again, messages away, all of it still."""

from typing import Annotated

from objects.facilities.queue.delivering import Delivering
from objects.facilities.queue.shapes import Number, State
from objects.sdk import Conflict, Help, NoSuch, WrongArgument, command, effect_of
from objects.timing.messages import Message, Messages

PAUSED, DRAINING = 1, 2


class Righting(Delivering):
    """A part of the facility."""

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
