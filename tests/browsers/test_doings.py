"""What is done to pages is told in the words that commands take, by whom it was, and by pages themselves never."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import Page

from browsers.doings import Doing, Step
from browsers.sessions import Session


@dataclass
class Heard:
    """A page that is open, driven by hand, and what was told of it."""

    path: str
    session: Session
    loop: asyncio.AbstractEventLoop
    ask: Callable[..., Any]
    told: list[Doing | Step] = field(default_factory=list)

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    @property
    def page(self) -> Page:
        page = self.session.tabs[self.session.front].page
        assert page is not None
        return page

    def by_hand(self, do: Callable[[Page], Any]) -> None:
        """Do something as a driver does: by Chromium's input, and without a command."""

        async def work() -> None:
            doing = asyncio.ensure_future(do(self.page))
            while not doing.done():
                self.session.doings.driven()
                await asyncio.wait([doing], timeout=0.1)
            doing.result()

        self.run(work())

    def doings(self, count: int) -> list[tuple[str, ...]]:
        """Give the next that are told: kind, target, value, by."""
        until = time.monotonic() + 20
        while len(found := [each for each in self.told if isinstance(each, Doing)]) < count:
            assert time.monotonic() < until, "\n".join(map(str, found))
            time.sleep(0.02)
        self.told.clear()
        return [(each.kind, each.target, each.value, each.by) for each in found]


@pytest.fixture
def heard(grove, ask, site, hosting) -> Iterator[Heard]:
    path = grove.new("browser")
    ask(path, "open", url=f"{site.url}/doings")
    ask(path, "wait", what="idle")
    session = hosting.host.sessions.find(grove.schema, grove.id(path))
    made = Heard(path, session, hosting.host.loop, ask)
    made.run(session.doings.listen(made.told.append))
    yield made
    made.run(session.doings.leave(made.told.append))


def test_what_a_driver_does_is_told_as_commands_name_it(heard, ask):
    async def fills(page: Page) -> None:
        await page.get_by_label("Plant").click()
        await page.keyboard.type("mint")
        await page.keyboard.press("Tab")
        await page.keyboard.type("secret")
        await page.keyboard.press("Shift+Tab")
        await page.get_by_label("Likes water").click()
        await page.get_by_label("Likes water").click()
        await page.get_by_label("Notes").click()
        await page.keyboard.type("two")
        await page.keyboard.press("Enter")
        await page.keyboard.type("lines")
        await page.keyboard.press("Control+A")

    heard.by_hand(fills)

    assert heard.doings(9) == [
        ("click", "Plant", "", "driver"),
        ("fill", "Plant", "mint", "driver"),
        ("press", "Plant", "Tab", "driver"),
        ("fill", "Word", "", "driver"),
        ("press", "Word", "Shift+Tab", "driver"),
        ("check", "Likes water", "", "driver"),
        ("uncheck", "Likes water", "", "driver"),
        ("click", "Notes", "", "driver"),
        ("press", "Notes", "Control+A", "driver"),
    ]


def test_clicks_name_what_is_written_else_where_it_is(heard, ask):
    async def clicks(page: Page) -> None:
        await page.get_by_text("Some text").click()
        await page.locator("#order button").nth(2).click()
        await page.get_by_role("button", name="Order").dblclick()
        await page.locator("h1").click(button="right")

    heard.by_hand(clicks)
    told = [each for each in heard.doings(7) if each[0] == "click"]

    assert told == [
        ("click", "Some text", "", "driver"),
        ("click", "#order > button:nth-of-type(3)", "", "driver"),
        ("click", "Order", "", "driver"),
        ("click", "Order", "twice", "driver"),
        ("click", "Doings", "right", "driver"),
    ]
    for _, target, _, _ in told:
        ask(heard.path, "hover", target=target)


def test_a_password_is_never_told_also_where_it_is_shown_or_a_command_fills_it(heard, ask):
    async def types(page: Page) -> None:
        await page.get_by_label("Word").click()
        await page.keyboard.type("sec")
        await page.get_by_role("button", name="Show").click()
        await page.get_by_label("Word").click()
        await page.keyboard.type("ret")
        await page.keyboard.press("Tab")

    heard.by_hand(types)
    ask(heard.path, "fill", field="Word", text="secret again")
    ask(heard.path, "press", key="Tab")

    filled = [each for each in waited(heard, 9) if isinstance(each, Doing) and each.kind == "fill"]
    assert [(each.target, each.value, each.is_secret) for each in filled] == [("Word", "", True)] * 3


def waited(heard: Heard, count: int) -> list[Doing | Step]:
    until = time.monotonic() + 20
    while len(heard.told) < count:
        assert time.monotonic() < until, heard.told
        time.sleep(0.02)
    return heard.told


def test_commands_are_told_with_their_answer_and_what_they_did(heard, ask):
    ask(heard.path, "select", field="Sort", options=["Height"])
    ask(heard.path, "click", target="Order")
    with pytest.raises(Exception, match="no such key"):
        ask(heard.path, "press", key="Nonsense")

    told = list(heard.told)
    steps = [each for each in told if isinstance(each, Step)]
    assert [(each.command, each.arguments) for each in steps] == [
        ("browser.select", {"field": "Sort", "options": ["Height"]}),
        ("browser.click", {"target": "Order"}),
        ("browser.press", {"key": "Nonsense"}),
    ]
    assert steps[0].value["did"].startswith("chose Height in select")
    assert steps[2].problem["detail"] == "Nonsense: no such key. Keys: a, A, Enter, Tab, F5, ArrowUp, Control+A."
    assert heard.doings(3) == [
        ("select", "Sort", "Height", "command"),
        ("click", "Order", "", "command"),
        ("submit", "#order", "", "command"),
    ]


def test_pages_cannot_forge_and_cannot_drown_what_others_do(heard, ask):
    assert heard.run(heard.page.title()) == "Doings 0"  # it saw nothing of ours among its window's names
    heard.run(
        heard.page.evaluate(
            """() => { for (let n = 0; n < 500; n++) {
            document.querySelector("#shows").click();
            document.querySelector("select").dispatchEvent(new Event("change", {bubbles: true}));
            document.querySelector("form").requestSubmit() } }"""
        )
    )
    heard.by_hand(lambda page: page.get_by_text("Some text").click())

    told = [each for each in waited(heard, 31) if isinstance(each, Doing)]
    assert {(each.kind, each.by) for each in told[:-1]} == {("submit", "page")}
    assert len(told) < 60
    assert (told[-1].kind, told[-1].by) == ("click", "driver")


def test_frames_popups_and_later_pages_are_heard_too(heard, ask, site):
    async def frames(page: Page) -> None:
        await page.frame_locator("[title=inner]").get_by_role("button").click()
        await page.frame_locator("[title=outer]").get_by_role("button").click()

    heard.by_hand(frames)
    told = waited(heard, 2)
    assert [(each.target, each.url) for each in told] == [
        ("Inside", f"{site.url}/inner"),
        ("Inside", f"{site.other}/inner"),
    ]
    heard.told.clear()

    async def elsewhere(page: Page) -> None:
        async with page.expect_popup():
            await page.get_by_role("link", name="Elsewhere").click()

    heard.by_hand(elsewhere)
    ask(heard.path, "tabs")
    heard.by_hand(lambda page: page.locator("h1").click())
    heard.by_hand(lambda page: page.goto(f"{site.other}/doings"))
    heard.by_hand(lambda page: page.get_by_role("button", name="Order").click())

    assert [each[:2] for each in heard.doings(6)] == [
        ("click", "Elsewhere"),
        ("navigate", ""),
        ("click", "Plants"),
        ("navigate", ""),
        ("click", "Order"),
        ("submit", "#order"),
    ]


def test_nothing_is_in_pages_while_nobody_listens(heard):
    heard.run(heard.session.doings.leave(heard.told.append))
    heard.by_hand(lambda page: page.get_by_role("button", name="Order").click())
    heard.run(heard.session.doings.listen(heard.told.append))
    heard.by_hand(lambda page: page.get_by_text("Some text").click())

    assert heard.doings(1) == [("click", "Some text", "", "driver")]
