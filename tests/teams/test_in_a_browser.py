"""Ways in and around in a real Chromium: signing up, inviting, passkeys, second steps, keyboard, phones, axe."""

import base64
import email
import hmac
import os
import re
import shutil
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.cache import cache
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from config.up.assets import build_assets
from teams import actions
from teams.access import Role
from teams.models import Person, Team
from tests.pages.browser import complaints_of_axe
from tests.surfaces.conftest import start

ROOT = Path(settings.BASE_DIR)
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


@pytest.fixture(scope="module")
def site(database, tmp_path_factory) -> Iterator[Site]:
    build_assets(ROOT)
    folder = tmp_path_factory.mktemp("site")
    letters = folder / "letters"
    process, web = start(folder / "web.log", GROVE_SIGNUP="1", GROVE_EMAIL_FOLDER=str(letters))
    yield Site(f"http://localhost:{web.port}", letters)
    process.terminate()
    process.wait(timeout=20)
    assert web.mistakes() == []


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    found = os.environ.get("BROWSER_EXECUTABLE") or shutil.which("chromium")
    assert found, "No Chromium: install one (apt-get install chromium) or name it in BROWSER_EXECUTABLE."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright leaves an event loop running in this thread
        yield browser
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        browser.close()


@pytest.fixture(autouse=True)
def _no_attempts_counted():
    cache.clear()


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
    assert [each for each in complaints if not refused or f"a status of {refused}" not in each] == []


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


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_a_stranger_signs_up_makes_a_team_and_is_at_a_live_object_in_under_a_minute(chromium, site, scripts):
    address = f"ann-{time.time_ns()}@example.com"
    with somebody(chromium, site, java_script_enabled=scripts) as page:
        began = time.monotonic()
        page.goto("/")
        page.get_by_role("link", name="No account yet?").click()
        sign_up(page, site, address, "Ann")
        page.get_by_label("Code").fill(site.code_to(address))
        page.get_by_role("button", name="Go on").click()

        expect(page.get_by_role("heading", name="Welcome to Grove")).to_be_visible()
        page.get_by_label("Name").fill(f"Garden {time.time_ns()}")
        page.get_by_role("button", name="Make the team").click()

        expect(page).to_have_url(re.compile(r"/t/garden-\d+/o/welcome$"))
        expect(page.locator("body")).to_contain_text("README.md")
        assert time.monotonic() - began < 60


def test_the_second_person_is_invited_signs_up_and_joins(chromium, site, new_team, person):
    ann, address = person(password=PASSWORD, name="Ann"), f"bob-{time.time_ns()}@example.com"
    team = new_team(owner=ann, name="Acme")
    with somebody(chromium, site) as hers, somebody(chromium, site) as his:
        sign_in(hers, ann)
        hers.goto(f"/t/{team.slug}/team/")
        hers.get_by_label("E-mail", exact=True).fill(address)
        hers.get_by_label("Role").first.select_option("2")
        hers.get_by_role("button", name="Invite", exact=True).click()
        expect(hers.get_by_role("status").filter(has_text="on its way")).to_be_visible()

        link = re.search(r"http://\S+/invitation/\S+", site.letter_to(address))[0]
        his.goto(link)
        expect(his.get_by_role("heading", name="Acme")).to_be_visible()
        his.get_by_role("link", name="Make an account to join").click()
        sign_up(his, site, address, "Bob")
        his.get_by_role("button", name="Join").click()

        expect(his).to_have_url(f"{site.url}/t/{team.slug}/")
        hers.reload()
        expect(hers.get_by_role("list", name="Members")).to_contain_text(address)
        expect(hers.get_by_text("Invited")).to_have_count(0)
    assert team.memberships.get(person__email=address).role == Role.EDITOR


def give_authenticator(page: Page) -> None:
    """Let the browser have a device that makes and keeps passkeys."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                     "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True}},
    )  # fmt: skip


def test_an_account_is_made_with_a_passkey_alone_and_has_recovery_codes(chromium, site):
    address = f"key-{time.time_ns()}@example.com"
    with somebody(chromium, site) as page:
        give_authenticator(page)
        page.goto("/account/signup/")
        page.get_by_role("link", name="With a passkey").click()
        page.get_by_label("Your name").fill("Kay")
        page.get_by_label("E-mail").fill(address)
        page.get_by_role("button", name="Go on").click()
        page.get_by_label("Code").fill(site.code_to(address))
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("heading", name="Make your passkey")).to_be_visible()
        page.get_by_role("button", name="Make the passkey").click()
        expect(page.get_by_text("Keep your recovery codes")).to_be_visible()

        page.context.clear_cookies()
        page.goto("/account/login/")
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.locator("summary", has_text=f"Your account: {address}")).to_be_visible()

    kay = Person.objects.get(email=address)
    kinds = Authenticator.objects.filter(user=kay).order_by("type").values_list("type", flat=True)
    assert (list(kinds), kay.name, kay.has_usable_password()) == (["recovery_codes", "webauthn"], "Kay", False)


def test_a_passkey_is_made_and_signs_in_alone(chromium, site, person):
    ann = person(password=PASSWORD)
    with somebody(chromium, site) as page:
        give_authenticator(page)
        sign_in(page, ann)
        page.goto("/account/2fa/webauthn/add/")
        again(page)
        page.get_by_label("Name").fill("laptop")
        page.get_by_role("button", name="Add the passkey").click()
        expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
        page.goto("/account/2fa/webauthn/")
        expect(page.locator(".rows")).to_contain_text("laptop")
        expect(page.locator(".rows")).to_contain_text("signs in alone")

        page.context.clear_cookies()
        page.goto("/account/login/")
        page.get_by_role("button", name="Use a passkey").click()

        expect(page.locator("summary", has_text=f"Your account: {ann.email}")).to_be_visible()


def test_a_refused_passkey_says_how_to_go_on(chromium, site):
    with somebody(chromium, site) as page:
        devtools = page.context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        devtools.send(
            "WebAuthn.addVirtualAuthenticator",
            {"options": {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                         "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True}},
        )  # fmt: skip
        page.goto("/account/login/")
        page.get_by_role("button", name="Use a passkey").click()

        expect(page.get_by_text("No passkey was given")).to_be_visible()


def test_an_app_is_turned_on_and_asked_for_at_the_next_sign_in(chromium, site, person):
    ann = person(password=PASSWORD)
    with somebody(chromium, site) as page:
        sign_in(page, ann)
        page.goto("/account/2fa/totp/activate/")
        again(page)
        secret = page.locator(".secret").inner_text()
        assert page.locator("img.qr").evaluate("image => image.complete && image.naturalWidth > 0")
        page.get_by_label("Authenticator code").fill(totp(secret))
        page.get_by_role("button", name="Turn on").click()
        expect(page.get_by_role("list", name="Unused codes").get_by_role("listitem")).to_have_count(10)

        page.context.clear_cookies()
        cache.clear()  # the code that was used just now counts as used
        sign_in(page, ann)
        expect(page.get_by_role("heading", name="Second step")).to_be_visible()
        page.get_by_label("Code").fill(totp(secret))
        page.get_by_role("button", name="Sign in", exact=True).click()

        expect(page.locator("summary", has_text=f"Your account: {ann.email}")).to_be_visible()


def test_a_session_ended_from_afar_is_over_at_its_next_click(chromium, site, person):
    ann = person(password=PASSWORD)
    with somebody(chromium, site) as here, somebody(chromium, site) as there:
        sign_in(here, ann)
        sign_in(there, ann)
        here.goto("/account/sessions/")
        here.get_by_role("button", name=re.compile("^Sign out .* from")).click()
        expect(here.get_by_role("status").filter(has_text="is signed out")).to_be_visible()

        there.goto("/teams/")

        expect(there).to_have_url(re.compile("/account/login/"))


def test_a_token_is_made_and_its_secret_can_be_copied(chromium, site, person, new_team):
    ann = person(password=PASSWORD)
    team = new_team(owner=ann)
    with somebody(chromium, site, permissions=["clipboard-read", "clipboard-write"]) as page:
        sign_in(page, ann)
        page.goto(f"/t/{team.slug}/team/tokens/")
        page.get_by_label("Name").fill("ci")
        page.get_by_role("button", name="Make the token").click()
        secret = page.get_by_label("The token").input_value()
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()

        assert page.evaluate("navigator.clipboard.readText()") == secret
        assert secret.startswith("grove_")


def test_menus_and_forms_work_by_keyboard_alone(chromium, site, person, new_team):
    ann = person(password=PASSWORD)
    one, two = new_team(owner=ann, name="Alpha"), new_team(owner=ann, name="Beta")
    with somebody(chromium, site) as page:
        sign_in(page, ann)
        page.goto(f"/t/{one.slug}/team/grants/")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        while not page.evaluate("document.activeElement.getAttribute('aria-label') === 'Switch team'"):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="Beta owner")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("link", name="Beta owner")).to_be_hidden()
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Switch team"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"

        page.keyboard.press("Enter")
        while not page.evaluate("document.activeElement.textContent.startsWith('Beta')"):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")

        expect(page).to_have_url(f"{site.url}/t/{two.slug}/")


def test_without_scripts_the_team_is_switched_and_a_role_changed(chromium, site, person, new_team, member):
    ann = person(password=PASSWORD)
    team = new_team(owner=ann, name="Alpha")
    new_team(owner=ann, name="Beta")
    bob = member(team, Role.VIEWER)
    with somebody(chromium, site, java_script_enabled=False) as page:
        sign_in(page, ann)
        page.goto(f"/t/{team.slug}/team/")
        page.get_by_label(f"Change {bob.email}").click()
        page.locator(f"#role-{bob.pk}-role").select_option("2")
        page.get_by_role("button", name="Change the role").locator("visible=true").click()
        expect(page.get_by_role("status").filter(has_text=f"{bob.email} is editor now")).to_be_visible()

        page.get_by_label("Switch team").click()
        page.get_by_role("link", name="All teams").click()
        expect(page.get_by_role("link", name=re.compile("^Beta"))).to_be_visible()


def addresses(team: Team, bob: Person) -> list[str]:
    base = f"/t/{team.slug}/team/"
    return [
        base, f"{base}grants/", f"{base}access/?who={bob.email}&path=/shop/x", f"{base}tokens/", f"{base}audit/",
        f"{base}settings/", f"{base}settings/delete/", "/teams/", "/teams/new/", "/account/", "/account/email/",
        "/account/password/change/", "/account/2fa/", "/account/2fa/webauthn/", "/account/sessions/", "/account/keys/",
        "/account/logout/", "/admin/", "/admin/health/", "/admin/switches/", "/admin/teams/team/",
        f"/admin/teams/team/{team.pk}/change/", f"/admin/teams/{team.pk}/objects/", f"/admin/teams/{team.pk}/visit/",
        "/admin/teams/person/", f"/admin/teams/person/{bob.pk}/change/", "/admin/teams/auditline/",
    ]  # fmt: skip


OUTSIDE = (
    "/account/login/",
    "/account/signup/",
    "/account/login/code/",
    "/account/password/reset/",
    "/invitation/nonsense/",
)


@pytest.fixture(scope="module")
def full(person, new_team, member, token) -> tuple[Team, Person, Person]:
    """A team with something of everything, its owner, who operates the site, too, and a member."""
    ann = person(password=PASSWORD, name="Ann Example")
    Person.objects.filter(pk=ann.pk).update(is_staff=True, is_superuser=True)
    team = new_team(owner=ann, name="A team with rather a long name")
    bob = member(team, Role.VIEWER, {"/shop": Role.EDITOR, "/shop/a-rather/long-path/that-goes/on-and-on": Role.NONE})
    token(team, bob, paths=["/shop"], rate=2.5)
    token(team)
    actions.invite(
        team=team, by=ann, email="someone.with.a.long.name@example.com", role=Role.VIEWER, site="https://x.example"
    )
    return team, ann, bob


def test_a_phone_of_360_pixels_shows_all_without_scrolling_sideways(chromium, site, full):
    team, ann, bob = full
    with somebody(chromium, site, refused="404", viewport={"width": 360, "height": 740}) as page:
        widths = {}
        for address in OUTSIDE:
            page.goto(address)
            widths[address] = page.evaluate("document.documentElement.scrollWidth")
        sign_in(page, ann)
        page.goto("/account/keys/")
        again(page)
        for address in addresses(team, bob):
            page.goto(address)
            widths[address] = page.evaluate("document.documentElement.scrollWidth")

    assert widths == dict.fromkeys(widths, 360)


def test_axe_finds_nothing(chromium, site, full):
    team, ann, bob = full
    found: dict[str, list[str]] = {}

    def look(page: Page, address: str) -> None:
        page.goto(address)
        for menu in page.locator("details").all():
            menu.evaluate("menu => menu.open = true")
        if told := complaints_of_axe(page):
            found[address] = told

    with somebody(chromium, site, refused="404") as page:
        for address in OUTSIDE:
            look(page, address)
        sign_in(page, ann)
        page.goto("/account/keys/")
        again(page)
        for address in addresses(team, bob):
            look(page, address)
            assert "/account/login/" not in page.url

    assert found == {}
