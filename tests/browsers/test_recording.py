"""A recording is a video, and beside it all that happened on the same line of time, with the requests as an archive."""

import base64
import io
import time
import zipfile
from collections.abc import Callable
from typing import Any

import av
import orjson
import pytest

from teams.problems import Conflict, NoSuch

# What HAR 1.2 requires, and of which type: http://www.softwareishard.com/blog/har-12-spec/
NUMBER = (int, float)
NAMED: Any = [{"name": str, "value": str}]
REQUIRED: Any = {
    "log": {
        "version": str,
        "creator": {"name": str, "version": str},
        "browser": {"name": str, "version": str},
        "pages": [{"startedDateTime": str, "id": str, "title": str, "pageTimings": {}}],
        "entries": [
            {
                "startedDateTime": str,
                "time": NUMBER,
                "request": {
                    "method": str, "url": str, "httpVersion": str, "cookies": NAMED, "headers": NAMED,
                    "queryString": NAMED, "headersSize": int, "bodySize": int,
                },
                "response": {
                    "status": int, "statusText": str, "httpVersion": str, "cookies": NAMED, "headers": NAMED,
                    "content": {"size": int, "mimeType": str}, "redirectURL": str, "headersSize": int,
                    "bodySize": int,
                },
                "cache": {},
                "timings": {"send": NUMBER, "wait": NUMBER, "receive": NUMBER},
            }
        ],
    }
}  # fmt: skip


def lacks(required: Any, given: Any, where: str = "") -> list[str]:
    """Name what an archive lacks, or has of another type."""
    if isinstance(required, dict):
        if not isinstance(given, dict):
            return [where]
        return [each for name, inner in required.items() for each in lacks(inner, given.get(name), f"{where}.{name}")]
    if isinstance(required, list):
        if not isinstance(given, list):
            return [where]
        return [each for at, one in enumerate(given) for each in lacks(required[0], one, f"{where}[{at}]")]
    return [] if isinstance(given, required) else [where]


def wait_for(is_so: Callable[[], Any], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture
def kept(grove) -> Callable[[str, str], bytes]:
    """Give a file of an object."""
    return lambda path, name: b"".join(grove.call(path, "files.get", name=name).chunks())


@pytest.fixture
def recorded(grove, ask, site) -> str:
    """An object that has recorded as show.webm what a page and a site say to each other."""
    path = grove.new("browser")
    ask(path, "open", url=f"{site.url}/login")
    ask(path, "record", what="session", name="show.webm")
    ask(path, "fill", field="Name", text="ann")
    ask(path, "fill", field="Password", text="green")
    ask(path, "press", key="Enter")
    ask(path, "open", url=f"{site.url}/talks")
    ask(path, "click", target="Say")
    wait_for(lambda: ask(path, "eval", script="document.title") == "Talked")
    with pytest.raises(NoSuch):
        ask(path, "click", target="7")
    ask(path, "record", what="stop")
    return path


def test_all_that_happened_stands_on_the_time_of_the_video(recorded, kept, site):
    told = orjson.loads(kept(recorded, "show.timeline.json"))
    entries = told["entries"]

    with av.open(io.BytesIO(kept(recorded, "show.webm"))) as video:
        shown_ms = float(video.duration) / 1_000
    assert (told["version"], told["video"], told["har"]) == (1, "show.webm", "show.har")
    assert abs(shown_ms - told["length_ms"]) < 200
    assert [each["at_ms"] for each in entries] == sorted(each["at_ms"] for each in entries)
    assert all(0 <= each["at_ms"] <= told["length_ms"] for each in entries)

    def of(lane: str) -> list[tuple[Any, ...]]:
        return [(each["text"], each["detail"], each["is_bad"]) for each in entries if each["lane"] == lane]

    steps = of("steps")
    assert [each[0] for each in steps if not each[0].startswith("eval")] == [
        "fill Name …", "fill Password …", "press Enter", f"open {site.url}/talks", "click Say", "click 7"
    ]  # fmt: skip
    assert steps[0][1].startswith('filled input "')
    assert steps[-1][2] is True
    page = of("page")
    for happened in [
        ("fill Password", "•••", False),
        ("press Enter", "Password", False),
        (f"went to {site.url}/me", "", False),
        ("click Say", "", False),
        ("confirm: water?", "dismissed", False),
    ]:
        assert happened in page
    assert next(each[0] for each in of("console") if each[2]) == "it hails"
    assert ("it rains", f"{site.url}/talks:1", False) in [
        (text, where.replace(":0", ":1"), bad) for text, where, bad in of("console")
    ]
    asked = of("network")
    assert (f"POST {site.url}/login", "303 See Other", False) in asked
    assert (f"GET {site.url}/missing", "404 Not Found", True) in asked
    assert b"green" not in kept(recorded, "show.timeline.json")


def test_the_archive_is_whole_as_har_1_2_wants_it(recorded, kept, site):
    archive = orjson.loads(kept(recorded, "show.har"))

    assert lacks(REQUIRED, archive) == []
    entries = {each["request"]["url"]: each for each in archive["log"]["entries"]}
    for each in entries.values():
        parts = [took for name, took in each["timings"].items() if name != "ssl" and took >= 0]
        assert abs(each["time"] - sum(parts)) < 0.01
    pages = {each["id"]: each["title"] for each in archive["log"]["pages"]}
    posted = entries[f"{site.url}/told?by=ann"]
    assert pages[posted["pageref"]] == f"{site.url}/talks"
    assert posted["request"]["queryString"] == [{"name": "by", "value": "ann"}]
    assert posted["request"]["postData"]["params"] == [{"name": "plant", "value": "mint & basil"}]
    assert posted["request"]["bodySize"] == len("plant=mint+%26+basil")
    assert posted["response"]["content"]["text"] == '{"noted": true}'
    assert posted["response"]["content"]["size"] == posted["response"]["bodySize"] == 15
    moved = entries[f"{site.url}/moved"]
    assert (moved["response"]["status"], moved["response"]["redirectURL"]) == (302, "/plants?from=moved")
    assert entries[f"{site.url}/plants?from=moved"]["response"]["status"] == 200
    leaf = entries[f"{site.url}/leaf.png"]["response"]["content"]
    assert (base64.b64decode(leaf["text"]), leaf["encoding"]) == (b"\x89PNG leaf", "base64")
    cookie = entries[f"{site.url}/login"]["response"]["cookies"]
    assert cookie == [{"name": "session", "value": "ann", "path": "/", "httpOnly": True, "secure": False}]
    assert entries[f"{site.url}/me"]["request"]["cookies"] == [{"name": "session", "value": "ann"}]
    talk = entries["ws://garden.example/socket"]
    assert talk["_resourceType"] == "websocket"
    assert [(each["type"], each["opcode"], each["data"]) for each in talk["_webSocketMessages"]] == [
        ("send", 1, "water?"),
        ("receive", 1, "water?"),
    ]


def test_requests_since_it_woke_are_saved_without_a_recording(grove, ask, site, kept):
    path = grove.new("browser")
    ask(path, "open", url=site.url)
    ask(path, "save", what="har", name="all.har")

    archive = orjson.loads(kept(path, "all.har"))

    assert lacks(REQUIRED, archive) == []
    assert [each["request"]["url"] for each in archive["log"]["entries"]] == [f"{site.url}/"]
    assert "<h1>Garden</h1>" in archive["log"]["entries"][0]["response"]["content"]["text"]


def test_sleep_ends_a_recording_and_a_trace_and_keeps_both(grove, ask, site, kept, hosting):
    path = grove.new("browser")
    ask(path, "open", url=site.url)
    ask(path, "record", what="session", name="asleep.webm")
    ask(path, "trace", what="start", name="asleep.trace.zip")
    ask(path, "click", target="Water all")

    hosting.again()

    with zipfile.ZipFile(io.BytesIO(kept(path, "asleep.trace.zip"))) as trace:
        names = trace.namelist()
        events = [orjson.loads(line) for line in trace.read("trace.trace").splitlines()]
    assert "trace.network" in names
    assert any(name.startswith("screencast/") for name in names)
    assert events[0]["type"] == "context-options"
    assert [each["title"] for each in events if each["type"] == "context-options"] == ["asleep.trace.zip"]
    assert "click" in [each.get("method") for each in events if each["type"] == "before"]
    assert {"frame-snapshot", "screencast-frame"} <= {each["type"] for each in events}
    steps = [
        each["text"] for each in orjson.loads(kept(path, "asleep.timeline.json"))["entries"] if each["lane"] == "steps"
    ]
    assert steps == ["trace start asleep.trace.zip", "click 'Water all'"]


def test_a_trace_ends_with_the_browser_it_is_of_and_is_kept(grove, ask, site, kept):
    path = grove.new("browser")
    ask(path, "open", url=site.url)
    ask(path, "trace", what="start", name="first")
    done = ask(path, "device", name="iPhone 15")

    assert "first.trace.zip ends here: a trace is of one browser, and this one is made anew" in done["changed"]
    assert zipfile.is_zipfile(io.BytesIO(kept(path, "first.trace.zip")))
    with pytest.raises(Conflict, match="Nothing is being traced"):
        ask(path, "trace", what="stop")
