"""Commands that tell what is on the page in front."""

from typing import Annotated, Final

from browsers.commands.base import READS, Part
from browsers.targets import found
from objects.sdk import Help, RestOfLine, command

MOST_CHARS: Final = 1_000_000

Where = Annotated[RestOfLine, Help("of what: a CSS selector, words on it, or its number in `browser look`")]


class Reading(Part):
    """Reads pages."""

    @command(task=READS)
    async def text(self, target: Where = "") -> str:
        """Give the text of the page, or of something on it, as people see it.

        > browser open http://example.com/
        …
        > browser text h1
        Garden
        """
        page = await self.page()
        if target:
            return str(await (await found(self.session, page, target)).locator.inner_text())[:MOST_CHARS]
        return str(await page.locator("body").inner_text())[:MOST_CHARS]
