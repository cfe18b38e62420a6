"""Letters that are typed right after a page was opened go into the field that is to have the focus."""

import threading

import pytest


@pytest.mark.parametrize(
    ("command", "given", "value"), [("type", {"text": "ann"}, "ann"), ("press", {"key": "a"}, "a")]
)
def test_a_field_that_gets_the_focus_late_loses_none(grove, ask, site, hosting, command, given, value):
    path = grove.new("browser")
    site.goes_on.clear()
    site.asked.clear()
    ask(path, "open", url=f"{site.url}/late")  # loaded, and not drawn before its styles are there
    assert ask(path, "eval", script="document.activeElement.tagName") == "BODY"

    typing = grove.call(path, f"browser.{command}", **given)["task"]
    session = hosting.host.sessions.find(grove.schema, grove.id(path))
    while not session.lock.locked():
        pass
    threading.Timer(0.5, site.goes_on.set).start()  # long after whoever does not wait would have typed
    while grove.call(path, "task.show", task=typing)["state"] not in ("done", "failed"):
        pass

    assert ask(path, "eval", script="document.querySelector('input').value") == value
