"""What a driver does with a clipboard, a script and keys of their own arrives in the page as they did it."""

import asyncio

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from browsers.host import Host
from teams.models import Person

PATH = "/driven"
ADDRESS = f"/t/demo/o{PATH}:/browser"


@pytest.fixture
def ann() -> Person:
    return Person.objects.get(email=settings.DEMO_OWNER)


def ask_page(host: Host, script: str):
    """Ask the page that is driven itself."""
    session = next(each for each in host.sessions.awake() if each.path == PATH)
    page = session.tabs[session.front].page
    return asyncio.run_coroutine_threadsafe(page.evaluate(script), host.loop).result(20)


def becomes(host: Host, script: str, wanted: object) -> None:
    """Wait until the page says so."""
    told = ask_page(
        host,
        f"""new Promise(done => {{ const until = Date.now() + 15000; const look = () => {{ const is = {script};
        JSON.stringify(is) === JSON.stringify({wanted!r}) || Date.now() > until ? done(is) : setTimeout(look, 20) }};
        look() }})""",
    )
    assert told == wanted


@pytest.fixture
def driver(host, run, person_at, ann) -> Page:
    """Somebody who drives a page with a field for notes, which has the focus."""
    run(PATH, "browser.open", url="http://demo.localhost/storage")
    page = person_at(ADDRESS, ann, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Take over").click()
    expect(page.locator("[data-watch-keys]")).to_be_focused()
    ask_page(host, "(() => { const note = document.querySelector('#note'); note.value = ''; note.focus() })()")
    return page


NOTE = "document.querySelector('#note').value"


def test_signs_are_signs_and_no_arrows(driver, host):
    driver.keyboard.type("(a-b) 'c' #1 & 50%!.")

    becomes(host, NOTE, "(a-b) 'c' #1 & 50%!.")


def test_text_is_composed_as_input_methods_do(driver, host):
    line = driver.context.new_cdp_session(driver)
    for shown in ("k", "か", "かな"):
        line.send("Input.imeSetComposition", {"text": shown, "selectionStart": len(shown), "selectionEnd": len(shown)})
    line.send("Input.insertText", {"text": "仮名"})
    driver.keyboard.type("!")

    becomes(host, NOTE, "仮名!")


def test_what_is_copied_in_the_page_comes_to_the_drivers_own_clipboard(driver, host, run):
    ask_page(
        host, "(() => { const n = document.querySelector('#note'); n.value = 'one two'; n.setSelectionRange(4, 7) })()"
    )

    driver.keyboard.press("Control+C")
    expect(driver.locator("[data-watch-said]")).to_have_text("Copied 3 characters.")
    assert driver.evaluate("navigator.clipboard.readText()") == "two"
    ask_page(host, "document.querySelector('#note').setSelectionRange(3, 7)")
    driver.keyboard.press("Control+X")
    expect(driver.locator("[data-watch-said]")).to_have_text("Copied 4 characters.")
    becomes(host, NOTE, "one")
    driver.evaluate("navigator.clipboard.writeText('three')")
    driver.keyboard.press("Control+V")
    becomes(host, NOTE, "onethree")

    driver.get_by_role("button", name="Copy", exact=True).click()
    expect(driver.locator("[data-watch-said]")).to_have_text("Nothing is chosen on the page.")
    driver.get_by_role("button", name="Paste", exact=True).click()
    becomes(host, NOTE, "onethreethree")
    run(PATH, "browser.press", key="Control+V")  # of the browser itself: what was copied in it last
    becomes(host, NOTE, "onethreethree two")


def test_the_middle_button_pastes_nothing(driver, host):
    ask_page(host, "(() => { const n = document.querySelector('#note'); n.value = 'chosen'; n.select() })()")
    driver.keyboard.press("Control+C")
    expect(driver.locator("[data-watch-said]")).to_have_text("Copied 6 characters.")
    x, y = ask_page(
        host,
        "(() => { const n = document.querySelector('#note'); n.value = ''; n.onmouseup = () => { n.value += 'up' };"
        " const b = n.getBoundingClientRect(); return [(b.x + 9) / innerWidth, (b.y + 9) / innerHeight] })()",
    )
    keys = driver.locator("[data-watch-keys]")
    edge = keys.bounding_box()
    assert edge is not None

    keys.click(position={"x": x * edge["width"], "y": y * edge["height"]}, button="middle")

    becomes(host, NOTE, "up")


def test_who_may_drive_wakes_it_by_opening_the_tab_and_a_viewer_does_not(host, run, person_at, ann, viewer):
    run(PATH, "browser.open", url="http://demo.localhost/shop")
    run(PATH, "browser.scroll", where="120")
    session = next(each for each in host.sessions.awake() if each.path == PATH)
    asyncio.run_coroutine_threadsafe(host._put_to_sleep(session), host.loop).result(20)

    looks = person_at(ADDRESS, viewer)
    expect(looks.locator("[data-watch-said]")).to_have_text("Asleep: this is how the page was seen last.")
    expect(looks.get_by_role("button", name="Wake")).to_have_count(0)
    assert not [each for each in host.sessions.awake() if each.path == PATH]

    drives = person_at(ADDRESS, ann)
    for page in (drives, looks):
        expect(page.locator("[data-watch-canvas]")).to_be_visible()
    becomes(host, "[location.pathname, Math.round(scrollY)]", ["/shop", 120])


def test_what_a_page_copies_by_its_own_button_comes_to_the_drivers_clipboard(driver, host, run):
    x, y = ask_page(
        host,
        "(() => { const b = document.createElement('button'); b.textContent = 'Copy';"
        " b.onclick = () => navigator.clipboard.writeText('a code of 6'); document.body.prepend(b);"
        " b.style = 'position: fixed; left: 0; top: 0; width: 120px; height: 60px; z-index: 9';"
        " return [60 / innerWidth, 30 / innerHeight] })()",
    )
    assert ask_page(host, "Object.getOwnPropertyNames(window).filter(name => /^copied_|binding/.test(name))") == []
    keys = driver.locator("[data-watch-keys]")
    edge = keys.bounding_box()

    keys.click(position={"x": x * edge["width"], "y": y * edge["height"]})

    expect(driver.locator("[data-watch-said]")).to_have_text(
        "The page copied 11 characters: they are in your clipboard."
    )
    assert driver.evaluate("navigator.clipboard.readText()") == "a code of 6"
    expect(driver.locator("[data-watch-take]")).to_be_hidden()


def test_where_a_browser_asks_for_a_click_the_copy_is_offered(driver, host, run):
    driver.evaluate(
        "() => { const write = Clipboard.prototype.writeText; let n = 0; Clipboard.prototype.writeText = function(text)"
        " { return n++ ? write.call(this, text) : Promise.reject(new DOMException('', 'NotAllowedError')) } }"
    )
    ask_page(
        host,
        "(() => { const n = document.querySelector('#note'); n.value = 'chosen by the page';"
        " n.onclick = () => { n.select(); document.execCommand('copy') } })()",
    )
    x, y = ask_page(
        host,
        "(() => { const b = document.querySelector('#note').getBoundingClientRect();"
        " return [(b.x + 9) / innerWidth, (b.y + 9) / innerHeight] })()",
    )
    keys = driver.locator("[data-watch-keys]")
    edge = keys.bounding_box()
    keys.click(position={"x": x * edge["width"], "y": y * edge["height"]})

    take = driver.get_by_role("button", name="Take what the page copied (18)")
    take.click()

    expect(driver.locator("[data-watch-said]")).to_have_text(
        "The page copied 18 characters: they are in your clipboard."
    )
    assert driver.evaluate("navigator.clipboard.readText()") == "chosen by the page"
    expect(take).to_be_hidden()
    run(PATH, "browser.press", key="Control+V")  # it is the browser's own clipboard, too
    becomes(host, NOTE, "chosen by the page")
