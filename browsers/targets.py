"""How people name what is on a page: by a number of `look`, by words on it, or as a CSS selector."""

from dataclasses import dataclass
from typing import Final

from playwright.async_api import Error, Locator, Page

from browsers.sessions import ACT_S, Session
from teams.problems import NoSuch

EACH_S: Final = 0.1  # between two looks while what is named is not there yet
ROLES: Final = ("button", "link", "tab", "menuitem", "checkbox", "radio", "switch", "option", "textbox", "combobox")

_IS_CSS = "(text) => { try { document.querySelector(text); return true } catch { return false } }"
_NAME = """(element) => {
  const names = [element.getAttribute("aria-label"), element.innerText, element.placeholder, element.title];
  const name = ([...names, element.name, element.id].find((each) => each) || "").trim();
  const sort = element.tagName === "A" ? "link" : element.tagName.toLowerCase();
  return name ? `${sort} "${name.replace(/\\s+/g, " ").slice(0, 60)}"` : sort;
}"""


@dataclass(frozen=True, slots=True)
class Found:
    """Something on the page. name: as people see it."""

    locator: Locator
    name: str


async def found(session: Session, page: Page, target: str) -> Found:
    """Find what is named, waiting a while for it. Raises NoSuch."""
    ways = await _ways(session, page, target)
    loop_until = ACT_S
    while True:
        for way in ways:
            count = await way.count()
            for at in range(min(count, 20)):
                one = way.nth(at)
                if count == 1 or await one.is_visible():
                    try:
                        return Found(one, str(await one.evaluate(_NAME, timeout=1_000)))
                    except Error:
                        break  # it went away meanwhile
        if loop_until <= 0:
            raise NoSuch(
                f"{target[:80]}: nothing like that is on the page. `browser look` lists what can be clicked.",
                field="target",
            )
        await page.wait_for_timeout(EACH_S * 1_000)
        loop_until -= EACH_S


async def _ways(session: Session, page: Page, target: str) -> list[Locator]:
    """Give the ways in which a name may be meant, the likeliest first."""
    if target.isdigit():
        if int(target) > len(session.marks) or int(target) < 1:
            raise NoSuch(f"{target}: `browser look` has listed no such number for this page.", field="target")
        return [page.locator(session.marks[int(target) - 1])]
    ways: list[Locator] = []
    if await page.evaluate(_IS_CSS, target):
        ways.append(page.locator(target))
    ways += [page.get_by_role(role, name=target, exact=True) for role in ("button", "link")]
    ways += [page.get_by_label(target, exact=True), page.get_by_placeholder(target, exact=True)]
    ways += [page.get_by_text(target, exact=True), page.get_by_label(target), page.get_by_text(target)]
    return ways
