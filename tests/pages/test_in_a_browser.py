"""A person's way through the pages in a real Chromium, against a real web process: with scripts and without."""

from playwright.sync_api import Page, expect

from tests.pages.browser import entered, type_json


def state_of(page: Page) -> dict[str, str]:
    """The keys and values that the object's page shows."""
    keys, values = page.locator("#state dt").all_inner_texts(), page.locator("#state dd").all_inner_texts()
    return dict(zip(keys, values, strict=True))


def test_enter_open_a_folder_set_a_value_and_see_it(chromium, site):
    with entered(chromium, site) as page:
        expect(page).to_have_title("Demo · Grove")
        page.get_by_role("treeitem", name="lab").press("ArrowRight")
        page.get_by_role("treeitem", name="counter").click()
        expect(page).to_have_url(f"{site}/t/demo/o/lab/counter")

        page.get_by_role("link", name="State", exact=True).first.click()
        page.get_by_text("Set a value").click()
        page.get_by_label("key", exact=True).fill("colour")
        type_json(page, "value", "dark green")
        page.get_by_role("button", name="Set", exact=True).click()

        expect(page.locator("#state dt", has_text="colour")).to_be_visible()
        assert state_of(page) == {"colour": "dark green", "count": "7"}
        page.get_by_role("link", name="History").click()
        expect(page.locator(".journal li").first).to_contain_text("state.set")
        expect(page).to_have_url(f"{site}/t/demo/o/lab/counter:/history")


def test_a_refused_form_keeps_what_was_typed_in_place(chromium, site):
    with entered(chromium, site, refused="409") as page:
        page.goto("/t/demo/o/lab/counter:state.set")
        page.get_by_label("key", exact=True).fill("count")
        type_json(page, "value", "8")
        page.get_by_text("Options").click()
        page.get_by_label("new").check()
        with page.expect_response(lambda response: response.request.method == "POST") as answered:
            page.get_by_role("button", name="Set", exact=True).click()

        expect(page.locator(".refusal")).to_be_visible()
        assert answered.value.status == 409
        assert page.get_by_label("key", exact=True).input_value() == "count"
        expect(page.get_by_label("new")).to_be_checked()


def test_the_same_without_scripts(chromium, site):
    with entered(chromium, site, java_script_enabled=False) as page:
        page.get_by_title("What is in lab").click()
        page.locator("table").get_by_role("link", name="garden", exact=True).click()
        page.get_by_role("link", name="State", exact=True).first.click()

        page.get_by_text("Set a value").click()
        page.get_by_label("key", exact=True).fill("mode")
        page.get_by_label("value", exact=True).fill("manual")
        page.get_by_role("button", name="Set", exact=True).click()

        expect(page.locator(".notes")).to_contain_text("state set done")
        assert state_of(page)["mode"] == "manual"


def test_the_theme_switch_is_remembered(chromium, site):
    with entered(chromium, site, color_scheme="light") as page:
        background = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(background)

        page.get_by_role("button", name="Look").click()
        page.get_by_role("button", name="Dark").click()
        dark = page.evaluate(background)
        page.reload()

        assert (light, dark, page.evaluate(background)) == ("rgb(247, 248, 246)", "rgb(15, 18, 17)", "rgb(15, 18, 17)")
