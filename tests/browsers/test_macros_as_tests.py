"""A macro goes out as a test for pytest-playwright, which passes where the macro does and fails where it fails."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browsers.demo import Site
from tests.browsers.egress.conftest import executable

# What pytest-playwright gives, made of plain Playwright, in a browser that finds the demo site.
CONFTEST = """
import os
import pytest
from playwright.sync_api import sync_playwright


@pytest.fixture
def page():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=[
            "--no-sandbox", f"--host-resolver-rules=MAP demo.localhost:80 127.0.0.1:{os.environ['DEMO']}"])
        yield browser.new_page()
        browser.close()
"""
SHOPPING = """
# Buys what the table says, and looks at the deliveries.
param user = ann
secret password
open demo.localhost/login
fill Name {user}
fill Password {password}
click button[name="login"]
expect url /account
expect text Hello, {user}
each sql select plant from wish order by plant
  open http://demo.localhost/shop
  fill Search {plant}
  press Enter
  expect no text Nothing is called
  click "Add {plant} to the cart"
end
open http://demo.localhost/cart
keep table into bought
expect text Lemon tree
open http://demo.localhost/dialogs
eval 'document.title = "{it\'\\\'\'s}"'
expect title "{it's}"
scroll bottom
"""


@pytest.fixture(scope="module")
def demo(hosting) -> Iterator[int]:
    """The demo site, served beside the host, and its port."""
    site = Site()
    hosting.host.loop.call_soon_threadsafe(site.start)
    yield site.place[1]
    asyncio.run_coroutine_threadsafe(site.stop(), hosting.host.loop).result(20)


@pytest.fixture
def run(grove, demo: int, tmp_path: Path) -> Any:
    """Write a macro out, and run the test that comes of it: gives its exit code and what it said."""

    def run(text: str, **environment: str) -> tuple[int, str]:
        path = grove.new()
        grove.call(path, "sql", query="create table wish(plant text)")
        grove.call(path, "sql", query="insert into wish values ('Mint'), ('Lemon tree')")
        grove.call(path, "browser.compose", name="Shopping trip", text=text)
        (tmp_path / "test_shopping_trip.py").write_text(grove.call(path, "browser.playwright", name="Shopping trip"))
        (tmp_path / "conftest.py").write_text(CONFTEST)
        (tmp_path / "pytest.ini").write_text("[pytest]")
        kept = {name: each for name, each in os.environ.items() if not name.startswith(("DJANGO", "PYTEST", "GROVE"))}
        given = kept | {"CHROMIUM": executable(), "DEMO": str(demo)} | environment
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:django", "-p", "no:asyncio", str(tmp_path)],
            capture_output=True, text=True, timeout=120, env=given, cwd=tmp_path, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    return run


def test_the_test_does_what_the_macro_does(run):
    code, said = run(SHOPPING, GROVE_PASSWORD="orchard")

    assert (code, "1 passed" in said) == (0, True), said


def test_it_fails_where_the_macro_would(run):
    code, said = run(
        SHOPPING.replace("expect url /account", "expect --seconds=0.1 url /account"), GROVE_PASSWORD="apple"
    )

    assert (code, "expected url /account: it is not so after 0.1 s" in said) == (1, True), said


def test_it_is_python_that_says_the_same_in_its_words(grove):
    path = grove.new()
    text = (
        'param plant = Mint\nopen demo.localhost/shop\nclick Add {plant} --twice\nclick {{plant}} "quoted"\ncheck Wet'
    )
    grove.call(
        path,
        "browser.compose",
        name="class",
        text=text.replace("click Add {plant} --twice", "click --twice Add {plant}"),
    )

    written = grove.call(path, "browser.playwright", name="class")

    compile(written, "test_class.py", "exec")
    assert written.split("def test_class(page: Page) -> None:\n")[1].splitlines() == [
        '    plant = os.environ.get("GROVE_PLANT", "Mint")',
        '    page.goto("http://demo.localhost/shop")',
        '    thing(page, f"Add {plant}").click(click_count=2)',
        '    thing(page, "{plant} \\"quoted\\"").click()',
        '    thing(page, "Wet", fields=True).set_checked(True)',
    ]
