"""Commands that bring the browser somewhere, and those about its tabs."""

from dataclasses import dataclass
from typing import Annotated

from playwright.async_api import Error

from browsers.addresses import address
from browsers.commands.base import Done, Part
from browsers.tabs import Tab
from browsers.tasks import ACTS, GOES, READS
from objects.sdk import AtLeast, Conflict, Help, NoSuch, command

Url = Annotated[str, Help("an address; https:// may be left out")]
Number = Annotated[int, AtLeast(0), Help("of the tab, from 1; 0 is the one in front")]


@dataclass(frozen=True, slots=True)
class TabLine:
    """A tab. asleep: it is opened again when it comes to the front."""

    tab: int
    front: bool
    url: str
    title: str
    asleep: bool


class Going(Part):
    """Opens pages, and closes them."""

    @command(task=GOES)
    async def open(self, url: Url, *, new: Annotated[bool, Help("in a new tab")] = False) -> Done:
        """Open an address.

        > browser open http://example.com/
        …Garden  http://example.com/…
        """
        self.begun()
        session = self.session
        where = address(url)
        page = await session.new_tab() if new or not session.tabs else await session.page(leaves=True)
        answer = await page.goto(where, wait_until="domcontentloaded")
        said = "" if answer is None or answer.ok else f": {answer.status} {answer.status_text}".rstrip()
        return await self.done(f"opened {where}{said}")

    @command(task=ACTS)
    async def back(self) -> Done:
        """Go back to the page before.

        > browser open http://example.com/
        …
        > browser open http://example.com/plants
        …
        > browser back
        …Garden  http://example.com/…
        """
        page = await self.page()
        url = page.url
        await page.go_back(wait_until="domcontentloaded")
        if page.url == url:
            raise Conflict("There is no page before this one.")
        return await self.done("went back")

    @command(task=ACTS)
    async def forward(self) -> Done:
        """Go forward again, after `back`.

        > browser open http://example.com/
        …
        > browser open http://example.com/plants
        …
        > browser back
        …
        > browser forward
        …Plants  http://example.com/plants…
        """
        page = await self.page()
        url = page.url
        await page.go_forward(wait_until="domcontentloaded")
        if page.url == url:
            raise Conflict("There is no page after this one.")
        return await self.done("went forward")

    @command(task=GOES)
    async def reload(self) -> Done:
        """Load the page again.

        > browser open http://example.com/
        …
        > browser reload
        loaded http://example.com/ again…
        """
        page = await self.page()
        await page.reload(wait_until="domcontentloaded")
        return await self.done(f"loaded {page.url} again")

    @command(task=READS)
    async def tabs(self) -> list[TabLine]:
        """List the tabs.

        > browser open http://example.com/
        …
        > browser open http://example.com/plants --new
        …
        > browser tabs
        tab  front  url                        title   asleep
          1  no     http://example.com/        Garden  no
          2  yes    http://example.com/plants  Plants  no
        """
        session = self.session
        session.adopt()
        return [
            TabLine(number, number == session.front + 1, *await _place(each), each.page is None)
            for number, each in enumerate(session.tabs, start=1)
        ]

    @command(task=GOES)
    async def tab_(
        self, tab: Annotated[int, AtLeast(1), Help("of the tab, from 1: `browser tabs` lists them")]
    ) -> Done:
        """Bring another tab to the front.

        > browser open http://example.com/
        …
        > browser open http://example.com/plants --new
        …
        > browser tab 1
        …Garden  http://example.com/…
        """
        self.begun()
        session = self.session
        if tab > len(session.tabs):
            raise NoSuch(f"{tab}: there are {len(session.tabs)} tabs. `browser tabs` lists them.", field="tab")
        session.front = tab - 1
        await (await session.page()).bring_to_front()
        return await self.done(f"brought tab {tab} to the front")

    @command(task=ACTS)
    async def close(
        self,
        tab: Number = 0,
        *,
        all: Annotated[bool, Help("all tabs")] = False,  # noqa: A002 -- `--all` is what people type
    ) -> Done:
        """Close the tab in front, or another. Cookies and storage stay.

        > browser open http://example.com/
        …
        > browser close
        closed http://example.com/…
        """
        self.begun()
        session = self.session
        if not session.tabs or tab > len(session.tabs):
            raise NoSuch(f"{tab or 'close'}: there are {len(session.tabs)} tabs open.", field="tab")
        going = list(session.tabs) if all else [session.tabs[tab - 1 if tab else session.front]]
        for each in going:
            if each.page is not None:
                await each.page.close()
            session.drop(each)
        return await self.done(f"closed {', '.join([each.url for each in going][:5])}")

    @command(task=ACTS)
    async def reset(self) -> Done:
        """Forget all of the browser: tabs, cookies, storage and settings. It is then as new.

        > browser reset
        forgot everything…
        """
        self.begun()
        session = self.session
        session.tabs.clear()
        session.settings = type(session.settings)()
        await session.forget_all()
        return await self.done("forgot everything")


async def _place(tab: Tab) -> tuple[str, str]:
    if tab.page is None:
        return tab.url, tab.title
    try:
        return tab.page.url, await tab.page.title()
    except Error:
        return tab.url, tab.title
