"""How Chromium is started so that nothing goes past the proxy.

The flags close what knows no proxy: WebRTC and QUIC send UDP by themselves. Names are resolved by the proxy alone, and
a context that was made without a door reaches nothing.
"""

from typing import Any, Final

from playwright.async_api import Page, Request

from browsers.addresses import BLANK
from browsers.egress.proxy import Door

FLAGS: Final = (
    # Two names of one flag: Chromium 156 as Debian has it does not heed the first any more.
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
# Besides the web's: what a page shows that it has made itself, and what Chromium shows where it could not open one.
HARMLESS: Final = ("http", "https", "about", "blob", "data", "chrome-error")
NOWHERE: Final[Any] = {"server": "http://127.0.0.1:9"}  # port 9 is "discard": nobody is there


def is_harmless(url: str) -> bool:
    """Whether a page at this address may stay open."""
    return url.partition(":")[0].lower() in HARMLESS


def watch(page: Page, door: Door) -> None:
    """Have a page say why it was refused, and leave what is none of the web.

    Chromium has a page of its own for a refused https:// address, which does not tell why.
    """

    async def explain(request: Request) -> None:
        if not request.is_navigation_request() or request.frame != page.main_frame or page.is_closed():
            return
        refusal = door.traffic.refusal_of(request.url)
        if refusal is not None and request.url.startswith("https:"):
            await page.goto(door.explanation(refusal))

    async def leave() -> None:
        if not is_harmless(page.url) and not page.is_closed():
            await page.goto(BLANK)

    page.on("requestfailed", explain)
    page.on("framenavigated", lambda frame: leave() if frame == page.main_frame else None)
