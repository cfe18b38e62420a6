"""A Chromium that is killed comes back with every session: no later command fails for it, and no click is twice."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from teams.problems import Conflict
from tests.browsers.hosting import Hosting


@pytest.fixture(autouse=True)
def goes_on(site) -> Iterator[None]:
    """Sites hold what is asked of them until a test lets them go on, and do so afterwards in any case."""
    site.goes_on.clear()
    site.asked.clear()
    yield
    site.goes_on.set()


@pytest.fixture
def path(grove, ask, site) -> str:
    made: str = grove.new("browser")
    ask(made, "open", url=f"{site.url}/login")
    ask(made, "fill", field="Name", text="ann")
    ask(made, "fill", field="Password", text="green")
    assert ask(made, "click", target="button[name=login]")["url"] == f"{site.url}/me"
    return made


def kill(hosting: Hosting) -> None:
    os.kill(hosting.chromium(), signal.SIGKILL)


def until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def test_the_next_command_never_fails_for_it(path, hosting, ask, site):
    for command, given in (("reload", {}), ("click", {"target": "h1"}), ("text", {}), ("press", {"key": "a"})):
        kill(hosting)

        answer = ask(path, command, **given)

        assert (answer if command == "text" else answer["title"]) in ("Me", "Hello, Ann")


def test_several_browsers_come_back_at_once(path, grove, hosting, ask, site):
    others = [grove.new("browser") for _ in range(2)]
    for other in others:
        ask(other, "open", url=f"{site.url}/plants")
    kill(hosting)

    tasks = {each: grove.call(each, "browser.reload")["task"] for each in (path, *others)}
    for each, task in tasks.items():
        until(lambda: grove.call(each, "task.show", task=task)["state"] in ("done", "failed"))  # noqa: B023 -- asked at once

    assert [grove.call(each, "task.show", task=task)["value"]["title"] for each, task in tasks.items()] == [
        "Me", "Plants", "Plants",
    ]  # fmt: skip


def test_what_may_run_again_is_begun_again_on_the_page_that_was_there(path, grove, hosting, ask, site):
    ask(path, "open", url=f"{site.url}/changing")
    waiting = grove.call(path, "browser.wait", what="selector", value="#leaf", seconds=40)["task"]
    session = hosting.host.sessions.find(grove.schema, grove.id(path))
    until(session.lock.locked)
    site.changing = "<title>Changed</title><p id=leaf>a leaf"

    kill(hosting)

    until(lambda: grove.call(path, "task.show", task=waiting)["state"] in ("done", "failed"))
    shown = grove.call(path, "task.show", task=waiting)
    assert (shown["problem"], shown["tries"]) == (None, 1)
    assert shown["value"]["did"] == "saw selector #leaf"


def test_an_address_that_was_being_opened_is_opened_again(path, grove, hosting, ask, site):
    opening = grove.call(path, "browser.open", url=f"{site.url}/held")["task"]
    until(lambda: "GET /held" in site.asked)

    kill(hosting)
    until(lambda: site.asked.count("GET /held") == 2)
    site.goes_on.set()

    until(lambda: grove.call(path, "task.show", task=opening)["state"] in ("done", "failed"))
    assert grove.call(path, "task.show", task=opening)["value"]["url"] == f"{site.url}/held"


def test_a_click_that_it_ended_with_is_told_and_not_done_twice(path, grove, hosting, ask, site):
    ask(path, "open", url=f"{site.url}/holds")
    clicking = grove.call(path, "browser.click", target="Go")["task"]
    until(lambda: "GET /held" in site.asked)

    kill(hosting)
    until(lambda: grove.call(path, "task.show", task=clicking)["state"] in ("done", "failed"))

    problem = grove.call(path, "task.show", task=clicking)["problem"]
    assert problem["detail"] == "The browser ended while it was at it. Do it again: it is as it was saved last."
    assert ask(path, "text") == "Go"
    assert site.asked.count("GET /held") == 1


def test_an_error_of_the_page_is_none_of_these(path, ask, site):
    with pytest.raises(Conflict, match="ERR_"):
        ask(path, "open", url="http://garden.example:1/")


def test_the_end_of_what_drives_chromium_is_no_other(path, hosting, ask, site):
    """Playwright drives it from a process of its own."""
    driver = next(each for each in psutil.Process(hosting.chromium()).parents() if each.exe().endswith("/node"))
    driver.kill()
    driver.wait(20)

    assert ask(path, "reload")["title"] == "Me"
