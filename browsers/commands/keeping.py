"""Commands about what sites keep in the browser."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from browsers.commands.base import Part
from browsers.profile import ORIGIN
from browsers.tasks import ACTS, READS
from objects.sdk import Help, Length, Moment, WrongArgument, command


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie. expires: null where it goes with the session, which here is never by itself."""

    name: str
    value: str
    site: str
    path: str
    expires: Moment | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A value that the page's site keeps."""

    store: Literal["local", "session"]
    key: str
    value: str


class Keeping(Part):
    """Looks at cookies and storage."""

    @command(task=READS)
    async def cookies(self, site: Annotated[str, Help("only of this site: a part of its name")] = "") -> list[Cookie]:
        """List the browser's cookies.

        > browser cookie colour green http://example.com/
        …
        > browser cookies
        name    value  site         path  expires
        colour  green  example.com  /
        """
        self.begun()
        found = await self.session.live().cookies()
        return [_cookie(each) for each in found if site in each.get("domain", "")]

    @command(task=ACTS)
    async def cookie(
        self,
        name: Annotated[str, Length(1, 4_000)],
        value: Annotated[str, Help("left out with --forget")] = "",
        url: Annotated[str, Help("of the site; left out, that of the page")] = "",
        *,
        forget: Annotated[bool, Help("take the cookies of this name away")] = False,
    ) -> list[Cookie]:
        """Set a cookie, or forget one.

        > browser cookie colour green http://example.com/
        name    value  site         path  expires
        colour  green  example.com  /
        > browser cookie colour --forget
        """
        context = self.session.live()
        if forget:
            await context.clear_cookies(name=name)
        else:
            where = url or (await self.page()).url
            if not where.startswith(("http://", "https://")):
                raise WrongArgument("url", f"{where[:80]}: cookies are of sites: https://example.com/.")
            await context.add_cookies([{"name": name, "value": value, "url": where}])
        return [_cookie(each) for each in await context.cookies() if each.get("name") == name]

    @command(task=ACTS)
    async def storage(
        self, *, clear: Annotated[bool, Help("forget what all sites keep, also their databases and cookies")] = False
    ) -> list[Kept]:
        """List what the page's site keeps: its local and its session storage.

        > browser open http://example.com/
        …
        > browser eval localStorage.setItem("theme", "dark")
        …
        > browser storage
        store  key    value
        local  theme  dark
        """
        session = self.session
        if clear:
            session.now = {part: each for part, each in session.now.items() if not part.startswith(ORIGIN)}
            await self._clear()
            return []
        page = await self.page()
        got = await page.evaluate(
            "() => [['local', localStorage], ['session', sessionStorage]]"
            ".flatMap(([name, store]) => Object.keys(store).map((key) => [name, key, store.getItem(key)]))"
        )
        return [Kept(*each) for each in got]

    async def _clear(self) -> None:
        session = self.session
        context = session.live()
        await context.clear_cookies()
        if not context.pages:
            return
        line = await context.new_cdp_session(context.pages[0])
        for tab in session.tabs:
            tab.storage = {}
            if tab.page is not None and tab.url.startswith("http"):
                origin = await tab.page.evaluate("(sessionStorage.clear(), location.origin)")
                await line.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        await line.detach()


def _cookie(each: Any) -> Cookie:
    at = each.get("expires", -1)
    expires = datetime.fromtimestamp(at, UTC) if 0 < at < 2**37 else None
    return Cookie(each["name"], each["value"], each["domain"], each["path"], expires)
