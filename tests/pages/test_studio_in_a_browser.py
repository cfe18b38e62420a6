"""The studio in a real Chromium: SQL, rows, state and files, by pointer and keyboard, without scripts, and by axe."""

import base64
import re

import pytest
from playwright.sync_api import Page, expect

from objects.engine.running import engine
from teams import callers
from teams.access import Role
from teams.models import Team
from tests.pages.browser import complaints_of_axe, entered

PATH = "/studio"
HOME = f"/t/demo/o{PATH}"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><script>top.hacked = 1</script>'
    b'<rect width="40" height="40"/></svg>'
)
PDF = (
    b"%PDF-1.1\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>endobj trailer<</Root 1 0 R>>"
)


@pytest.fixture(scope="module")
def call(site):
    """Call a command of the studio's object as the demo team's owner."""
    team = Team.objects.get(slug="demo")
    owner = team.memberships.filter(role=Role.OWNER).earliest("id").person

    def run(command: str, /, **arguments):
        caller = callers.for_person(owner.pk, "demo")
        outcome = engine().call(team.schema_name, PATH, command, arguments, caller, create="object", confirmed=True)
        if outcome.problem is not None:
            raise outcome.problem
        return outcome.value

    return run


@pytest.fixture(autouse=True)
def plants(call):
    """A table, a view, some state and some files; the same for every test."""
    call("sql", query="drop view if exists tall; drop table if exists plant")
    call("sql", query="create table plant(id integer primary key, name text not null, height real, note text)")
    call(
        "sql", query="insert into plant(name, height) values ('basil', 12.5), ('mint', 30), ('thyme', 30), ('fig', 200)"
    )
    call("sql", query="create view tall as select name from plant where height > 20")
    call("state.set", key="lamp", value={"colour": "red", "levels": [1, 2]})
    for name, content in (
        ("notes/today.txt", b"Water the fig."),
        ("pixel.png", PIXEL),
        ("evil.svg", SVG),
        ("paper.pdf", PDF),
    ):
        call("files.put", name=name, content={"base64": base64.b64encode(content).decode()})


def type_sql(page: Page, text: str) -> None:
    editor = page.locator(".code-editor .cm-content")
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def cells(page: Page, column: int) -> list[str]:
    return page.locator(f"table[data-rows] tbody tr td:nth-child({column})").all_inner_texts()


def test_sql_is_completed_run_explained_and_tried(chromium, site, call):
    with entered(chromium, site) as page:
        page.goto(f"{HOME}:/database")
        type_sql(page, "select name from pla")
        expect(page.locator(".cm-tooltip-autocomplete")).to_contain_text("plant")
        page.keyboard.press("Escape")

        type_sql(page, "select name, height from plant order by id")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#sql-result tbody tr")).to_have_count(4)
        expect(page.locator("#sql-result .bar-chart .bar")).to_have_count(4)

        page.get_by_role("button", name="Explain").click()
        expect(page.locator("#sql-result")).to_contain_text("SCAN plant")

        type_sql(page, "delete from plant where height = 30")
        page.get_by_role("button", name="Dry run").click()
        expect(page.locator("#sql-result")).to_contain_text("delete")
        assert len(call("sql.browse", table="plant")["rows"]) == 4


def test_sql_that_is_wrong_says_where(chromium, site):
    with entered(chromium, site, refused="422") as page:
        page.goto(f"{HOME}:/database")
        type_sql(page, "selec nothing")
        page.locator("[data-run]").click()
        expect(page.locator("#sql-result .refusal")).to_contain_text("syntax error")


def test_a_change_of_many_rows_asks_first(chromium, site, call):
    call("sql", query="with recursive n(i) as (select 10 union all select i + 1 from n where i < 1500)"
                      " insert into plant(id, name) select i, 'seed' from n")  # fmt: skip
    with entered(chromium, site, refused="409") as page:
        page.goto(f"{HOME}:/database")
        type_sql(page, "delete from plant where name = 'seed'")
        page.locator("[data-run]").click()
        expect(page.locator("#sql-result .question")).to_contain_text("Updates or deletes 1,491 rows.")
        assert call("sql.browse", table="plant")["total"] == 1495

        page.get_by_role("button", name=re.compile("^Yes")).click()

        expect(page.locator("#sql-result")).to_contain_text("1491")
        assert call("sql.browse", table="plant")["total"] == 4


def test_a_query_is_saved_and_comes_back(chromium, site, call):
    with entered(chromium, site) as page:
        page.goto(f"{HOME}:/database")
        type_sql(page, "select 42 as answer")
        page.get_by_label("Save as").fill("the answer")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_role("link", name="the answer").click()

        expect(page.locator(".code-editor .cm-content")).to_have_text("select 42 as answer")
        page.get_by_role("button", name="Forget").click()
        expect(page.get_by_role("link", name="the answer")).to_have_count(0)
        assert call("sql.saved") == []


def test_rows_are_sorted_filtered_and_counted_by_facets(chromium, site):
    with entered(chromium, site) as page:
        page.goto(f"{HOME}:/database/plant")
        page.get_by_role("link", name="height", exact=True).click()
        page.get_by_role("link", name=re.compile("^height ↑")).click()
        expect(page.locator("th[aria-sort=descending]")).to_contain_text("height")
        assert cells(page, 2) == ["fig", "mint", "thyme", "basil"]

        page.get_by_role("link", name="facet of height").click()
        page.locator(".facets").get_by_role("link", name="30.0").click()
        expect(page.locator(".chip")).to_contain_text("height is 30.0")
        assert cells(page, 2) == ["mint", "thyme"]

        page.locator(".row-filter").get_by_label("Column").select_option("name")
        page.locator(".row-filter").get_by_label("Test").select_option("starts with")
        page.locator(".row-filter").get_by_label("Value").fill("th")
        page.get_by_role("button", name="Filter").click()
        expect(page.locator(".chip")).to_have_count(2)
        assert cells(page, 2) == ["thyme"]

        page.get_by_role("link", name=re.compile("^Without height")).click()
        expect(page.locator(".chip")).to_have_count(1)
        page.get_by_role("link", name=re.compile("^Without name")).click()
        expect(page.locator(".chip")).to_have_count(0)


def test_a_cell_is_edited_by_keyboard_alone(chromium, site, call):
    with entered(chromium, site, refused="422") as page:
        page.goto(f"{HOME}:/database/plant")
        page.locator("td[data-cell=id]").first.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.keyboard.press("Control+a")
        page.keyboard.type("spearmint")
        page.keyboard.press("Enter")

        expect(page.locator("td[data-cell=name]").nth(1)).to_have_text("spearmint")
        expect(page.locator("td[data-cell=name]").nth(1)).to_be_focused()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.keyboard.press("Control+a")
        page.keyboard.type("31")
        page.keyboard.press("Enter")
        expect(page.locator("td[data-cell=height]").nth(1)).to_have_text("31")
        assert call("sql.row", table="plant", key={"rowid": 2})["values"] == {
            "id": 2, "name": "spearmint", "height": 31.0, "note": None,
        }  # fmt: skip


def test_rows_are_added_edited_and_deleted(chromium, site, call):
    with entered(chromium, site, refused="422") as page:
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(f"{HOME}:/database/plant")
        page.get_by_text("Add a row").click()
        page.locator(".row-form").get_by_label("height").fill("5")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.locator(".row-refusal")).to_contain_text("NOT NULL")
        page.locator(".row-form").get_by_label("name", exact=True).fill("cress")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.locator("td[data-cell=name]").last).to_have_text("cress")

        page.locator("tr", has_text="basil").get_by_role("link", name="Edit").click()
        page.get_by_label("note", exact=True).fill("in the shade")
        expect(page.get_by_role("checkbox").last).not_to_be_checked()
        page.get_by_role("button", name="Save").click()
        expect(page.locator("td[data-cell=note]").first).to_have_text("in the shade")
        assert call("sql.row", table="plant", key={"rowid": 1})["values"]["note"] == "in the shade"

        page.goto(f"{HOME}:/database/plant")
        page.locator("tr", has_text="cress").get_by_role("button", name="Delete").click()
        expect(page.locator("td[data-cell=name]")).to_have_count(4)


def test_a_table_is_made_in_rows_of_inputs(chromium, site, call):
    call("sql", query="drop table if exists herb")
    with entered(chromium, site) as page:
        page.goto(f"{HOME}:/database")
        page.get_by_text("New table").click()
        form = page.locator("#form-sql-create_table")
        form.get_by_label("table", exact=True).fill("herb")
        form.get_by_label("name, row 1").fill("name")
        form.get_by_label("key, row 1").check()
        form.get_by_label("name, row 3").fill("height")
        form.get_by_label("type, row 3").select_option("REAL")
        form.get_by_role("button", name="Another row").click()
        form.get_by_label("name, row 4").fill("note")
        form.get_by_role("button", name="Create table").click()

        expect(page.get_by_role("link", name="herb")).to_be_visible()
        (herb,) = [each for each in call("sql.tables") if each["name"] == "herb"]
        assert herb["columns"] == {"name": "TEXT", "height": "REAL", "note": "TEXT"}
        call("sql", query="drop table herb")


def test_what_changes_in_a_value_is_shown_before_it_is_kept_and_undone_after(chromium, site, call):
    with entered(chromium, site) as page:
        page.goto(f"{HOME}:/state")
        page.get_by_text("object, 2 members").click()
        expect(page.locator("#state")).to_contain_text("colour")
        page.get_by_role("link", name="lamp").click()
        type_sql(page, '{"colour": "blue", "levels": [1, 2]}')
        page.get_by_role("button", name="Show what changes").click()

        expect(page.locator(".difference .minus")).to_contain_text('"colour": "red"')
        expect(page.locator(".difference .plus")).to_contain_text('"colour": "blue"')
        assert call("state.get", key="lamp")["colour"] == "red"
        page.get_by_role("button", name="Keep it").click()
        expect(page.locator(".said")).to_contain_text("lamp kept")
        assert call("state.get", key="lamp")["colour"] == "blue"

        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".said")).to_contain_text("lamp is as it was")
        assert call("state.get", key="lamp") == {"colour": "red", "levels": [1, 2]}


def test_files_are_dropped_shown_and_edited(chromium, site, call):
    with entered(chromium, site, refused="409") as page:
        page.goto(f"{HOME}:/files")
        page.locator("[data-drop-pick]").set_input_files(
            [{"name": "new.txt", "mimeType": "text/plain", "buffer": b"one\ntwo"}]
        )
        expect(page.get_by_role("link", name="new.txt")).to_be_visible()
        page.locator("[data-drop-pick]").set_input_files(
            [{"name": "new.txt", "mimeType": "text/plain", "buffer": b"three"}]
        )
        page.get_by_role("button", name="Replace").click()
        expect(page.locator(".said")).to_contain_text("new.txt is kept")

        page.get_by_role("link", name="new.txt").click()
        expect(page.locator(".cm-content")).to_have_text("three")
        page.locator(".cm-content").click()
        page.keyboard.press("Control+End")
        page.keyboard.type(" four")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".said")).to_contain_text("files put done")
        text = call("files.info", name="new.txt")
        assert text["size"] == len("three four")
        call("files.delete", names=["new.txt"])


def test_pictures_and_papers_are_shown_and_run_nothing(chromium, site):
    with entered(chromium, site) as page:
        for name in ("pixel.png", "evil.svg"):
            page.goto(f"{HOME}:/files/{name}")
            page.wait_for_function("document.querySelector('.preview img').complete")
            assert page.evaluate("document.querySelector('.preview img').naturalWidth") > 0
        page.goto(f"{HOME}:/files/paper.pdf")
        expect(page.locator("iframe.pdf")).to_be_visible()

    context = chromium.new_context(base_url=site)
    page = context.new_page()
    page.goto("/enter/the-key-that-up-prints/")
    page.goto(f"{HOME}:/files/evil.svg?raw")
    assert page.evaluate("window.hacked ?? top.hacked ?? null") is None
    assert page.evaluate("origin") == "null"
    context.close()


def test_the_studio_without_scripts(chromium, site, call):
    with entered(chromium, site, java_script_enabled=False) as page:
        page.goto(f"{HOME}:/database")
        page.locator("#sql-query").fill("select count(*) as rows from plant")
        page.get_by_role("button", name="Run", exact=True).click()
        expect(page.locator(".result td")).to_have_text("4")

        page.goto(f"{HOME}:/database/plant?sort=-height")
        page.locator("tr", has_text="fig").get_by_role("link", name="Edit").click()
        page.get_by_label("height").fill("210")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".notes")).to_contain_text("done")
        assert call("sql.row", table="plant", key={"rowid": 4})["values"]["height"] == 210

        page.goto(f"{HOME}:/state/lamp")
        page.get_by_label("Value of lamp").fill('"off"')
        page.get_by_role("button", name="Show what changes").click()
        page.get_by_role("button", name="Keep it").click()
        assert call("state.get", key="lamp") == "off"

        page.goto(f"{HOME}:/files/notes/today.txt")
        page.get_by_label("today.txt").fill("Done.")
        page.get_by_role("button", name="Save").click()
        assert call("files.info", name="notes/today.txt")["size"] == 5


# What each tab shows at first is looked at in tests/teams/browser: here is what there is beyond.
ADDRESSES = {
    "state": ":/state", "files": ":/files", "database": ":/database",
    "table": ":/database/plant?facet=height&f=height:>:1", "row": ":/database/plant?row=%7B%22rowid%22%3A1%7D",
    "view": ":/database/tall", "folder": ":/files/notes/", "text": ":/files/notes/today.txt",
    "picture": ":/files/pixel.png", "key": ":/state/lamp", "command": ":sql.create_table",
}  # fmt: skip


def test_axe_finds_nothing_in_the_studio_and_none_of_it_is_wider_than_a_phone(chromium, site):
    with entered(chromium, site) as page:
        found, widths = {}, {}
        for name, address in ADDRESSES.items():
            page.set_viewport_size({"width": 1280, "height": 720})
            page.goto(HOME + address)
            page.wait_for_load_state("networkidle")
            page.evaluate("for (const each of document.querySelectorAll('main details')) each.open = true")
            found[name] = complaints_of_axe(page)
            page.set_viewport_size({"width": 360, "height": 740})
            widths[name] = page.evaluate("document.documentElement.scrollWidth")

    assert {name: each for name, each in found.items() if each} == {}
    assert widths == dict.fromkeys(ADDRESSES, 360)


DROP = """([box, names]) => {
    const data = new DataTransfer();
    for (const name of names) data.items.add(new File([`of ${name}`], name, { type: "text/plain" }));
    const options = { dataTransfer: data, bubbles: true, cancelable: true };
    const over = (type) => box.dispatchEvent(new DragEvent(type, options));
    over("dragover");
    const isMarked = box.hasAttribute("data-over");
    over("drop");
    return [isMarked, box.hasAttribute("data-over")];
}"""


def test_files_that_are_dragged_onto_a_folder_are_kept_in_it(chromium, site, call):
    call("files.put", name="letters/old.txt", content="x")
    with entered(chromium, site) as page:
        page.goto(f"{HOME}:/files/letters/")

        marked = page.evaluate(DROP, [page.locator("[data-drop]").element_handle(), ["a.txt", "b.txt"]])

        assert marked == [True, False]
        for name in ("a.txt", "b.txt"):
            expect(page.get_by_role("link", name=name)).to_be_visible()
    assert [each["name"] for each in call("files.list", folder="letters")["files"]] == [
        "letters/a.txt", "letters/b.txt", "letters/old.txt",
    ]  # fmt: skip
    call("files.delete", names=["letters/a.txt", "letters/b.txt", "letters/old.txt"])
