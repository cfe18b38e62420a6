"""A trace opens in a page: its steps, the page before and after each, console and network; and nothing of it runs."""

import base64
import io
import os
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from objects.engine import running
from teams.models import Person
from tests.grove import Grove
from tests.pages.browser import complaints_of_axe

PATH = "/traced"
ADDRESS = f"/t/demo/o{PATH}:/browser"
SHOTS = os.environ.get("GROVE_SHOTS", "")


@pytest.fixture(scope="module")
def traced(run) -> str:
    """An object whose browser was traced while somebody signed in, and failed at something."""
    run(PATH, "browser.trace", what="start", name="visits/sign-in")
    run(PATH, "browser.open", url="http://demo.localhost/login")
    run(PATH, "browser.fill", field="Name", text="ann")
    run(PATH, "browser.fill", field="Password", text="orchard")
    run(PATH, "browser.click", target="button[name=login]")
    run(PATH, "browser.eval", script="console.warn('the kettle boils')")
    run(PATH, "browser.open", url="http://demo.localhost/nowhere")
    run(PATH, "browser.trace", what="stop")
    return f"{ADDRESS}/visits/sign-in.trace.zip"


@pytest.fixture
def ann() -> Person:
    return Person.objects.get(email=settings.DEMO_OWNER)


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def test_a_step_shows_the_page_before_and_after_it(traced, person_at, ann):
    page = person_at(ADDRESS, ann)
    page.get_by_role("link", name="visits/sign-in.trace.zip").click()
    page.wait_for_url(f"**{traced}")
    entries = page.get_by_role("list", name="What happened").get_by_role("link")
    expect(entries.filter(has_text="goto demo.localhost/login")).to_have_count(1)
    expect(entries.filter(has_text="the kettle boils")).to_have_count(1)
    expect(entries.filter(has_text="GET demo.localhost/nowhere").filter(has_text="404")).to_have_count(1)

    click = entries.filter(has_text="click").first
    click.click()

    expect(click).to_have_attribute("aria-current", "true")
    before, after = page.get_by_alt_text("The page before"), page.get_by_alt_text("The page after")
    for each in (before, after):
        assert each.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 300
    assert before.get_attribute("src") != after.get_attribute("src")
    expect(page.get_by_role("region", name="What Playwright did for it")).to_contain_text("performing click action")
    shot(page, "trace")
    assert complaints_of_axe(page) == []


def test_what_anybody_put_there_is_shown_as_text_or_refused(traced, owner, person_at, ann):
    grove = Grove(running.engine(), owner, "/")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr(
            "trace.trace",
            '{"type":"before","callId":"1","method":"<script>alert(1)</script>","startTime":"x","params":[]}\n'
            '{"type":"screencast-frame","file":"../page.html","timestamp":1}\n{"type":"screencast-frame","file":"a"}\n[]\n',
        )
        made.writestr("a", "<svg onload=alert(1)>")
    put = {"name": "odd.trace.zip", "content": {"base64": base64.b64encode(packed.getvalue()).decode()}}
    grove.outcome(PATH, "files.put", put, check=True)
    grove.call(PATH, "files.put", name="text.trace.zip", content="no archive")

    page = person_at(f"{ADDRESS}/odd.trace.zip", ann)
    expect(page.get_by_role("heading", name="<script>alert(1)</script>")).to_be_visible()
    expect(page.get_by_text("No page was seen after it.")).to_be_visible()
    refused = page.goto(f"{ADDRESS}/text.trace.zip")
    assert refused is not None
    assert refused.status == 409
    expect(page.locator("body")).to_contain_text("text.trace.zip is no trace as `browser trace` keeps one.")
