"""Recording the browser: what is seen of it as a video, and what is done to it as a macro."""

import time
from typing import Annotated, Any, Literal

from browsers.addresses import is_web
from browsers.commands.base import Done, Part
from browsers.macros import recording
from browsers.recording import Recorder
from browsers.tasks import ACTS
from objects.facilities.files import file_name
from objects.sdk import Conflict, Help, OverLimit, WrongArgument, command


class Recording(Part):
    """Records."""

    @command(task=ACTS)
    async def record(
        self,
        what: Annotated[
            Literal["session", "macro", "stop"], Help("session is a video, macro what is done; stop ends, and keeps it")
        ],
        name: Annotated[str, Help("of the file, or of the macro")] = "",
    ) -> Done:
        """Record what is seen, as a video among the object's files, or what is done, as a macro.

        `record stop` ends it. Beside session.webm are kept session.timeline.json, with all that happened meanwhile
        (commands, what was done to pages, console, network), and session.har, with the requests; the Browser tab shows
        them together. A video ends by itself after BROWSER_RECORD_S, and when the browser goes to sleep; a macro takes
        down each command, whoever gives it, until it is stopped. See `help browser.compose`.

        > browser open http://example.com/
        …
        > browser record session session.webm
        records session.webm…
        > browser click Water all
        …
        > browser record stop
        kept session.webm…
        > files info session.webm
        …type video/webm
        > browser record macro water
        records the macro water…
        > browser click Water all
        …
        > browser record stop
        kept the macro water, 2 steps…
        > browser show water
        …
        open http://example.com/
        click Water all
        """
        if what == "macro" or (what == "stop" and self.session.recording and self.session.recorder is None):
            return await self._record_macro(name) if what == "macro" else await self._stop_macro()
        page = await self.page()
        session = self.session
        recorder = session.recorder
        if what == "stop":
            if recorder is None:
                raise Conflict("Nothing is being recorded. `browser record session NAME` begins.")
            session.recorder = None
            macro = (await self._stop_macro()).did + "; " if session.recording else ""
            files = await recorder.finish(session.meanwhile.talks, session.version)
            if not files:
                raise Conflict(f"{recorder.name}: nothing was seen, so there is no video.")
            for each, content in files.items():
                self.context.keep_file(each, content)
            size = len(files[recorder.name])
            return await self.done(f"{macro}kept {recorder.name}, {recorder.frames} pictures, {size:,} bytes")
        if recorder is not None:
            raise Conflict(f"{recorder.name} is being recorded. `browser record stop` ends it.")
        kept = file_name(name or "session.webm")
        if not kept.endswith(".webm"):
            kept += ".webm"
        limits = self.context.limits
        session.recorder = Recorder(
            kept, session.doings, seconds=limits.BROWSER_RECORD_S, most_bytes=self.context.terms.file_bytes
        )
        await session.recorder.begin(page, session.settings.width, session.settings.height)
        return await self.done(f"records {kept}")

    async def _record_macro(self, name: str) -> Done:
        self.begun()
        session = self.session
        context: Any = self.context
        if session.recording:
            raise Conflict(f"The macro {session.recording} is being recorded. `browser record stop` ends it.")
        if not name:
            raise WrongArgument("name", "What shall the macro be called? `browser record macro NAME`.")
        names = [each["name"] for each in await context.call(context.path, "browser.macros")]
        if name in names:
            raise Conflict(f"{name}: there is a macro of this name. Choose another, or `browser forget {name}`.")
        if len(names) >= context.limits.BROWSER_MACROS:
            raise OverLimit(
                f"{len(names)} macros are the most here (limit BROWSER_MACROS). `browser forget NAME` helps."
            )
        began: list[dict[str, Any]] = []
        if session.tabs and is_web(self._url):
            page = await session.page()
            began.append(recording.opening(page.url, await page.title()))
        context.keep(lambda inside: recording.begin(inside, name, began))
        session.recording, session.recorded, session.recorded_at = name, len(began), time.time()
        await recording.hear(session)
        return await self.done(f"records the macro {name}")

    async def _stop_macro(self) -> Done:
        self.begun()
        session = self.session
        context: Any = self.context
        name, session.recording, steps = session.recording, "", session.recorded + len(session.driven)
        await recording.hear(session)
        most = context.limits.BROWSER_MACROS
        context.keep(lambda inside: recording.end(inside, name, most))
        if not steps:
            return await self.done(f"nothing was done, so there is no macro {name}")
        return await self.done(f"kept the macro {name}, {steps} step{'' if steps == 1 else 's'}")
