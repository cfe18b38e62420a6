"""What is opened is an address of the web; what is left out of one is added."""

import pytest

from browsers.addresses import address
from browsers.egress.chromium import is_harmless
from teams.problems import WrongArgument


@pytest.mark.parametrize(
    ("typed", "opened"),
    [
        ("https://example.com/a b".replace(" ", "%20"), "https://example.com/a%20b"),
        ("  http://example.com  ", "http://example.com"),
        ("HTTP://example.com", "HTTP://example.com"),
        ("example.com", "https://example.com"),
        ("example.com:8080/x", "https://example.com:8080/x"),
        ("demo.localhost/login", "http://demo.localhost/login"),
        ("about:blank", "about:blank"),
        ("https://пример.рф/", "https://пример.рф/"),
    ],
)
def test_an_address_of_the_web_is_opened(typed: str, opened: str):
    assert address(typed) == opened


@pytest.mark.parametrize(
    "typed",
    [
        "file:///etc/passwd", "FILE:///etc/passwd", "view-source:file:///etc/passwd", "view-source:https://example.com",
        "chrome://version", "javascript:alert(1)", "data:text/html,x", "blob:https://example.com/1", "ftp://example.com",
        "about:config", "ws://example.com", "devtools://x", "chrome-extension://x/y", "filesystem:http://x/y",
    ],
)  # fmt: skip
def test_any_other_scheme_is_refused_with_its_name(typed: str):
    with pytest.raises(WrongArgument, match="is no address of the web"):
        address(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "https://",
        "http://:80/",
        "http://x:99999/",
        "http://[::1/",
        "a b",
        "http://x\ny",
        "x" * 9_000,
        "fi\tle:///x",
    ],
)
def test_what_is_no_address_is_refused(typed: str):
    with pytest.raises(WrongArgument):
        address(typed.strip(" "))


def test_a_page_of_the_disk_may_not_stay_open():
    assert all(map(is_harmless, ("https://x/", "about:blank", "blob:https://x/1", "chrome-error://chromewebdata/")))
    assert not any(map(is_harmless, ("file:///x", "chrome://version", "view-source:http://x", "")))
