"""Ways in: codes, confirmed addresses, second steps, sessions. Nobody learns who has an account; all is in our look."""

import base64
import hmac
import re
import struct
import time
from typing import Any

import httpx
import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import get_hasher
from django.core import mail
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from config.social import social
from teams.models import Person
from tests.surfaces.conftest import start

PASSWORD = "correct horse 17"


@pytest.fixture(autouse=True)
def _fresh():
    cache.clear()
    mail.outbox.clear()


def sign_in(browser: Client, email: str, password: str = PASSWORD) -> Any:
    return browser.post("/account/login/", {"login": email, "password": password})


def sign_in_twice(browser: Client, email: str) -> None:
    """Sign in, and give the password once more, as what is sensitive asks for."""
    sign_in(browser, email)
    browser.post("/account/reauthenticate/", {"password": PASSWORD})


def code_in_mail() -> str:
    """The code of the letter that was sent last."""
    return re.search(r"^([A-Z0-9]{3,}(?:-[A-Z0-9]+)*)$", str(mail.outbox[-1].body), re.MULTILINE)[1]


def totp(secret: str) -> str:
    """The code of an authenticator app now: RFC 6238."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), "sha1")
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


# By code.


def test_a_code_sent_by_email_signs_in_without_a_password(person):
    ann, browser = person(), Client()

    asked = browser.post("/account/login/code/", {"email": ann.email})
    entered = browser.post("/account/login/code/confirm/", {"code": code_in_mail()})

    assert (asked.status_code, asked.headers["Location"]) == (302, "/account/login/code/confirm/")
    assert [letter.to for letter in mail.outbox] == [[ann.email]]
    assert (entered.status_code, browser.session["_auth_user_id"]) == (302, str(ann.pk))


def test_a_code_can_be_guessed_three_times(person):
    ann, browser = person(), Client()
    browser.post("/account/login/code/", {"email": ann.email})
    code = code_in_mail()

    for _ in range(3):
        browser.post("/account/login/code/confirm/", {"code": "WRONG1"})
    browser.post("/account/login/code/confirm/", {"code": code})

    assert "_auth_user_id" not in browser.session


def test_who_has_an_account_is_told_to_nobody(person):
    ann = person(password=PASSWORD)

    def pages(address: str, field: str, **more: str) -> list[tuple[int, str, str]]:
        told = []
        for email in (ann.email, "nobody-here@example.com"):
            browser = Client()
            answer = browser.post(address, {field: email, **more})
            shown = browser.get(answer.headers["Location"]) if answer.status_code == 302 else answer
            body = re.sub(r"[A-Za-z0-9]{64}", "CSRF", shown.content.decode()).replace(email, "EMAIL")
            told.append((answer.status_code, answer.headers.get("Location", ""), body))
            cache.clear()
        return told

    with override_settings(SIGNUP_OPEN=True):
        for known, unknown in (
            pages("/account/login/", "login", password="wrong wrong 1"),
            pages("/account/login/code/", "email"),
            pages("/account/password/reset/", "email"),
            pages("/account/signup/", "email", password1="another horse 18"),
        ):
            assert known == unknown


def test_a_wrong_password_costs_as_much_work_whoever_it_is_said_of(person, monkeypatch):
    ann, kay = person(password=PASSWORD), person()  # who has no password signs in otherwise
    worked = []
    hasher = type(get_hasher())
    encode = hasher.encode
    monkeypatch.setattr(hasher, "encode", lambda *args, **more: (worked.append(1), encode(*args, **more))[1])

    def work(email: str) -> int:
        worked.clear()
        Client().post("/account/login/", {"login": email, "password": "wrong wrong 1"})
        cache.clear()
        return len(worked)

    assert work(ann.email) == work(kay.email) == work("nobody-here@example.com") > 0


# A new account.


def test_a_stranger_confirms_the_address_by_a_code_before_getting_in():
    browser, email = Client(), f"stranger-{time.time_ns()}@example.com"
    with override_settings(SIGNUP_OPEN=True):
        made = browser.post("/account/signup/", {"email": email, "password1": PASSWORD, "name": "Stran Ger"})
        before = "_auth_user_id" in browser.session
        confirmed = browser.post("/account/confirm-email/", {"code": code_in_mail()})

    assert (made.status_code, made.headers["Location"], before) == (302, "/account/confirm-email/", False)
    assert (confirmed.status_code, confirmed.headers["Location"]) == (302, "/")
    assert Person.objects.get(email=email).name == "Stran Ger"
    assert EmailAddress.objects.get(email=email).verified


def test_an_address_is_changed_once_the_new_one_is_confirmed(person):
    ann, browser, new = person(password=PASSWORD), Client(), f"new-{time.time_ns()}@example.com"
    sign_in_twice(browser, ann.email)

    browser.post("/account/email/", {"email": new, "action_add": ""})
    ann.refresh_from_db()
    before = ann.email
    browser.post("/account/confirm-email/", {"code": code_in_mail()})
    ann.refresh_from_db()

    assert before != new
    assert ann.email == new
    assert [address.email for address in EmailAddress.objects.filter(user=ann)] == [new]


# The second step.


def activate_totp(browser: Client) -> tuple[str, list[str]]:
    page = browser.get("/account/2fa/totp/activate/").content.decode()
    secret = re.search(r'class="secret">([A-Z2-7]+)<', page)[1]
    browser.post("/account/2fa/totp/activate/", {"code": totp(secret)})
    codes = re.findall(r"<li><code>(\d+)</code></li>", browser.get("/account/2fa/recovery-codes/").content.decode())
    return secret, codes


def test_with_an_app_a_password_is_not_enough_and_a_code_counts_once(person):
    ann, browser = person(password=PASSWORD), Client()
    sign_in_twice(browser, ann.email)
    secret, codes = activate_totp(browser)

    def second_step(code: str) -> bool:
        cache.clear()  # codes used count for the rate, and the app's last code may not be used again
        other = Client()
        asked = sign_in(other, ann.email)
        assert asked.headers["Location"] == "/account/2fa/authenticate/"
        assert "_auth_user_id" not in other.session
        other.post("/account/2fa/authenticate/", {"code": code})
        return "_auth_user_id" in other.session

    assert len(codes) == 10
    assert [second_step(each) for each in ("000000", totp(secret), codes[0], codes[0], codes[1])] == [
        False,
        True,
        True,
        False,
        True,
    ]


def test_what_is_sensitive_asks_for_the_password_again(person):
    ann, browser = person(password=PASSWORD), Client()
    browser.force_login(ann, backend="allauth.account.auth_backends.AuthenticationBackend")

    asked = browser.get("/account/keys/")
    wrong = browser.post("/account/reauthenticate/?next=/account/keys/", {"password": "wrong"})
    right = browser.post("/account/reauthenticate/", {"password": PASSWORD, "next": "/account/keys/"})

    assert (asked.status_code, asked.headers["Location"]) == (302, "/account/reauthenticate/?next=%2Faccount%2Fkeys%2F")
    assert wrong.status_code == 200
    assert (right.status_code, browser.get("/account/keys/").status_code) == (302, 200)


# Sessions.


def test_a_session_is_ended_from_afar_and_the_others_stay(person):
    ann = person(password=PASSWORD)
    here, there, third = (
        Client(headers={"User-Agent": agent})
        for agent in ("Mozilla Firefox/130 Linux", "Chrome/150 Windows", "Safari/17 iPhone")
    )
    for browser in (here, there, third):
        sign_in(browser, ann.email)

    shown = here.get("/account/sessions/").content.decode()
    row = UserSession.objects.get(session_key=there.session.session_key)
    here.post(f"/account/sessions/{row.pk}/end/")

    assert all(words in shown for words in ("Firefox on Linux", "Chrome on Windows", "Safari on iPhone"))
    assert [browser.get("/teams/").status_code for browser in (here, there, third)] == [200, 302, 200]

    here.post("/account/sessions/others/end/")
    assert [browser.get("/teams/").status_code for browser in (here, there, third)] == [200, 302, 302]


def test_nobody_ends_the_session_of_another(person):
    ann, eve = person(password=PASSWORD), person(password=PASSWORD)
    anns, eves = Client(), Client()
    sign_in(anns, ann.email)
    sign_in(eves, eve.email)
    row = UserSession.objects.get(session_key=anns.session.session_key)

    assert eves.post(f"/account/sessions/{row.pk}/end/").status_code == 404
    assert anns.get("/teams/").status_code == 200


def test_many_sessions_are_listed_with_as_many_queries_as_few(person):
    ann, browser = person(), Client()

    def sign_in_anew(count: int) -> None:
        for _ in range(count):
            other = Client()
            other.post("/account/login/code/", {"email": ann.email})
            other.post("/account/login/code/confirm/", {"code": code_in_mail()})
            cache.clear()

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            browser.get("/account/sessions/")
        return len(asked)

    browser.force_login(ann, backend="allauth.account.auth_backends.AuthenticationBackend")
    sign_in_anew(3)
    few = queries()
    sign_in_anew(27)

    assert queries() == few
    assert browser.get("/account/sessions/").content.decode().count("signed in <time") == 30


def test_ssh_keys_are_added_and_removed_on_their_page(person):
    ann, browser = person(password=PASSWORD), Client()
    sign_in_twice(browser, ann.email)
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3mFo7sU0m1CUPhSqbCHqIEJkJD/iPFvQYZvqkGsTq0 laptop"

    wrong = browser.post("/account/keys/", {"key": "no key"})
    added = browser.post("/account/keys/", {"key": key})
    kept = ann.ssh_keys.get()
    browser.post(f"/account/keys/{kept.pk}/remove/")

    assert (wrong.status_code, added.status_code, kept.name) == (422, 303, "laptop")
    assert ann.ssh_keys.count() == 0


# The look, and the policy.

ADDRESSES = (
    "", "login/", "signup/", "logout/", "login/code/", "inactive/", "email/", "sessions/", "keys/", "reauthenticate/",
    "password/reset/", "password/reset/done/", "password/reset/key/1-x/", "password/reset/key/done/",
    "password/change/", "password/set/", "2fa/", "2fa/totp/activate/", "2fa/totp/deactivate/", "2fa/webauthn/",
    "2fa/webauthn/add/",
    "2fa/webauthn/reauthenticate/", "2fa/recovery-codes/", "2fa/recovery-codes/generate/", "2fa/reauthenticate/",
    "2fa/authenticate/",
)  # fmt: skip


def assert_is_ours(page: str) -> None:
    """Our frame, and nothing that the content security policy forbids."""
    assert 'class="brand"' in page
    assert 'href="/static/built/app.css"' in page
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=\"|javascript:", page) == []


@pytest.fixture(scope="module")
def everybody(person) -> list[Client]:
    """A stranger, somebody with a password, and somebody with an app as well."""
    cache.clear()
    stranger, signed_in, protected = Client(), Client(), Client()
    sign_in_twice(signed_in, person(password=PASSWORD).email)
    sign_in_twice(protected, person(password=PASSWORD).email)
    activate_totp(protected)
    return [stranger, signed_in, protected]


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_page_of_an_account_is_bare_or_needs_an_inline_script(everybody, address):
    for browser in everybody:
        page = browser.get(f"/account/{address}", follow=True)

        assert page.status_code in (200, 404)
        assert_is_ours(page.content.decode())


def test_the_pages_between_two_steps_are_ours(person):
    ann, browser = person(password=PASSWORD), Client()
    browser.post("/account/login/code/", {"email": ann.email})
    code = browser.get("/account/login/code/confirm/").content.decode()
    with override_settings(SIGNUP_OPEN=True):
        browser = Client()
        browser.post("/account/signup/", {"email": f"x{time.time_ns()}@example.com", "password1": PASSWORD})
        confirm = browser.get("/account/confirm-email/").content.decode()
    sign_in_twice(protected := Client(), ann.email)
    activate_totp(protected)
    cache.clear()
    sign_in(half := Client(), ann.email)
    second = half.get("/account/2fa/authenticate/").content.decode()

    for page in (code, confirm, second):
        assert_is_ours(page)


def test_too_many_attempts_are_told_in_our_look():
    answers = [Client().post("/account/login/", {"login": f"n{n}@example.com", "password": "x"}) for n in range(31)]

    assert answers[-1].status_code == 429
    assert "Too many attempts" in answers[-1].content.decode()


# Other accounts.


def test_none_is_offered_unless_configured():
    assert social({}).providers == {}
    page = Client().get("/account/login/").content.decode()
    assert "or with" not in page
    assert Client().get("/account/social/").status_code == 404


def test_a_configured_one_has_its_app_its_key_and_its_place_in_the_policy():
    made = social({"GROVE_SOCIAL": "github,openid_connect", "GROVE_GITHUB_ID": "i", "GROVE_GITHUB_SECRET": "s",
                   "GROVE_OPENID_CONNECT_ID": "o", "GROVE_OPENID_CONNECT_SECRET": "p",
                   "GROVE_OPENID_CONNECT_URL": "https://id.example.com/realm"})  # fmt: skip

    assert made.apps == ["allauth.socialaccount.providers.github", "allauth.socialaccount.providers.openid_connect"]
    assert made.origins == ["https://github.com", "https://id.example.com"]
    assert made.providers["github"] == {"APPS": [{"client_id": "i", "secret": "s", "key": ""}]}
    assert made.providers["openid_connect"]["APPS"][0]["name"] == "id.example.com"


def test_a_configured_one_is_offered_and_leads_there(database, tmp_path):
    process, web = start(
        tmp_path / "web.log", GROVE_SOCIAL="github", GROVE_GITHUB_ID="our-id", GROVE_GITHUB_SECRET="our-secret"
    )
    try:
        with httpx.Client(base_url=web.url) as browser:
            page = browser.get("/account/login/")
            token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
            led = browser.post("/account/github/login/?process=login", data={"csrfmiddlewaretoken": token})
            cancelled = browser.get("/account/social/login/cancelled/")
    finally:
        process.terminate()
        process.wait(timeout=60)

    assert re.search(
        r'action="/account/github/login/[^"]*">.*?<button type="submit">GitHub</button>', page.text, re.DOTALL
    )
    assert "form-action 'self' https://github.com" in page.headers["Content-Security-Policy"]
    assert led.status_code == 302
    assert led.headers["Location"].startswith("https://github.com/login/oauth/authorize?client_id=our-id&")
    assert cancelled.status_code == 200
    assert_is_ours(cancelled.text)
    assert web.mistakes() == []


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"GROVE_SOCIAL": "myspace"}, "no provider 'myspace'"),
        ({"GROVE_SOCIAL": "github", "GROVE_GITHUB_ID": "i"}, "GROVE_GITHUB_SECRET is missing"),
    ],
)
def test_a_half_configured_one_is_refused_at_the_start(environment, words):
    with pytest.raises(ImproperlyConfigured, match=re.escape(words)):
        social(environment)


def test_an_account_that_an_operator_makes_is_vouched_for(person):
    ann = person(password=PASSWORD)

    assert EmailAddress.objects.get(user=ann).verified
    assert sign_in(Client(), ann.email).headers["Location"] == "/"
