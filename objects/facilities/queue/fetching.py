"""Commands of those who fetch messages from elsewhere: a lease each, until they say how it went."""

from typing import Annotated, Final

from objects.facilities.queue.delivering import Delivering, pause_s
from objects.facilities.queue.shapes import Delay, Lease, Receipt, Received
from objects.sdk import Between, Conflict, Help, Length, Moment, command
from objects.timing.messages import OVER, Message, Messages
from objects.timing.wallclock import utc

LEASE_S: Final = 30.0


class Fetching(Delivering):
    """A part of the facility."""

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
