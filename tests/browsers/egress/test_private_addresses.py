"""No way leads a browser into the network that Grove runs in: each of these reaches it where Grove's proxy is not."""

import asyncio
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Error, Page

from browsers.egress.chromium import watch
from objects.network.guard import guard
from tests.browsers.egress.conftest import Way, until
from tests.browsers.egress.trap import Evil
from tests.browsers.egress.ways import AHEAD, BY_A_PAGE, TO_FILES, TYPED

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def go(page: Page, url: str) -> None:
    try:
        await page.goto(url, wait_until="commit", timeout=15_000)
    except Error:
        return  # refused, or no page


async def take(way: Way, evil: Evil, script: str) -> None:
    """Have a page of the evil site try to reach what it must not."""
    page = await way.page()
    await page.goto(f"{evil.url}/")
    try:
        async with asyncio.timeout(15):
            await page.evaluate(script, f"http://127.0.0.1:{way.trap.port}/")
    except Error:
        return  # the page was left


@pytest.mark.parametrize("typed", TYPED.values(), ids=TYPED)
async def test_what_is_typed_leads_to_no_private_address(open_way: Way, guarded_way: Way, evil: Evil, typed: str):
    for way in (open_way, guarded_way):
        before, refused = len(way.trap.reached), way.door and way.door.traffic.refused
        page = await way.page()
        await go(page, typed.replace("PORT", str(way.trap.port)).replace("EVIL", str(evil.port)))
        if way is open_way:
            await until(lambda: len(way.trap.reached) > before, "the open browser reaches it")  # noqa: B023
        else:
            await until(lambda: way.door.traffic.refused > refused, "the proxy refuses it")  # noqa: B023

    assert guarded_way.trap.reached == []


@pytest.mark.parametrize("script", BY_A_PAGE.values(), ids=BY_A_PAGE)
async def test_no_page_reaches_a_private_address(open_way: Way, guarded_way: Way, evil: Evil, script: str):
    before = len(open_way.trap.reached)
    await take(open_way, evil, script)
    await until(lambda: len(open_way.trap.reached) > before, "the open browser reaches it")
    refused = guarded_way.door.traffic.refused
    await take(guarded_way, evil, script)
    if not re.search("RTCPeer|WebTransport", script):  # what asks for UDP does not get as far as the proxy
        await until(lambda: guarded_way.door.traffic.refused > refused, "the proxy refuses it")

    assert guarded_way.trap.reached == []


@pytest.mark.parametrize("script", AHEAD.values(), ids=AHEAD)
async def test_nothing_is_reached_ahead(guarded_way: Way, evil: Evil, script: str):
    await take(guarded_way, evil, script)
    await take(guarded_way, evil, "(to) => fetch(to).catch(() => 0)")

    assert guarded_way.trap.reached == []


@pytest.mark.parametrize("host", ["private.example", "mixed.example"])
async def test_a_name_that_leads_to_a_private_address_is_refused(guarded_way: Way, host: str):
    page = await guarded_way.page()

    response = await page.goto(f"http://{host}:{guarded_way.trap.port}/")

    assert response.status == 403
    assert "is not an address of the public internet" in await page.inner_text("main")
    assert guarded_way.trap.reached == []


@pytest.mark.parametrize("host", ["10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "[fd00::1]", "[fe80::1]"])
async def test_private_networks_are_refused_without_a_try(guarded_way: Way, host: str):
    page = await guarded_way.page()

    response = await page.goto(f"http://{host}/latest/meta-data/")

    assert response.status == 403


async def test_groves_own_ports_are_refused(guarded_way: Way, proxy):
    for port in [proxy.port, *sorted(guard().own)]:
        page = await guarded_way.page()
        response = await page.goto(f"http://127.0.0.1:{port}/")
        assert (response.status, f"port {port} there is Grove's own" in await page.inner_text("main")) == (403, True)


@pytest.mark.parametrize("script", TO_FILES.values(), ids=TO_FILES)
async def test_no_page_reads_a_file(guarded_way: Way, evil: Evil, tmp_path: Path, script: str):
    (tmp_path / "secret.html").write_text("<title>secret of the disk</title>secret of the disk")
    context: Any = guarded_way.context
    context.on("page", lambda page: watch(page, guarded_way.door))
    page = await guarded_way.page()
    await page.goto(f"{evil.url}/")

    with suppress(Error):  # the page was left
        await page.evaluate(script, f"file://{tmp_path}/secret.html")
    with suppress(Error):
        await page.evaluate("fetch('/').catch(() => 0)")  # whatever was under way has had its turn then

    for each in guarded_way.context.pages:
        await each.wait_for_load_state()
        assert "secret of the disk" not in await each.evaluate("document.title + document.documentElement.innerText")
        assert [frame.url for frame in each.frames if frame.url.startswith(("file:", "view-source:"))] == []


async def test_a_context_without_a_door_reaches_nothing(guarded_browser, evil: Evil):
    context = await guarded_browser.new_context()
    page = await context.new_page()
    before = len(evil.asked)

    for url in (f"{evil.url}/", f"http://127.0.0.1:{evil.port}/"):
        with pytest.raises(Error, match="ERR_PROXY_CONNECTION_FAILED"):
            await page.goto(url)

    assert len(evil.asked) == before
    await context.close()
