"""The terminal in a real Chromium, as a person meets it: typed into, read from the screen, in both themes.

Pictures of what was shown are kept in var/screenshots for whoever wants to look; no test compares them.
"""

import base64
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from django.conf import settings
from django.db import connection
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from config.up.assets import build_assets
from objects.engine import running
from teams import actions
from teams.access import Caller
from teams.models import Team

ROOT = Path(settings.BASE_DIR)
PICTURES = ROOT / "var" / "screenshots"
KEY = "the-key-that-up-prints"
READY_S = 90
WAIT_MS = 15_000
PROMPT = re.compile(r"^/\S*>(?: |$)", re.MULTILINE)
LOUD = ("error", "warning")


class Site:
    """A web process that can be stopped and started again at the same port."""

    def __init__(self, port: int, log: Path) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.port = port
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        params = connection.get_connection_params()
        secret = f":{params['password']}" if params.get("password") else ""
        server = f"{params.get('host', '')}:{params.get('port', 5432)}"
        environment = os.environ | {
            "DATABASE_URL": f"postgres://{params.get('user', '')}{secret}@{server}/{params['dbname']}",
            "GROVE_ENTER_KEY": KEY,
        }
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port), "config.asgi:application"],
                cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        give_up_at = time.monotonic() + READY_S
        while True:
            try:
                urlopen(f"{self.address}/account/login/", timeout=5).close()
                return
            except (URLError, OSError) as error:
                if self.process.poll() is not None or time.monotonic() > give_up_at:
                    raise RuntimeError(f"the web process does not answer:\n{self.log.read_text()}") from error
                time.sleep(0.2)

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(timeout=60)


@pytest.fixture(scope="module")
def site(database, tmp_path_factory) -> Iterator[Site]:
    """A web process on the tests' database, with the demo team in it."""
    build_assets(ROOT)
    actions.seed_demo()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])
    made = Site(port, tmp_path_factory.mktemp("site") / "web.log")
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    found = os.environ.get("BROWSER_EXECUTABLE") or shutil.which("chromium")
    assert found, "No Chromium: install one (apt-get install chromium) or name it in BROWSER_EXECUTABLE."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        yield browser
        browser.close()
        os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)


@pytest.fixture(params=["dark", "light"])
def theme(request) -> str:
    return str(request.param)


@pytest.fixture
def context(chromium: Browser, site: Site) -> Iterator[BrowserContext]:
    made = chromium.new_context(
        viewport={"width": 1360, "height": 820}, permissions=["clipboard-read", "clipboard-write"]
    )
    made.set_default_timeout(WAIT_MS)
    page = made.new_page()
    page.goto(f"{site.address}/enter/{KEY}/")
    page.close()
    yield made
    made.close()


class Seat:
    """Somebody before a terminal. `shown` is what the screen says, scroll-back included."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.heard: list[str] = []
        page.on("console", lambda message: self.heard.append(message.text) if message.type in LOUD else None)
        page.on("pageerror", lambda error: self.heard.append(str(error)))

    def sit(self, address: str) -> "Seat":
        self.page.goto(address)
        self.page.wait_for_selector("[data-terminal][data-state=open]")
        self.wait_for(">")
        self.page.locator(".xterm-helper-textarea").focus()
        return self

    @property
    def shown(self) -> str:
        return self.page.evaluate(
            """() => {
                const buffer = document.querySelector("[data-terminal]").terminal.buffer.active;
                const lines = [];
                for (let row = 0; row < buffer.length; row++) {
                    const line = buffer.getLine(row);
                    const text = line.translateToString(true);
                    if (line.isWrapped) lines.push(lines.pop() + text);
                    else lines.push(text);
                }
                return lines.join("\\n").trimEnd();
            }"""
        )

    def wait_for(self, text: str, *, times: int = 1) -> str:
        give_up_at = time.monotonic() + WAIT_MS / 1000
        while (shown := self.shown).count(text) < times:
            assert time.monotonic() < give_up_at, f"{text!r} did not come. The screen says:\n{shown}"
            self.page.wait_for_timeout(30)
        return shown

    def run(self, line: str) -> str:
        """Run a line and give what it answered."""
        self.wait_for_prompt()
        before = len(PROMPT.findall(self.shown))
        self.page.keyboard.type(line)
        self.page.keyboard.press("Enter")
        give_up_at = time.monotonic() + WAIT_MS / 1000
        while len(PROMPT.findall(shown := self.shown)) <= before or not PROMPT.fullmatch(shown.rpartition("\n")[2]):
            assert time.monotonic() < give_up_at, f"no prompt after {line!r}. The screen says:\n{shown}"
            self.page.wait_for_timeout(30)
        *_, answer, _ = PROMPT.split(shown)
        return answer.partition("\n")[2].rstrip()

    def wait_for_prompt(self) -> None:
        """Wait until what was run before is over."""
        give_up_at = time.monotonic() + WAIT_MS / 1000
        while not PROMPT.fullmatch((shown := self.shown).rpartition("\n")[2]):
            assert time.monotonic() < give_up_at, f"no prompt. The screen says:\n{shown}"
            self.page.wait_for_timeout(30)

    def clear(self) -> None:
        """Have an empty screen, with nothing above it."""
        self.page.keyboard.type("clear")
        self.page.keyboard.press("Enter")
        give_up_at = time.monotonic() + WAIT_MS / 1000
        while not PROMPT.fullmatch(shown := self.shown):
            assert time.monotonic() < give_up_at, f"the screen is not clear:\n{shown}"
            self.page.wait_for_timeout(30)

    def picture(self, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_timeout(150)
        self.page.screenshot(path=PICTURES / f"{name}.png")


@pytest.fixture
def seat(context: BrowserContext) -> Seat:
    return Seat(context.new_page())


def test_help_a_table_a_chart_a_picture_and_an_error_are_shown_as_they_should(site, seat, theme):
    seat.page.emulate_media(color_scheme=theme)
    seat.sit(f"{site.address}/t/demo/o/")

    help_text = seat.run("help")
    assert "Every object has" in help_text
    seat.picture(f"help-{theme}")

    seat.clear()
    seat.run("tree create gallery")
    seat.run("cd gallery")
    seat.run("sql create table if not exists sale(day text, n int)")
    seat.run("sql delete from sale")
    seat.run("sql insert into sale values ('mon', 3), ('tue', 12), ('wed', 7)")
    assert seat.run("sql select day, n from sale order by n") == "day   n\nmon   3\nwed   7\ntue  12"
    chart = seat.run("sql select day, n from sale | chart")
    assert [line.split()[0] for line in chart.splitlines()] == ["mon", "tue", "wed"]
    assert seat.run("state sett mode auto").startswith("no command 'state sett'. Did you mean 'state set'?")
    seat.picture(f"table-chart-error-{theme}")
    assert seat.heard == []


@pytest.fixture
def gallery(site) -> str:
    """An object of the demo team with a picture in it: half red, half see-through, 160 by 96."""
    painted = Image.new("RGBA", (160, 96), (0, 0, 0, 0))
    painted.paste((214, 60, 48, 255), (0, 0, 80, 96))
    content = io.BytesIO()
    painted.save(content, "PNG")
    schema = Team.objects.get(slug="demo").schema_name
    owner = Caller.system(schema)
    running.engine().call(schema, "/gallery", "state.list", {}, owner, create="object")
    file = {"name": "half.png", "content": {"base64": base64.b64encode(content.getvalue()).decode()}}
    outcome = running.engine().call(schema, "/gallery", "files.put", file, owner)
    assert outcome.problem is None
    return "/gallery"


def test_a_picture_is_an_image_with_a_name_among_the_lines(site, seat, theme, gallery):
    seat.page.emulate_media(color_scheme=theme)
    seat.sit(f"{site.address}/t/demo/terminal{gallery}")
    seat.run("cat half.png; echo below")

    image = seat.page.get_by_alt_text("half.png")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])") == [160, 96]
    below = seat.page.locator(".xterm-rows > div", has_text=re.compile("^below"))
    assert image.bounding_box()["y"] + 90 <= below.bounding_box()["y"] + 6  # the lines went on beneath it
    seat.picture(f"picture-{theme}")
    assert seat.heard == []


def test_a_text_is_edited_over_the_whole_screen(site, seat, theme, gallery):
    seat.page.emulate_media(color_scheme=theme)
    seat.sit(f"{site.address}/t/demo/terminal{gallery}")
    seat.page.keyboard.type("edit poem.txt")
    seat.page.keyboard.press("Enter")
    seat.wait_for("Ctrl-S save")
    seat.page.keyboard.press("Control+a")
    seat.page.keyboard.type("first ")
    seat.page.keyboard.press("Enter")
    seat.page.keyboard.type("second")
    seat.wait_for("2 second")
    seat.picture(f"edit-{theme}")
    assert (
        seat.page.evaluate("document.querySelector('[data-terminal]').terminal.cols") > 120
    )  # all of the page's width
    seat.page.keyboard.press("Control+s")
    seat.wait_for("\n saved")
    seat.page.keyboard.press("Control+x")

    seat.wait_for("> edit poem.txt")
    assert seat.run("cat poem.txt | grep second") == "second"
    seat.run("rm poem.txt --yes")
    assert seat.heard == []


def test_tab_completes_and_shows_what_is_there(site, seat, theme):
    seat.page.emulate_media(color_scheme=theme)
    seat.sit(f"{site.address}/t/demo/o/")

    seat.page.keyboard.type("state s")
    seat.page.keyboard.press("Tab")
    shown = seat.wait_for("set_many")

    assert "Keep a value under a key." in shown
    seat.picture(f"completion-{theme}")
    seat.page.keyboard.press("Control+c")
    assert seat.heard == []


def test_the_screen_and_the_unfinished_line_come_back_after_the_server_restarted(site, seat):
    seat.sit(f"{site.address}/t/demo/terminal/")
    seat.run("echo before the restart")
    seat.page.keyboard.type("echo unfini")
    seat.wait_for("echo unfini")

    site.stop()
    expect(seat.page.locator("[data-terminal-status]")).to_contain_text(re.compile("Disconnected|again"))
    site.start()
    seat.page.wait_for_selector("[data-terminal][data-state=open]", timeout=40_000)

    shown = seat.wait_for("echo unfini", times=2)
    assert "before the restart" in shown
    seat.page.keyboard.type("shed")
    seat.page.keyboard.press("Enter")
    seat.wait_for("\nunfinished\n")


def test_a_reload_goes_on_with_the_session(site, seat):
    seat.sit(f"{site.address}/t/demo/terminal/")
    seat.run("x=kept")

    seat.page.reload()
    seat.page.wait_for_selector("[data-terminal][data-state=open]")
    seat.wait_for("x=kept")
    seat.page.locator(".xterm-helper-textarea").focus()

    assert seat.run("echo $x") == "kept"
    assert seat.heard == []


def test_ctrl_c_copies_what_is_selected_and_interrupts_where_nothing_is(site, seat):
    seat.sit(f"{site.address}/t/demo/terminal/")
    seat.run("echo copy me")
    seat.page.evaluate("document.querySelector('[data-terminal]').terminal.selectAll()")

    seat.page.keyboard.press("Control+c")
    copied = seat.page.evaluate("navigator.clipboard.readText()")
    seat.page.keyboard.type("not sent")
    seat.page.keyboard.press("Control+c")

    assert "copy me" in copied
    assert seat.run("echo $?") == "0"


def test_search_font_size_and_the_plain_mode_have_keys_or_buttons(site, seat):
    seat.sit(f"{site.address}/t/demo/terminal/")
    seat.run("echo needle in hay")
    columns = "document.querySelector('[data-terminal]').terminal.cols"

    seat.page.keyboard.press("Control+f")
    expect(seat.page.get_by_role("searchbox", name="Search what the terminal has shown")).to_be_focused()
    seat.page.keyboard.type("needle")
    expect(
        seat.page.locator(".xterm-find-active-result-decoration, .xterm-find-result-decoration").first
    ).to_be_attached()
    seat.page.keyboard.press("Escape")
    before = seat.page.evaluate(columns)
    seat.page.keyboard.press("Control+=")
    seat.page.wait_for_timeout(100)
    assert seat.page.evaluate(columns) < before
    seat.page.keyboard.press("Control+0")
    seat.page.get_by_role("button", name="Plain").click()
    expect(seat.page.get_by_role("button", name="Plain")).to_have_attribute("aria-pressed", "true")
    expect(seat.page.locator(".xterm-accessibility-tree")).to_be_attached()
    assert seat.heard == []


def test_it_is_usable_on_a_telephone(chromium, site):
    context = chromium.new_context(viewport={"width": 360, "height": 720}, has_touch=True, is_mobile=True)
    try:
        page = context.new_page()
        page.goto(f"{site.address}/enter/{KEY}/")
        seat = Seat(page).sit(f"{site.address}/t/demo/terminal/")
        page.keyboard.type("state s")
        page.get_by_role("button", name="Tab").click()
        seat.wait_for("set_many")
        seat.picture("telephone")
        assert page.evaluate("document.documentElement.scrollWidth <= 360")
        assert seat.heard == []
    finally:
        context.close()


def test_without_javascript_the_page_says_what_to_do(chromium, site):
    context = chromium.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(f"{site.address}/enter/{KEY}/")
        page.goto(f"{site.address}/t/demo/terminal/")
        expect(page.get_by_text("The terminal needs JavaScript in this page.")).to_be_visible()
    finally:
        context.close()


def test_a_page_without_a_terminal_in_view_does_not_fetch_it(site, context):
    page = context.new_page()
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))

    page.goto(f"{site.address}/t/demo/")
    page.wait_for_load_state("networkidle")

    assert [url for url in fetched if "terminal" in url] == []


def test_somebody_with_the_link_looks_on_at_a_shared_session(site, seat, context):
    seat.sit(f"{site.address}/t/demo/terminal/")
    link = re.search(r"/t/demo/terminal\S*#share=\S+", seat.run("share"))
    assert link is not None

    guest = Seat(context.new_page())
    guest.page.goto(site.address + link[0])
    guest.page.wait_for_selector("[data-terminal][data-state=open]")
    seat.page.bring_to_front()
    seat.run("echo seen by both")

    guest.page.bring_to_front()
    guest.wait_for("seen by both", times=2)
