"""Tracked pages: what is looked at again and again, and who is told when it changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from browsers.addresses import address
from browsers.commands.base import Part
from browsers.tasks import LOOKS
from browsers.tracking.looking import Look, look
from browsers.tracking.store import About, Change, Pages, Told, Tracked
from browsers.tracking.telling import FOREIGN, settle
from objects.facilities.schedules.alerts import secret
from objects.sdk import (
    AtLeast,
    Between,
    Conflict,
    Help,
    Length,
    Moment,
    Name,
    ObjectPath,
    WrongArgument,
    check_url,
    command,
)
from objects.timing import mails

PageName = Annotated[Name, Help("of the tracked page")]


@dataclass(frozen=True, slots=True)
class PageLine:
    """A tracked page. tells: who is told of changes. problem: why it could not be looked at the last time."""

    name: str
    url: str
    what: str
    selector: str
    ignore: list[str]
    threshold: float
    looked: Moment | None
    changed: Moment | None
    tells: list[str]
    problem: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page was: its text, or the file with its picture. Both are empty before the first look."""

    name: str
    text: str
    file: str


@dataclass(frozen=True, slots=True)
class Compared:
    """What a look at a page found. outcome: first is the first look, from which on it is compared."""

    name: str
    outcome: Literal["first", "same", "changed", "failed"]
    diff: str


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """How a page changed. share: of the dots of its picture, 0 to 1. file: of the object, what differs in red."""

    number: int
    name: str
    at: Moment
    diff: str
    before: str
    after: str
    share: float | None
    file: str


@dataclass(frozen=True, slots=True)
class Telling:
    """Who is told when a page changed. secret: with which what a webhook gets is signed, as `cron secret` has it."""

    name: str
    to: str
    command: str
    mail: str
    hook: str
    secret: str


class Tracking(Part):
    """Tracks pages."""

    @command
    def track(
        self,
        name: PageName,
        url: Annotated[str, Help("its address")],
        *,
        what: Annotated[Literal["text", "picture"], Help("what of it is compared")] = "text",
        selector: Annotated[str, Length(0, 500), Help("only this part of it: a CSS selector")] = "",
        ignore: Annotated[list[str], Length(0, 20), Help("CSS selectors of what does not count: clocks, banners")] = [],  # noqa: B006 -- read only
        threshold: Annotated[float, Between(0, 100), Help("percent of a picture that may differ")] = 0.1,
    ) -> PageLine:
        """Track a page: `browser compare` tells whether it changed since the last time.

        It is opened beside the tabs, with the cookies that the browser has. A schedule looks again and again, and
        `browser alert` has somebody told.

        > browser track plants http://example.com/ --selector table
        name       plants
        url        http://example.com/
        …
        > cron add plants "@hourly" -- browser.compare plants
        …
        """
        pages = Pages(self.context.db)
        there = next((each for each in pages.all() if each.name == name), None)
        about = About(
            address(url), what, selector.strip(), [each.strip() for each in ignore if each.strip()], threshold
        )
        page = Tracked(name, about, there.told if there else Told(), there.seal if there else "")
        if there is not None and there.about.what == what:
            page.seen, page.looked_at, page.changed_at = there.seen, there.looked_at, there.changed_at
        pages.put(page, self.context.limits.BROWSER_MACROS)
        return _line(page, self.context.identity)

    @command(reads=True)
    def tracked(self) -> list[PageLine]:
        """List the tracked pages.

        > browser track plants http://example.com/ --selector table
        …
        > browser tracked
        name    url                  what  selector  …
        plants  http://example.com/  text  table     …
        """
        return [_line(each, self.context.identity) for each in Pages(self.context.db).all()]

    @command(reads=True)
    def seen(self, name: PageName) -> Seen:
        """Give a tracked page as it was seen last: its text, or the file with its picture.

        > browser track plants http://example.com/
        …
        > browser seen plants
        name plants  text  file
        """
        page = Pages(self.context.db).find(name)
        is_text = page.about.what == "text"
        return Seen(name, page.seen or "" if is_text else "", "" if is_text else page.seen or "")

    @command
    def untrack(self, *names: PageName) -> int:
        """Track pages no more, and forget how they changed; files with pictures stay. Tells how many.

        > browser track plants http://example.com/
        …
        > browser untrack plants
        1
        """
        if not names:
            raise WrongArgument("names", "Name at least one tracked page.")
        pages = Pages(self.context.db)
        for name in dict.fromkeys(names):
            pages.remove(name)
        return len(dict.fromkeys(names))

    @command
    def alert(
        self,
        name: PageName,
        *,
        to: Annotated[ObjectPath | None, Help("an object that gets a message")] = None,
        command: Annotated[
            str, Help("its command that is called with `alert`; else the alert waits in its queue")
        ] = "",
        mail: Annotated[str, Help("the address of a member of the team")] = "",
        hook: Annotated[str, Length(0, 4_000), Help("an address that gets a signed POST")] = "",
        off: Annotated[bool, Help("tell nobody any more")] = False,
    ) -> Telling:
        """Have somebody told when a tracked page changed, with your rights: an object, a member, or a webhook.

        Whoever listens to the object hears it on the topic "browser" in any case.

        > browser track plants http://example.com/
        …
        > browser alert plants --to /
        name plants  to /…
        """
        pages = Pages(self.context.db)
        page = pages.find(name)
        if not off and to is None and not mail and not hook:
            raise WrongArgument(
                "to", "to: who shall be told? An object (--to), a member by mail (--mail) or a webhook (--hook)."
            )
        if mail and not mails.is_member(self.context.pg, mail):
            raise WrongArgument("mail", f"mail: {mail[:100]} is no member of this team. Only members are written to.")
        if hook:
            check_url(hook, "hook")
        caller = self.context.caller
        page.told = Told() if off else Told(str(to or ""), command, mail, hook, caller.id, caller.name)
        page.sign(self.context.identity)
        pages.put(page, self.context.limits.BROWSER_MACROS)
        signs = secret(self.context.identity, f"page {name}") if page.told.hook else ""
        return Telling(name, page.told.to, page.told.command, page.told.mail, page.told.hook, signs)

    @command(reads=True)
    def changes(
        self,
        name: Annotated[str, Help("of the tracked page; left out, all")] = "",
        *,
        before: Annotated[int | None, AtLeast(1), Help("only changes before this number")] = None,
        limit: Annotated[int, Between(1, 100)] = 10,
    ) -> list[ChangeLine]:
        """Tell how tracked pages changed, the latest first: what was before, what came, and the difference.

        > browser changes
        """
        pages = Pages(self.context.db)
        if name:
            pages.find(name)
        return [_change(each) for each in pages.changes(name, limit, before)]

    @command(task=LOOKS)
    async def compare(self, *names: Annotated[Name, Help("of tracked pages; left out, all")]) -> list[Compared]:
        """Look at tracked pages now, and tell whether they changed since the last time.

        The changes are kept, see `browser changes`; who is named by `browser alert` is told of them.

        > browser track plants http://example.com/ --selector table
        …
        > browser compare
        name    outcome  diff
        plants  first
        > browser compare plants
        name    outcome  diff
        plants  same
        """
        self.begun()
        context: Any = self.context
        known = {each["name"]: each for each in await context.call(context.path, "browser.tracked")}
        chosen = list(dict.fromkeys(names)) or list(known)
        if not chosen:
            raise Conflict("No page is tracked yet. `browser track NAME ADDRESS` begins.")
        looks: list[Look] = []
        for number, name in enumerate(chosen):
            context.progress(number / len(chosen), name)
            seen = await context.call(context.path, "browser.seen", name=name)
            found = await look(context, Tracked(name, _about(known[name]), seen=seen["text"] or seen["file"] or None))
            context.keep(
                lambda inside, found=found: settle(inside, found),
                lambda letters: mails.post(context.session.schema, letters),
            )
            context.write(f"{name}: {_compared(found).outcome} {found.problem or found.diff}\n")
            looks.append(found)
        if wrong := [f"{each.page.name}: {each.problem}" for each in looks if each.problem]:
            raise Conflict("\n".join(wrong))
        return [_compared(each) for each in looks]


def _line(page: Tracked, identity: str) -> PageLine:
    about, told = page.about, page.told
    is_foreign = told.is_somebody and not page.is_signed(identity)
    return PageLine(
        page.name, about.url, about.what, about.selector, about.ignore, about.threshold, _moment(page.looked_at),
        _moment(page.changed_at), [each for each in (told.to, told.mail, told.hook) if each],
        page.problem or FOREIGN * is_foreign,
    )  # fmt: skip


def _about(line: Mapping[str, Any]) -> About:
    return About(line["url"], line["what"], line["selector"], line["ignore"], line["threshold"])


def _compared(found: Look) -> Compared:
    if found.problem:
        return Compared(found.page.name, "failed", found.problem)
    if found.changed is None:
        return Compared(found.page.name, "first", "")
    return Compared(found.page.name, "changed", found.diff) if found.changed else Compared(found.page.name, "same", "")


def _change(change: Change) -> ChangeLine:
    at = datetime.fromtimestamp(int(change.at), UTC)
    return ChangeLine(
        change.number, change.name, at, change.diff, change.before, change.after, change.share, change.file
    )


def _moment(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(int(at), UTC)
