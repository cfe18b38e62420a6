"""Chromium's own sandbox is on where it can be; where it cannot, that is said, and browsers work."""

import logging
import shutil
import stat

from browsers import chromium
from tests.browsers.hosting import Hosting

# Chromium on a machine where users may make no namespaces.
REFUSES = """#!/bin/sh
case "$*" in
  *--no-sandbox*) exec {browser} "$@" ;;
  *) echo "No usable sandbox! If you are running on Ubuntu 23.10+ …" >&2; exit 1 ;;
esac
"""


def test_where_the_machine_refuses_its_sandbox_it_starts_without_and_says_so(
    grove, ask, site, hosting: Hosting, tmp_path, settings, monkeypatch, caplog
):
    real = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    refuses = tmp_path / "chromium"
    refuses.write_text(REFUSES.format(browser=real))
    refuses.chmod(refuses.stat().st_mode | stat.S_IXUSR)
    settings.BROWSER_EXECUTABLE = str(refuses)
    monkeypatch.setattr(chromium, "is_sandboxed", lambda: True)  # as for a process that is not root's
    hosting.again()

    with caplog.at_level(logging.WARNING, "grove.browser"):
        opened = ask(grove.new("browser"), "open", url=site.url)

    assert opened["title"] == "Garden"
    assert [each.message for each in caplog.records if "sandbox" in each.message] == [
        "Chromium's own sandbox is off: this machine lets users make no namespaces of their own"
    ]
    settings.BROWSER_EXECUTABLE = ""
    monkeypatch.undo()
    hosting.again()
