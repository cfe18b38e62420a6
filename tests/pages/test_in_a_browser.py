"""A person's way through the pages in a real Chromium, against a real web process: with scripts, without, narrow."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from django.conf import settings
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, Position, expect, sync_playwright

from config.up.assets import build_assets
from teams import actions

ROOT = Path(settings.BASE_DIR)
KEY = "the-key-that-up-prints"
READY_S = 40
LOUD = ("error", "warning")
ARROW: Position = {"x": 20, "y": 15}  # of a folder, beside its link


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def site(database, tmp_path_factory) -> Iterator[str]:
    """A web process on the tests' database, with the demo team in it; gives its address."""
    build_assets(ROOT)
    actions.seed_demo()
    params, port = connection.get_connection_params(), free_port()
    server = f"{params.get('host', '')}:{params.get('port', 5432)}"
    secret = f":{params['password']}" if params.get("password") else ""
    environment = os.environ | {
        "DATABASE_URL": f"postgres://{params.get('user', '')}{secret}@{server}/{params['dbname']}",
        "GROVE_ENTER_KEY": KEY,
    }
    log = tmp_path_factory.mktemp("site") / "web.log"
    with log.open("wb") as output:
        web = subprocess.Popen(
            [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "config.asgi:application"],
            cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        give_up_at = time.monotonic() + READY_S
        while True:
            try:
                urlopen(f"{address}/account/login/", timeout=5).close()
                break
            except (URLError, OSError) as error:
                if web.poll() is not None or time.monotonic() > give_up_at:
                    raise RuntimeError(f"the web process does not answer:\n{log.read_text()}") from error
                time.sleep(0.2)
        yield address
    finally:
        web.terminate()
        web.wait(timeout=20)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser. Without one this fails and does not skip: pages that nobody looked at are not tested."""
    found = os.environ.get("BROWSER_EXECUTABLE") or shutil.which("chromium")
    assert found, "No Chromium: install one (apt-get install chromium) or name it in BROWSER_EXECUTABLE."
    with sync_playwright() as playwright:
        # The sandbox needs rights that a container lacks; the pages here are our own.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        # Playwright leaves an event loop running in this thread, where Django refuses the ORM.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        yield browser
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        browser.close()


@contextmanager
def entered(browser: Browser, site: str, *, refused: str = "", **options: object) -> Iterator[Page]:
    """Somebody who came in by the URL; at the end nothing may stand in the console, as a violation of the CSP would.

    refused: the status of an answer that is meant to be a refusal, which browsers write into the console too.
    """
    context: BrowserContext = browser.new_context(base_url=site, **options)  # type: ignore[arg-type]
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type in LOUD else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"/enter/{KEY}/")
    try:
        yield page
    finally:
        context.close()
    assert [each for each in complaints if not refused or f"a status of {refused}" not in each] == []


def state_of(page: Page) -> dict[str, str]:
    """The keys and values that the object's page shows."""
    keys, values = page.locator("#state dt").all_inner_texts(), page.locator("#state dd").all_inner_texts()
    return dict(zip(keys, values, strict=True))


def test_enter_open_a_folder_set_a_value_and_see_it(chromium, site):
    with entered(chromium, site) as page:
        expect(page).to_have_title("/ · Demo · Grove")
        page.locator("summary", has_text="lab").click(position=ARROW)
        page.get_by_role("link", name="counter", exact=True).click()
        expect(page).to_have_url(f"{site}/t/demo/o/lab/counter")

        page.get_by_role("link", name="State", exact=True).first.click()
        page.get_by_text("Set a value").click()
        page.get_by_label("key", exact=True).fill("colour")
        page.get_by_label("value", exact=True).fill("dark green")
        page.get_by_role("button", name="Set", exact=True).click()

        expect(page.locator("#state dt", has_text="colour")).to_be_visible()
        assert state_of(page) == {"colour": "dark green", "count": "7"}
        page.get_by_role("link", name="History").click()
        expect(page.locator(".journal li").first).to_contain_text("state.set")
        expect(page).to_have_url(f"{site}/t/demo/o/lab/counter:/history")


def test_a_refused_form_keeps_what_was_typed_in_place(chromium, site):
    with entered(chromium, site, refused="409") as page:
        page.goto("/t/demo/o/lab/counter:state.set")
        page.get_by_label("key", exact=True).fill("count")
        page.get_by_label("value", exact=True).fill("8")
        page.get_by_text("Options").click()
        page.get_by_label("new").check()
        with page.expect_response(lambda response: response.request.method == "POST") as answered:
            page.get_by_role("button", name="Set", exact=True).click()

        expect(page.locator(".refusal")).to_be_visible()
        assert answered.value.status == 409
        assert page.get_by_label("key", exact=True).input_value() == "count"
        expect(page.get_by_label("new")).to_be_checked()


def test_the_same_without_scripts(chromium, site):
    with entered(chromium, site, java_script_enabled=False) as page:
        page.locator("summary", has_text="lab").click(position=ARROW)
        page.get_by_role("link", name="Show what is in lab").click()
        page.get_by_role("link", name="garden", exact=True).click()
        page.get_by_role("link", name="State", exact=True).first.click()

        page.get_by_text("Set a value").click()
        page.get_by_label("key", exact=True).fill("mode")
        page.get_by_label("value", exact=True).fill("manual")
        page.get_by_role("button", name="Set", exact=True).click()

        expect(page.locator(".notes")).to_contain_text("state set done")
        assert state_of(page)["mode"] == "manual"


def test_a_phone_of_360_pixels_shows_all_without_scrolling_sideways(chromium, site):
    with entered(chromium, site, viewport={"width": 360, "height": 740}, color_scheme="dark") as page:
        widths = {}
        query = "sql.query?query=select+*+from+orders&_run=yes"
        for address in ("/t/demo/", "/t/demo/?find=shop", "/t/demo/o/shop/orders", "/t/demo/new/", "/t/demo/trash/",
                        "/t/demo/o/welcome:state.set", f"/t/demo/o/shop/orders:{query}"):  # fmt: skip
            page.goto(address)
            widths[address] = page.evaluate("document.documentElement.scrollWidth")

        assert widths == dict.fromkeys(widths, 360)


def test_the_theme_switch_is_remembered(chromium, site):
    with entered(chromium, site, color_scheme="light") as page:
        background = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(background)

        page.get_by_role("button", name="Dark or light").click()
        dark = page.evaluate(background)
        page.reload()

        assert (light, dark, page.evaluate(background)) == ("rgb(247, 248, 246)", "rgb(15, 18, 17)", "rgb(15, 18, 17)")
