"""A recording is one page: the video goes where an entry is clicked, and the entry of a moment is marked."""

import os
import re
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from objects.engine import running
from teams.models import Person
from tests.pages.browser import complaints_of_axe

PATH = "/recorded"
ADDRESS = f"/t/demo/o{PATH}:/browser"
SHOTS = os.environ.get("GROVE_SHOTS", "")


@pytest.fixture(scope="module")
def recorded(run) -> str:
    """An object whose browser recorded how somebody signs in at the demo site, and looks around."""
    run(PATH, "browser.open", url="http://demo.localhost/login")
    run(PATH, "browser.record", what="session", name="visits/sign-in.webm")
    run(PATH, "browser.fill", field="Name", text="ann")
    run(PATH, "browser.fill", field="Password", text="orchard")
    run(PATH, "browser.press", key="Enter")
    run(PATH, "browser.eval", script="console.warn('the kettle boils')")
    run(PATH, "browser.open", url="http://demo.localhost/nowhere")
    run(PATH, "browser.open", url="http://demo.localhost/shop")
    run(PATH, "browser.scroll", where="bottom")
    run(PATH, "browser.record", what="stop")
    return f"{ADDRESS}/visits/sign-in"


@pytest.fixture
def ann() -> Person:
    return Person.objects.get(email=settings.DEMO_OWNER)


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def seconds(page: Page) -> float:
    return float(page.locator("video").evaluate("(video) => video.currentTime"))


def test_video_line_and_list_go_together(recorded, person_at, ann):
    page = person_at(ADDRESS, ann)
    page.get_by_role("link", name="visits/sign-in").click()
    page.wait_for_url(f"**{recorded}")
    video, entries = page.locator("video"), page.locator(".rec-list a")
    video.evaluate("(video) => video.readyState ? null : new Promise(done => { video.onloadedmetadata = done })")

    assert video.evaluate("(video) => Number.isFinite(video.duration) && video.duration > 1")
    assert video.evaluate("(video) => video.seekable.end(0) === video.duration")
    press = entries.filter(has_text="press Enter").first  # at the same moment others are, too
    at = float(press.locator("..").get_attribute("data-at") or 0) / 1_000
    press.click()
    expect(press).to_have_attribute("aria-current", "true")
    page.wait_for_function("(at) => Math.abs(document.querySelector('video').currentTime - at) < 0.01", arg=at)
    page.wait_for_function("() => !document.querySelector('video').seeking")
    assert float(page.locator("[data-rec-now]").get_attribute("x1") or 0) > 0

    press.press("ArrowDown")
    expect(press).not_to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(press).to_be_focused()
    scrub = page.get_by_role("slider", name="Where in the recording")
    scrub.focus()
    page.keyboard.press("Home")
    page.wait_for_function("() => document.querySelector('video').currentTime === 0")

    before = entries.and_(page.locator("[aria-current]")).count()
    video.evaluate("(video) => { video.playbackRate = 8; return video.play() }")
    page.wait_for_function("() => document.querySelector('video').ended")
    assert before <= 1
    expect(entries.last).to_have_attribute("aria-current", "true")
    assert entries.and_(page.locator("[aria-current]")).count() == 1


def test_lanes_are_hidden_and_a_click_on_the_line_goes_there(recorded, person_at, ann):
    page = person_at(recorded, ann)
    shown = page.locator(".rec-list li")
    assert {each.split()[0] for each in shown.evaluate_all("(all) => all.map((one) => one.className)")} == {
        "is-steps", "is-page", "is-console", "is-network"
    }  # fmt: skip

    for lane in ("Page", "Console", "Network"):
        page.get_by_role("checkbox", name=lane).uncheck()
    steps = [each.strip() for each in page.locator(".rec-list li:visible .rec-text").all_inner_texts()]
    assert steps == [
        "fill Name …", "fill Password …", "press Enter", "eval …",
        "open demo.localhost/nowhere", "open demo.localhost/shop", "scroll bottom",
    ]  # fmt: skip
    assert page.locator("svg rect.is-network").first.is_hidden()
    last = page.locator("svg rect.is-steps").last
    last.click(force=True)
    expect(page.locator(".rec-list a", has_text="scroll bottom")).to_have_attribute("aria-current", "true")
    page.wait_for_function("() => document.querySelector('video').currentTime > 0.5")


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_the_page_is_for_everybody(recorded, person_at, viewer, width: int, scheme: str):
    page = person_at(recorded, viewer, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.locator(".rec-list a").nth(4).click()
    page.wait_for_function("() => !document.querySelector('video').seeking")
    shot(page, f"recording-{width}-{scheme}")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints_of_axe(page) == []


def test_without_scripts_entries_are_links_to_their_moment(recorded, person_at, ann):
    page = person_at(recorded, ann, java_script_enabled=False)
    shot(page, "recording-without-scripts")

    page.get_by_role("checkbox", name="Network").uncheck()
    assert page.locator(".rec-list li.is-network:visible").count() == 0
    last = page.locator(".rec-list a", has_text="scroll bottom")
    moment = (last.get_attribute("href") or "").removeprefix("?at=")
    last.click()
    expect(page.locator("video")).to_have_attribute("src", re.compile(rf"sign-in\.webm\?raw#t={re.escape(moment)}$"))


def test_a_timeline_that_somebody_wrote_is_refused_with_where(run, recorded, person_at, ann, owner):
    engine = running.engine()
    for name, text in (("bad", '{"version": 1, "entries": [{"at_ms": -1}]}'), ("worse", "<script>")):
        put = {"name": f"{name}.timeline.json", "content": text}
        assert engine.call(owner.schema, PATH, "files.put", put, owner).problem is None
    page = person_at(ADDRESS, ann)

    for name in ("bad", "worse", "missing"):
        answer = page.request.get(f"{ADDRESS}/{name}")
        assert answer.status == (404 if name == "missing" else 409)
        assert "timeline" in answer.text()
