"""The explorer in a real Chromium: by keyboard alone, by pointer, without scripts, on a phone."""

import re

from playwright.sync_api import Page, expect

from tests.pages.browser import complaints_of_axe, entered


def made(page: Page, *paths: str) -> None:
    """Make objects through the form."""
    for path in paths:
        page.goto("/t/demo/new/")
        page.get_by_label("path", exact=True).fill(path)
        page.get_by_role("button", name="Create").click()
        expect(page).to_have_url(re.compile(f"/t/demo/o{path}$"))


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.innerText.trim()"))


def tree(page: Page) -> list[str]:
    return page.locator("#outline .row-name > span").all_inner_texts()


def test_the_tree_is_walked_opened_and_closed_by_keyboard_alone(chromium, site):
    with entered(chromium, site) as page:
        page.goto("/t/demo/")
        page.get_by_role("treeitem", name="lab").focus()

        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("treeitem", name="counter")).to_be_visible()
        page.keyboard.press("ArrowRight")
        inside = focused(page)
        page.keyboard.press("End")
        end = focused(page)
        page.keyboard.press("Home")
        page.keyboard.type("sh")  # type-ahead
        ahead = focused(page)
        page.get_by_role("treeitem", name="counter").focus()
        page.keyboard.press("ArrowLeft")
        out = focused(page)
        page.keyboard.press("ArrowLeft")
        expect(page.get_by_role("treeitem", name="counter")).to_have_count(0)

        assert (inside, end.split("\n")[0], ahead.split("\n")[0], out.split("\n")[0]) == (
            "browser", "welcome", "shop", "lab",
        )  # fmt: skip
        assert page.get_by_role("treeitem", name="lab").get_attribute("aria-expanded") == "false"
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{site}/t/demo/o/lab")


def test_an_open_folder_is_open_on_the_next_page_before_any_script_runs(chromium, site):
    with entered(chromium, site) as page:
        page.goto("/t/demo/")
        with page.expect_response("**/opened/"):
            page.get_by_role("treeitem", name="shop").press("ArrowRight")
        expect(page.get_by_role("treeitem", name="prices")).to_be_visible()

    with entered(chromium, site, java_script_enabled=False) as page:
        assert "prices" in tree(page)


def test_slash_finds_objects_as_one_types_and_down_goes_to_them(chromium, site):
    with entered(chromium, site) as page:
        page.goto("/t/demo/")
        page.keyboard.press("/")
        page.keyboard.type("b/gard")
        expect(page.locator("#outline .row-name")).to_have_text(["/lab/garden"])

        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")

        expect(page).to_have_url(f"{site}/t/demo/o/lab/garden")


def test_the_palette_goes_to_an_object_and_to_a_page(chromium, site):
    with entered(chromium, site) as page:
        page.goto("/t/demo/")
        page.keyboard.press("Control+k")
        page.keyboard.type("prices")
        expect(page.get_by_role("option", name="/shop/prices")).to_have_attribute("aria-selected", "true")
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{site}/t/demo/o/shop/prices")

        page.keyboard.press("Control+k")
        page.keyboard.type("trash")
        page.get_by_role("option", name="Trash Restore").click()
        expect(page).to_have_url(f"{site}/t/demo/trash/")


def test_the_palette_runs_a_command_with_what_was_typed(chromium, site):
    with entered(chromium, site) as page:
        made(page, "/palette-run")
        page.keyboard.press("Control+k")
        page.keyboard.type("state set colour green")
        expect(page.get_by_role("option").first).to_contain_text("state set colour green")
        page.keyboard.press("Enter")
        expect(page.locator("#palette").get_by_label("key", exact=True)).to_have_value("colour")

        page.keyboard.press("Enter")
        expect(page.locator("#palette .result")).to_contain_text("Done")
        page.keyboard.press("Escape")
        expect(page.locator("#palette-found")).to_be_visible()
        page.locator("#palette input[type=search]").fill("state get colour")
        expect(page.get_by_role("option").first).to_contain_text("state get colour")
        page.keyboard.press("Enter")

        expect(page.locator("#palette .result")).to_contain_text("green")
        expect(page.locator("#panel dd")).to_have_text(["green"])


def test_objects_are_chosen_and_deleted_by_keyboard_and_come_back(chromium, site):
    with entered(chromium, site) as page:
        made(page, "/chosen/a", "/chosen/b/deep", "/chosen/c")
        page.goto("/t/demo/objects/?at=/chosen")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("x")
        page.keyboard.press("Shift+ArrowDown")
        expect(page.locator("[data-bulk]")).to_contain_text("2 chosen")
        page.keyboard.press("Delete")

        expect(page.locator("#dialog h2")).to_contain_text("Put 3 objects into the trash?")
        page.keyboard.press("Enter")
        expect(page.locator("#dialog h2")).to_have_text("3 objects put into the trash")
        expect(page.locator("[data-objects] tr[data-path]")).to_have_count(1)
        page.get_by_role("button", name="Undo").click()
        page.goto("/t/demo/objects/?at=/chosen")

        expect(page.locator("[data-objects] tbody .node > a:first-of-type")).to_have_text(["/chosen", "a", "b", "c"])


def test_a_pin_is_in_the_tree_at_once_and_what_moved_is_in_its_new_place(chromium, site):
    with entered(chromium, site) as page:
        made(page, "/starred/sun")
        page.get_by_role("button", name="Pin").click()
        expect(page.locator(".pinned .row-name", has_text="sun")).to_be_visible()
        page.get_by_role("button", name="Pin").click()
        expect(page.locator(".pinned .row-name", has_text="sun")).to_have_count(0)

        page.goto("/t/demo/objects/?at=/starred")
        page.get_by_label("Choose /starred/sun").check()
        page.get_by_role("button", name="Move", exact=True).click()
        page.get_by_label("into").fill("/")
        page.keyboard.press("Enter")

        expect(page.locator('#outline [data-path="/sun"]')).to_be_visible()


def test_tags_are_given_to_many_at_once(chromium, site):
    with entered(chromium, site) as page:
        made(page, "/tagged/a", "/tagged/b")
        page.goto("/t/demo/objects/?at=/tagged")
        page.get_by_label("Choose all").check()
        page.get_by_role("button", name="Tag", exact=True).click()
        page.get_by_label("tags").fill("red urgent")
        page.keyboard.press("Enter")
        expect(page.locator("#dialog h2")).to_have_text("2 objects tagged")
        page.keyboard.press("Escape")

        expect(page.locator("[data-objects] .tag")).to_have_text(["red", "urgent", "red", "urgent"])


def test_a_wrong_tag_is_said_of_each_object(chromium, site):
    with entered(chromium, site) as page:
        made(page, "/mistagged/a")
        page.goto("/t/demo/objects/?at=/mistagged")
        page.get_by_label("Choose /mistagged/a").check()
        page.get_by_role("button", name="Tag", exact=True).click()
        page.get_by_label("tags").fill("NOT A TAG")
        page.keyboard.press("Enter")

        expect(page.locator("#dialog .refusal")).to_contain_text("is not a lower-case word")


def test_an_object_is_dragged_into_another_one(chromium, site):
    with entered(chromium, site) as page:
        made(page, "/dragged", "/into")
        page.goto("/t/demo/objects/")

        page.locator('tr[data-path="/dragged"] .node > a').first.drag_to(page.locator('#outline [data-path="/into"]'))
        expect(page.get_by_label("into")).to_have_value("/into")
        page.get_by_role("button", name="Move", exact=True).last.click()

        expect(page.locator("#dialog h2")).to_have_text("1 object moved")
        page.goto("/t/demo/o/into/dragged")
        expect(page).to_have_title("/into/dragged · Demo · Grove")


def test_nothing_is_dragged_into_itself(chromium, site):
    with entered(chromium, site) as page:
        made(page, "/loop/inner")
        page.goto("/t/demo/o/loop/inner")

        page.locator('#outline [data-path="/loop"] .row-name').drag_to(
            page.locator('#outline [data-path="/loop/inner"]')
        )

        expect(page.locator("#dialog")).to_have_count(0)


def test_the_table_sorts_and_searches_in_place_and_back_goes_back(chromium, site):
    with entered(chromium, site) as page:
        page.goto("/t/demo/objects/?at=/shop")
        page.get_by_role("link", name="Size", exact=True).press("Enter")
        expect(page.locator("th[aria-sort]")).to_have_text("Size")
        assert focused(page) == "Size"  # though it is another link now
        page.keyboard.press("/")
        page.keyboard.type("pric")
        expect(page.locator("[data-objects] tbody .node > a:first-of-type")).to_have_text(["/shop/prices"])
        expect(page).to_have_url(re.compile("find=pric"))
        assert page.evaluate("document.activeElement.id") == "objects-find"

        page.go_back()
        expect(page.locator("th[aria-sort]")).to_have_count(1)


def test_an_object_is_made_with_one_click_from_the_gallery(chromium, site):
    with entered(chromium, site) as page:
        page.goto("/t/demo/gallery/")
        page.get_by_role("button", name="Make one: Table").click()

        expect(page).to_have_url(re.compile("/t/demo/o/books"))
        expect(page.locator("#outline .is-current")).to_contain_text("books")


def test_all_of_it_without_scripts(chromium, site):
    with entered(chromium, site, java_script_enabled=False) as page:
        page.goto("/t/demo/new/")
        page.get_by_label("path", exact=True).fill("/plainly/one")
        page.get_by_role("button", name="Create").click()
        page.goto("/t/demo/objects/?at=/plainly")
        page.get_by_label("Choose /plainly/one").check()
        page.get_by_role("button", name="Move").click()
        page.get_by_label("into").fill("/lab")
        page.get_by_role("button", name="Move").click()
        expect(page.locator(".notes")).to_have_text("1 object moved.")

        page.get_by_label("Find objects").fill("one")
        page.get_by_label("Find objects").press("Enter")
        expect(page.locator("[data-objects] tbody .node > a:first-of-type")).to_have_text(["/lab/one"])
        page.get_by_role("link", name="Size", exact=True).click()
        expect(page.locator("th[aria-sort]")).to_have_text("Size")
        page.goto("/t/demo/objects/")
        page.get_by_label("Choose /plainly").check()
        page.get_by_role("button", name="Delete").click()
        expect(page.locator("h2", has_text="Put 1 object into the trash?")).to_be_visible()
        page.get_by_role("button", name="Delete").click()
        page.goto("/t/demo/trash/")

        expect(page.locator(".trash")).to_contain_text("/plainly")


def test_on_a_phone_the_tree_opens_over_the_page_also_without_scripts(chromium, site):
    with entered(chromium, site, viewport={"width": 360, "height": 740}, java_script_enabled=False) as page:
        expect(page.locator("#side")).to_be_hidden()

        page.get_by_role("button", name="Objects").click()

        expect(page.locator("#side")).to_be_visible()
        page.locator("#outline").get_by_role("link", name="welcome").click()
        expect(page).to_have_url(f"{site}/t/demo/o/welcome")


def test_axe_finds_nothing_in_what_comes_over_a_page(chromium, site):
    found = {}
    with entered(chromium, site) as page:
        page.goto("/t/demo/o/lab/counter")
        page.keyboard.press("Control+k")
        page.keyboard.type("state")
        expect(page.get_by_role("option").first).to_be_visible()
        found["palette"] = complaints_of_axe(page)
        page.keyboard.press("Escape")
        page.goto("/t/demo/objects/")
        page.get_by_label("Choose all").check()
        page.get_by_role("button", name="Delete").click()
        expect(page.locator("#dialog h2")).to_be_visible()
        found["dialog"] = complaints_of_axe(page)

    assert {name: each for name, each in found.items() if each} == {}


def test_every_icon_that_is_used_is_in_the_sprite(chromium, site):
    with entered(chromium, site) as page:
        for address in ("/t/demo/", "/t/demo/objects/", "/t/demo/gallery/", "/t/demo/trash/"):
            page.goto(address)
            empty = page.eval_on_selector_all(
                ".icon use",
                "uses => uses.filter(use => use.closest('svg').getClientRects().length && !use.getBBox().width)"
                ".map(use => use.href.baseVal)",
            )
            assert empty == []


def test_nothing_moves_while_the_page_comes(chromium, site):
    with entered(chromium, site) as page:
        page.add_init_script(
            "window.shift = 0; new PerformanceObserver((list) => { for (const entry of list.getEntries())"
            " if (!entry.hadRecentInput) window.shift += entry.value })"
            ".observe({ type: 'layout-shift', buffered: true })"
        )
        shifts = {}
        for address in (
            "/t/demo/", "/t/demo/objects/", "/t/demo/gallery/", "/t/demo/agenda/", "/t/demo/o/shop/orders",
            "/t/demo/o/shop/orders:/database/orders", "/t/demo/o/lab/garden:/cron",
        ):  # fmt: skip
            page.goto(address)
            page.wait_for_load_state("networkidle")
            shifts[address] = page.evaluate("window.shift")

    assert all(shift < 0.02 for shift in shifts.values()), shifts
