"""The tabs of tasks and of steps: what runs is seen, a page each, and who may say yes finds the form for it."""

import re

import pytest

from objects.surfaces.pages.spans import ahead, span, words
from teams.access import Role
from tests.pages.test_object_page import text_of

PLAN = [{"do": "state.incr", "arguments": {"key": "n"}, "name": "reserve"}, {"approval": "ship it", "role": "admin"},
        {"sleep": "1d", "name": "rest"}]  # fmt: skip


@pytest.fixture
def task(call, make):
    path = make("/work/tasks")
    task = call(path, "http.get", url="http://example.com/")["task"]
    yield path, task
    call(path, "task.cancel", task=task)


@pytest.fixture
def run(call, make):
    path = make("/work/steps")
    run = call(path, "steps.begin", plan=PLAN)["run"]
    while call(path, "steps.go", run=run)["state"] == "going":
        pass
    return path, run


def test_tasks_are_listed_with_their_state_and_each_has_a_page(owner, team, task):
    path, name = task
    base = f"/t/{team.slug}/o{path}:/task"

    page = owner.get(base).content.decode()
    one = owner.get(f"{base}/{name}").content.decode()

    row = text_of(re.search(rf'<tr id="task-{name}">(.*?)</tr>', page, re.DOTALL)[1])
    assert "http.get" in row
    assert re.search(r"waiting (next|\d+ in line)", row)
    assert f'href="{base}/{name}"' in page
    assert '<dd class="data">{&quot;url&quot;: &quot;http://example.com/&quot;}</dd>' in one
    for html in (page, one):
        assert ":task.cancel" in html


def test_the_list_is_narrowed_down_and_goes_on_by_key(owner, team, call, task, monkeypatch):
    path, first = task
    second = call(path, "http.get", url="http://example.com/")["task"]
    base = f"/t/{team.slug}/o{path}:/task"
    monkeypatch.setattr("objects.surfaces.pages.tabs.task.LISTED", 1)

    def listed(query: str) -> list[str]:
        return re.findall(r'<tr id="task-(\w+)"', owner.get(base + query).content.decode())

    assert listed("") == [second]
    older = re.search(r'href="([^"]+)"[^>]*>Older tasks', owner.get(base).content.decode())
    assert older is not None
    assert listed(older[1].removeprefix(base)) == [first]
    assert listed("?state=failed") == []
    assert listed("?state=waiting&command=sql.fetch") == []
    call(path, "task.cancel", task=second)
    assert listed("?state=cancelled") == [second]


def test_an_object_without_tasks_says_what_one_is(owner, team, make):
    path = make("/work/none")

    assert "A task is a command that takes long" in owner.get(f"/t/{team.slug}/o{path}:/task").content.decode()
    assert "goes on after every restart" in owner.get(f"/t/{team.slug}/o{path}:/steps").content.decode()


def test_output_comes_from_where_it_was_and_from_the_top_where_the_task_began_again(signed_in, team, task):
    path, name = task
    browser = signed_in(team.owner, htmx=True)
    base = f"/t/{team.slug}/o{path}:/task/{name}"

    more = browser.get(base, {"part": "output", "after": "0", "try": "0"})
    anew = browser.get(base, {"part": "output", "after": "7", "try": "1"})

    assert more.content.decode().startswith('<span class="goes-on"')
    assert "HX-Retarget" not in more.headers
    assert 'id="task-output"' in anew.content.decode()
    assert anew.headers["HX-Retarget"] == "#task-output"


def test_what_is_not_there_is_not_found(owner, team, make):
    path = make("/work/absent")

    for address in (":/task/none", ":/task/none?part=output", ":/steps/none"):
        assert owner.get(f"/t/{team.slug}/o{path}{address}").status_code == 404


def test_a_run_is_on_a_line_of_time_with_what_is_still_to_come(owner, team, run):
    path, name = run

    page = owner.get(f"/t/{team.slug}/o{path}:/steps").content.decode()
    one = owner.get(f"/t/{team.slug}/o{path}:/steps/{name}").content.decode()

    assert "waits for a yes: ship it" in text_of(re.search(rf'<tr id="run-{name}">(.*?)</tr>', page, re.DOTALL)[1])
    steps = re.findall(r'<li id="step-\d" class="is-(\w+)">.*?<span class="data">(.*?)</span>', one, re.DOTALL)
    assert steps == [("done", "reserve"), ("waiting", "ship it")]
    assert text_of(re.search(r'<li class="is-coming">(.*?)</li>', one, re.DOTALL)[1]).split() == [
        "rest",
        "comes",
        "later",
    ]


def test_who_may_say_yes_has_a_form_and_others_learn_who_may(signed_in, team, member, run):
    path, name = run
    address = f"/t/{team.slug}/o{path}:/steps/{name}"

    shown = {
        role: signed_in(member(team, role)).get(address).content.decode()
        for role in (Role.ADMIN, Role.EDITOR, Role.VIEWER)
    }

    assert {role: ":steps.approve" in html for role, html in shown.items()} == {
        Role.ADMIN: True, Role.EDITOR: False, Role.VIEWER: False,
    }  # fmt: skip
    assert "An admin of this object may say yes or no." in shown[Role.EDITOR]


@pytest.mark.parametrize(("no", "state"), [("no", "going"), ("yes", "going")])
def test_a_yes_or_no_is_sent_without_scripts_and_comes_back_to_the_run(owner, team, call, run, no, state):
    path, name = run
    address = f"/t/{team.slug}/o{path}:/steps/{name}"
    sent = {"name": "ship it", "run": name, "note": "Looks good.", "no": no, "_back": address}

    answer = owner.post(f"/t/{team.slug}/o{path}:steps.approve", sent)

    shown = call(path, "steps.show", run=name)
    said = "no" if no == "yes" else "yes"
    assert (answer.status_code, answer.headers["Location"], shown["state"]) == (303, address, state)
    assert shown["steps"][1]["detail"].startswith(f"{said}, by ")
    assert shown["steps"][1]["detail"].endswith(": Looks good.")
    assert "Looks good." in owner.get(address).content.decode()


def test_a_queue_is_drawn_over_time(owner, team, call, make):
    path = make("/work/queue")
    empty = owner.get(f"/t/{team.slug}/o{path}:/queue").content.decode()
    for _ in range(3):
        call(path, "queue.push", body=1)

    page = owner.get(f"/t/{team.slug}/o{path}:/queue").content.decode()
    day = owner.get(f"/t/{team.slug}/o{path}:/queue?span=day").content.decode()

    assert "<polyline" not in empty
    assert "3 waiting at most" in page
    assert re.search(r'<polyline points="0\.0,96\.0 .*1000\.0,4\.0"', page)
    assert ("1 h ago" in page, "1 d ago" in day) == (True, True)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0"), (0.0001, "0.1 ms"), (0.45, "450 ms"), (1.25, "1.2 s"), (90, "90 s"), (120, "2 min"), (3_600, "1 h"),
     (8.07 * 60, "8.1 min"), (7_200, "2 h"), (86_400, "1 d"), (36 * 3_600, "36 h"), (7 * 86_400, "7 d")],
)  # fmt: skip
def test_durations_are_said_in_the_unit_that_fits(seconds, said):
    assert words(seconds) == said


def test_what_comes_soon_is_looked_at_closely_on_the_line_ahead():
    places = [ahead(seconds) for seconds in (-5, 0, 600, 3_600, 6 * 3_600, 86_400, 7 * 86_400, 31 * 86_400, 1e12)]

    assert places == [0.0, 0.0, 166.7, 333.3, 500.0, 666.7, 833.3, 1000.0, 1000.0]


@pytest.mark.parametrize("seconds", [0.5, 3, 61, 4_000, 90_000, 40 * 86_400, 4_000 * 86_400])
def test_a_line_of_time_is_long_enough_and_not_much_longer(seconds):
    line = span(seconds)

    assert seconds <= line.seconds <= max(4.0, 8 * seconds)
    assert len(line.marks) == 5
