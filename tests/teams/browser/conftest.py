"""One web process and one Chromium for all tests in here. They end with this package: two of Playwright's loops cannot
be in one thread.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from playwright.sync_api import Browser, sync_playwright

from config.up.assets import build_assets
from tests.surfaces.conftest import start
from tests.teams.browser.people import Site

ROOT = Path(settings.BASE_DIR)


@pytest.fixture(scope="package")
def site(database, tmp_path_factory) -> Iterator[Site]:
    build_assets(ROOT)
    folder = tmp_path_factory.mktemp("site")
    letters = folder / "letters"
    process, web = start(folder / "web.log", GROVE_SIGNUP="1", GROVE_EMAIL_FOLDER=str(letters))
    yield Site(f"http://localhost:{web.port}", letters)
    process.terminate()
    process.wait(timeout=60)
    assert web.mistakes() == []


@pytest.fixture(scope="package")
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
