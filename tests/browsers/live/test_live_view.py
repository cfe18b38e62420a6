"""People watch an object's browser as it is; one of them drives it; whoever may not, does neither."""

import asyncio
import os
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from browsers.host import Host
from objects.engine import running
from teams import actions
from teams.models import Person
from teams.problems import WrongArgument
from tests.grove import Grove
from tests.pages.browser import complaints_of_axe

PATH = "/watched"
ADDRESS = f"/t/demo/o{PATH}:/browser"
SHOTS = os.environ.get("GROVE_SHOTS", "")


@pytest.fixture
def ann() -> Person:
    return Person.objects.get(email=settings.DEMO_OWNER)


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def in_the_browser(host: Host, owner, script: str):
    """Ask the page that is driven itself."""
    session = next(each for each in host.sessions.awake() if each.path == PATH)
    work = session.tabs[session.front].page.evaluate(script)
    return asyncio.run_coroutine_threadsafe(work, host.loop).result(20)


def colours(page: Page) -> int:
    """How many different colours the live picture has: one of a page has more than an empty one."""
    return page.evaluate(
        """() => { const c = document.querySelector('[data-watch-canvas]');
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; const s = new Set();
        for (let i = 0; i < d.length; i += 400) s.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]); return s.size }"""
    )


def test_one_drives_the_log_in_and_the_other_sees_it(host, run, owner, person_at, ann, viewer):
    run(PATH, "browser.open", url="http://demo.localhost/login")
    driver, watcher = person_at(ADDRESS, ann), person_at(ADDRESS, viewer)
    for page in (driver, watcher):
        expect(page.locator("[data-watch-canvas]")).to_be_visible()
        expect(page.locator("[data-watch-people]")).to_contain_text(viewer.email)
        expect(page.locator("[data-watch-said]")).to_have_text("Live. Nobody drives.")
    assert colours(watcher) > 5

    driver.get_by_role("button", name="Take over").click()
    expect(driver.locator("[data-watch-said]")).to_have_text("You drive.")
    expect(watcher.locator("[data-watch-said]")).to_have_text(f"{ann.email} drives.")
    keys = driver.locator("[data-watch-keys]")
    expect(keys).to_be_focused()
    box, field = keys.bounding_box(), in_the_browser(
        host, owner, "(() => { const b = document.querySelector('[name=username]').getBoundingClientRect();"
        " return [(b.x + 20) / innerWidth, (b.y + b.height / 2) / innerHeight] })()"
    )  # fmt: skip
    keys.click(position={"x": field[0] * box["width"], "y": field[1] * box["height"]})
    driver.keyboard.type("ann")
    driver.keyboard.press("Tab")
    driver.keyboard.type("orchard")
    driver.keyboard.press("Enter")

    expect(driver.locator("#watch-url")).to_have_value("http://demo.localhost/account")
    expect(watcher.locator("[data-watch-where]")).to_have_text("http://demo.localhost/account")
    assert in_the_browser(host, owner, "document.querySelector('h1').textContent") == "Hello, ann"
    shot(driver, "driver")
    shot(watcher, "watcher")

    driver.keyboard.press("Escape")
    driver.keyboard.press("Escape")
    hand_back = driver.get_by_role("button", name="Hand back")
    expect(hand_back).to_be_focused()
    driver.keyboard.press("Enter")
    expect(watcher.locator("[data-watch-said]")).to_have_text("Live. Nobody drives.")


def test_text_in_any_script_is_typed_and_pasted(host, run, owner, person_at, ann):
    run(PATH, "browser.open", url="http://demo.localhost/storage")
    page = person_at(ADDRESS, ann)
    page.get_by_role("button", name="Take over").click()
    keys = page.locator("[data-watch-keys]")
    expect(keys).to_be_focused()
    in_the_browser(host, owner, "document.querySelector('#note').focus()")

    page.keyboard.type("Grüße ")
    page.keyboard.insert_text("世界")
    keys.evaluate(
        """(keys) => { const data = new DataTransfer(); data.setData('text/plain', ' مرحبا\\nיום');
        keys.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})) }"""
    )

    expect(page.locator("[data-watch-said]")).to_have_text("You drive.")
    wanted = "Grüße 世界 مرحبا\nיום"
    script = f"""new Promise(done => {{ const look = () => document.querySelector('#note').value.length < {len(wanted)}
        ? setTimeout(look, 20) : done(document.querySelector('#note').value); look() }})"""
    assert in_the_browser(host, owner, script) == wanted


def test_files_are_dropped_on_the_page(host, run, owner, person_at, ann):
    run(PATH, "browser.open", url="http://demo.localhost/upload")
    page = person_at(ADDRESS, ann)
    page.get_by_role("button", name="Take over").click()
    keys = page.locator("[data-watch-keys]")
    expect(keys).to_be_focused()
    x, y = in_the_browser(
        host, owner, "(() => { const b = document.querySelector('[data-drop]').getBoundingClientRect();"
        " return [(b.x + 20) / innerWidth, (b.y + 10) / innerHeight] })()"
    )  # fmt: skip

    keys.evaluate(
        """(keys, [x, y]) => { const data = new DataTransfer(); const edge = keys.getBoundingClientRect();
        data.items.add(new File(['hello'], 'leaf.txt', {type: 'text/plain'}));
        keys.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true,
          clientX: edge.x + x * edge.width, clientY: edge.y + y * edge.height})) }""",
        [x, y],
    )

    script = """new Promise(done => { const look = () => { const f = document.querySelector('input[type=file]').files;
        f.length ? f[0].text().then(t => done([f[0].name, t])) : setTimeout(look, 20) }; look() })"""
    assert in_the_browser(host, owner, script) == ["leaf.txt", "hello"]


def test_a_finger_taps_what_is_there(host, run, owner, person_at, ann):
    run(PATH, "browser.open", url="http://demo.localhost/shop")
    page = person_at(ADDRESS, ann, has_touch=True)
    page.get_by_role("button", name="Take over").click()
    keys = page.locator("[data-watch-keys]")
    expect(keys).to_be_focused()
    x, y = in_the_browser(
        host, owner, "(() => { document.addEventListener('touchend', () => { document.title = 'tapped' });"
        " return [0.5, 0.5] })()"
    )  # fmt: skip
    edge = keys.bounding_box()

    page.touchscreen.tap(edge["x"] + x * edge["width"], edge["y"] + y * edge["height"])

    expect(page.get_by_role("button", name="tapped", exact=True)).to_be_visible()


def test_the_bar_goes_where_it_is_told_and_says_why_not(host, run, person_at, ann):
    run(PATH, "browser.open", url="http://demo.localhost/")
    page = person_at(ADDRESS, ann)
    expect(page.locator("[data-watch-canvas]")).to_be_visible()

    page.get_by_label("Address").fill("demo.localhost/table")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Deliveries", exact=False).first).to_be_visible()
    page.get_by_role("button", name="Back", exact=True).click()
    expect(page.locator("#watch-url")).to_have_value("http://demo.localhost/")
    page.get_by_label("Address").fill("file:///etc/passwd")
    page.keyboard.press("Enter")

    expect(page.locator("[data-watch-said]")).to_contain_text("is no address of the web")


def test_lists_of_sites_hold_for_all_beneath_and_a_refusal_says_which(run, owner, person_at, ann):
    grove = Grove(running.engine(), owner, "/")
    grove.outcome("/quiet", "tree.describe", create="object", check=True)
    grove.call("/quiet", "tree.set", name="browser.allow", value="demo.localhost, *.example.com:443")

    run("/quiet/room", "browser.open", url="http://demo.localhost/")
    refused = run("/quiet/room", "browser.open", url="http://127.0.0.1/")
    grove.call("/quiet/room", "tree.set", name="browser.deny", value="demo.localhost")
    denied = run("/quiet/room", "browser.open", url="http://demo.localhost/shop")
    with pytest.raises(WrongArgument, match="is neither a network such as"):
        grove.call("/quiet", "tree.set", name="browser.deny", value="http://x")

    assert refused["title"] == "Grove did not open this address"
    assert denied["title"] == "Grove did not open this address"
    page = person_at("/t/demo/o/quiet/room:/browser", ann)
    expect(page.locator("[data-watch-canvas]")).to_be_visible()
    shot(page, "refused")


def test_a_right_that_was_taken_away_ends_the_view(run, person_at, viewer, ann, team):
    run(PATH, "browser.open", url="http://demo.localhost/")
    page = person_at(ADDRESS, viewer)
    expect(page.locator("[data-watch-canvas]")).to_be_visible()

    actions.remove_member(team=team, by=ann, person=viewer)

    expect(page.locator("[data-watch-said]")).to_contain_text("The live view ended", timeout=10_000)
    expect(page.locator("[data-watch-canvas]")).to_be_hidden()


def test_a_viewer_and_a_stranger_cannot_drive(host, run, owner, person_at, viewer):
    run(PATH, "browser.open", url="http://demo.localhost/")
    page = person_at(ADDRESS, viewer)
    expect(page.locator("[data-watch-canvas]")).to_be_visible()
    expect(page.get_by_role("button", name="Take over")).to_have_count(0)

    told = page.evaluate(
        """(address) => new Promise(done => {
          const socket = new WebSocket(address); let states = 0
          socket.onmessage = ({data}) => {
            if (typeof data !== "string") {
              socket.send(JSON.stringify({seen: new DataView(data).getUint32(1)})); return }
            const state = JSON.parse(data)
            if (!states++) for (const doing of ["drive", "input", "hand back"]) socket.send(JSON.stringify(
              {do: doing, events: [{type: "key", what: "down", key: "x"}]}))
            if (states > 1 || state.driver) done([state.may, state.driver])
            else setTimeout(() => done([state.may, state.driver]), 1000)
          }; socket.binaryType = "arraybuffer" })""",
        f"ws://{page.url.split('/')[2]}/ws/browser/demo{PATH}",
    )
    assert told == [False, ""]

    closed = page.evaluate(
        "(address) => new Promise(done => { new WebSocket(address).onclose = ({code}) => done(code) })",
        f"ws://{page.url.split('/')[2]}/ws/browser/demo/no/such",
    )
    assert closed == 4404


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_the_tab_is_for_everybody(run, person_at, ann, width: int, scheme: str):
    run(PATH, "browser.open", url="http://demo.localhost/shop")
    page = person_at(ADDRESS, ann, viewport={"width": width, "height": 800}, color_scheme=scheme)
    expect(page.locator("[data-watch-canvas]")).to_be_visible()
    page.get_by_role("button", name="Take over").click()
    expect(page.locator("[data-watch-keys]")).to_be_focused()
    shot(page, f"tab-{width}-{scheme}")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints_of_axe(page) == []


def test_without_scripts_it_shows_the_page_as_it_was_seen_last(run, person_at, ann):
    run(PATH, "browser.open", url="http://demo.localhost/shop")
    page = person_at(ADDRESS, ann, java_script_enabled=False)

    expect(page.get_by_alt_text("Shop · Orchard & Sons, as it was seen last")).to_be_visible()
    expect(page.get_by_label("Address")).to_have_value("http://demo.localhost/shop")
    shot(page, "without-scripts")
    page.get_by_label("Address").fill("http://demo.localhost/table")
    page.get_by_role("button", name="Open").click()
    assert ":/browser" in page.url or ":browser.open" in page.url
