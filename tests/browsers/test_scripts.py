"""Playwright scripts: for operators alone, in a process that ends with all it began, going on from the browser."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import psutil
import pytest
from django.test import Client

from browsers import folders
from browsers.operated.apart import MARK
from teams import clock
from teams.access import Scope
from teams.models import AuditLine
from teams.problems import Conflict, NotAllowed, Problem, WrongArgument
from tests.grove import Grove

VISITS = """
import os
async def run(page, arguments):
    print("at", page.url)
    await page.goto(arguments["where"])
    await page.evaluate("localStorage.mark = 'left by a script'")
    return {"name": await page.inner_text("h1"), "secret": len(arguments["word"]), "environment": sorted(os.environ)}
"""
LEAVES = """
import subprocess
async def run(page, arguments):
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    print("began", child.pid)
    await page.wait_for_selector("#never", timeout=0)
"""


@pytest.fixture
def grove(operating) -> Grove:  # all here, but who they are refused, are operators
    made: Grove = operating("BROWSER_SCRIPTS")
    return made


@pytest.fixture
def path(grove, ask, site) -> str:
    made: str = grove.new("browser")
    ask(made, "open", url=f"{site.url}/login")
    ask(made, "fill", field="Name", text="ann")
    ask(made, "fill", field="Password", text="green")
    ask(made, "click", target="button[name=login]")
    return made


def approve(grove: Grove, path: str, text: str, name: str = "visit.py") -> None:
    grove.call(path, "files.put", name=name, content=text)
    grove.call(path, "browser.approve", name=name)


def until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 40
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def scripts(host_pid: int = 0) -> list[psutil.Process]:
    """Give all processes that scripts of a host began; of this one where none is named."""
    found = []
    for each in psutil.process_iter():
        with suppress(psutil.Error):
            environment = each.environ()
            is_its = f"{folders.PREFIX}-{host_pid or os.getpid()}-" in environment.get("TMPDIR", "")
            found += [each] if MARK in environment and is_its else []
    return found


def test_it_goes_on_from_the_browser_and_the_browser_goes_on_from_it(path, grove, ask, site, team, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    approve(grove, path, VISITS)

    task = grove.call(
        path, "browser.run", name="visit.py", arg={"where": f"{site.url}/me"}, secret={"word": "orchard"}
    )["task"]
    until(lambda: grove.call(path, "task.show", task=task)["state"] in ("done", "failed"))

    shown = grove.call(path, "task.show", task=task)
    assert shown["problem"] is None
    assert set(shown["value"].pop("environment")) <= {
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "TZ",
        "TMPDIR",
        "PYTHONPATH",
        MARK,
    }
    assert shown["value"] == {"name": "Hello, Ann", "secret": 7}
    assert grove.call(path, "task.output", task=task) == f"at {site.url}/me\n"
    assert "orchard" not in str(shown)
    assert ask(path, "eval", script="localStorage.mark") == "left by a script"
    assert scripts() == []
    lines = AuditLine.objects.filter(team=team, details__path=path).order_by("id")
    assert [(each.what, each.who, each.details["name"]) for each in lines] == [
        ("approve_script", grove.caller.name, "visit.py"),
        ("run_script", grove.caller.name, "visit.py"),
    ]
    assert abs(lines[0].at.timestamp() - clock.now()) < 600


def test_operators_alone_may_and_not_by_a_token_nor_where_it_is_off(path, grove, settings):
    approve(grove, path, VISITS)
    member = grove.acting_as(replace(grove.caller, is_operator=False))
    token = grove.acting_as(replace(grove.caller, scope=Scope()))
    words = "is for those who operate this Grove, signed in themselves and not by a token"

    for who in (member, token):
        for command, given in (("run", {"name": "visit.py"}), ("approve", {"name": "visit.py"})):
            with pytest.raises(NotAllowed, match=words):
                who.call(path, f"browser.{command}", **given)
    settings.BROWSER_SCRIPTS = False
    with pytest.raises(NotAllowed, match="GROVE_BROWSER_SCRIPTS=1"):
        grove.call(path, "browser.run", name="visit.py")


def test_what_somebody_changed_since_it_was_approved_is_not_run(path, grove, ask):
    approve(grove, path, VISITS)
    grove.call(path, "files.put", name="visit.py", content=VISITS.replace("h1", "h2"))

    assert grove.call(path, "browser.scripts")[0]["state"] == "changed"
    with pytest.raises(Conflict, match=r"was changed since .* approved it"):
        ask(path, "run", name="visit.py")

    grove.call(path, "files.put", name="new.py", content=VISITS)
    with pytest.raises(Conflict, match="is not approved"):
        ask(path, "run", name="new.py")


def test_an_approval_does_not_come_along_with_a_copy(path, grove, ask):
    approve(grove, path, VISITS)
    grove.call(path, "tree.copy", to=f"{path}-copy")

    with pytest.raises(Conflict, match="came with a copy"):
        ask(f"{path}-copy", "run", name="visit.py")


@pytest.mark.parametrize(
    ("text", "why"),
    [("def run(page, arguments): ...", "has no `async def run"), ("async def run(", "line 1"), ("\0", "is Python")],
)
def test_what_is_no_script_is_not_approved(path, grove, text, why):
    with pytest.raises(WrongArgument, match=why):
        approve(grove, path, text)


def test_a_failure_names_its_line_and_what_it_did_until_then_stays(path, grove, ask, site):
    text = "async def run(page, arguments):\n    await page.goto(arguments['where'])\n    raise ValueError('no leaf')\n"
    approve(grove, path, text)

    with pytest.raises(Problem, match=r"visit.py: line 3: ValueError: no leaf"):
        ask(path, "run", name="visit.py", arg={"where": f"{site.url}/plants"})
    assert ask(path, "tabs")[0]["url"] == f"{site.url}/plants"

    approve(grove, path, "import os\nasync def run(page, arguments): os._exit(3)")
    with pytest.raises(Problem, match="its process ended with exit code 3"):
        ask(path, "run", name="visit.py")


def test_cancelled_it_ends_with_all_that_it_began(path, grove, ask, site):
    approve(grove, path, LEAVES)
    task = grove.call(path, "browser.run", name="visit.py")["task"]
    until(lambda: "began" in grove.call(path, "task.output", task=task))
    assert len(scripts()) > 2

    grove.call(path, "task.cancel", task=task)

    until(lambda: not scripts())
    assert ask(path, "text", target="h1") == "Hello, Ann"


def test_it_ends_when_its_time_is_up(path, grove, ask):
    approve(grove, path, LEAVES)

    with pytest.raises(Problem, match="it took more than 3 s and was ended"):
        ask(path, "run", name="visit.py", seconds=3)

    assert scripts() == []


def test_it_ends_where_it_takes_too_much_memory(path, grove, ask, hosting, monkeypatch):
    monkeypatch.setattr(hosting.host, "limits", replace(hosting.host.limits, BROWSER_RUN_BYTES=900 << 20))
    text = (
        "import asyncio\nasync def run(page, arguments):\n    kept = bytearray(b'x') * (1200 << 20)\n"
        "    await asyncio.sleep(60)\n    return len(kept)"
    )
    approve(grove, path, text)

    with pytest.raises(Problem, match=r"BROWSER_RUN_BYTES\) and was ended"):
        ask(path, "run", name="visit.py")


def test_it_goes_out_by_the_guarded_way_alone(grove, ask, hosting):
    hosting.again(real_way=True)
    try:
        path = grove.new("browser")
        text = (
            "async def run(page, arguments):\n    first = await page.goto('http://demo.localhost/')\n"
            "    second = await page.goto(arguments['inside'])\n    return [first.status, second.status]"
        )
        approve(grove, path, text)
        assert ask(path, "run", name="visit.py", arg={"inside": "http://127.0.0.1:8765/"}) == [200, 403]
    finally:
        hosting.again()


def test_the_tab_offers_scripts_to_operators_alone(path, grove, team, settings):
    approve(grove, path, VISITS)
    client = Client()
    client.force_login(team.owner, backend="allauth.account.auth_backends.AuthenticationBackend")
    address = f"/t/{team.slug}/o{path}:/browser"

    assert "Playwright scripts" in client.get(address).content.decode()

    settings.BROWSER_SCRIPTS = False
    assert "Playwright scripts" not in client.get(address).content.decode()


def test_it_ends_with_its_host_however_that_ended(hosting):
    request = {
        "name": "leaves.py", "text": LEAVES, "arguments": {}, "parts": {}, "proxy": None, "limits": {},
        "executable": hosting.host._chromium.launched[0], "sandbox": False,
    }  # fmt: skip
    code = (
        "import asyncio, django; django.setup(); from browsers.operated import apart; asyncio.run("
        f"apart.run({request!r}, write=lambda text: print(text, flush=True), seconds=60, most_bytes=1 << 40))"
    )
    host = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert host.stdout is not None
    while "began" not in host.stdout.readline():
        assert host.poll() is None
    assert len(scripts(host.pid)) > 2

    host.kill()

    until(lambda: not scripts(host.pid))
    host.wait()
