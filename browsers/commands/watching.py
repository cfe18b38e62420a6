"""Commands that tell what happened in the browser: its console, its requests, its dialogs."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from browsers.commands.base import Part
from browsers.meanwhile import Asked, Said
from browsers.tasks import READS
from objects.sdk import Between, Help, Moment, RestOfLine, command

Count = Annotated[int, Between(1, 500), Help("how many, the newest")]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the console, or an error that a page did not catch."""

    at: Moment
    level: str
    text: str
    where: str


@dataclass(frozen=True, slots=True)
class Dialog:
    """A dialog and its answer."""

    at: Moment
    type: str
    message: str
    answer: str


@dataclass(frozen=True, slots=True)
class RequestLine:
    """A request. status: null while there is no answer, or where there was none."""

    method: str
    url: str
    type: str
    status: int | None
    took_ms: int | None
    problem: str


class Watching(Part):
    """Tells what happened."""

    @command(task=READS)
    async def console(self, limit: Count = 50) -> list[Line]:
        """List what pages wrote to the console since the browser woke, and errors that they did not catch.

        > browser open http://example.com/
        …
        > browser eval console.log("it rains")
        …
        > browser console
        at                    level  text      where
        2026-05-17T09:30:00Z  log    it rains  …
        """
        return [_line(each) for each in list(self.session.meanwhile.console)[-limit:]]

    @command(task=READS)
    async def network(
        self, part: Annotated[str, Help("only addresses with this in them")] = "", *, limit: Count = 50
    ) -> list[RequestLine]:
        """List the requests since the browser woke; `browser save har NAME` saves them with all their headers.

        > browser open http://example.com/
        …
        > browser network
        method  url                  type      status  took_ms  problem
        GET     http://example.com/  document     200…
        """
        kept = [each for each in self.session.meanwhile.requests if part in each.url][-limit:]
        lines = []
        for each in kept:
            answer = each.existing_response
            took = each.timing["responseEnd"]
            lines.append(
                RequestLine(
                    each.method,
                    each.url[:2_000],
                    each.resource_type,
                    answer.status if answer else None,
                    round(took) if took > 0 else None,
                    each.failure or "",
                )
            )
        return lines

    @command(task=READS)
    async def dialogs(
        self,
        answer: Annotated[
            Literal["accept", "dismiss"] | None, Help("how the next are answered; at first they are dismissed")
        ] = None,
        words: Annotated[RestOfLine, Help("what is typed where a dialog asks for words")] = "",
    ) -> list[Dialog]:
        """List dialogs of pages (alert, confirm, prompt) and their answers, or say how the next are answered.

        > browser dialogs accept
        > browser open http://example.com/
        …
        > browser click Dig up
        …confirm accepted: Dig up all?
        > browser dialogs
        at                    type     message      answer
        2026-05-17T09:30:00Z  confirm  Dig up all?  accepted
        """
        if answer is not None:
            self.session.meanwhile.answers = (answer == "accept", words)
        return [_dialog(each) for each in self.session.meanwhile.dialogs]


def _line(said: Said) -> Line:
    return Line(datetime.fromtimestamp(int(said.at), UTC), said.level, said.text, said.where)


def _dialog(asked: Asked) -> Dialog:
    return Dialog(datetime.fromtimestamp(int(asked.at), UTC), asked.type, asked.message, asked.answer)
