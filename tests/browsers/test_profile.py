"""What a browser had, it has again: after it slept, after its host ended, and where its object's file goes."""

import pytest

from teams.problems import NoSuch

STORED = """async () => {
  const db = await new Promise((done) => { const r = indexedDB.open('d'); r.onsuccess = () => done(r.result) });
  const get = db.transaction('s').objectStore('s').get(1);
  const row = await new Promise((done) => { get.onsuccess = () => done(get.result) });
  return [db.version, row.at.getTime(), String([...row.m.get('k')][0]), [...row.b], localStorage.a, sessionStorage.b];
}"""


@pytest.fixture
def signed_in(grove, ask, site) -> str:
    """An object whose browser has signed in, as a person would."""
    path = grove.new("browser")
    ask(path, "open", url=f"{site.url}/login")
    ask(path, "click", target="Name")
    ask(path, "type", text="ann")
    ask(path, "press", key="Tab")
    ask(path, "type", text="green")
    ask(path, "press", key="Enter")
    assert ask(path, "text", target="h1") == "Hello, Ann"
    return path


def test_a_host_that_ends_leaves_its_browsers_signed_in(signed_in, ask, hosting):
    hosting.again()

    assert ask(signed_in, "text") == "Hello, Ann"


def test_no_page_is_open_at_first(grove, ask):
    with pytest.raises(NoSuch, match="No page is open"):
        ask(grove.new(), "text")
