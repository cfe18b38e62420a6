"""A look at an open page: what axe says in both themes, what Tab reaches and shows, what is too wide."""

from playwright.sync_api import Page

from tests.pages.browser import complaints_of_axe

DESKTOP, TABLET, PHONE = 1440, 768, 360
HEIGHT = 900
MOST_SHIFT = 0.02  # of the layout while a page comes; 0.1 is "good" to Chromium's own measure

COUNT_SHIFTS = (
    "window.shift = 0; new PerformanceObserver((list) => { for (const entry of list.getEntries())"
    " if (!entry.hadRecentInput) window.shift += entry.value }).observe({ type: 'layout-shift', buffered: true })"
)
# Notes each element that gets the focus: whether one sees that it has it, and whether it is in sight at all.
NOTE_FOCUS = """
() => {
  const shown = (element) => {
    if (element.shadowRoot) return true; // an editor draws its own frame, a moment later
    for (let each = element, up = 0; each && up < 3; each = each.parentElement, up++) {
      const style = getComputedStyle(each);
      if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) return true;
      if (each === element && style.boxShadow !== "none") return true;
    }
    return false;
  };
  const inSight = (element) => {
    const box = element.getBoundingClientRect();
    const [x, y] = [box.x + Math.min(box.width, 40) / 2, box.y + Math.min(box.height, 24) / 2];
    const top = document.elementFromPoint(Math.max(0, x), Math.max(0, y));
    return !top ? false : element.contains(top) || top.contains(element) || (element.labels ?? []).length > 0;
  };
  window.walked = new Map();
  document.addEventListener("focusin", ({ target }) => {
    if (!window.walked.has(target)) window.walked.set(target, shown(target) && inSight(target));
  });
  window.named = (element) => {
    const name = element.getAttribute("aria-label") || element.innerText || element.name || element.id || "";
    return `${element.tagName.toLowerCase()} ${name.trim().slice(0, 40)}`;
  };
  document.activeElement?.blur();
  window.tabbable = [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, iframe, [contenteditable=true], [tabindex]")]
    .filter((each) => !each.disabled && each.tabIndex >= 0 && each.checkVisibility({ visibilityProperty: true })
      && !each.closest("[inert]") && (each.type !== "radio" || each.checked || !each.form
        || ![...each.form.elements].some((other) => other.name === each.name && other !== each && (other.checked
          || other.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING))));
  return window.tabbable.length;
}
"""
OPEN = "document.querySelectorAll('details:not([data-menu])').forEach((each) => (each.open = true))"
IN_TERMINAL = "Boolean(document.activeElement?.closest('[data-terminal-screen]'))"
IS_AROUND = "document.activeElement === window.walked.keys().next().value"
TOLD_OF_FOCUS = """
() => [
  ...window.tabbable.filter((each) => each.isConnected && each.checkVisibility() && !window.walked.has(each))
    .map((each) => `not reached: ${window.named(each)}`),
  ...[...window.walked].filter(([each, seen]) => !seen && each.isConnected)
    .map(([each]) => `not seen: ${window.named(each)}`),
  ...[...document.querySelectorAll("[tabindex]")].filter((each) => each.tabIndex > 0)
    .map((each) => `out of order: ${window.named(each)}`),
]
"""
WIDER = """
() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest(".scroll"))
  .slice(-3).map((each) => `${each.tagName.toLowerCase()}.${each.className}`)
"""


def look(page: Page) -> list[str]:
    """Give what is wrong with the page as it is; it is as wide as a desktop before and after."""
    told = []
    shift = page.evaluate("window.shift")
    if shift > MOST_SHIFT:
        told.append(f"moves while it comes: {shift:.3f}")
    page.evaluate(OPEN)  # menus stay shut: they would lie over the page
    told += complaints_of_axe(page)
    told += walked(page)
    for width in (TABLET, PHONE):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        if wider := page.evaluate(WIDER):
            told.append(f"wider than {width}: {', '.join(wider)}")
    page.set_viewport_size({"width": DESKTOP, "height": HEIGHT})
    return told


def walked(page: Page) -> list[str]:
    """Go through the page by Tab alone, once around; give what was not reached, or not seen to be."""
    count = page.evaluate(NOTE_FOCUS)
    has_terminal = page.locator("[data-terminal]").count() > 0
    for number in range(2 * count):  # forms that were opened bring more
        if has_terminal and page.evaluate(IN_TERMINAL):
            page.keyboard.press("Escape")  # in there Tab is the shell's
        page.keyboard.press("Tab")
        if number >= count and page.evaluate(IS_AROUND):
            break
    return list(page.evaluate(TOLD_OF_FOCUS))
