"""What a page does without end is cut and told, and the browsers beside it go on."""

from collections.abc import Callable

import pytest

from teams.problems import OutOfTime, Problem
from tests.browsers.hosting import Hosting
from tests.browsers.test_profile import session, wait_for

HUNGRY = """void setTimeout(() => {
  window.all = []
  setInterval(() => all.push(new Uint8Array(1 << 26).fill(7)), 5)
}, 500)"""


@pytest.fixture
def beside(grove, ask, site) -> Callable[[], None]:
    """Have another browser at work; gives what asserts that it still is, at once."""
    path = grove.new("browser")
    ask(path, "open", url=f"{site.url}/")
    ask(path, "eval", script="void (window.kept = 1)")

    def is_unhurt() -> None:
        assert ask(path, "eval", script="window.kept") == 1
        assert ask(path, "click", target="Water all")["title"] == "Watered"

    return is_unhurt


def test_a_page_that_loops_while_it_loads_is_cut_and_another_can_be_opened(grove, ask, site, hosting):
    hosting.again(BROWSER_LOAD_S=2)
    path = grove.new("browser")

    with pytest.raises(OutOfTime, match="The page did not answer any more and was closed"):
        ask(path, "open", url=f"{site.url}/spins")

    assert ask(path, "open", url=f"{site.url}/plants")["title"] == "Plants"
    hosting.again()


def test_a_page_that_loops_while_nobody_asks_is_cut_and_the_next_command_tells(grove, ask, site, hosting):
    hosting.again(BROWSER_STUCK_S=0.5, BROWSER_SCRIPT_S=2)
    path, other = grove.new("browser"), grove.new("browser")
    ask(other, "open", url=f"{site.url}/")
    site.goes_on.clear()
    ask(path, "open", url=f"{site.url}/later")
    site.goes_on.set()  # now it loops
    awake = session(hosting, grove, path)
    wait_for(lambda: awake.tabs[0].page is None)

    told = ask(path, "open", url=f"{site.url}/plants")

    assert any(
        each.startswith("the page http://garden.example/later did not answer for 0.5 s") for each in told["changed"]
    )
    assert ask(other, "click", target="Water all")["title"] == "Watered"
    hosting.again()


@pytest.mark.parametrize(
    ("button", "why"),
    [
        ("Tabs", "opened tabs beyond 5 (limit BROWSER_TABS)"),
        ("Popups", "opened tabs beyond 5 (limit BROWSER_TABS)"),
        ("Dialogs", "asked more than 10 dialogs (limit BROWSER_DIALOGS)"),
        ("Downloads", "began more than 5 downloads (limit BROWSER_DOWNLOADS)"),
    ],
)
def test_a_thousand_of_anything_is_cut_and_told(
    grove, ask, site, hosting: Hosting, limited: None, beside: Callable[[], None], button: str, why: str
):
    path = grove.new("browser")
    ask(path, "open", url=f"{site.url}/floods")

    awake = session(hosting, grove, path)
    told: list[str] = []
    try:
        told += ask(path, "click", target=button)["changed"]
    except Problem as problem:
        told.append(problem.detail)
    told.append(grove.call(path, "task.output"))  # here what came while the command ended
    wait_for(lambda: any(why in each for each in (*told, *awake.unasked._cuts)))  # what follows ends it
    if not any(why in each for each in told):
        told += ask(path, "open", url=f"{site.url}/plants", new=False)["changed"]
    assert any(why in each for each in told)

    beside()
    wait_for(lambda: len(awake.context.pages) <= 6)
    assert len(ask(path, "tabs")) <= 5


@pytest.fixture
def limited(hosting: Hosting) -> None:
    if hosting.host.limits.BROWSER_DOWNLOADS != 5:
        hosting.again(BROWSER_TABS=5, BROWSER_DIALOGS=10, BROWSER_DOWNLOADS=5)


def test_a_page_that_takes_memory_without_end_is_ended_and_told(grove, ask, site, hosting: Hosting):
    hosting.again(BROWSER_PAGE_BYTES=300 << 20)
    path, other = grove.new("browser"), grove.new("browser")
    ask(other, "open", url=f"{site.url}/")
    ask(path, "open", url=f"{site.url}/empty")
    ask(path, "eval", script=HUNGRY)
    awake = session(hosting, grove, path)
    wait_for(lambda: all(each.page is None for each in awake.tabs))

    told = ask(path, "open", url=f"{site.url}/plants")

    assert "took more than 314,572,800 bytes (limit BROWSER_PAGE_BYTES)" in " ".join(told["changed"])
    assert ask(other, "text", target="h1") == "Garden"
    hosting.again()


def test_the_largest_page_of_a_team_is_closed_where_all_take_too_much(grove, ask, site, hosting: Hosting):
    hosting.again(BROWSER_TEAM_BYTES=120 << 20)
    path, other = grove.new("browser"), grove.new("browser")
    ask(other, "open", url=f"{site.url}/")
    ask(path, "open", url=f"{site.url}/empty")
    ask(path, "eval", script="void (window.much = [1, 2, 3, 4].map(() => new Uint8Array(1 << 26).fill(7)))")
    awake = session(hosting, grove, path)
    wait_for(lambda: awake.tabs[0].page is None)

    told = ask(path, "open", url=f"{site.url}/plants")

    assert "the largest of the team's pages" in " ".join(told["changed"])
    assert ask(other, "eval", script="document.title") == "Garden"
    hosting.again()
