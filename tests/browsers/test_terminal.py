"""The idea's own examples, typed into a terminal at an object of the kind `browser`."""

import pytest

from tests.terminal.sitting import Person

PICTURE = "\x1b]1337;File="


@pytest.fixture
async def sitting(grove, team, hosting):
    made = Person(grove.caller, team.slug, grove.new("browser"))
    yield made
    await made.shell.close()


async def test_the_examples_of_the_idea_do_what_they_say(sitting, site):
    assert "Sign in  http://garden.example/login" in await sitting.types(f"open {site.url}/login")
    assert 'clicked button "Log in"' in await sitting.types('click button[name="login"]')
    assert 'into input "name"' in await sitting.types("click input[name=name]", 'type "username"')
    assert "pressed Enter" in await sitting.types("press Enter")
    assert "saved shot.png" in await sitting.types("save screenshot shot.png")
    assert "records session.webm" in await sitting.types("record session session.webm")
    assert "kept session.webm" in await sitting.types("record stop")

    files = await sitting.types("files list")
    assert [name in files for name in ("shot.png", "image/png", "session.webm", "video/webm")] == [True] * 4


async def test_a_terminal_that_can_shows_a_small_picture_of_the_page(sitting, site):
    sitting.screen.pictures = "iterm"
    sitting.screen.colours = 256
    shown = await sitting.types(f"open {site.url}")
    sitting.screen.pictures = ""

    assert (PICTURE in shown, PICTURE in await sitting.types("reload")) == (True, False)


async def test_words_of_the_shell_keep_their_meaning_in_a_pipe(sitting, site):
    await sitting.types(f"open {site.url}")

    assert await sitting.types("table | save plants.csv; cat plants.csv") == "plant,height\nbasil,12\nmint,30\n"
    assert (await sitting.types("find role button | head -n 1")).split() == [
        *("number", "sort", "text", "state"), "1", "button", "Search"
    ]  # fmt: skip


async def test_a_macro_is_recorded_shown_and_played_where_one_types(sitting, site):
    await sitting.types("record macro search", f"open {site.url}", "fill Name mint", "press Enter")
    assert "kept the macro search, 3 steps" in await sitting.types("record stop")
    shown = await sitting.types("show search")
    assert shown.endswith("open http://garden.example\nfill Name mint\npress Enter\n")

    text = "param plant = mint; param sort".replace("; ", chr(10)) + f"\nopen {site.url}\nfill Name {{plant}} {{sort}}"
    said = await sitting.types(f"compose search '{text}'")
    assert "name search  steps 2" in said, said
    played = await sitting.types("play search --arg plant=basil --arg sort=height")
    assert "done     fill Name {plant} {sort}" in played
    assert "played search, 2 steps" in played
    assert await sitting.types('eval document.querySelector("[name=name]").value') == "basil height\n"

    await sitting.types(f"compose dig 'open {site.url}\nclick Nowhere at all'")
    assert "line 2: click Nowhere at all: Nowhere at all: nothing like that is on the page." in await sitting.types(
        "play dig"
    )


async def test_help_has_the_commands_of_the_browser_in_front(sitting):
    shown = await sitting.types("help")

    assert "  open url" in shown
    assert "  click target" in shown
    assert "browser open" not in shown
