"""A real Chromium for the tests of pages: somebody who came in by the printed address, and axe's opinion of a page."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(settings.BASE_DIR)
KEY = "the-key-that-up-prints"
LOUD = ("error", "warning")
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SCHEMES: dict[Literal["dark", "light"], list[str]] = {
    "dark": ["color-contrast", "link-in-text-block"],
    "light": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
REPLACED = "^htmx:(afterRequest|sendAbort)"  # how htmx tells that a newer request took one's place
NEXT_FRAME = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@contextmanager
def entered(browser: Browser, site: str, *, refused: str = "", **options: object) -> Iterator[Page]:
    """Somebody who came in by the URL; at the end nothing may stand in the console, as a violation of the CSP would.

    refused: the status of an answer that is meant to be a refusal, which browsers write into the console too.
    """
    context: BrowserContext = browser.new_context(base_url=site, **options)  # type: ignore[arg-type]
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type in LOUD else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"/enter/{KEY}/")
    try:
        yield page
    finally:
        context.close()
    assert serious(complaints, refused) == []


def serious(complaints: list[str], refused: str = "") -> list[str]:
    """Leave out what is meant to be: refusals by their status, and requests in whose place a newer one came."""
    meant = f"{REPLACED}|a status of ({refused})" if refused else REPLACED
    return [each for each in complaints if not re.search(meant, each)]


def type_json(page: Page, label: str, text: str) -> None:
    """Write into a field of JSON, once the editor is there that takes the place of its textarea."""
    page.locator(".cm-content").first.wait_for()
    page.get_by_label(label, exact=True).fill(text)


def complaints_of_axe(page: Page) -> list[str]:
    """What axe finds on the page as it is now: the scheme, the rule, and where.

    All rules in light; in dark those about colours, since nothing else is different there.
    """
    page.evaluate(AXE.read_text())
    found = []
    for scheme, rules in SCHEMES.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.evaluate(NEXT_FRAME)  # what has a transition gets its colours then
        result: dict[str, Any] = page.evaluate(
            "(rules) => axe.run(document, { runOnly: rules, resultTypes: ['violations'], preload: false })", rules
        )
        found += [
            f"{scheme}: {rule['id']}: {', '.join(json.dumps(node['target'][0]) for node in rule['nodes'][:5])}"
            f" {rule['nodes'][0]['failureSummary'] if rule['id'] == 'color-contrast' else rule['help']}"
            for rule in result["violations"]
        ]
    return found
