"""Schedules, tasks, steps and the agenda in a real Chromium: what changes shows by itself, and no place is lost."""

import re
from collections.abc import Callable

import psycopg
import pytest
from playwright.sync_api import expect

from objects.engine import running
from objects.engine.running import engine
from objects.work import queue
from objects.work.leases import Hold
from teams import callers
from teams.access import Role
from teams.models import Team
from tests.pages.browser import complaints_of_axe, entered
from tests.work.inline import Inline

PATIENT_MS = 20_000  # what comes by itself takes a web process and a socket, which may be busy
PATH = "/due"
BASE = f"/t/demo/o{PATH}:/"
PLAN = [{"do": "state.incr", "arguments": {"key": "n"}, "name": "reserve"}, {"approval": "ship it"}, {"event": "paid"}]
NOWHERE = "http://127.0.0.1:9/"  # which the guard refuses: the task fails at once, with a line of output


@pytest.fixture(scope="module")
def due(site: str) -> Callable[..., object]:
    """Call a command of an object of the demo team, which the site shows."""
    demo = Team.objects.get(slug="demo")
    caller = callers.for_person(demo.memberships.filter(role=Role.OWNER).earliest("id").person.pk, "demo")

    def call(asked: str, /, **arguments: object) -> object:
        outcome = engine().call(demo.schema_name, PATH, asked, arguments, caller, create="object")
        if outcome.problem is not None:
            raise outcome.problem
        return outcome.value

    call("cron.add", name="nightly", spec="30 2 * * *", command="state incr n", zone="Europe/Berlin")
    call("cron.run", name="nightly")
    call("queue.push", body={"order": 1})
    return call


def run_a_task() -> None:
    """Run the task that waits, in this process: a worker's own takes seconds to start."""
    schema = Team.objects.get(slug="demo").schema_name
    with psycopg.connect(running.conninfo(), autocommit=True) as connection:
        taken = queue.take(connection, 30, lambda each: each == schema)
    assert taken is not None
    Inline(taken, Hold(taken)).to_the_end()


def begun(due: Callable[..., object]) -> str:
    """Begin a run and go on with it as far as it comes."""
    run = str(due("steps.begin", plan=PLAN)["run"])  # type: ignore[index]
    while due("steps.go", run=run)["state"] == "going":  # type: ignore[index]
        pass
    return run


def test_what_is_typed_into_a_schedule_is_told_in_words_and_dates(chromium, site, due):
    with entered(chromium, site, refused="422") as page:
        page.goto(f"{BASE}cron/nightly")
        page.get_by_text("Change it").click()
        told = page.locator(".spec-preview")
        expect(told).to_contain_text("at 02:30 (Europe/Berlin)")
        expect(told).to_contain_text("Clocks go forward")

        page.locator(".live-spec [name=spec]").fill("0 9 * * mon")
        expect(told).to_contain_text("at 09:00, only on monday (Europe/Berlin)")
        expect(told).not_to_contain_text("Clocks")
        page.locator(".live-spec [name=spec]").fill("61 * * * *")
        expect(told).to_contain_text("minute: 61 is not between 0 and 59.")
        page.locator(".live-spec [name=spec]").fill("@daily")
        page.get_by_role("button", name="Edit", exact=True).click()

        expect(page.locator(".tab-content > .column > .card").first).to_contain_text(
            "at 00:00 (Europe/Berlin)", timeout=PATIENT_MS
        )
        page.get_by_role("button", name="Pause", exact=True).click()
        expect(page.get_by_role("button", name="Resume", exact=True)).to_be_visible(timeout=PATIENT_MS)


def test_a_task_runs_while_it_is_looked_at(chromium, site, due):
    task = due("http.get", url=NOWHERE)["task"]  # type: ignore[index]
    with entered(chromium, site) as page:
        page.goto(f"{BASE}task")
        row = page.locator(f"#task-{task}")
        expect(row).to_contain_text("waiting")
        page.get_by_role("link", name="http.get").first.click()
        expect(page).to_have_url(re.compile(f"/task/{task}$"))
        expect(page.locator("#task-output")).to_have_text("")

        run_a_task()

        expect(page.locator("#task-state")).to_have_text("failed", timeout=PATIENT_MS)
        expect(page.locator("#task-output")).to_have_text(f"GET {NOWHERE}\n", use_inner_text=True, timeout=20_000)
        expect(page.get_by_role("button", name="Retry")).to_be_visible()
        expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
        page.go_back()
        expect(row).to_contain_text("failed")


def test_what_an_asker_hears_that_is_gone_by_then_does_not_stand_in_itself(chromium, site, due):
    with entered(chromium, site) as page:
        page.goto(f"{BASE}task")
        page.locator("#tab-content").wait_for()

        def answer_late(route):
            page.evaluate("document.querySelector('[hx-trigger^=object-told]').remove()")
            route.continue_()

        page.route("**/o/due:/task", answer_late)
        with page.expect_response("**/o/due:/task"):
            page.evaluate("htmx.trigger(document.body, 'object-told')")
        page.evaluate("new Promise((then) => setTimeout(then, 200))")  # for htmx to do what it does with it

        expect(page.locator("#tab-content")).to_have_count(1)


def test_a_run_gets_its_yes_and_its_event_on_its_page(chromium, site, due):
    run = begun(due)
    with entered(chromium, site) as page:
        page.goto("/t/demo/agenda/?at=/due")
        page.get_by_role("link", name="ship it").click()
        page.get_by_label("Note optional").fill("Looks good.")
        page.get_by_label("Note optional").press("Enter")  # the first button is Approve

        expect(page.locator("#step-2")).to_contain_text("yes, by ", timeout=PATIENT_MS)
        expect(page.locator("#step-2")).to_contain_text("Looks good.", timeout=PATIENT_MS)
        due("steps.go", run=run)
        expect(page.locator("#step-3")).to_contain_text("event, waiting", timeout=PATIENT_MS)
        page.get_by_label("Value JSON, optional").fill('{"amount": 5}')
        page.get_by_role("button", name="It has happened").click()
        expect(page.locator("#step-3")).to_contain_text("1 member", timeout=PATIENT_MS)
        due("steps.go", run=run)
        expect(page.get_by_role("status").filter(has_text="done")).to_be_visible(timeout=PATIENT_MS)


def test_the_agenda_follows_and_keeps_what_has_the_focus(chromium, site, due):
    with entered(chromium, site) as page:
        page.goto("/t/demo/agenda/?at=/due")
        page.get_by_label("Kind").focus()
        expect(page.get_by_role("link", name="ask me")).to_have_count(0)

        due("steps.begin", plan=[{"approval": "ask me"}])
        due("steps.go")

        expect(page.get_by_role("link", name="ask me")).to_be_visible(timeout=PATIENT_MS)
        expect(page.get_by_label("Kind")).to_be_focused()
        page.keyboard.press("Control+k")
        page.keyboard.type("agenda")
        expect(page.get_by_role("option", name="Agenda All that is due")).to_be_visible()
    due("steps.cancel")


def test_axe_finds_nothing_and_a_phone_shows_all(chromium, site, due):
    """Empty tabs are looked at with all others; these have something in them."""
    run, task = begun(due), due("task.list")[0]["task"]  # type: ignore[index]
    addresses = ["/t/demo/agenda/", f"{BASE}cron/nightly", f"{BASE}queue", f"{BASE}task/{task}", f"{BASE}steps/{run}"]
    found, widths = {}, {}
    with entered(chromium, site, viewport={"width": 360, "height": 800}, reduced_motion="reduce") as page:
        for address in addresses:
            page.goto(address)
            found[address] = complaints_of_axe(page)
            widths[address] = page.evaluate("document.documentElement.scrollWidth")
    due("steps.cancel", run=run)

    assert {address: each for address, each in found.items() if each} == {}
    assert widths == dict.fromkeys(addresses, 360)
