"""While Valkey is away, who is signed in goes on, and signing in says that it must wait."""

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client, override_settings

NOBODY_THERE = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
}


@pytest.fixture
def browser():
    with override_settings(CACHES=NOBODY_THERE):
        yield Client()


def test_a_person_who_is_signed_in_goes_on(browser, team):
    session = SessionStore()
    session[SESSION_KEY] = str(team.owner.pk)
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = team.owner.get_session_auth_hash()
    session.save()
    browser.cookies["grove_session"] = session.session_key

    page = browser.get(f"/t/{team.slug}/")

    assert (page.status_code, team.name in page.content.decode()) == (200, True)


def test_signing_in_asks_to_come_back(browser, team):
    answer = browser.post("/account/login/", {"login": team.owner.email, "password": "whatever it is"})

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Try again in a moment" in answer.content.decode()
