"""Macros: what is done to a browser again and again is a text, recorded by doing, and played with other values."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import pytest

from objects.commands.types import Content
from objects.work.context import problem_of
from teams.problems import Conflict, NoSuch, OutOfTime, WrongArgument
from tests.browsers.hosting import Hosting

SIGN_IN = """
# Sign in, whoever it is.
param user = ann
secret password

open http://garden.example/login
fill Name {user}
fill Password {password}
press Enter
expect url /me
expect text Hello, Ann
"""


@pytest.fixture
def path(grove) -> str:
    """An object with a browser that nobody has used yet."""
    return grove.new("browser")


def outcomes(played: dict[str, Any]) -> list[tuple[int, str]]:
    return [(step["line"], step["outcome"]) for step in played["steps"]]


# The text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("clik Buy", "line 1: 'clik' is no command of the browser and no word of macros. Did you mean 'click'?"),
        ("open http://a.example\nclick", "line 2: click: target is needed:"),
        ("open http://a.example\nfill Name {who}", "line 2: {who}: there is no such parameter. Write `param who` at"),
        ("secret word = green\nopen http://a.example", "line 1: a secret has no default, which all could read here."),
        ("open http://a.example\nparam late = 1", "line 2: `param` comes before the first command"),
        ("each sql select 1\nopen http://a.example", "line 1: is not ended. Write `end` on a line of its own"),
        ("each morning\nopen http://a.example\nend", "line 1: `each` takes rows of SQL, of a file, or those given."),
        ("keep click Buy into shop", "line 1: keeps what one of these tells: table, links,"),
        ("keep table into _macro", "line 1: '_macro' is no name of a table."),
        ("open http://a.example\nclick 'Buy", "line 2: column 7: the quote ' is not closed."),
        ("viewport wide", "line 1: viewport: width 'wide' is not a whole number"),
        ("play visit", "line 1: 'play' is no command of the browser and no word of macros."),
        ("# only this", "line 1: nothing is done. Write a command, such as `open http://demo.localhost/`."),
    ],
)
def test_a_wrong_line_is_named_and_what_to_write(grove, path, text: str, told: str):
    with pytest.raises(WrongArgument) as refused:
        grove.call(path, "browser.compose", name="wrong", text=text)

    assert told in refused.value.detail
    assert grove.call(path, "browser.macros") == []


def test_all_wrong_lines_are_told_at_once(grove, path):
    with pytest.raises(WrongArgument, match=r"line 1: .*\nline 3: .*") as refused:
        grove.call(path, "browser.compose", name="wrong", text="clik a\nopen http://a.example\npres b")

    assert refused.value.extra["line"] == 1


def test_macros_are_written_shown_changed_and_forgotten(grove, path):
    grove.call(path, "browser.compose", name="sign in", text=SIGN_IN)
    shown = grove.call(path, "browser.show", name="sign in")
    grove.call(path, "browser.compose", name="sign in", text="open http://garden.example/")

    assert shown["text"] == SIGN_IN
    assert shown["parameters"] == [
        {"name": "user", "default": "ann", "secret": False, "kept": False},
        {"name": "password", "default": None, "secret": True, "kept": False},
    ]
    assert [(each["name"], each["steps"]) for each in grove.call(path, "browser.macros")] == [("sign in", 1)]
    assert grove.call(path, "browser.forget", names=["sign in"]) == 1
    with pytest.raises(NoSuch, match="sign in: no such macro"):
        grove.call(path, "browser.show", name="sign in")


# Playing


def test_a_macro_is_played_with_values_and_secrets_are_shown_nowhere(grove, path, ask, site):
    grove.call(path, "browser.compose", name="sign in", text=SIGN_IN)

    played = ask(path, "play", name="sign in", secret={"password": "green"})

    assert (played["outcome"], played["line"], played["run"]) == ("done", None, 1)
    assert outcomes(played) == [(each, "done") for each in range(6, 12)]
    assert played["picture"].startswith("data:image/jpeg")
    (play,) = grove.call(path, "browser.plays", name="sign in")
    assert play["arguments"] == {"user": "ann", "password": "•••"}
    told = [grove.call(path, "task.list"), grove.call(path, "task.show"), grove.call(path, "task.output"), play]
    assert "green" not in str(told)


def test_a_failed_step_ends_it_with_its_line_its_reason_and_a_picture(grove, path, ask, site):
    text = "open http://garden.example/\nclick Water all\nexpect title Bare --seconds 0\nclick Dig up"
    text = text.replace("expect title Bare --seconds 0", "expect --seconds=0 title Bare")
    grove.call(path, "browser.compose", name="dig", text=text)

    with pytest.raises(Conflict) as failed:
        ask(path, "play", name="dig")

    problem = failed.value
    assert problem.detail == (
        "line 3: expect --seconds=0 title Bare: expected title Bare: it is not there after 0 s. It is 'Watered'."
    )
    assert [(each["line"], each["outcome"]) for each in problem.extra["steps"]] == [
        (1, "done"), (2, "done"), (3, "failed")
    ]  # fmt: skip
    assert problem.extra["line"] == 3
    assert problem.extra["picture"].startswith("data:image/jpeg")
    (play,) = grove.call(path, "browser.plays", name="dig")
    assert (play["outcome"], play["line"], len(play["steps"])) == ("failed", 3, 3)


def test_what_a_step_has_saved_is_there_though_a_later_one_failed(grove, path, ask, site):
    text = "open http://garden.example/\nsave screenshot shot.png\nexpect --seconds=0 title Bare"
    grove.call(path, "browser.compose", name="shoot", text=text)

    with pytest.raises(Conflict, match="line 3"):
        ask(path, "play", name="shoot")

    assert [each["name"] for each in grove.call(path, "files.list")["files"]] == ["shot.png"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "password: has no value. Give one: --secret password=…"),
        ({"arg": {"password": "green"}}, "password: is secret. Give it as --secret password=…"),
        ({"arg": {"usr": "ann"}}, "usr: is no parameter of this macro. Did you mean 'user'?"),
    ],
)
def test_values_that_do_not_fit_are_refused_before_anything_is_done(grove, path, ask, site, given, told):
    grove.call(path, "browser.compose", name="sign in", text=SIGN_IN)
    site.asked.clear()

    with pytest.raises(WrongArgument) as refused:
        ask(path, "play", name="sign in", **given)

    assert told in refused.value.detail
    assert site.asked == []


def test_a_value_is_never_read_as_words_or_flags(grove, path, ask, site):
    grove.call(path, "browser.compose", name="name", text="param name\nopen http://garden.example/\nfill Name {name}")

    for value in ("--off 'Ann\" {name}", "a, b", "[1"):
        ask(path, "play", name="name", arg={"name": value})
        assert ask(path, "eval", script="document.querySelector('[name=name]').value") == value


def test_a_check_tells_what_would_be_done_and_touches_no_page(grove, path, ask, site):
    grove.call(path, "browser.compose", name="sign in", text=SIGN_IN)
    site.asked.clear()

    told = ask(path, "play", name="sign in", secret={"password": "green"}, arg={"user": "bob"}, check=True)

    assert (told["outcome"], site.asked, "green" in str(told)) == ("would", [], False)
    assert [step["said"] for step in told["steps"]] == ["", "fill Name bob", "fill Password •••", "", "", ""]
    assert grove.call(path, "browser.plays", name="sign in") == []


def test_each_step_is_told_as_it_happens_and_a_play_can_be_cancelled(grove, path, ask, site):
    text = "open http://garden.example/\nwait time 50\nclick Water all"
    grove.call(path, "browser.compose", name="slow", text=text)

    task = grove.call(path, "browser.play", name="slow")["task"]
    pause = threading.Event()
    while "done     open http://garden.example/" not in grove.call(path, "task.output", task=task):
        pause.wait(0.05)
    grove.call(path, "task.cancel", task=task)
    while grove.call(path, "task.show", task=task)["state"] != "cancelled" or not grove.call(
        path, "browser.plays", name="slow"
    ):
        pause.wait(0.05)

    (play,) = grove.call(path, "browser.plays", name="slow")
    assert (play["outcome"], [each["line"] for each in play["steps"]]) == ("cancelled", [1])


def test_a_play_ends_at_its_limit_and_says_at_which_line(grove, path, ask, site):
    grove.call(path, "browser.compose", name="slow", text="open http://garden.example/\nwait time 50")

    with pytest.raises(OutOfTime, match=r"line 2: wait time 50: the play took 1 s, which is its limit \(--seconds\)"):
        ask(path, "play", name="slow", seconds=1)


def test_a_play_has_a_most_of_steps(grove, path, ask, site, hosting: Hosting):
    hosting.again(BROWSER_PLAY_STEPS=3)
    grove.call(path, "browser.compose", name="many", text="each rows\n  scroll {by}\nend")
    ask(path, "open", url=site.url)

    with pytest.raises(Conflict, match=r"line 2 \(row 4 of 9\): scroll \{by\}: a play has at most 3 steps"):
        ask(path, "play", name="many", rows=[{"by": 10}] * 9)
    hosting.again()


# Rows in and out


def test_loops_go_over_rows_of_sql_of_files_and_of_what_is_given(grove, path, ask, site):
    grove.call(path, "sql", query="create table site(page text, town text)")
    grove.call(path, "sql", query="insert into site values ('plants', 'Oslo'), ('empty', 'Oslo'), ('login', 'Rome')")
    grove.call(path, "files.put", name="pages.csv", content=Content(b"Page name,n\nplants,1\nlogin,2\n"))
    text = """
    param town = Oslo
    each sql select page from site where town = :town order by page
      open http://garden.example/{page}
    end
    each file pages.csv
      open http://garden.example/{page_name}?{n}
      each rows
        fill Name {who}
      end
    end
    """.replace("fill Name {who}", "expect url {n}")
    grove.call(path, "browser.compose", name="rounds", text=text)
    site.asked.clear()

    played = ask(path, "play", name="rounds", rows=[{"who": "ann"}])

    assert site.asked == ["GET /empty", "GET /plants", "GET /plants", "GET /login"]
    assert [(step["line"], step["row"]) for step in played["steps"]] == [
        (4, "row 1 of 2"), (4, "row 2 of 2"), (7, "row 1 of 2"), (9, "row 1 of 2, row 1 of 1"), (7, "row 2 of 2"),
        (9, "row 2 of 2, row 1 of 1"),
    ]  # fmt: skip


def test_what_is_kept_lands_in_tables_under_the_run_and_the_moment(grove, path, ask, site):
    text = """
    open http://garden.example/
    keep table into plant
    keep links into link
    keep text h1
    """
    grove.call(path, "browser.compose", name="survey", text=text)

    first, second = ask(path, "play", name="survey"), ask(path, "play", name="survey")

    assert (first["run"], second["run"]) == (1, 2)
    assert [(each["table"], each["columns"], each["rows"]) for each in first["kept"]] == [
        ("plant", ["plant", "height"], [["basil", 12], ["mint", 30]]),
        ("link", ["text", "url"], [["Plants", f"{site.url}/plants"], ["All plants", f"{site.url}/plants.csv"]]),
        ("", ["text"], [["Garden"]]),
    ]
    rows = grove.call(path, "sql.query", query="select run, plant, height, at like '20__-%Z' from plant order by run")
    assert rows["rows"] == [[1, "basil", 12, 1], [1, "mint", 30, 1], [2, "basil", 12, 1], [2, "mint", 30, 1]]


def test_a_table_that_is_there_gets_the_columns_that_it_lacks(grove, path, ask, site):
    grove.call(path, "sql", query="create table plant(plant text, note text)")
    grove.call(path, "browser.compose", name="survey", text="open http://garden.example/\nkeep table into Plant")

    ask(path, "play", name="survey")

    answer = grove.call(path, "sql.query", query="select * from plant where plant = 'mint'")
    assert (answer["columns"], answer["rows"][0][0], answer["rows"][0][4]) == (
        ["plant", "note", "run", "at", "height"], "mint", 30
    )  # fmt: skip


# Recording by doing


def test_what_is_done_meanwhile_becomes_a_macro_that_can_be_played(grove, path, ask, site):
    ask(path, "record", what="macro", name="search")
    ask(path, "open", url=f"{site.url}/")
    look = ask(path, "look")
    number = next(each["number"] for each in look if each["text"] == "Water all")
    ask(path, "click", target=str(number))
    ask(path, "fill", field="Name", text="lemon {tree}")
    ask(path, "check", target="Likes water")
    assert ask(path, "record", what="stop")["did"] == "kept the macro search, 4 steps"

    shown = grove.call(path, "browser.show", name="search")
    assert shown["text"].splitlines()[2:] == [
        "open http://garden.example/", "click Water all", "fill Name lemon {{tree}}", "check Likes water"
    ]  # fmt: skip
    assert [(each["title"], each["did"]) for each in shown["recorded"]][1] == ("Watered", 'clicked button "Water all"')
    played = ask(path, "play", name="search")
    assert (played["outcome"], [each["outcome"] for each in played["steps"]]) == ("done", ["done"] * 4)
    assert ask(path, "eval", script="document.querySelector('[name=name]').value") == "lemon {tree}"


def test_a_recording_begins_with_the_page_that_is_open_and_outlives_the_host(grove, path, ask, site, hosting: Hosting):
    ask(path, "open", url=f"{site.url}/plants")
    ask(path, "record", what="macro", name="tour")
    hosting.again()
    ask(path, "open", url=f"{site.url}/empty")
    ask(path, "record", what="stop")

    assert grove.call(path, "browser.show", name="tour")["text"].splitlines()[2:] == [
        "open http://garden.example/plants", "open http://garden.example/empty"
    ]  # fmt: skip


def test_what_a_driver_does_by_hand_becomes_lines_too(grove, path, ask, site, hosting: Hosting):
    ask(path, "open", url=f"{site.url}/login")
    ask(path, "record", what="macro", name="by hand")
    session = hosting.host.sessions.find(grove.schema, grove.id(path))

    async def by_hand() -> None:
        page = session.tabs[session.front].page
        for do in (
            page.mouse.click(*await middle(page, "[name=name]")),
            page.keyboard.insert_text("ann"),
            page.mouse.click(*await middle(page, "[name=password]")),
            page.keyboard.insert_text("green"),
            page.mouse.click(*await middle(page, "[name=login]")),
        ):
            session.doings.driven()
            await do
        await page.wait_for_url("**/me")

    asyncio.run_coroutine_threadsafe(by_hand(), hosting.host.loop).result(30)
    pause = threading.Event()
    while not session.driven or not session.driven[-1]["url"]:
        pause.wait(0.02)
    ask(path, "wait", what="text", value="Hello, Ann")
    ask(path, "record", what="stop")

    shown = grove.call(path, "browser.show", name="by hand")
    assert [line for line in shown["text"].splitlines()[1:] if line] == [
        "secret password", "open http://garden.example/login", "click Name", "fill Name ann", "click Password",
        "fill Password {password}", "click Log in", "wait text Hello, Ann",
    ]  # fmt: skip
    assert ("green" in str(shown), shown["recorded"][5]["url"]) == (False, f"{site.url}/me")
    ask(path, "reset")
    assert ask(path, "play", name="by hand", secret={"password": "green"})["outcome"] == "done"


async def middle(page: Any, selector: str) -> tuple[float, float]:
    box = await page.locator(selector).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_passwords_become_secret_parameters(grove, path, ask, site):
    ask(path, "record", what="macro", name="sign in")
    ask(path, "open", url=f"{site.url}/login")
    ask(path, "fill", field="Name", text="ann")
    ask(path, "fill", field="Password", text="green")
    ask(path, "click", target="Password")
    ask(path, "type", text="leaf")
    ask(path, "record", what="stop")

    shown = grove.call(path, "browser.show", name="sign in")
    assert shown["text"].splitlines()[1:] == [
        "secret password", "", "open http://garden.example/login", "fill Name ann", "fill Password {password}",
        "click Password", "type {password}",
    ]  # fmt: skip
    assert ("green" in str(shown), "leaf" in str(shown)) == (False, False)


def test_what_differs_from_the_recording_is_told_and_the_play_goes_on(grove, path, ask, site):
    ask(path, "record", what="macro", name="water")
    ask(path, "open", url=f"{site.url}/")
    ask(path, "click", target="Water all")
    ask(path, "record", what="stop")
    text = grove.call(path, "browser.show", name="water")["text"].replace("click Water all", "click Dig up")
    grove.call(path, "browser.compose", name="water", text=text + "scroll top\n")

    played = ask(path, "play", name="water")

    assert (played["outcome"], played["line"]) == ("differs", 4)
    assert outcomes(played) == [(3, "done"), (4, "differs"), (5, "done")]
    assert played["steps"][1]["said"] == "the title is 'Spared', not 'Watered'"


def test_it_can_be_played_at_the_pace_at_which_it_was_recorded(grove, path, ask, site):
    ask(path, "record", what="macro", name="slowly")
    ask(path, "open", url=f"{site.url}/")
    ask(path, "wait", what="time", value="1")
    ask(path, "click", target="Water all")
    ask(path, "record", what="stop")
    text = grove.call(path, "browser.show", name="slowly")["text"].replace("wait time 1\n", "")
    grove.call(path, "browser.compose", name="slowly", text=text)
    paused = [each["after"] for each in grove.call(path, "browser.show", name="slowly")["recorded"]]

    played = ask(path, "play", name="slowly", speed="recorded")

    assert (paused[1] >= 1, played["outcome"]) == (True, "done")
    assert played["took"] >= paused[0] + paused[2]  # never less; how much more is the machine's


def test_nothing_is_played_while_a_macro_is_recorded(grove, path, ask, site):
    grove.call(path, "browser.compose", name="visit", text="open http://garden.example/")
    ask(path, "record", what="macro", name="tour")

    with pytest.raises(Conflict, match="tour is being recorded"):
        ask(path, "play", name="visit")
    with pytest.raises(Conflict, match="The macro tour is being recorded"):
        ask(path, "record", what="macro", name="other")


# Where they go


def test_macros_go_where_their_object_goes(grove, path, ask, site):
    grove.call(path, "browser.compose", name="sign in", text=SIGN_IN)
    copy, moved = f"{grove.home}/copied", f"{grove.home}/moved"

    grove.call(path, "tree.copy", to=copy)
    grove.call(path, "tree.move", to=moved)
    file = grove.call(moved, "export").read()
    grove.call(grove.home, "import", content=Content(file), kind="browser", **{"as": "imported"})

    texts = {grove.call(each, "browser.show", name="sign in")["text"] for each in (
        copy, moved, f"{grove.home}/imported"
    )}  # fmt: skip
    assert texts == {SIGN_IN}
    assert ask(copy, "play", name="sign in", secret={"password": "green"})["outcome"] == "done"


def test_a_schedule_plays_a_macro_and_its_rows_land_in_the_table(grove, path, ask, site):
    grove.call(path, "browser.compose", name="survey", text="open http://garden.example/\nkeep table into plant")
    schedule = {"name": "daily", "spec": "@daily", "command": "browser.play survey --seconds 60"}

    added = grove.outcome(path, "cron.add", schedule, check=True).value

    grove.call(path, "cron.run", name="daily")

    pause: Callable[[float], Any] = threading.Event().wait
    while not (plays := grove.call(path, "browser.plays", name="survey")):
        pause(0.05)
    assert added["command"] == "browser play name=survey seconds=60"
    assert plays[0]["outcome"] == "done"
    assert grove.call(path, "sql.query", query="select count(*) from plant")["rows"] == [[2]]


def test_the_answer_of_a_play_has_the_rows_for_whoever_drives_it(grove, path, site):
    grove.call(path, "browser.compose", name="survey", text="open http://garden.example/\nkeep table")

    task = grove.call(path, "browser.play", name="survey")["task"]
    pause: Callable[[float], Any] = threading.Event().wait
    while (shown := grove.call(path, "task.show", task=task))["state"] not in ("done", "failed"):
        pause(0.05)

    assert shown["problem"] is None, problem_of(shown["problem"]).detail
    assert shown["value"]["kept"][0]["rows"] == [["basil", 12], ["mint", 30]]


def test_what_a_file_from_elsewhere_claims_to_have_recorded_hurts_nobody(grove, path, ask, site, tmp_path):
    ask(path, "open", url=f"{site.url}/")
    ask(path, "record", what="macro", name="tour")
    ask(path, "click", target="Water all")
    file = tmp_path / "forged.sqlite"
    file.write_bytes(grove.call(path, "export").read())
    with sqlite3.connect(file) as forged:
        for step in (
            '{"command": "browser.reset"}',
            '{"command": 7}',
            '{"command": "sql", "arguments": {"query": "x"}}',
        ):
            forged.execute("INSERT INTO _recorded (step) VALUES (?)", (step,))
    forged.close()
    content = Content(file.read_bytes())
    grove.call(grove.home, "import", content=content, kind="browser", **{"as": "forged"})

    ask(f"{grove.home}/forged", "record", what="stop")

    text = grove.call(f"{grove.home}/forged", "browser.show", name="tour")["text"]
    assert text.splitlines()[2:] == ["open http://garden.example/", "click Water all"]
