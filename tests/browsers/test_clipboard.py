"""What is copied in one object's browser stays there, though Chromium has one clipboard for all of its contexts."""

import pytest


@pytest.fixture
def path(grove, ask, site) -> str:
    made: str = grove.new("browser")
    ask(made, "open", url=f"{site.url}/clips")
    return made


def value(ask, path: str) -> str:
    found: str = ask(path, "eval", script="document.querySelectorAll('input')[1].value")
    return found


def test_what_was_copied_is_pasted_and_what_was_cut_is_gone(path, ask):
    ask(path, "click", target="From")
    for key in ("Control+A", "Control+C"):
        ask(path, "press", key=key)
    ask(path, "click", target="To")
    ask(path, "press", key="Control+V")
    assert value(ask, path) == "a secret of one team"

    ask(path, "press", key="Control+A")
    ask(path, "press", key="Shift+Delete")
    assert value(ask, path) == ""
    ask(path, "press", key="Shift+Insert")
    assert value(ask, path) == "a secret of one team"


def test_pages_have_a_say_in_both(path, ask):
    ask(path, "click", target="#own")
    ask(path, "press", key="Control+C")
    ask(path, "press", key="Control+V")

    assert ask(path, "text", target="#own") == "got its own words"


@pytest.mark.parametrize("key", ["Control+V", "Control+KeyV", "ControlOrMeta+v", "Control+Shift+V", "Shift+Insert"])
def test_another_browser_pastes_nothing_of_it(path, grove, ask, site, key: str):
    ask(path, "click", target="Take")  # the page itself copies, into Chromium's clipboard
    assert ask(path, "eval", script="document.title") == "true"
    ask(path, "click", target="From")
    ask(path, "press", key="Control+A")
    ask(path, "press", key="Control+C")
    other = grove.new("browser")
    ask(other, "open", url=f"{site.url}/clips")

    ask(other, "click", target="To")
    ask(other, "press", key=key)

    assert value(ask, other) == ""
