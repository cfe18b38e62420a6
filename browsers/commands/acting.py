"""Commands that do something to the page in front."""

from typing import Annotated

from browsers.commands.base import ACTS, Done, Part
from browsers.targets import found
from objects.sdk import Help, RestOfLine, command

Target = Annotated[RestOfLine, Help("what: words on it, a CSS selector, or its number in `browser look`")]
Field = Annotated[str, Help("which field: its label, a CSS selector, or its number in `browser look`")]


class Acting(Part):
    """Clicks and types."""

    @command(task=ACTS)
    async def click(self, target: Target) -> Done:
        """Click something.

        > browser open http://example.com/
        …
        > browser click "Water all"
        did clicked button "Water all"…
        """
        page = await self.page()
        element = await found(self.session, page, target)
        await element.locator.click()
        return await self.done(f"clicked {element.name}")

    @command(task=ACTS)
    async def type(self, text: Annotated[RestOfLine, Help("the text")]) -> Done:
        """Type text where the keyboard's focus is.

        > browser open http://example.com/
        …
        > browser click Name
        …
        > browser type basil
        did typed 5 characters…
        """
        page = await self.page()
        await page.keyboard.type(text)
        return await self.done(f"typed {len(text)} characters")

    @command(task=ACTS)
    async def press(self, key: Annotated[str, Help("such as Enter, Tab, Escape, ArrowDown, Control+A")]) -> Done:
        """Press a key, or several at once.

        > browser open http://example.com/
        …
        > browser press Tab
        did pressed Tab…
        """
        page = await self.page()
        await page.keyboard.press(key)
        return await self.done(f"pressed {key}")
