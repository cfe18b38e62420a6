"""The demo site is reached through the proxy by its name, and each of its pages does what it is there for."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from browsers.demo import ADDRESS, Site
from browsers.egress.proxy import Proxy
from objects.network.guard import guard

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo() -> AsyncIterator[Site]:
    site = Site()
    site.start()
    yield site
    await site.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gate(demo: Site) -> AsyncIterator[Proxy]:
    made = Proxy(guard(), demo.own_sites)
    await made.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def context(guarded_browser: Browser, gate: Proxy) -> AsyncIterator[BrowserContext]:
    made = await guarded_browser.new_context(base_url=ADDRESS, proxy=gate.open("team.1").credentials())
    yield made
    await made.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    """One page for all tests; nothing may stand in its console, as a violation of the CSP would."""
    made = await context.new_page()
    complaints: list[str] = []
    made.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    made.on("pageerror", lambda error: complaints.append(str(error)))
    yield made
    assert [each for each in complaints if not re.search("a status of [45]", each)] == []


async def test_it_is_reached_by_its_name_alone(page: Page, demo: Site):
    for url in (f"http://127.0.0.1:{demo.place[1]}/", f"http://demo.localhost:{demo.place[1]}/"):
        assert (await page.goto(url)).status in (403, 502)

    assert (await page.goto(ADDRESS)).status == 200
    await expect(page.get_by_role("heading", level=1)).to_have_text("Plants for patient people")


async def test_the_seeds_words_log_in(page: Page):
    await page.goto("/login")
    await page.click('button[name="login"]')
    await expect(page.get_by_role("alert")).to_have_text("Type your name first.")

    await expect(page.get_by_label("Name")).to_be_focused()
    await page.keyboard.type("ann")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text("Type your password first.")
    await expect(page.get_by_label("Password")).to_be_focused()
    await page.keyboard.type("apple")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text("Wrong name or password.")
    await expect(page.get_by_label("Password")).to_be_focused()
    await page.keyboard.type("orchard")
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("heading", level=1)).to_have_text("Hello, ann")
    await page.get_by_role("button", name="Log out").click()
    await page.goto("/account")
    await expect(page).to_have_url(f"{ADDRESS}login")


async def test_a_cookie_that_was_written_by_hand_logs_nobody_in(page: Page, context: BrowserContext):
    await context.add_cookies([{"name": "name", "value": "ann", "url": ADDRESS}])
    await page.goto("/account")

    await expect(page).to_have_url(f"{ADDRESS}login")
    await context.clear_cookies()


async def test_a_cart_is_filled_changed_and_ordered(page: Page):
    await page.goto("/shop?q=tree")
    await page.get_by_role("button", name="Add Lemon tree to the cart").click()
    await page.goto("/shop")
    await page.get_by_role("button", name="Add Mint to the cart").click()
    await page.goto("/cart")
    await page.get_by_label("Pieces of Mint").fill("3")
    await page.get_by_role("row", name="Mint").get_by_role("button", name="Change").click()
    await expect(page.locator("#total")).to_have_text("€ 40.60")
    await page.get_by_role("button", name="Remove Lemon tree").click()
    await expect(page.locator("#total")).to_have_text("€ 6.60")

    await page.get_by_role("button", name="Order").click()
    await expect(page).to_have_url(f"{ADDRESS}login")
    await page.get_by_label("Name").fill("ann")
    await page.get_by_label("Password").fill("orchard")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{ADDRESS}account")
    await page.goto("/cart")
    await page.get_by_role("button", name="Order").click()

    await expect(page.locator("#order")).to_be_visible()
    await page.goto("/cart")
    await expect(page.locator("main")).to_contain_text("There is nothing in it.")


async def test_a_table_has_pages(page: Page):
    await page.goto("/table")
    numbers = []
    while True:
        numbers += await page.locator("#deliveries tbody tr td:first-child").all_inner_texts()
        following = page.get_by_role("link", name="Next")
        if not await following.count():
            break
        await following.click()

    assert numbers == [str(number) for number in range(1, 121)]


async def test_files_are_sent_and_fetched(page: Page, tmp_path: Path):
    (tmp_path / "a.txt").write_text("hello")
    await page.goto("/upload")
    await page.set_input_files("input[type=file]", tmp_path / "a.txt")
    await page.get_by_role("button", name="Send").click()
    assert await page.locator("#came tbody td").all_inner_texts() == [
        "a.txt", "5", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    ]  # fmt: skip

    await page.goto("/downloads")
    async with page.expect_download() as coming:
        await page.get_by_role("link", name="plants.csv").click()
    fetched = await (await coming.value).path()
    assert fetched.read_text().splitlines()[:2] == ["plant,height_cm,price", "Basil,30,2.40"]


async def test_more_comes_at_the_end(page: Page):
    await page.goto("/scroll")
    for seen in range(12, 120, 12):
        await page.evaluate("scrollTo(0, document.body.scrollHeight)")
        await expect(page.locator(f"[data-number='{seen + 12}']")).to_be_attached()

    await expect(page.locator(".more")).to_have_text("That was all.")


async def test_a_frame_and_dialogs_answer(page: Page):
    await page.goto("/frame")
    frame = page.frame_locator("iframe")
    await frame.get_by_label("Message").fill("Grüße, 世界")
    await frame.get_by_role("button", name="Write").click()
    await expect(frame.get_by_role("status")).to_have_text("You wrote: Grüße, 世界")

    await page.goto("/dialogs")
    page.once("dialog", lambda dialog: dialog.accept("thyme"))
    await page.get_by_role("button", name="Prompt").click()
    await expect(page.get_by_role("status")).to_have_text("You named thyme.")
    await page.get_by_role("button", name="The page's own").click()
    await page.get_by_role("button", name="Yes").click()
    await expect(page.get_by_role("status")).to_have_text("You chose yes.")


async def test_the_slow_page_and_what_the_browser_keeps(page: Page):
    await page.goto("/slow?seconds=1")
    await expect(page.locator("#took")).to_have_text("This took 1 seconds.")

    for times in ("1", "2"):
        await page.goto("/storage")
        for place in ("cookie", "local", "session", "indexed"):
            await expect(page.locator(f"#{place}")).to_have_text(times)


async def test_a_canvas_is_drawn_on(page: Page):
    await page.goto("/paint")
    box = await page.locator("#paint").bounding_box()
    await page.mouse.move(box["x"] + 50, box["y"] + 50)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 150, box["y"] + 90, steps=4)
    await page.mouse.up()

    await expect(page.locator("#strokes")).to_have_text("1 strokes")
    drawn = "document.querySelector('canvas').getContext('2d').getImageData(0, 0, 720, 360).data.some(x => x)"
    assert await page.evaluate(drawn)
