"""Commands that save what the page in front is, into the object's files."""

from typing import Annotated, Literal

from browsers.commands.base import Done, Part
from browsers.har import Archive
from browsers.tasks import READS
from objects.sdk import Help, command


class Saving(Part):
    """Saves pages."""

    @command(task=READS)
    async def save(
        self,
        what: Annotated[Literal["screenshot", "pdf", "html", "har"], Help("as what; har: all requests since it woke")],
        name: Annotated[str, Help("of the file")],
        *,
        full: Annotated[bool, Help("a screenshot of the whole page, not only of what is seen of it")] = False,
    ) -> Done:
        """Save the page as a picture, a PDF or HTML, or the requests that were made, among the object's files.

        > browser open http://example.com/
        …
        > browser save screenshot shot.png
        saved shot.png…
        > files info shot.png
        …type image/png
        """
        page = await self.page()
        if what == "screenshot":
            is_photo = name.lower().endswith((".jpg", ".jpeg"))
            content = await page.screenshot(full_page=full, type="jpeg" if is_photo else "png")
        elif what == "pdf":
            content = await page.pdf(print_background=True)
        elif what == "har":
            archive = Archive()
            for each in list(self.session.meanwhile.requests):
                archive.take(each)
            content = await archive.finish(self.session.meanwhile.talks, self.session.version)
        else:
            content = (await page.content()).encode()
        self.context.keep_file(name, content)
        return await self.done(f"saved {name}, {len(content):,} bytes")
