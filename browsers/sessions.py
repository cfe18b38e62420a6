"""A browser that is awake: a context of the host's Chromium, with tabs, built from what its object's file keeps."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, BrowserContext, Error, Page

from browsers import profile, stores
from browsers.addresses import is_web
from browsers.doings import Doings
from browsers.egress.proxy import Door
from browsers.egress.sites import Sites
from browsers.errors import first_line
from browsers.meanwhile import Meanwhile
from browsers.profile import ORIGIN, Parts
from browsers.recording import Recorder
from browsers.scripts import script
from browsers.settings import Settings
from browsers.tabs import Tab, tab_of
from browsers.tracing import Tracer
from browsers.transfers import Transfers
from browsers.unasked import Unasked
from teams.limits import Limits
from teams.problems import Conflict, NoSuch


@dataclass(frozen=True, slots=True)
class Mark:
    """Something on the page that was given a number. selector: where it was. name: as it was."""

    selector: str
    name: str


class Session:
    """One object's browser. All of it is for the host's event loop, and for one command at a time (`lock`).

    path: of the object, as known last. parts: what the file has, as read or saved last; now: the same as of the last
    capture. notes: what happened beside what was asked for, since the command began.
    """

    def __init__(self, schema: str, object_id: int, limits: Limits, why_crashed: Callable[[], str]) -> None:
        self.schema = schema
        self.object_id = object_id
        self.limits = limits
        self.why_crashed = why_crashed  # says why a page did, just now
        self.path = ""
        self.lock = asyncio.Lock()
        self.used_at = self.saved_at = time.monotonic()
        self.parts: Parts | None = None
        self.now: Parts = {}
        self.settings = Settings()
        self.context: BrowserContext | None = None
        self.losses = 0  # how often Chromium ended with it
        self.is_waking = False
        self.sites = Sites()  # that it may open, as the object's settings say
        self.door: Door | None = None  # its way out, where it goes through the host's own proxy
        self.tabs: list[Tab] = []
        self.front = 0
        self.notes: list[str] = []
        self.recorder: Recorder | None = None
        self.tracer: Tracer | None = None
        self.unasked = Unasked()
        self.transfers = Transfers(self)
        self.meanwhile = Meanwhile(self)
        self.recording = ""  # the macro that is recorded, as the file says; see `browsers.macros.recording`
        self.recorded = 0  # steps of it
        self.recorded_at = 0.0  # when its last step was done, as far as that is known here
        self.driven: list[dict[str, Any]] = []  # steps of it that a driver did by hand, not written down yet
        self.listener: Callable[[Any], None] | None = None  # who takes those down
        self.is_secret = False  # whether what was typed last went into a field for passwords
        self.doings = Doings()
        self.clipboard = ""  # see `browsers.clipboard`
        self.marks: list[Mark] = []  # what `look` numbered
        self.devices: Mapping[str, Any] = {}
        self.proxy: Any = None  # Playwright's setting, of the context that is awake
        self.opens: Callable[[], Coroutine[Any, Any, None]] = self.sleep
        self._lazily: set[asyncio.Task[Any]] = set()
        self._over: dict[str, bytes] = {}  # files of what ended with its context

    @property
    def is_taken(self) -> bool:
        """Whether it counts as awake: it is, or is just waking."""
        return self.is_waking or self.context is not None

    @property
    def stamp(self) -> str | None:
        """The stamp of what is awake here; None where nothing is."""
        return None if self.parts is None or self.context is None else profile.stamp_of(self.parts)

    def live(self) -> BrowserContext:
        """Give the context. Raises Conflict where it is gone."""
        if self.context is None:
            raise Conflict("The browser ended meanwhile. Do it again.")
        return self.context

    # Waking and sleeping

    async def ready(self, parts: Parts | None, browser: Browser, devices: Mapping[str, Any], proxy: Any = None) -> None:
        """Be awake. parts: what the file has, where that is not what is awake here.

        devices: those that it may be like. proxy: Playwright's setting, where the browser is to go through one.
        """
        if parts is not None:
            await self.sleep()
            self.parts = self.now = parts
        self.devices = devices
        self.proxy = proxy
        self.opens = lambda: self._wake(browser, proxy)
        if self.context is None:
            await self._wake(browser, proxy)

    async def _wake(self, browser: Browser, proxy: Any) -> None:
        self.settings = Settings.of(profile.unpacked(self.now, "settings", {}))
        cookies = profile.unpacked(self.now, "cookies", [])
        context = await browser.new_context(
            **self.settings.options(), storage_state={"cookies": cookies, "origins": []}, proxy=proxy
        )
        try:
            context.set_default_timeout(self.limits.BROWSER_ACT_S * 1_000)
            context.set_default_navigation_timeout(self.limits.BROWSER_LOAD_S * 1_000)
            await stores.put_back(context, self.now)
            await self.settings.apply(context)
        except BaseException:
            await context.close()
            raise
        self.context = context
        self.meanwhile.listen(context)
        await self.doings.follow(context)
        kept = profile.unpacked(self.now, "tabs", {})
        self.tabs = [tab_of(each) for each in kept.get("tabs", [])[: self.limits.BROWSER_TABS]]
        self.front = min(max(0, int(kept.get("front", 0))), max(0, len(self.tabs) - 1))

    async def rebuild(self) -> None:
        """Make the context anew, since some settings are only for its beginning; pages are opened again."""
        self.now = await self.capture()
        await self.sleep()
        await self.opens()

    async def lend(self, use: Callable[[Parts], Awaitable[Parts]]) -> None:
        """Have somebody else go on from what it is, and go on from what they give back; it sleeps meanwhile."""
        self.now = await self.capture()
        await self.sleep()
        self.is_waking = True  # its place is not free
        try:
            self.now = await use(self.now)
            with suppress(Error):  # Chromium ended just now: the next command wakes it
                await self.opens()
        finally:
            self.is_waking = False

    async def sleep(self) -> None:
        """Let the context go. What is to be kept has been captured before."""
        tracer, self.tracer = self.tracer, None
        if tracer is not None:
            self._over |= await tracer.finish()
            self.note(f"{tracer.name} ends here: a trace is of one browser, and this one is made anew")
        context, self.context = self.context, None
        self.tabs, self.marks = [], []
        self.doings.forget()
        self.meanwhile.going.clear()
        self.transfers.clear()
        if context is not None:
            with suppress(Error, TimeoutError):
                await asyncio.wait_for(context.close(), 5)

    def lost(self) -> None:
        """Take note that Chromium is gone: the file has what was."""
        self.losses += self.context is not None
        self.tracer = None
        self.context = None
        self.tabs, self.marks = [], []
        self.meanwhile.going.clear()
        self.transfers.clear()
        self.doings.forget()

    # Tabs

    async def page(self, *, leaves: bool = False) -> Page:
        """Give the page in front, awake. Raises NoSuch where there is none. leaves: it goes elsewhere now."""
        if not self.tabs:
            raise NoSuch("No page is open. Open one first: `open https://example.com`.")
        page = await self.awake(self.tabs[self.front], leaves=leaves)
        if self.recorder is not None:
            await self.recorder.follow(page, self.settings.width, self.settings.height)
        return page

    async def awake(self, tab: Tab, *, leaves: bool = False) -> Page:
        """Give a tab's page; one that sleeps is opened again where it was, unless it leaves there at once."""
        if tab.page is not None and not tab.page.is_closed():
            return tab.page
        page = await self.new_page(tab)
        if not is_web(tab.url):
            return page
        url, scroll = tab.url, tab.scroll
        await stores.put_back_sessions(page, tab.storage)
        if leaves:  # perhaps because it cannot be opened any more
            return page
        try:
            await page.goto(url, wait_until="domcontentloaded")
            if scroll != (0, 0):
                await page.evaluate(script("scroll"), list(scroll))
        except Error as error:
            self.notes.append(f"{url} could not be opened again: {first_line(error)}")
        return page

    async def new_page(self, tab: Tab) -> Page:
        """Make a page for a tab."""
        tab.page = await self.live().new_page()
        return tab.page

    async def new_tab(self) -> Page:
        """Open a tab and bring it to the front."""
        if len(self.tabs) >= self.limits.BROWSER_TABS:
            raise Conflict(f"{len(self.tabs)} tabs are open, which is the most (limit BROWSER_TABS). Close one first.")
        tab = Tab()
        page = await self.new_page(tab)
        self.tabs.append(tab)
        self.front = len(self.tabs) - 1
        return page

    def drop(self, tab: Tab) -> None:
        """Take a tab away; the one beside it comes to the front."""
        if tab in self.tabs:
            at = self.tabs.index(tab)
            self.tabs.remove(tab)
            self.front = max(0, self.front - (at <= self.front and self.front > 0))

    async def forget_all(self) -> None:
        """Begin anew, with nothing."""
        await self.sleep()
        self.now = {}
        await self.opens()

    def adopt(self) -> None:
        """Make tabs of pages that pages opened, the newest in front, and forget those that were closed."""
        if self.context is None:
            return
        before = self.tabs[self.front] if self.tabs else None
        self.tabs = [each for each in self.tabs if each.page is None or not each.page.is_closed()]
        known = {each.page for each in self.tabs}
        self.front = self.tabs.index(before) if before in self.tabs else max(0, len(self.tabs) - 1)
        for page in self.context.pages:
            if page not in known and not page.is_closed():
                if len(self.tabs) >= self.limits.BROWSER_TABS:  # some of them sleep
                    self.later(page.close())
                    continue
                self.tabs.append(Tab(page, page.url))
                self.front = len(self.tabs) - 1
                self.notes.append(f"opened tab {len(self.tabs)}, which is in front now")

    async def cut_stuck(self) -> bool:
        """Close the page in front where it does not answer; it is opened again when it is needed."""
        tab = self.tabs[self.front] if self.tabs else None
        if tab is None or tab.page is None or tab.page.is_closed():
            return False
        try:
            await asyncio.wait_for(tab.page.evaluate("1"), 1.0)
        except TimeoutError:
            await self._close(tab.page)
            return True
        except Error:
            return False
        return False

    async def cut_page(self, page: Page, why: str) -> None:
        """Close a page for what it does; its tab opens it again when it is needed. why: as it goes on after "it"."""
        self.unasked.cut(f"the page {page.url[:200]} {why}; it is opened again when it is needed")
        await self._close(page)

    async def _close(self, page: Page) -> None:
        """Close a page, stuck or not, and let its tab sleep."""
        for tab in self.tabs:
            if tab.page is page:
                tab.page = None
        try:
            await asyncio.wait_for(page.close(), 2.0)
        except (Error, TimeoutError):
            if not page.is_closed():
                self.later(self.sleep())

    # What is kept

    async def taken_down(self, *, ends: bool = False) -> dict[str, bytes]:
        """End what is recorded and traced where its time is over, or all of it, and give the files that come of it."""
        files, self._over = self._over, {}
        recorder, tracer = self.recorder, self.tracer
        if recorder is not None and (ends or recorder.is_over):
            self.recorder = None
            files |= await recorder.finish(self.meanwhile.talks, self.version)
        if tracer is not None and (ends or tracer.is_over):
            self.tracer = None
            files |= await tracer.finish()
        return files

    @property
    def version(self) -> str:
        """Chromium's."""
        browser = self.context.browser if self.context is not None else None
        return browser.version if browser is not None else ""

    async def capture(self) -> Parts:
        """Give all parts as they are now; of a page that does not answer, as it said last."""
        if self.context is None:
            return self.now
        self.adopt()
        parts = dict(self.now)
        with suppress(Error):
            parts["cookies"] = profile.packed(await self.context.cookies())
        told = await asyncio.gather(*(self._told(each) for each in self.tabs))
        for each in [kept for tab in told for kept in tab]:
            kept = {what: each[what] for what in ("local", "databases") if each[what]}
            if kept:
                parts[ORIGIN + each["origin"]] = profile.packed(kept)
            else:
                parts.pop(ORIGIN + each["origin"], None)
        tabs = [
            {"url": each.url, "title": each.title, "scroll": each.scroll, "storage": each.storage} for each in self.tabs
        ]
        parts["tabs"] = profile.packed({"front": self.front, "tabs": tabs})
        parts["settings"] = profile.packed(self.settings.kept())
        self.now = parts
        return parts

    async def _told(self, tab: Tab) -> list[dict[str, Any]]:
        """Ask a tab's page for what it stores: once for each origin in it. Writes down where the tab is."""
        page = tab.page
        if page is None:
            return []
        tab.url = page.url
        try:
            tab.title, told = await stores.collected(page)
        except (Error, TimeoutError, ValueError, TypeError):
            return []
        tab.storage = {each["origin"]: each["session"] for each in told if each["session"]}
        if told:
            tab.scroll = (int(told[0]["scroll"][0]), int(told[0]["scroll"][1]))
        return [each for each in told if is_web(each["origin"])]

    def note(self, text: str) -> None:
        """Take note of what happened; of a flood the beginning."""
        if len(self.notes) < 20:
            self.notes.append(text)
        elif len(self.notes) == 20:
            self.notes.append("… and more")

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something beside what is being done; what Playwright has against it does not matter."""

        async def quietly() -> None:
            with suppress(Error):
                await work

        task = asyncio.get_running_loop().create_task(quietly())
        self._lazily.add(task)
        task.add_done_callback(self._lazily.discard)
