"""On the Browser tab people see macros and tracked pages, run and change them, with and without scripts."""

import os
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Locator, Page, expect

from objects.engine import running
from teams.models import Person
from tests.grove import Grove
from tests.pages.browser import complaints_of_axe

SHOTS = os.environ.get("GROVE_SHOTS", "")
LOG_IN = """param user = ann
secret password
open http://demo.localhost/login
fill Name {user}
fill Password {password}
press Enter
expect --seconds=10 text Hello, {user}
"""


@pytest.fixture
def ann() -> Person:
    return Person.objects.get(email=settings.DEMO_OWNER)


@pytest.fixture
def grove(owner, host) -> Grove:
    return Grove(running.engine(), owner, "/")


def made(grove: Grove, path: str) -> str:
    """Make an object with a macro that takes values, and give the address of its Browser tab."""
    grove.outcome(path, "browser.compose", {"name": "log in", "text": LOG_IN}, create="object", check=True)
    return f"/t/demo/o{path}:/browser"


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def unfold(article: Locator, name: str) -> None:
    """Open a fold, where it is not open."""
    fold = article.locator("details", has=article.page.get_by_text(name, exact=True))
    if fold.get_attribute("open") is None:
        fold.get_by_text(name, exact=True).click()


def test_a_macro_is_run_with_values_changed_and_told_where_it_failed(grove, host, person_at, ann):
    page = person_at(made(grove, "/macros-a"), ann)
    macro = page.get_by_role("article").filter(has_text="log in")
    unfold(macro, "Run with values")
    macro.get_by_label("password").fill("orchard")
    macro.get_by_role("button", name="Run").click()
    expect(macro.locator(".macro-last")).to_contain_text("done")
    unfold(macro, "The last run, step by step")
    expect(macro.get_by_role("listitem")).to_have_count(5)
    assert "orchard" not in page.content()
    shot(page, "macro-done")

    unfold(macro, "Edit")
    text = macro.get_by_label("A command a line")
    text.fill(LOG_IN + "clik Buy\n")
    macro.get_by_role("button", name="Keep").click()
    expect(macro.get_by_role("alert")).to_contain_text("line 8: 'clik' is no command of the browser")
    text.fill(LOG_IN.replace("--seconds=10 text Hello, {user}", "--seconds=1 text Goodbye"))
    macro.get_by_role("button", name="Keep").click()
    expect(page.get_by_text("browser compose done")).to_be_visible()
    expect(macro.get_by_role("alert")).to_have_count(0)
    unfold(macro, "Run with values")
    macro.get_by_label("password").fill("orchard")
    macro.get_by_role("button", name="Run").click()
    expect(macro.locator(".macro-last")).to_contain_text("failed at line 7")
    expect(macro.locator(".macro-steps .outcome-failed")).to_contain_text("expected text Goodbye")
    shot(page, "macro-failed")

    assert complaints_of_axe(page) == []


def test_what_is_done_is_recorded_from_the_page(grove, host, run, person_at, ann):
    page = person_at(made(grove, "/macros-b"), ann)
    page.get_by_label("Record as").fill("tour")
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_text("Recording tour, 0 steps so far")).to_be_visible()
    run("/macros-b", "browser.open", url="http://demo.localhost/shop")
    expect(page.get_by_text("Recording tour, 1 step so far")).to_be_visible()
    shot(page, "macro-recording")
    page.get_by_role("button", name="Stop recording").click()

    macro = page.get_by_role("article").filter(has=page.get_by_role("heading", name="tour"))
    expect(macro).to_contain_text("1 step")
    macro.get_by_role("button", name="Run tour").click()
    expect(macro.locator(".macro-last")).to_contain_text("done")


def test_a_tracked_page_shows_what_changed_and_all_fits_a_phone(grove, host, run, person_at, ann):
    address = made(grove, "/macros-c")
    url = "http://demo.localhost/cart"
    grove.outcome("/macros-c", "browser.track", {"name": "cart", "url": url, "selector": "main"}, check=True)
    run("/macros-c", "browser.compare")
    run("/macros-c", "browser.open", url="http://demo.localhost/shop")
    run("/macros-c", "browser.click", target="Add Mint to the cart")
    page = person_at(address, ann, viewport={"width": 360, "height": 800})
    tracked = page.get_by_role("article").filter(has_text=url)
    expect(tracked).to_contain_text("the same since the first look")

    tracked.get_by_role("button", name="Look now").click()
    expect(tracked.locator(".macro-last")).to_contain_text("changed")
    unfold(tracked, "What changed")
    expect(tracked.get_by_role("region")).to_contain_text("+Mint")
    shot(page, "tracked-phone")

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert complaints_of_axe(page) == []


def test_without_scripts_a_macro_is_run_and_shown_all_the_same(grove, host, person_at, ann):
    page = person_at(made(grove, "/macros-d"), ann, java_script_enabled=False)
    macro = page.get_by_role("article").filter(has_text="log in")
    unfold(macro, "Run with values")
    macro.get_by_label("password").fill("orchard")
    macro.get_by_role("button", name="Run").click()

    expect(macro.locator(".macro-last")).to_contain_text("done")


def test_who_may_only_look_sees_how_they_went_and_no_forms(grove, host, run, person_at, viewer: Any):
    address = made(grove, "/macros-e")
    run("/macros-e", "browser.play", name="log in", secret={"password": "orchard"})

    page = person_at(address, viewer)

    macro = page.get_by_role("article").filter(has_text="log in")
    expect(macro.locator(".macro-last")).to_contain_text("done")
    assert macro.get_by_role("button").count() == 0
    assert page.get_by_label("Record as").count() == 0


def test_a_secret_is_kept_on_the_page_and_the_macro_then_runs_by_itself(grove, host, person_at, ann):
    page = person_at(made(grove, "/macros-secret"), ann)
    macro = page.get_by_role("article").filter(has_text="log in")
    expect(macro.get_by_role("button", name="Run log in")).to_have_count(0)
    page.get_by_text("Secrets", exact=True).click()
    form = page.locator("#macro-secrets form.macro-form")
    form.get_by_label("Name").fill("password")
    form.get_by_label("Secret").fill("orchard")
    form.get_by_role("button", name="Keep").click()
    expect(page.locator("#macro-secrets h3")).to_have_text("password")
    expect(form.get_by_label("Secret")).to_have_value("")
    shot(page, "secrets")
    assert complaints_of_axe(page) == []

    unfold(macro, "Run with values")
    expect(macro.get_by_label("password")).to_have_attribute("placeholder", "kept here")
    macro.get_by_role("button", name="Run log in").click()

    expect(macro.locator(".macro-last")).to_contain_text("done")
    assert "orchard" not in page.content()


def test_a_new_macro_before_another_does_not_take_its_buttons(grove, host, person_at, ann):
    page = person_at(made(grove, "/macros-order"), ann)
    grove.call("/macros-order", "browser.compose", name="zeal", text="open http://demo.localhost/shop")
    expect(page.get_by_role("button", name="Run zeal")).to_be_visible()
    grove.call("/macros-order", "browser.compose", name="about", text="open http://demo.localhost/")

    about = page.get_by_role("article").filter(has_text="about")
    about.get_by_role("button", name="Run about").click()

    expect(about.locator(".macro-last")).to_contain_text("done")
    assert [each["name"] for each in grove.call("/macros-order", "browser.macros") if each["last"]] == ["about"]
