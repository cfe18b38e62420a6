"""Tracked pages: a change is noticed, kept with what it was before, and told; noise is not."""

import asyncio
import io
import time
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from objects import live
from objects.timing import mails
from objects.work import settling
from teams.problems import Conflict, NoSuch, WrongArgument
from tests.browsers.site import Site
from tests.timing.conftest import hands

__all__ = ["hands"]

PRICES = "<title>Prices</title><h1>Prices</h1><p id=mint>Mint {mint}</p><p class=clock>{clock}</p>"
BOX = (
    "<body style='margin:0'><div style='width:200px;height:200px;background:{colour}'></div>"
    "<p class=clock style='position:absolute;left:400px;top:0'>{clock}</p>"
)


@pytest.fixture
def path(grove, site: Site) -> str:
    """An object that tracks a page of prices, and has looked once."""
    site.changing = PRICES.format(mint="2.20", clock="9:30")
    return grove.new()


def outcomes(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["name"], each["outcome"]) for each in found]


def track(grove: Any, path: str, name: str, **options: Any) -> None:
    url = f"{Site.url}/changing"
    grove.outcome(path, "browser.track", {"name": name, "url": url, **options}, check=True)


def test_a_text_is_compared_and_its_change_is_kept_with_what_it_was(grove, path, ask, site):
    track(grove, path, "prices")
    first, second = ask(path, "compare"), ask(path, "compare")
    site.changing = PRICES.format(mint="2.60", clock="9:30")
    third, fourth = ask(path, "compare", names=["prices"]), ask(path, "compare")

    assert [outcomes(each) for each in (first, second, third, fourth)] == [
        [("prices", "first")], [("prices", "same")], [("prices", "changed")], [("prices", "same")]
    ]  # fmt: skip
    (change,) = grove.call(path, "browser.changes", name="prices")
    assert change["diff"] == third[0]["diff"] == " \n-Mint 2.20\n+Mint 2.60\n "
    assert ("Mint 2.20" in change["before"], "Mint 2.60" in change["after"]) == (True, True)
    (line,) = grove.call(path, "browser.tracked")
    assert (line["changed"] is not None, line["problem"]) == (True, "")


def test_only_a_part_counts_and_what_is_to_be_ignored_does_not(grove, path, ask, site):
    track(grove, path, "mint", selector="#mint")
    track(grove, path, "still", ignore=[".clock"])
    track(grove, path, "all")
    ask(path, "compare")
    site.changing = PRICES.format(mint="2.20", clock="9:31")

    assert outcomes(ask(path, "compare")) == [("all", "changed"), ("mint", "same"), ("still", "same")]


def test_a_picture_differs_by_its_dots_and_what_differs_is_a_file(grove, path, ask, site):
    site.changing = BOX.format(colour="green", clock="9:30")
    track(grove, path, "box", what="picture", ignore=[".clock"])
    track(grove, path, "patient", what="picture", ignore=[".clock"], threshold=10)
    ask(path, "compare")
    site.changing = BOX.format(colour="red", clock="9:31")

    assert outcomes(ask(path, "compare")) == [("box", "changed"), ("patient", "same")]
    (change,) = grove.call(path, "browser.changes")
    assert change["share"] == round(200 * 200 / (1280 * 800), 6)
    assert change["diff"] == "3.9 % of it differs"
    file = grove.call(path, "files.get", name=change["file"]).read()
    with Image.open(io.BytesIO(file)) as marked:
        assert (marked.size, marked.getpixel((100, 100)), marked.getpixel((600, 600))) == (
            (1280, 800), (214, 40, 57), (255, 255, 255)
        )  # fmt: skip


def test_what_drifts_slowly_is_noticed_in_the_end(grove, path, ask, site):
    box = "<body style='margin:0'><div style='width:{width}px;height:200px;background:green'></div>"
    site.changing = box.format(width=100)
    track(grove, path, "box", what="picture", threshold=3)
    ask(path, "compare")

    told = []
    for width in (200, 300, 400):  # 2 % more each time
        site.changing = box.format(width=width)
        told += [each["outcome"] for each in ask(path, "compare")]

    assert told == ["same", "changed", "same"]


def test_a_page_that_cannot_be_looked_at_fails_and_the_others_are_compared(grove, path, ask, site):
    track(grove, path, "prices")
    grove.call(path, "browser.track", name="gone", url=f"{site.url}/nothing-here")
    track(grove, path, "odd", selector="#lemon")

    with pytest.raises(Conflict) as failed:
        ask(path, "compare")

    assert failed.value.detail == ("gone: it answered 404 Not Found.\nodd: #lemon: nothing like that is on the page.")
    told = {each["name"]: (each["looked"] is not None, each["problem"]) for each in grove.call(path, "browser.tracked")}
    assert told == {
        "prices": (True, ""),
        "gone": (True, "it answered 404 Not Found."),
        "odd": (True, "#lemon: nothing like that is on the page."),
    }
    site.changing = PRICES.format(mint="3", clock="")
    assert outcomes(ask(path, "compare", names=["prices"])) == [("prices", "changed")]


def test_looking_leaves_the_tabs_as_they_are_and_has_their_cookies(grove, path, ask, site):
    ask(path, "open", url=f"{site.url}/login")
    ask(path, "fill", field="Name", text="ann")
    ask(path, "fill", field="Password", text="green")
    ask(path, "press", key="Enter")
    grove.call(path, "browser.track", name="me", url=f"{site.url}/me")

    ask(path, "compare")

    assert grove.call(path, "browser.seen", name="me")["text"] == "Hello, Ann"
    assert [(each["front"], each["url"]) for each in ask(path, "tabs")] == [(True, f"{site.url}/me")]


# Who is told


def until(is_so: Callable[[], Any]) -> None:
    give_up_at = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def test_no_letter_tells_of_what_was_not_committed(grove, team, path, ask, site, monkeypatch):
    posted: list[mails.Mail] = []
    monkeypatch.setattr(mails, "post", lambda schema, letters: posted.extend(letters))
    track(grove, path, "prices")
    grove.call(path, "browser.alert", name="prices", mail=team.owner.email)
    ask(path, "compare")
    site.changing = PRICES.format(mint="2.60", clock="9:30")
    refusals = [Conflict("the transaction is lost")]
    write = settling.write

    def refusing(*given: Any) -> bool:
        if refusals:
            raise refusals.pop()
        return write(*given)

    monkeypatch.setattr(settling, "write", refusing)
    with pytest.raises(Conflict, match="the transaction is lost"):
        ask(path, "compare")

    assert grove.call(path, "browser.changes") == posted == []
    ask(path, "compare")
    until(lambda: posted)
    assert [letter.subject for letter in posted] == [f"{path}: prices changed"]


def test_a_change_is_told_to_an_object_and_to_a_member_once(
    grove, team, path, ask, site, hands, monkeypatch, mailoutbox
):
    posted: list[mails.Mail] = []
    monkeypatch.setattr(mails, "post", lambda schema, letters: posted.extend(letters))  # the broker alone is left out
    ear = grove.new()
    track(grove, path, "prices")
    grove.call(path, "browser.alert", name="prices", to=ear, mail=team.owner.email)
    ask(path, "compare")
    site.changing = PRICES.format(mint="2.60", clock="9:30")
    ask(path, "compare")
    until(lambda: posted)  # once what it tells of is committed
    ask(path, "compare")
    hands.until_quiet()

    (alert,) = [each["body"] for each in grove.call(ear, "queue.receive", count=10)]
    assert (alert["object"], alert["page"], alert["occasion"], "+Mint 2.60" in alert["diff"]) == (
        path, "prices", "changed", True
    )  # fmt: skip
    (letter,) = posted
    mails.send(grove.schema, *letter)
    assert (mailoutbox[0].to, mailoutbox[0].subject) == ([team.owner.email], f"{path}: prices changed")
    assert "-Mint 2.20" in mailoutbox[0].body


async def test_a_change_is_an_event_of_the_object(grove, path, ask, site):
    track(grove, path, "prices")
    await asyncio.to_thread(ask, path, "compare")
    listening = live.Listener(grove.schema, path)
    site.changing = PRICES.format(mint="2.60", clock="9:30")
    await asyncio.to_thread(ask, path, "compare")

    told: list[Any] = []
    while not (told := [*told, *(each.data for each in await listening.next(20) if each.topic == "browser")]):
        pass
    listening.close()
    assert (told[0]["tracked"], "+Mint 2.60" in told[0]["diff"]) == ("prices", True)


def test_a_webhook_is_told_with_a_signature_of_its_own(grove, path, ask, site):
    track(grove, path, "prices")
    given = {"name": "prices", "hook": "http://hook.example/told"}
    said = grove.outcome(path, "browser.alert", given, check=True).value
    ask(path, "compare")
    site.changing = PRICES.format(mint="2.60", clock="9:30")
    ask(path, "compare")

    assert said["secret"].startswith("whsec_")
    (task,) = grove.outcome(path, "task.list", {"command": "http.hook"}).value
    assert grove.call(path, "task.show", task=task["task"])["arguments"]["url"] == "http://hook.example/told"


def test_who_is_told_has_to_be_somebody_and_of_the_team(grove, path):
    track(grove, path, "prices")

    with pytest.raises(WrongArgument, match=r"who shall be told\? An object"):
        grove.call(path, "browser.alert", name="prices")
    with pytest.raises(WrongArgument, match=r"bob@example.net is no member of this team"):
        grove.call(path, "browser.alert", name="prices", mail="bob@example.net")
    with pytest.raises(NoSuch, match="price: no page is tracked under this name"):
        grove.call(path, "browser.alert", name="price", to="/")


def test_a_copy_tells_nobody_until_somebody_says_whom(grove, path, ask, site):
    ear = grove.new()
    track(grove, path, "prices")
    grove.call(path, "browser.alert", name="prices", to=ear)
    ask(path, "compare")
    copy = f"{grove.home}/copied"
    grove.call(path, "tree.copy", to=copy)
    site.changing = PRICES.format(mint="2.60", clock="9:30")

    ask(copy, "compare")

    (line,) = grove.call(copy, "browser.tracked")
    assert line["problem"].startswith("nobody is told: who is to be came with a copy or a file from elsewhere.")
    assert grove.call(copy, "queue.depth")["waiting"] == 0
    assert [each["name"] for each in grove.call(copy, "browser.changes")] == ["prices"]
