"""Ways in and around in a real Chromium: signing up, inviting, passkeys, second steps, keyboard, phones, axe."""

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from playwright.sync_api import expect

from teams.access import Role
from teams.models import Person
from tests.fair import fair
from tests.pages.browser import complaints_of_axe
from tests.teams.browser.people import PASSWORD, again, give_authenticator, sign_in, sign_up, somebody, totp


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
        assert time.monotonic() - began < fair(60)


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


def test_an_account_is_made_with_a_passkey_alone_and_has_recovery_codes(chromium, site):
    address = f"key-{time.time_ns()}@example.com"
    with somebody(chromium, site) as page:
        give_authenticator(page)
        page.goto("/account/signup/")
        page.get_by_role("link", name="With a passkey").click()
        page.get_by_label("Your name").fill("Kay")
        page.get_by_label("E-mail").fill(address)
        page.get_by_role("button", name="Go on").click()
        assert complaints_of_axe(page) == []
        page.get_by_label("Code").fill(site.code_to(address))
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("heading", name="Make your passkey")).to_be_visible()
        assert complaints_of_axe(page) == []
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
        assert complaints_of_axe(page) == []

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
        for there in ("", "recovery-codes/generate/", "totp/deactivate/"):
            assert complaints_of_axe(page) == []
            page.goto(f"/account/2fa/{there}")
            again(page)

        page.context.clear_cookies()
        cache.clear()  # the code that was used just now counts as used
        sign_in(page, ann)
        expect(page.get_by_role("heading", name="Second step")).to_be_visible()
        assert complaints_of_axe(page) == []
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
        assert [each for each in complaints_of_axe(page) if "target-size" not in each] == []  # it lies over the page
        page.keyboard.press("Escape")
        expect(page.get_by_role("link", name="Beta owner")).to_be_hidden()
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Switch team"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Control+k")
        expect(page.locator("#palette")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#palette")).to_be_hidden()
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Switch team"
        look = page.get_by_role("button", name="Look")
        look.press("Enter")
        expect(page.get_by_role("button", name="Dark")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Dark")).to_be_hidden()
        expect(look).to_be_focused()
        page.get_by_label("Switch team").focus()

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
