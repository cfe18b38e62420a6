"""The tabs of schedules and of the queue: what is set and what waits is seen, with the way to change it."""

import re

from objects.engine.running import engine
from teams.access import Role
from tests.pages.test_object_page import text_of
from tests.timing.conftest import bells

__all__ = ["bells"]  # a fixture


def test_schedules_are_on_a_line_of_time_and_each_has_a_page_with_its_history(signed_in, team, call, make):
    path = make("/time/schedules")
    call(path, "cron.add", name="nightly", spec="every 2h", command="state incr n")
    call(path, "cron.run", name="nightly")

    page = signed_in(team.owner).get(f"/t/{team.slug}/o{path}:/cron").content.decode()
    one = signed_in(team.owner).get(f"/t/{team.slug}/o{path}:/cron/nightly").content.decode()

    assert "every 2h" in page
    timeline = re.search(r'<svg class="timeline".*?</svg>', page, re.DOTALL)
    assert timeline is not None
    assert len(re.findall("<rect", timeline[0])) in {11, 12}  # the next day
    assert len(re.findall(r'<rect class="run-ok"', one)) == 1
    assert one.count("<li>") >= 20


def test_a_schedule_that_came_with_a_file_says_that_it_has_nobodys_rights(signed_in, team, call, make, grove):
    path = make("/time/foreign")
    call(path, "cron.add", name="nightly", spec="every 2h", command="state incr n")
    work = {"work": lambda context: context.db.run("UPDATE _schedule SET by = 'the owner'")}
    grove.acting_as("system").outcome(path, "forge", check=True, **work)

    one = signed_in(team.owner).get(f"/t/{team.slug}/o{path}:/cron/nightly").content.decode()

    assert "It came with a file from elsewhere" in one
    assert "<dd>nobody</dd>" in one
    assert "the owner" not in one
    assert "cron.resume" in one


def test_a_text_is_explained_while_it_is_typed_and_a_wrong_one_says_why(signed_in, team, make):
    path = make("/time/preview")
    owner = signed_in(team.owner)

    good = owner.get(f"/t/{team.slug}/o{path}:/cron", {"spec": "0 9 * * mon", "zone": "Europe/Berlin"})
    bad = owner.get(f"/t/{team.slug}/o{path}:/cron", {"spec": "61 * * * *"})

    assert (good.status_code, bad.status_code) == (200, 422)
    assert "at 09:00, only on monday (Europe/Berlin)" in good.content.decode()
    assert "minute: 61 is not between 0 and 59." in bad.content.decode()


def test_a_schedule_that_is_not_there_is_not_found(signed_in, team, make):
    path = make("/time/absent")

    assert signed_in(team.owner).get(f"/t/{team.slug}/o{path}:/cron/none").status_code == 404


def test_messages_and_their_depth_are_seen_and_viewers_have_no_buttons(signed_in, team, member, call, make):
    path = make("/time/queue")
    call(path, "queue.push", command="state incr n", delay=60)
    call(path, "queue.push", body={"order": 42})

    owner = signed_in(team.owner).get(f"/t/{team.slug}/o{path}:/queue").content.decode()
    viewer = signed_in(member(team, Role.VIEWER)).get(f"/t/{team.slug}/o{path}:/queue").content.decode()

    for html in (owner, viewer):
        assert "state incr key=n" in html
        assert {name for name in ("due", "delayed") if f'class="depth-{name}"' in html} == {"due", "delayed"}
    assert ":queue.drop" in owner
    assert ":queue." not in viewer.replace(":/queue", "")


def test_a_run_unfolds_to_its_input_its_result_and_what_it_said(owner, team, caller):
    path = "/time-told"
    said = {"name": "telling", "spec": "@daily", "command": "tell_all --lines 2", "overlap": "queue"}
    for command, arguments in (("cron.add", said), ("cron.run", {"name": "telling"})):
        outcome = engine().call(team.schema_name, path, command, arguments, caller(team), create="bell")
        assert outcome.problem is None

    one = owner.get(f"/t/{team.slug}/o{path}:/cron/telling").content.decode()

    unfolded = text_of(re.search(r'<details id="run-1">(.*?)</details>', one, re.DOTALL)[1])
    assert 'input {"lines": 2} result' in unfolded
    assert "rings what=all times=2" in unfolded
    assert "again number=1" in unfolded
    assert "while one still runs queue" in text_of(one)
