"""Forms in a real browser: inputs that help while one types, and send what was meant; without scripts too."""

from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, expect

from tests.pages.browser import complaints_of_axe, entered


@pytest.fixture(scope="module")
def page(chromium, site) -> Iterator[Page]:
    """Somebody in Berlin."""
    with entered(chromium, site, refused="422", timezone_id="Europe/Berlin") as page:
        yield page


def sent(page: Page, press: str = "form.command .go") -> dict[str, list[str]]:
    """Press the button and give what the browser sends."""
    with page.expect_request(lambda request: request.method == "POST") as waiting:
        page.click(press)
    return parse_qs(waiting.value.post_data)


def test_paths_are_offered_while_one_is_typed(page):
    page.goto("/t/demo/o/lab/counter:tree.copy")

    page.get_by_label("to", exact=True).press_sequentially("/shop/o")

    expect(page.locator("datalist option").first).to_have_attribute("value", "/shop/orders")


def test_a_moment_is_typed_by_ones_own_clock_and_sent_in_utc(page):
    page.goto("/t/demo/o/lab/counter:cron.add")
    page.get_by_text("Options").click()
    expect(page.locator(".field", has=page.get_by_label("starts")).locator("small")).to_contain_text("by your clock")

    for name, text in {"name": "x", "spec": "nonsense", "command": "state incr x"}.items():
        page.get_by_label(name, exact=True).fill(text)
    page.get_by_label("starts").fill("2026-07-01T10:00:00")
    said = sent(page)

    assert said["starts"] == ["2026-07-01T08:00:00.000Z"]
    expect(page.locator(".refusal")).to_be_visible()
    expect(page.get_by_label("starts")).to_have_value("2026-07-01T10:00")


def test_a_refused_form_keeps_what_was_chosen_and_says_it_beside_the_field(page):
    page.goto("/t/demo/o/lab/counter:cron.add")
    page.get_by_text("Options").click()
    for name, text in {"name": "x", "spec": "every 1h", "command": "state incr x", "jitter": "soon"}.items():
        page.get_by_label(name, exact=False).first.fill(text)
    page.get_by_role("group", name="dst").get_by_label("skip").press("ArrowRight")  # to "both"
    page.get_by_role("switch", name="paused").press("Space")
    sent(page)

    jitter = page.locator(".field.is-wrong")
    expect(jitter.locator(".refusal")).to_have_text("'soon' is not a duration such as 300ms, 5m or 1h30m")
    expect(jitter.locator("input")).to_have_value("soon")
    expect(page.get_by_role("radio", name="both")).to_be_checked()
    expect(page.get_by_role("switch", name="paused")).to_be_checked()
    assert complaints_of_axe(page) == []


def test_json_is_typed_into_an_editor_that_its_label_leads_to(page):
    page.goto("/t/demo/o/lab:state.set")
    page.locator(".cm-content").wait_for()
    page.get_by_label("key", exact=True).fill("from-a-form")
    page.locator("label", has_text="value").click()
    page.keyboard.type("[1, 2")
    page.keyboard.press("Control+Enter")

    expect(page.locator(".result .ok")).to_have_text("Done")
    expect(page.locator(".result")).to_contain_text("from-a-form")


def test_a_file_is_shown_where_it_was_asked_for(page):
    page.goto("/t/demo/o/lab/garden:files.get")
    page.get_by_label("name", exact=True).fill("layout.json")

    page.get_by_role("button", name="Show here").click()

    expect(page.locator(".file-result pre")).to_contain_text("lemon")
    assert complaints_of_axe(page) == []


def test_the_palette_has_the_same_form_with_paths_of_its_own(page):
    page.goto("/t/demo/o/lab/counter:tree.copy")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Find an object").fill("tree copy")
    page.locator('[role="option"]', has_text="tree copy").click()
    palette = page.locator("[data-palette-run]")

    palette.get_by_label("to", exact=True).press_sequentially("/shop/o")

    expect(palette.locator("datalist option").first).to_have_attribute("value", "/shop/orders")
    assert palette.locator("input[list]").get_attribute("list") == palette.locator("datalist").get_attribute("id")


def test_without_scripts_the_same_form_sends_the_same(chromium, site):
    with entered(chromium, site, java_script_enabled=False) as page:
        page.goto("/t/demo/o/lab:state.set")
        page.get_by_label("key", exact=True).fill("plainly")
        page.get_by_label("value", exact=True).fill('{"a": [1]}')
        page.locator("form.command .go").click()

        expect(page.locator(".result .ok")).to_have_text("Done")
