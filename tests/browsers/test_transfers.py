"""Files of 100 MB come from pages and go to pages whole; what is larger than it may be is refused, and not kept."""

import hashlib
import resource
from collections.abc import Iterator
from typing import Any

import pytest

from browsers.demo.site import ADDRESS
from objects.commands.types import Content
from teams.models import Plan, Team
from teams.problems import OverLimit, TooLarge
from tests.browsers.hosting import Hosting
from tests.browsers.test_profile import session

MB = 1 << 20


@pytest.fixture(scope="module", autouse=True)
def real_way(hosting: Hosting) -> Iterator[None]:
    """Have browsers go the real way, to the demo site."""
    hosting.again(real_way=True)
    yield
    hosting.again()


def large(megabytes: int) -> bytes:
    """Give what the demo site's large file holds."""
    return b"".join(f"{number:08}".encode() * (1 << 17) for number in range(megabytes))


def offer(ask: Any, path: str, address: str) -> None:
    """Put a link to a file on the page that is open."""
    ask(path, "open", url=f"{ADDRESS}downloads")
    ask(
        path, "eval",
        script=f"void document.body.prepend(Object.assign(document.createElement('a'),"
        f" {{href: '{address}', textContent: 'Take it', id: 'take'}}))",
    )  # fmt: skip


def test_a_file_of_100_mb_comes_into_the_object_and_goes_to_another_page(grove, ask):
    path = grove.new("browser")
    offer(ask, path, "/downloads/large.bin?mb=100")
    before = peak_bytes()

    told = ask(path, "download", target="#take")
    ask(path, "open", url=f"{ADDRESS}upload")
    ask(path, "upload", field="input[type=file]", files=["100-megabytes.bin"])
    ask(path, "click", target="Send")

    assert told["did"] == f"kept 100-megabytes.bin, {100 * MB:,} bytes"
    expected = hashlib.sha256(large(100)).hexdigest()
    kept = hashlib.sha256()
    for chunk in grove.outcome(path, "files.get", {"name": "100-megabytes.bin"}, check=True).value.chunks():
        kept.update(chunk)
    assert kept.hexdigest() == expected
    assert ask(path, "wait", what="text", value=expected)["did"] == f"saw text {expected}"
    assert peak_bytes() - before < 600 * MB  # measured: 205


def test_one_that_is_too_large_is_stopped_on_its_way_and_nothing_is_kept(grove, ask, hosting: Hosting):
    path = grove.new("browser")
    grove.call(path, "tree.set", name="file.bytes", value=3 * MB)
    offer(ask, path, "/downloads/large.bin?mb=512")

    with pytest.raises(TooLarge, match=r"512-megabytes.bin: a browser downloads files of at most 3,145,728 bytes here"):
        ask(path, "download", target="#take")

    assert grove.call(path, "files.list")["files"] == []
    assert session(hosting, grove, path).door.traffic.received < 256 * MB
    offer(ask, path, "/downloads/large.bin?mb=2")
    assert ask(path, "download", target="#take", name="two.bin")["did"] == f"kept two.bin, {2 * MB:,} bytes"


def test_a_page_is_given_no_file_that_is_larger_than_it_may_be(grove, ask, team: Team):
    path = grove.new("browser")
    grove.call(path, "files.put", name="big.bin", content=Content(bytes(5 * MB)))
    ask(path, "open", url=f"{ADDRESS}upload")
    with_plan(team, browser_file_bytes=4 * MB)

    with pytest.raises(TooLarge, match=r"big.bin: 5,242,880 bytes; a page is given files of at most 4,194,304 here"):
        ask(path, "upload", field="input[type=file]", files=["big.bin"])

    with_plan(team)


def test_a_team_downloads_no_more_in_a_day_than_it_may(grove, ask, team: Team, hosting: Hosting):
    path = grove.new("browser")
    with_plan(team, download_bytes=3 * MB)
    hosting.again(real_way=True)  # it writes down at its end what was used
    before = downloaded(grove)
    if before < 3 * MB:
        offer(ask, path, "/downloads/large.bin?mb=4")
        ask(path, "download", target="#take")
        hosting.again(real_way=True)
        assert downloaded(grove) - before == 4 * MB
    offer(ask, path, "/downloads/large.bin?mb=1")

    with pytest.raises(OverLimit, match=r"bytes today .limit BROWSER_TEAM_DAY_BYTES, or the team's plan."):
        ask(path, "download", target="#take")

    with_plan(team)


def peak_bytes() -> int:
    """Give the most that this process, host and engine and all, has taken so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def with_plan(team: Team, **limits: int) -> None:
    team.plan = Plan.objects.create(name=f"plan {Plan.objects.count()}", **limits) if limits else None
    team.save()


def downloaded(grove) -> int:
    with grove.engine_connection() as asked:
        asked_for = "SELECT coalesce(sum(downloaded_bytes), 0) FROM public.teams_browserday WHERE schema = %s"
        return int(asked.execute(asked_for, (grove.schema,)).fetchone()[0])
