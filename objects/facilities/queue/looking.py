"""Commands that look at a queue: how full it is and was, and what waits."""

from typing import Annotated

from objects.facilities.queue.delivering import Delivering
from objects.facilities.queue.shapes import Depth, DepthAt, Looks, look
from objects.sdk import Between, Help, Seconds, command
from objects.timing.depths import Depths
from objects.timing.wallclock import utc


class Looking(Delivering):
    """A part of the facility."""

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
        found = [look(each, now) for each in self._messages().some(after, limit, dead=dead)]
        return Looks(found, found[-1].number if len(found) == limit else None)
