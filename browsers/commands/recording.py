"""Recording the browser as a video."""

from typing import Annotated, Literal

from browsers.commands.base import ACTS, Done, Part
from browsers.recording import Recorder
from objects.facilities.files import file_name
from objects.sdk import Conflict, Help, command


class Recording(Part):
    """Records."""

    @command(task=ACTS)
    async def record(
        self,
        what: Annotated[Literal["session", "stop"], Help("session begins; stop ends, and keeps the file")],
        name: Annotated[str, Help("of the file")] = "session.webm",
    ) -> Done:
        """Record what is seen, as a video among the object's files; `record stop` ends it.

        It ends by itself after BROWSER_RECORD_S, and when the browser goes to sleep.

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
        """
        page = await self.page()
        session = self.session
        recorder = session.recorder
        if what == "stop":
            if recorder is None:
                raise Conflict("Nothing is being recorded. `browser record session NAME` begins.")
            session.recorder = None
            content = await recorder.finish()
            if not content:
                raise Conflict(f"{recorder.name}: nothing was seen, so there is no video.")
            self.context.keep_file(recorder.name, content)
            return await self.done(f"kept {recorder.name}, {recorder.frames} pictures, {len(content):,} bytes")
        if recorder is not None:
            raise Conflict(f"{recorder.name} is being recorded. `browser record stop` ends it.")
        kept = file_name(name)
        if not kept.endswith(".webm"):
            kept += ".webm"
        session.recorder = Recorder(kept, self.context.limits.BROWSER_RECORD_S)
        await session.recorder.follow(page, session.settings.width, session.settings.height)
        return await self.done(f"records {kept}")
