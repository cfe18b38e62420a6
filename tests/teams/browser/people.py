"""People in a real Chromium: each with a browser of their own, and ways to sign in."""

import base64
import email
import hmac
import re
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

from teams.models import Person
from tests.pages.browser import serious

PASSWORD = "correct horse 17"


@dataclass(frozen=True)
class Site:
    """A web process that lets strangers in, by a name, since passkeys want one; its letters are files."""

    url: str
    letters: Path

    def letter_to(self, address: str) -> str:
        """The text of the letter that was sent last to an address."""
        found = []
        for path in sorted(self.letters.iterdir(), key=lambda each: each.stat().st_mtime_ns):
            for text in path.read_text().split("-" * 79 + "\n"):
                letter = email.message_from_string(text)
                if letter["To"] == address:
                    payload = letter.get_payload(decode=True)
                    found.append(payload.decode())
        return found[-1]

    def code_to(self, address: str) -> str:
        return re.search(r"^([A-Z0-9]{3,}(?:-[A-Z0-9]+)*)$", self.letter_to(address), re.MULTILINE)[1]


@contextmanager
def somebody(browser: Browser, site: Site, *, refused: str = "", **options: object) -> Iterator[Page]:
    """A browser of somebody's own; at the end nothing may stand in its console, as a violation of the CSP would.

    refused: the status of an answer that is meant to be a refusal, which browsers write into the console too.
    """
    context: BrowserContext = browser.new_context(base_url=site.url, **options)  # type: ignore[arg-type]
    page = context.new_page()
    complaints: list[str] = []
    loud = ("error", "warning")
    page.on(
        "console", lambda message: complaints.append(f"{page.url}: {message.text}") if message.type in loud else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield page
    finally:
        context.close()
    assert serious(complaints, refused) == []


def sign_in(page: Page, who: Person) -> None:
    page.goto("/account/login/")
    page.get_by_label("E-mail").fill(who.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/account/login/" not in url)


def again(page: Page) -> None:
    """Give the password once more where something sensitive asks for it."""
    if "/reauthenticate/" in page.url:
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name=re.compile("Confirm|Go on")).click()


def totp(secret: str, steps: int = 0) -> str:
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30 + steps), "sha1")
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def sign_up(page: Page, site: Site, address: str, name: str) -> None:
    page.get_by_label("Your name").fill(name)
    page.get_by_label("E-mail").fill(address)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()


def give_authenticator(page: Page) -> None:
    """Let the browser have a device that makes and keeps passkeys."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                     "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True}},
    )  # fmt: skip
