"""Commands that tell what the object's file keeps of its browser, without waking it: they only read."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from browsers import profile
from browsers.commands.base import Done, Part
from browsers.tasks import READS
from browsers.timeline import SUFFIX
from browsers.tracing import SUFFIX as TRACE
from objects.sdk import Between, Help, Moment, command


@dataclass(frozen=True, slots=True)
class KeptTab:
    """A tab as it was saved last."""

    front: bool
    url: str
    title: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording, or a trace. name: of its file; beside a recording's timeline stand the video and the archive."""

    name: str
    kept_at: Moment


class Kept(Part):
    """Tells what is kept, and wakes it."""

    @command(reads=True)
    def kept(self) -> list[KeptTab]:
        """List the tabs that the browser keeps, without waking it.

        > browser open http://example.com/
        …
        > browser kept
        front  url                  title
        yes    http://example.com/  Garden
        """
        parts = profile.read(self.context, None) or {}
        kept: dict[str, Any] = profile.unpacked(parts, "tabs", {})
        tabs = [each for each in kept.get("tabs", []) if isinstance(each, dict)]
        return [
            KeptTab(at == kept.get("front"), str(each.get("url", ""))[:2_000], str(each.get("title", ""))[:500])
            for at, each in enumerate(tabs)
        ]

    @command(reads=True)
    def recordings(self, limit: Annotated[int, Between(1, 100), Help("how many, the newest")] = 20) -> list[Recorded]:
        """List what `browser record` kept, a timeline each with files beside it, and the traces of `browser trace`.

        > browser recordings
        """
        db = self.context.db
        if not db.has("sqlar"):
            return []
        found = db.run(
            "SELECT name, mtime FROM sqlar WHERE name GLOB ?1 OR name GLOB ?2 ORDER BY mtime DESC LIMIT ?3",
            (f"*{SUFFIX}", f"*{TRACE}", limit),
        )
        return [Recorded(name, datetime.fromtimestamp(max(0, int(mtime or 0)), UTC)) for name, mtime in found]

    @command(task=READS)
    async def wake(self) -> Done:
        """Wake the browser where it was; the page in front is opened again, if it is not there already.

        > browser open http://example.com/
        …
        > browser wake
        awake…Garden  http://example.com/…
        """
        await self.page()
        return await self.done("awake")
