"""Tracing the browser for Playwright's own viewer."""

from typing import Annotated, Literal

from browsers.commands.base import Done, Part
from browsers.tasks import ACTS
from browsers.tracing import SUFFIX, Tracer
from objects.facilities.files import file_name
from objects.sdk import Conflict, Help, command


class Tracing(Part):
    """Traces."""

    @command(task=ACTS)
    async def trace(
        self,
        what: Annotated[Literal["start", "stop"], Help("stop ends it, and keeps the file")],
        name: Annotated[str, Help("of the file")] = "trace.zip",
    ) -> Done:
        """Take down all that happens, to be looked at on the Browser tab or by `playwright show-trace trace.zip`.

        It holds each page as it was at every step, what it was answered, and what was typed, passwords too. It ends by
        itself after BROWSER_RECORD_S, when it grows too large, and when the browser goes to sleep or is made anew.

        > browser trace start
        traces into trace.zip…
        > browser open http://example.com/
        …
        > browser trace stop
        kept trace.zip…
        > files info trace.zip
        …type application/zip
        """
        self.begun()
        session = self.session
        tracer = session.tracer
        if what == "stop":
            if tracer is None:
                raise Conflict("Nothing is being traced. `browser trace start NAME` begins.")
            session.tracer = None
            files = await tracer.finish()
            if not files:
                raise Conflict(f"{tracer.name}: Chromium did not give the trace. Start another.")
            self.context.keep_file(tracer.name, files[tracer.name])
            return await self.done(f"kept {tracer.name}, {len(files[tracer.name]):,} bytes")
        if tracer is not None:
            raise Conflict(f"{tracer.name} is being traced. `browser trace stop` ends it.")
        kept = file_name(name)
        if not kept.endswith(SUFFIX):
            kept = f"{kept.removesuffix('.zip')}.{SUFFIX}"
        limits = self.context.limits
        tracer = Tracer(kept, session.live(), seconds=limits.BROWSER_RECORD_S, most_bytes=self.context.terms.file_bytes)
        await tracer.begin()
        session.tracer = tracer
        return await self.done(f"traces into {kept}")
