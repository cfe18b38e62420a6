"""Commands that bring the browser somewhere."""

from typing import Annotated

from browsers.addresses import address
from browsers.commands.base import ACTS, Done, Part
from objects.sdk import Help, command

Url = Annotated[str, Help("an address; https:// may be left out")]


class Going(Part):
    """Opens pages, and closes them."""

    @command(task=ACTS)
    async def open(self, url: Url, *, new: Annotated[bool, Help("in a new tab")] = False) -> Done:
        """Open an address.

        > browser open http://example.com/
        …url http://example.com/  title Garden…
        """
        self._before()
        session = self.session
        page = await session.new_tab() if new or not session.tabs else await session.page()
        answer = await page.goto(address(url), wait_until="domcontentloaded")
        status = "" if answer is None or answer.ok else f", which answered {answer.status} {answer.status_text}"
        return await self.done(f"opened {url}{status}")

    @command(task=ACTS)
    async def close(self) -> Done:
        """Close the tab in front.

        > browser open http://example.com/
        …
        > browser close
        did closed http://example.com/…
        """
        page = await self.page()
        url = page.url
        await page.close()
        return await self.done(f"closed {url}")
