"""Where there is no Chromium, all but browsers works, and browsers say what to install."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.db import connection

from browsers.finding import HOW_TO_INSTALL, NoBrowser
from config.up.environment import ROOT
from tests.browsers.hosting import Hosting


@pytest.fixture
def nowhere(hosting: Hosting, tmp_path, monkeypatch, settings) -> Iterator[None]:
    """Have a host that finds none."""
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    settings.BROWSER_EXECUTABLE = ""
    hosting.again()
    yield
    monkeypatch.undo()
    hosting.again()


def test_commands_of_browsers_say_what_to_install_and_all_else_works(grove, ask, site, nowhere):
    path = grove.new("browser")

    with pytest.raises(NoBrowser) as refused:
        ask(path, "open", url=site.url)

    assert refused.value.detail == f"No browser was found on this machine. {HOW_TO_INSTALL}"
    assert "apt install chromium-headless-shell" in refused.value.detail
    assert grove.call(path, "state.incr", key="n") == 1
    assert grove.call(path, "task.list", state="failed")[0]["note"] == refused.value.detail


def test_one_that_was_named_and_does_not_start_is_named_again(grove, ask, site, hosting: Hosting, tmp_path, settings):
    settings.BROWSER_EXECUTABLE = str(tmp_path / "browser")
    hosting.again()

    with pytest.raises(NoBrowser, match=r"GROVE_BROWSER_EXECUTABLE names .*browser, which does not start as a browser"):
        ask(grove.new("browser"), "open", url=site.url)

    settings.BROWSER_EXECUTABLE = ""
    hosting.again()


def test_the_host_says_at_its_start_that_there_is_none_and_stays(tmp_path):
    at = connection.get_connection_params()
    known = os.environ | {
        "DATABASE_URL": f"postgres://{at['user']}:{at['password']}@{at['host']}:{at['port']}/{at['dbname']}",
        "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path), "PATH": str(tmp_path), "GROVE_BROWSER_EXECUTABLE": "",
    }  # fmt: skip
    host = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "browserhost"], cwd=ROOT, env=known, stderr=subprocess.PIPE, text=True
    )
    try:
        said = host.stderr.readline()
        while "No browser was found" not in said:
            assert said, "it ended without a word of it"
            said = host.stderr.readline()
        assert (HOW_TO_INSTALL in said, host.poll()) == (True, None)
    finally:
        host.send_signal(signal.SIGTERM)
        host.wait(30)
