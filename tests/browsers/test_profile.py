"""What a browser had, it has again: after sleep, after its host or Chromium ended, and where its object's file goes."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from objects.commands.types import Content
from teams.problems import NoSuch, OutOfTime
from tests.browsers.hosting import Hosting

STORED = """async () => {
  const db = await new Promise((done) => { const r = indexedDB.open("d"); r.onsuccess = () => done(r.result) });
  const store = db.transaction("s").objectStore("s");
  const get = store.get(1);
  const row = await new Promise((done) => { get.onsuccess = () => done(get.result) });
  return [db.version, [...store.indexNames], row.at.getTime(), String([...row.m.get("k")][0]), [...row.b],
    localStorage.a, sessionStorage.b, Math.round(scrollY)];
}"""
WAS_STORED = [3, ["by"], 0, "1", [1, 2], "1", "2", 700]


def sign_in(ask: Callable[..., Any], path: str, url: str) -> None:
    """Sign in as a person would."""
    ask(path, "open", url=f"{url}/login")
    ask(path, "fill", field="Name", text="ann")
    ask(path, "fill", field="Password", text="green")
    ask(path, "press", key="Enter")
    assert ask(path, "text", target="h1") == "Hello, Ann"


def session(hosting: Hosting, grove: Any, path: str) -> Any:
    return hosting.host.sessions.find(grove.schema, grove.id(path))


def wait_for(is_so: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture
def signed_in(grove, ask, site) -> str:
    """An object whose browser has signed in."""
    path = grove.new("browser")
    sign_in(ask, path, site.url)
    return path


@pytest.fixture
def stored(grove, ask, site) -> str:
    """An object whose browser has something in every store of a page, and is scrolled."""
    path = grove.new("browser")
    ask(path, "open", url=f"{site.url}/stores")
    ask(path, "wait", what="selector", value="body")
    wait_for(lambda: ask(path, "eval", script="document.title") == "Stored")
    ask(path, "scroll", where="700")
    assert ask(path, "eval", script=STORED) == WAS_STORED
    return path


def test_all_stores_and_the_scroll_position_outlive_a_restart_of_the_host(stored, ask, hosting):
    hosting.again()

    assert ask(stored, "eval", script=STORED) == WAS_STORED


def test_a_browser_that_is_idle_sleeps_and_wakes_on_the_same_page(grove, signed_in, ask, hosting):
    hosting.again(BROWSER_IDLE_S=0.1)
    assert ask(signed_in, "text") == "Hello, Ann"

    wait_for(lambda: session(hosting, grove, signed_in) is None)

    assert ask(signed_in, "tabs") == [
        {"tab": 1, "front": True, "url": "http://garden.example/me", "title": "Me", "asleep": True}
    ]
    assert ask(signed_in, "text") == "Hello, Ann"
    hosting.again()


def test_sessions_outlive_a_chromium_that_is_killed(signed_in, ask, hosting):
    for process in hosting.host._chromium.processes():
        os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: not hosting.host.sessions.awake())

    assert ask(signed_in, "text") == "Hello, Ann"


def test_a_page_whose_process_is_killed_is_opened_again(signed_in, ask, hosting):
    for process in hosting.host._chromium.processes():
        if "--type=renderer" in process.cmdline():
            os.kill(process.pid, signal.SIGKILL)

    wait_for(lambda: ask(signed_in, "tabs")[0]["asleep"] or ask(signed_in, "text") == "Hello, Ann")
    assert ask(signed_in, "text") == "Hello, Ann"


def test_what_a_page_does_by_itself_is_saved_too(grove, ask, site, hosting):
    hosting.again(BROWSER_SAVE_S=0.1)
    path = grove.new("browser")
    ask(path, "open", url=f"{site.url}/empty")
    ask(path, "eval", script="void setTimeout(() => { localStorage.late = 'yes' }, 300)")
    awake = session(hosting, grove, path)

    wait_for(lambda: "late" in awake.parts.get("origin http://garden.example", ""))
    for process in hosting.host._chromium.processes():
        os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: not hosting.host.sessions.awake())

    assert ask(path, "eval", script="localStorage.late") == "yes"
    hosting.again()


def test_a_copy_is_signed_in_too_and_then_they_part(grove, signed_in, ask):
    copy = f"{grove.home}/copy"
    grove.call(signed_in, "tree.copy", to=copy)

    assert ask(copy, "text") == "Hello, Ann"
    ask(copy, "cookie", name="session", forget=True)
    ask(copy, "reload")

    assert (ask(copy, "text"), ask(signed_in, "text")) == ("Nobody", "Hello, Ann")
    assert ask(signed_in, "reload")["title"] == "Me"


def test_a_browser_stays_with_an_object_that_is_moved(grove, signed_in, ask):
    new = f"{grove.home}/moved"
    grove.call(signed_in, "tree.move", to=new)

    assert ask(new, "text") == "Hello, Ann"


def test_commands_of_one_browser_run_in_their_order(grove, ask, site):
    path = grove.new("browser")
    ask(path, "open", url=f"{site.url}/empty")
    ask(path, "eval", script="window.heard = []")

    tasks = [grove.call(path, "browser.eval", script=f"void heard.push({n})")["task"] for n in range(8)]
    wait_for(lambda: all(grove.call(path, "task.show", task=each)["state"] == "done" for each in tasks))

    assert ask(path, "eval", script="heard") == list(range(8))


def test_a_page_that_loops_is_cut_and_others_are_not_hurt(grove, ask, site, hosting):
    hosting.again(BROWSER_SCRIPT_S=1)
    stuck, other = grove.new("browser"), grove.new("browser")
    ask(other, "open", url=f"{site.url}/")
    ask(stuck, "open", url=f"{site.url}/loop")

    with pytest.raises(OutOfTime, match="The page did not answer any more and was closed"):
        ask(stuck, "eval", script="new Promise(() => setTimeout(() => { for (;;); }, 10))")

    assert ask(other, "click", target="Water all")["title"] == "Watered"
    assert ask(stuck, "text") == "Hang"
    hosting.again()


def test_no_page_is_open_at_first(grove, ask):
    with pytest.raises(NoSuch, match="No page is open"):
        ask(grove.new(), "text")


def test_an_exported_browser_is_signed_in_where_it_is_imported(grove, new_team, caller, signed_in, ask):
    file = grove.call(signed_in, "export").read()
    elsewhere = new_team()
    other = replace(grove, caller=caller(elsewhere), home="/")
    other.call("/", "import", content=Content(file), kind="browser", **{"as": "guest"})

    task = other.call("/guest", "browser.text")["task"]
    wait_for(lambda: other.call("/guest", "task.show", task=task)["state"] == "done")

    assert other.call("/guest", "task.show", task=task)["value"] == "Hello, Ann"
    assert ask(signed_in, "text") == "Hello, Ann"
