"""Commands that do to the page in front what a person would."""

import asyncio
from contextlib import suppress
from typing import Annotated, Any, Final

from playwright.async_api import Error, Page

from browsers import clipboard
from browsers.commands.base import Done, Part
from browsers.errors import first_line
from browsers.scripts import script
from browsers.targets import found
from browsers.tasks import ACTS, TRANSFERS
from objects.sdk import Conflict, Help, Length, RestOfLine, WrongArgument, command

Target = Annotated[RestOfLine, Help("what: words on it, a CSS selector, or its number in `browser look`")]
One = Annotated[str, Help("what: words on it, a CSS selector, or its number in `browser look`")]
Field = Annotated[str, Help("which field: its label, a CSS selector, or its number in `browser look`")]
DOWNLOAD_S: Final = 45.0
DRAWN_S: Final = 5.0


async def drawn(page: Page) -> None:
    """Wait until the page was drawn, or for a moment: what has autofocus gets the focus just before that.

    A page whose styles are still to come is loaded and not drawn.
    """
    with suppress(Error, TimeoutError):
        await asyncio.wait_for(page.evaluate("() => new Promise(requestAnimationFrame)"), DRAWN_S)


async def is_secret(page: Page) -> bool:
    """Whether what has the keyboard's focus is a field for passwords, in whichever frame."""
    told = [await each.evaluate("document.hasFocus() && document.activeElement?.type === 'password'")
            for each in page.frames]  # fmt: skip
    return any(told)


class Acting(Part):
    """Clicks, types and the like."""

    @command(task=ACTS)
    async def click(
        self,
        target: Target,
        *,
        twice: Annotated[bool, Help("a double click")] = False,
        right: Annotated[bool, Help("with the right button")] = False,
    ) -> Done:
        """Click something.

        > browser open http://example.com/
        …
        > browser click Water all
        clicked button "Water all"…title: Watered
        """
        page = await self.page()
        element = await found(self.session, page, target)
        await element.locator.click(click_count=2 if twice else 1, button="right" if right else "left")
        return await self.done(f"clicked {element.name}")

    @command(task=ACTS)
    async def type(self, text: Annotated[RestOfLine, Length(1, 20_000), Help("the text")]) -> Done:
        """Type text where the keyboard's focus is.

        > browser open http://example.com/
        …
        > browser click Name
        …
        > browser type "basil"
        typed 5 characters into input "a plant"…
        """
        page = await self.page()
        await drawn(page)
        focus = await page.evaluate(script("focus"))
        if not focus:
            raise Conflict("No field has the keyboard's focus. Click one first, or use `browser fill FIELD TEXT`.")
        if self.session.recording:
            self.session.is_secret = await is_secret(page)
        await page.keyboard.type(text)
        return await self.done(f"typed {len(text)} characters into {focus}")

    @command(task=ACTS)
    async def press(
        self, key: Annotated[str, Length(1, 100), Help("such as Enter, Tab, Escape, ArrowDown, Control+A")]
    ) -> Done:
        """Press a key, or several at once.

        > browser open http://example.com/
        …
        > browser click Name
        …
        > browser type mint
        …
        > browser press Enter
        pressed Enter, … s
        Plants  http://example.com/plants?name=mint&sort=name
        - went to http://example.com/plants?name=mint&sort=name
        """
        page = await self.page()
        await drawn(page)
        way = clipboard.meant(key)
        if way == "paste":
            await clipboard.pasted(page, self.session.clipboard)
        elif way is not None:
            self.session.clipboard = await clipboard.copied(page, cuts=way == "cut") or self.session.clipboard
        if way is not None:
            return await self.done(f"pressed {key}")
        try:
            await page.keyboard.press(key)
        except Error as error:
            if "Unknown key" not in str(error):
                raise
            raise WrongArgument(
                "key", f"{key}: no such key. Keys: a, A, Enter, Tab, F5, ArrowUp, Control+A."
            ) from error
        return await self.done(f"pressed {key}")

    @command(task=ACTS)
    async def fill(self, field: Field, text: Annotated[RestOfLine, Help("what is to be in it")]) -> Done:
        """Put text into a field, in place of what is there.

        > browser open http://example.com/
        …
        > browser fill Name lemon tree
        filled input "a plant"…
        """
        page = await self.page()
        element = await found(self.session, page, field, "field", fields=True)
        if self.session.recording:
            self.session.is_secret = await element.locator.get_attribute("type") == "password"
        await element.locator.fill(text)
        return await self.done(f"filled {element.name}")

    @command(task=ACTS)
    async def select(self, field: Field, *options: Annotated[str, Help("words or value of an option")]) -> Done:
        """Choose in a list.

        > browser open http://example.com/
        …
        > browser select Sort Height
        chose Height in select…
        """
        page = await self.page()
        if not options:
            raise WrongArgument("options", "Name at least one option.")
        element = await found(self.session, page, field, "field", fields=True)
        try:
            await element.locator.select_option(list(options), timeout=2_000)
        except Error as error:
            there = await element.locator.locator("option").all_inner_texts()
            if not there:
                raise WrongArgument("field", f"{element.name} is no list to choose from.") from error
            raise WrongArgument("options", f"{', '.join(options)}: it has {', '.join(there[:30])}.") from error
        return await self.done(f"chose {', '.join(options)} in {element.name}")

    @command(task=ACTS)
    async def check(self, target: Target, *, off: Annotated[bool, Help("take the tick away")] = False) -> Done:
        """Tick a box, or choose one of several.

        > browser open http://example.com/
        …
        > browser check Likes water
        ticked input "wet"…
        """
        page = await self.page()
        element = await found(self.session, page, target, fields=True)
        await element.locator.set_checked(not off)
        return await self.done(f"{'unticked' if off else 'ticked'} {element.name}")

    @command(task=ACTS)
    async def hover(self, target: Target) -> Done:
        """Move the mouse over something.

        > browser open http://example.com/
        …
        > browser hover Water all
        moved over button "Water all"…
        """
        page = await self.page()
        element = await found(self.session, page, target)
        await element.locator.hover()
        return await self.done(f"moved over {element.name}")

    @command(task=ACTS)
    async def scroll(
        self,
        where: Annotated[
            str, Help("up, down, top, bottom, dots such as 400 or -400, or something on the page")
        ] = "down",
    ) -> Done:
        """Scroll the page, or something into view.

        > browser open http://example.com/
        …
        > browser scroll bottom
        scrolled to …
        """
        page = await self.page()
        by: Any = {"down": "innerHeight * 0.9", "up": "-innerHeight * 0.9"}.get(where)
        to: Any = {"top": "0", "bottom": "document.documentElement.scrollHeight"}.get(where)
        if where.lstrip("-").isdigit():
            by = str(int(where[:8]))
        if by is not None:
            await page.evaluate(f"scrollBy(0, {by})")
        elif to is not None:
            await page.evaluate(f"scrollTo(0, {to})")
        else:
            await (await found(self.session, page, where, "where")).locator.scroll_into_view_if_needed()
        at, of = await page.evaluate("[Math.round(scrollY), document.documentElement.scrollHeight - innerHeight]")
        return await self.done(f"scrolled to {at} of {max(0, of)} dots")

    @command(task=ACTS)
    async def drag(self, target: One, onto: Annotated[str, Help("where it is dropped, named in the same way")]) -> Done:
        """Drag something onto something else.

        > browser open http://example.com/
        …
        > browser drag h1 "Water all"
        dragged h1 "Garden" onto button "Water all"…
        """
        page = await self.page()
        source = await found(self.session, page, target)
        goal = await found(self.session, page, onto, "onto")
        await source.locator.drag_to(goal.locator)
        return await self.done(f"dragged {source.name} onto {goal.name}")

    @command(task=TRANSFERS)
    async def upload(self, field: Field, *files: Annotated[str, Help("names of files of this object")]) -> Done:
        """Choose files of this object in a field for files.

        > files put leaf.txt "green"
        …
        > browser open http://example.com/
        …
        > browser upload Photo leaf.txt
        chose leaf.txt in input "Photo"…
        """
        page = await self.page()
        chosen = [await self.context.file(name) for name in files]
        element = await found(self.session, page, field, "field", fields=True)
        try:
            await element.locator.set_input_files(chosen)
        except Error as error:
            raise WrongArgument("field", f"{element.name}: {first_line(error)}") from error
        return await self.done(f"chose {', '.join(files) or 'no file'} in {element.name}")

    @command(task=TRANSFERS)
    async def download(
        self, target: One, name: Annotated[str, Help("of the file; left out, as the site names it")] = ""
    ) -> Done:
        """Click something that is a download, and keep the file among those of this object.

        > browser open http://example.com/
        …
        > browser download "All plants"
        kept plants.csv, 31 bytes…
        > files get plants.csv
        plants.csv  text/csv  31B
        """
        page = await self.page()
        terms = self.context.terms
        terms.allowed.refuse_download()
        element = await found(self.session, page, target)
        transfers = self.session.transfers
        await transfers.watch(page, terms.folder)
        with transfers.wanting(terms.file_bytes, self.context.progress) as wanted:
            await element.locator.click()
            named, content = await wanted.content(element.name, DOWNLOAD_S)
        kept = name or named
        self.context.keep_download(kept, content)
        return await self.done(f"kept {kept}, {content.size:,} bytes")
