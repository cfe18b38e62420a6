"""The clipboard of one browser, kept by us: Chromium's own is one for all of its contexts, those of other teams too.

So no key that would copy, cut or paste is ever given to Chromium. Pages are told of both as by a hand; what they write
into Chromium's clipboard by themselves, nobody can read: it takes a right that no page has. While somebody drives, what
a page copies on their click comes to this one and to theirs, too (`browsers.live.casting`).
"""

from typing import Final, Literal

from playwright.async_api import Frame, Page

from browsers.scripts import script

CHARS: Final = 100_000
DEEPEST: Final = 10  # frames within frames

Way = Literal["copy", "cut", "paste"]
_COMMAND: Final = {"control", "controlleft", "controlright", "meta", "metaleft", "metaright", "controlormeta"}
_SHIFT: Final = {"shift", "shiftleft", "shiftright"}
_KEYS: Final[dict[str, Way]] = {
    "c": "copy", "keyc": "copy", "x": "cut", "keyx": "cut", "v": "paste", "keyv": "paste", "insert": "copy"
}  # fmt: skip
_WITH_SHIFT: Final[dict[str, Way]] = {"insert": "paste", "delete": "cut"}
_ALONE: Final[dict[str, Way]] = {"copy": "copy", "cut": "cut", "paste": "paste"}


def meant(key: str) -> Way | None:
    """Say what a key or several at once, such as Control+C, would do to the clipboard; None for all others."""
    *held, last = (each.strip().lower() for each in key.split("+"))
    if last in _ALONE:
        return _ALONE[last]
    if last in _WITH_SHIFT and _SHIFT & set(held):
        return _WITH_SHIFT[last]
    return _KEYS.get(last) if _COMMAND & set(held) else None


async def copied(page: Page, *, cuts: bool = False) -> str:
    """Give what is chosen on the page, in whichever frame."""
    frame = await _focused(page)
    return str(await frame.evaluate(script("copy"), cuts) or "")[:CHARS]


async def pasted(page: Page, text: str) -> None:
    """Paste a text where the keyboard's focus is."""
    frame = await _focused(page)
    if text and await frame.evaluate(script("paste"), text[:CHARS]):
        await page.keyboard.insert_text(text[:CHARS])


async def _focused(page: Page) -> Frame:
    frame = page.main_frame
    for _ in range(DEEPEST):
        element = (await frame.evaluate_handle("document.activeElement")).as_element()
        inner = await element.content_frame() if element is not None else None
        if inner is None:
            break
        frame = inner
    return frame
