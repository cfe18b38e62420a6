"""Who asks a browser for something while it is at work sees that, and at which place, they wait."""

import os
import time
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from objects.engine import running
from teams.models import Person
from tests.grove import Grove

PATH = "/waiting"
ADDRESS = f"/t/demo/o{PATH}:/browser"
SHOTS = os.environ.get("GROVE_SHOTS", "")


@pytest.fixture(autouse=True)
def patience():
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def test_a_command_that_waits_tells_its_place_and_then_is_done(host, run, owner, person_at):
    grove = Grove(running.engine(), owner, "/")
    run(PATH, "browser.open", url="http://demo.localhost/storage")
    page = person_at(ADDRESS, Person.objects.get(email=settings.DEMO_OWNER))
    expect(page.locator("[data-watch-said]")).to_have_text("Live. Nobody drives.")
    at_work = grove.call(PATH, "browser.wait", what="selector", value="#never", seconds=50)["task"]
    while grove.call(PATH, "task.show", task=at_work)["state"] == "waiting":
        time.sleep(0.05)

    page.get_by_label("Address").fill("demo.localhost/table")
    page.keyboard.press("Enter")

    expect(page.locator("[data-watch-said]")).to_have_text(
        "Waiting: next in line, after the command that runs here now."
    )
    line = page.get_by_role("region", name="In line").get_by_role("listitem")
    expect(line).to_have_count(1)
    expect(line).to_contain_text("browser.open")
    shot(page, "waiting")
    grove.call(PATH, "task.cancel", task=at_work)
    expect(page.locator("#watch-url")).to_have_value("http://demo.localhost/table")
    expect(line).to_have_count(0)
