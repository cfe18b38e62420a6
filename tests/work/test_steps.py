"""A durable function goes on where it was: each step once, whatever crashes; where it fails, it is undone."""

import json

import psycopg
import pytest

from objects.commands.registry import registry
from objects.work import running
from teams.access import Role
from teams.problems import Conflict, NoSuch, NotAllowed, WrongArgument
from tests.timing.conftest import clock_moves, hands
from tests.work.voyage import Voyage

__all__ = ["clock_moves", "hands"]  # fixtures


@pytest.fixture(scope="module", autouse=True)
def voyages() -> None:
    if Voyage.name not in registry.kinds:
        registry.add(Voyage)


@pytest.fixture
def voyage(grove) -> str:
    return grove.new("voyage")


@pytest.fixture
def log(grove):
    return lambda path: grove.call(path, "state.get", key="log", default="")


@pytest.fixture
def run(grove, voyage, hands):
    """Begin a voyage, let it go as far as it goes now, and tell its time line: `run("three")`."""

    def go(course: str, **arguments) -> dict:
        began = grove.call(voyage, "set_out", course=course, arguments=arguments)
        hands.until_quiet()
        return grove.call(voyage, "steps.show", run=began)

    return go


def test_each_step_is_done_once_and_in_a_transaction_of_its_own(grove, voyage, run, log):
    version = grove.outcome(voyage, "help").version

    line = run("three")

    assert (line["state"], line["value"], log(voyage)) == ("done", ["ROME", "OSLO", "LIMA"], ["rome", "oslo", "lima"])
    assert [(step["name"], step["state"], step["value"]) for step in line["steps"]] == [
        ("rome", "done", "ROME"), ("oslo", "done", "OSLO"), ("lima", "done", "LIMA"),
    ]  # fmt: skip
    assert grove.outcome(voyage, "help").version - version >= 4


def test_a_call_that_fails_begins_nothing(grove, voyage):
    with pytest.raises(Conflict):
        grove.call(voyage, "set_out_and_return")

    assert grove.call(voyage, "steps.list") == []


def test_it_sleeps_and_meets_the_same_moments_and_chances_when_it_goes_on(grove, voyage, run, hands, clock_moves, log):
    line = run("rest", seconds=3600)
    assert (line["state"], log(voyage), line["steps"][-1]["sort"]) == ("waiting", ["rome"], "sleep")

    clock_moves(3599)
    hands.until_quiet()
    assert log(voyage) == ["rome"]
    clock_moves(2)
    hands.until_quiet()

    line = grove.call(voyage, "steps.show")
    (first, chance), (after, chance_after), rested, last = line["value"]
    assert (line["state"], log(voyage)) == ("done", ["rome", "oslo"])
    assert first <= after < rested <= last
    assert (rested - after, chance == chance_after) == (pytest.approx(3600), False)


def test_a_step_that_is_refused_is_tried_again_after_longer_and_longer_pauses(
    grove, voyage, run, hands, clock_moves, log
):
    grove.call(voyage, "refuse", what="rome", times=1)
    line = run("stubborn", tries=3)
    assert (line["state"], line["steps"][0]["tries"], log(voyage)) == ("going", 1, "")

    clock_moves(11)
    hands.until_quiet()
    assert grove.call(voyage, "steps.show")["steps"][0]["tries"] == 2
    grove.call(voyage, "refuse", what="rome", times=0)
    clock_moves(11)
    assert hands.until_quiet() == 0
    clock_moves(10)
    hands.until_quiet()

    line = grove.call(voyage, "steps.show")
    assert (line["value"], line["steps"][0]["tries"], log(voyage)) == ("ROME", 3, ["rome"])


def test_a_function_may_go_another_way_where_a_step_was_refused(grove, voyage, run, log):
    grove.call(voyage, "refuse", what="rome", times=1)

    line = run("detour")

    assert (line["state"], line["value"], log(voyage)) == ("done", "OSLO for rome refuses.", ["oslo"])


def test_where_it_fails_its_steps_are_undone_the_last_first(grove, voyage, run, log):
    grove.call(voyage, "refuse", what="lima", times=1)

    line = run("three")

    assert (line["state"], line["problem"]["detail"]) == ("failed", "lima refuses.")
    assert log(voyage) == ["rome", "oslo", "not OSLO", "not ROME"]
    assert [(step["name"], step["state"]) for step in line["steps"]] == [
        ("rome", "undone"), ("oslo", "undone"), ("lima", "failed"), ("undo oslo", "done"), ("undo rome", "done"),
    ]  # fmt: skip


def test_what_cannot_be_undone_is_tried_again_and_then_told(grove, voyage, run, hands, clock_moves, log):
    grove.call(voyage, "refuse", what="lima", times=1)
    grove.call(voyage, "refuse", what="not OSLO", times=1)

    line = run("three")
    assert line["state"] == "undoing"
    for _ in range(5):
        clock_moves(60)
        hands.until_quiet()

    line = grove.call(voyage, "steps.show")
    assert (line["state"], log(voyage)) == ("failed", ["rome", "oslo"])
    assert [(step["name"], step["state"], step["tries"]) for step in line["steps"] if step["sort"] == "undo"] == [
        ("undo oslo", "failed", 5)
    ]


def test_an_event_lets_it_go_on(grove, voyage, run, hands):
    assert run("paid")["state"] == "waiting"

    grove.call(voyage, "steps.signal", name="paid", value={"amount": 5})
    hands.until_quiet()

    line = grove.call(voyage, "steps.show")
    assert (line["state"], line["value"]) == ("done", {"amount": 5})
    with pytest.raises(NoSuch):
        grove.call(voyage, "steps.signal", name="paid")


def test_an_event_that_comes_before_it_is_waited_for_is_not_lost(grove, voyage, hands):
    grove.call(voyage, "set_out", course="paid")
    grove.call(voyage, "steps.signal", name="paid", value=5)
    with pytest.raises(Conflict, match="does not wait"):
        grove.call(voyage, "steps.signal", name="paid", value=6)

    hands.until_quiet()

    assert grove.call(voyage, "steps.show")["value"] == 5


def test_an_event_that_does_not_come_in_time_can_be_caught(grove, voyage, run, hands, clock_moves):
    run("paid", seconds=60)

    clock_moves(61)
    hands.until_quiet()

    assert grove.call(voyage, "steps.show")["value"] == "HOME"


@pytest.mark.parametrize(("no", "state", "noted"), [(False, "done", ["rome"]), (True, "failed", ["rome", "not ROME"])])
def test_an_approval_lets_it_go_on_or_not(grove, voyage, run, hands, log, no, state, noted):
    assert run("allowed")["state"] == "waiting"

    grove.call(voyage, "steps.approve", name="go on?", no=no, note="as you like")
    hands.until_quiet()

    line = grove.call(voyage, "steps.show")
    approval = next(step for step in line["steps"] if step["sort"] == "approval")
    assert (line["state"], log(voyage)) == (state, noted)
    assert approval["detail"] == f"{'no' if no else 'yes'}, by {grove.caller.name}: as you like"


def test_who_has_not_the_role_approves_nothing(grove, voyage, run, member, caller, team):
    run("allowed")
    editor = grove.acting_as(caller(team, member(team, Role.EDITOR)))

    with pytest.raises(NotAllowed, match="needs the role admin"):
        editor.call(voyage, "steps.approve", name="go on?")
    with pytest.raises(NoSuch):
        grove.call(voyage, "steps.approve", name="rome")


def test_a_task_lets_it_go_on_with_its_result(grove, voyage, run, hands, site, monkeypatch):
    from tests.network.conftest import answer
    from tests.work import inline

    site.pages["/"] = answer(b"calm", content_type="text/plain")
    line = run("errand", url="http://example.com/")
    assert (line["state"], line["steps"][0]["sort"]) == ("waiting", "task")

    inline.settled(grove, voyage, line["steps"][0]["detail"], monkeypatch)
    hands.until_quiet()

    assert grove.call(voyage, "steps.show")["value"] == "HELLO, YOU!"


def test_a_task_that_fails_makes_it_fail(grove, voyage, run, hands):
    line = run("errand", url="http://169.254.169.254/")

    while grove.call(voyage, "task.show", task=line["steps"][0]["detail"])["state"] == "waiting":
        running.run_waiting()
    hands.until_quiet()

    line = grove.call(voyage, "steps.show")
    assert (line["state"], line["problem"]["type"]) == ("failed", "not-allowed")


def test_a_cancelled_run_is_undone(grove, voyage, run, hands, log):
    run("allowed")

    assert grove.call(voyage, "steps.cancel")["state"] == "undoing"
    hands.until_quiet()

    assert (grove.call(voyage, "steps.show")["state"], log(voyage)) == ("cancelled", ["rome", "not ROME"])
    with pytest.raises(NoSuch):
        grove.call(voyage, "steps.cancel")


@pytest.mark.parametrize(
    ("course", "words", "noted"),
    [("careless", "outside of a step", ["rome", "not ROME"]), ("careless_at_the_end", "outside of a step", ""),
     ("loud", "`send` outside of a step", ""), ("twice", "two steps have this name", ["rome"])],
)  # fmt: skip
def test_what_would_take_effect_again_each_time_is_refused(voyage, run, log, course, words, noted):
    line = run(course)

    assert (line["state"], words in line["problem"]["detail"], log(voyage)) == ("failed", True, noted)


def test_a_commit_that_is_lost_does_no_step_twice(grove, voyage, hands, monkeypatch, log):
    grove.call(voyage, "set_out", course="three")
    from objects.engine.transaction import Transaction

    lost: list[int] = []
    commit = Transaction.commit

    def losing(self, bucket):
        if len(lost) < 6 and len(lost) % 2 == 0 and self.rows and any("voyage" in path for path in self.rows):
            lost.append(1)
            raise psycopg.OperationalError("the connection is lost")
        lost.append(0)
        return commit(self, bucket)

    monkeypatch.setattr(Transaction, "commit", losing)
    hands.until_quiet()

    assert (log(voyage), sum(lost)) == (["rome", "oslo", "lima"], 3)


def test_it_runs_with_the_rights_of_who_began_it_as_they_are_then(grove, voyage, hands, member, caller, team, log):
    editor = member(team, Role.EDITOR)
    grove.acting_as(caller(team, editor)).call(voyage, "set_out", course="three")
    team.memberships.get(person=editor).delete()

    hands.until_quiet()

    assert (grove.call(voyage, "steps.show")["state"], log(voyage)) == ("failed", "")


def test_it_goes_on_where_its_object_has_moved(grove, voyage, run, hands, clock_moves, log):
    run("rest", seconds=60)
    grove.call(voyage, "tree.move", to=voyage + "-b")

    clock_moves(61)
    hands.until_quiet()

    assert log(voyage + "-b") == ["rome", "oslo"]


def test_in_a_copy_it_stands_still(grove, voyage, run, hands, clock_moves, log):
    run("rest", seconds=60)
    grove.call(voyage, "tree.copy", to=voyage + "-c")

    clock_moves(61)
    hands.until_quiet()

    assert (log(voyage), log(voyage + "-c")) == (["rome", "oslo"], ["rome"])


@pytest.mark.parametrize(
    "change", ["caller = 'system'", "what = 'rest'", "arguments = '{\"seconds\": 1}'", "seal = ''"]
)
def test_what_somebody_else_wrote_into_the_file_is_not_carried_out(grove, voyage, hands, log, change):
    grove.call(voyage, "set_out", course="three")
    work = {"work": lambda context: context.db.run(f"UPDATE _durable SET {change}")}
    grove.outcome(voyage, "forge", check=True, **work)

    hands.until_quiet()

    assert (grove.call(voyage, "steps.show")["state"], log(voyage)) == ("failed", "")


def test_nobody_lends_a_run_of_somebody_else_more_rights_by_hand(grove, voyage, member, caller, team):
    grove.acting_as(caller(team, member(team, Role.EDITOR))).call(voyage, "set_out", course="three")

    with pytest.raises(NotAllowed, match="rights of who began it"):
        grove.call(voyage, "steps.go")


# ---- Plans ----


@pytest.fixture
def plan(grove, hands):
    """Begin a plan on a plain object: `path, line = plan([…])`."""

    def go(parts: list[dict]) -> tuple[str, dict]:
        path = grove.new("object")
        began = grove.call(path, "steps.begin", plan=parts)
        hands.until_quiet()
        return path, grove.call(path, "steps.show", run=began["run"])

    return go


def test_a_plan_does_commands_sleeps_and_waits(grove, plan, hands, clock_moves):
    path, line = plan([
        {"do": "state.set", "arguments": {"key": "n", "value": 1}},
        {"sleep": "1h"},
        {"do": "state.incr", "arguments": {"key": "n"}},
        {"event": "paid"},
        {"approval": "ship it", "role": "owner"},
    ])  # fmt: skip
    assert line["state"] == "waiting"

    clock_moves(3601)
    hands.until_quiet()
    assert grove.call(path, "state.get", key="n") == 2
    grove.call(path, "steps.signal", name="paid")
    hands.until_quiet()
    grove.call(path, "steps.approve", name="ship it")
    hands.until_quiet()

    assert grove.call(path, "steps.show")["state"] == "done"


def test_a_plan_that_fails_is_undone(grove, plan):
    other = grove.new("object")
    path, line = plan([
        {"do": "state.set", "arguments": {"key": "n", "value": 1}, "undo": "state.delete",
         "undo_arguments": {"keys": ["n"]}},
        {"do": "state.incr", "at": other, "arguments": {"key": "m"}, "undo": "state.incr", "name": "other",
         "undo_arguments": {"key": "m", "by": -1}},
        {"do": "state.delete", "arguments": {"keys": ["nothing"]}},
    ])  # fmt: skip

    assert (line["state"], grove.call(path, "state.list")["entries"]) == ("failed", [])
    assert grove.call(other, "state.get", key="m") == 0


@pytest.mark.parametrize(
    "part",
    [
        {},
        {"do": "state.incr", "sleep": 5},
        {"do": "nothing"},
        {"do": "tree.delete"},
        {"do": "steps.begin"},
        {"do": "export"},
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused_at_once(grove, part):
    path = grove.new("object")

    with pytest.raises((WrongArgument, NoSuch)):
        grove.call(path, "steps.begin", plan=[part])

    assert grove.call(path, "steps.list") == []


def test_two_parts_of_one_name_are_refused(grove):
    path = grove.new("object")
    part = {"do": "state.incr", "arguments": {"key": "n"}}

    with pytest.raises(WrongArgument, match="Give it a `name`"):
        grove.call(path, "steps.begin", plan=[part, part])
    assert grove.call(path, "steps.begin", plan=[part, part | {"name": "again"}])["state"] == "going"


def test_a_plan_on_another_object_needs_rights_there(grove, hands, member, caller, team):
    path, other = grove.new("object"), grove.new("object")
    editor = grove.acting_as(caller(team, member(team, Role.VIEWER, {path: Role.EDITOR})))

    editor.call(path, "steps.begin", plan=[{"do": "state.incr", "at": other, "arguments": {"key": "n"}}])
    hands.until_quiet()

    line = grove.call(path, "steps.show")
    assert (line["state"], line["problem"]["type"]) == ("failed", "not-allowed")
    assert json.dumps(grove.call(other, "state.list")["entries"]) == "[]"
