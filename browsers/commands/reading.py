"""Commands that tell what is on the page in front."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import orjson
from playwright.async_api import Error

from browsers.commands.base import Part
from browsers.scripts import script
from browsers.sessions import Mark
from browsers.targets import found
from browsers.tasks import ACTS, READS
from objects.sdk import Between, Help, Json, NoSuch, RestOfLine, TooLarge, WrongArgument, command

MOST_CHARS: Final = 1_000_000
MARKS: Final = 300

Where = Annotated[RestOfLine, Help("of what: a CSS selector, words on it, or its number in `browser look`")]


@dataclass(frozen=True, slots=True)
class Link:
    """A link and where it leads."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class FieldLine:
    """A field of a form."""

    form: str
    field: str  # its label
    type: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Rows:
    """A table of a page."""

    columns: list[str]
    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that can be clicked or filled. number: `browser click NUMBER`."""

    number: int
    sort: str
    text: str
    state: str


@dataclass(frozen=True, slots=True)
class FrameLine:
    """A frame of the page."""

    name: str
    url: str


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

    @command(task=READS)
    async def html(self, target: Where = "") -> str:
        """Give the HTML of the page as it is now, or of something on it.

        > browser open http://example.com/
        …
        > browser html h1
        <h1>Garden</h1>
        """
        page = await self.page()
        if target:
            element = await found(self.session, page, target)
            return str(await element.locator.evaluate("(element) => element.outerHTML"))[:MOST_CHARS]
        return str(await page.content())[:MOST_CHARS]

    @command(task=READS)
    async def attr(
        self, target: Annotated[str, Help("of what")], name: Annotated[str, Help("of the attribute, such as href")]
    ) -> str | None:
        """Give an attribute of something on the page; nothing where it has none of this name.

        > browser open http://example.com/
        …
        > browser attr "All plants" href
        /plants.csv
        """
        page = await self.page()
        return await (await found(self.session, page, target)).locator.get_attribute(name)

    @command(task=READS)
    async def links(self) -> list[Link]:
        """List the links of the page.

        > browser open http://example.com/
        …
        > browser links
        text        url
        Plants      http://example.com/plants
        All plants  http://example.com/plants.csv
        """
        page = await self.page()
        return [Link(*each) for each in await page.evaluate(script("links"))]

    @command(task=READS)
    async def forms(self) -> list[FieldLine]:
        """List the fields of the page's forms, and what is in them; of passwords only whether there is one.

        > browser open http://example.com/
        …
        > browser forms
        form     field        type        name  value
        #search  Name         text        name
        #search  Sort         select-one  sort  name
        #search  Likes water  checkbox    wet   no
                 Photo        file
        """
        page = await self.page()
        return [FieldLine(*each) for each in await page.evaluate(script("forms"))]

    @command(task=READS)
    async def table(self, target: Where = "table") -> Rows:
        """Give a table of the page as rows; in a terminal, `| save plants.csv` keeps them.

        > browser open http://example.com/
        …
        > browser table
        plant  height
        basil  12
        mint   30
        """
        page = await self.page()
        element = await found(self.session, page, target)
        got = await element.locator.evaluate(script("table"))
        if got is None:
            raise WrongArgument("target", f"{element.name}: is no table, and is in none.")
        return Rows(got[0], got[1])

    @command(task=READS)
    async def look(self) -> list[Thing]:
        """List what can be clicked or filled on what is seen of the page, with numbers to name it by.

        > browser open http://example.com/
        …
        > browser look
        number  sort        text         state
             1  link        Plants
             2  text        Name
             3  select-one  Sort
             4  checkbox    Likes water
             5  button      Search
        …
        > browser click 5
        clicked button "Search"…Plants  http://example.com/plants?…
        """
        page = await self.page()
        return self._marked(await page.evaluate(script("look"), [MARKS, None, True]))

    @command(task=READS)
    async def find(
        self,
        by: Annotated[Literal["text", "role", "label", "css"], Help("by its words, what it is, its label, a selector")],
        what: Annotated[RestOfLine, Help("the words, a role such as button, a label, a CSS selector")],
        *,
        name: Annotated[str, Help("with `role`: only those of this name")] = "",
        limit: Annotated[int, Between(1, MARKS)] = 50,
    ) -> list[Thing]:
        """Find what is on the page, seen or not, with numbers to name it by.

        > browser open http://example.com/
        …
        > browser find role button
        number  sort    text       state
             1  button  Search
             2  button  Water all
             3  button  Dig up
             4  file    Photo
        > browser click 2
        …title: Watered
        """
        page = await self.page()
        role: Any = what
        ways = {
            "text": lambda: page.get_by_text(what),
            "role": lambda: page.get_by_role(role, name=name or None),
            "label": lambda: page.get_by_label(what),
            "css": lambda: page.locator(what),
        }
        try:
            elements = await ways[by]().element_handles()
        except Error as error:
            raise WrongArgument("what", f"{what[:80]}: is not understood as {by}.") from error
        if not elements:
            raise NoSuch(f"{what[:80]}: nothing like that is on the page.", field="what")
        return self._marked(await page.evaluate(script("look"), [limit, elements[:limit], False]))

    def _marked(self, told: list[list[str]]) -> list[Thing]:
        self.session.marks = [Mark(path, name) for path, name, *_ in told]
        return [Thing(number, *each[2:]) for number, each in enumerate(told, start=1)]

    @command(task=READS)
    async def accessibility(self, target: Where = "") -> str:
        """Give the page as a screen reader has it: roles, names and states, in YAML.

        > browser open http://example.com/
        …
        > browser accessibility nav
        - navigation:
          - link "Plants":
            - /url: /plants
        """
        page = await self.page()
        where = (await found(self.session, page, target)).locator if target else page.locator("body")
        return str(await where.aria_snapshot())[:MOST_CHARS]

    @command(task=READS)
    async def frames(self) -> list[FrameLine]:
        """List the frames of the page. What is in them is found as what is in the page itself.

        > browser open http://example.com/
        …
        > browser frames
        name  url
              http://example.com/
        """
        page = await self.page()
        return [FrameLine(each.name, each.url) for each in page.frames]

    @command(task=ACTS)
    async def eval(self, script: Annotated[RestOfLine, Help("JavaScript: an expression, or a function")]) -> Json:
        """Run JavaScript in the page and give what comes of it, as JSON.

        > browser open http://example.com/
        …
        > browser eval document.querySelectorAll("td").length
        4
        """
        page = await self.page()
        value = await asyncio.wait_for(page.evaluate(script), self.context.limits.BROWSER_SCRIPT_S)
        text = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
        if len(text) > self.context.limits.RESULT_BYTES:
            raise TooLarge(f"The result has {len(text):,} bytes, more than {self.context.limits.RESULT_BYTES:,}.")
        return orjson.loads(text)
