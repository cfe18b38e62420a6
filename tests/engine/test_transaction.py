"""A call takes effect whole or not at all, on all objects that it touched, and leaves its neighbours alone."""

import pytest

from objects.engine.calls import Call
from objects.models import JournalLine, Object
from teams.access import Role
from teams.problems import Conflict, Fault, Moved, NoSuch, WrongArgument


def test_a_call_is_answered_after_its_commit_and_another_process_sees_it(grove, purse, fresh_engine):
    path = purse()

    answered = grove.call(path, "put_in", amount=5)

    assert answered == 5
    assert grove.through(fresh_engine).call(path, "balance") == 5


def test_what_another_process_committed_is_seen_at_the_next_call(grove, purse, fresh_engine):
    path = purse(5)
    other = grove.through(fresh_engine)

    seen = [other.call(path, "put_in", amount=1), grove.call(path, "put_in", amount=1), other.call(path, "balance")]

    assert seen == [6, 7, 7]


def test_a_refused_call_leaves_no_trace_but_its_line_in_the_journal(grove, purse):
    path = purse(5)
    version = grove.outcome(path, "balance").version

    refused = grove.outcome(path, "take_out", amount=9)

    assert refused.problem.members() == Conflict("9 is more than there is.").members()
    assert grove.call(path, "balance") == 5
    assert grove.outcome(path, "balance").version == version
    with grove.tables():
        last = JournalLine.objects.filter(object_id=grove.id(path)).latest("id")
    assert (last.command, last.outcome, last.detail, last.arguments, last.via) == (
        "take_out",
        "conflict",
        "9 is more than there is.",
        {"amount": 9},
        "http",
    )


def test_a_batch_in_which_a_third_of_the_calls_fail_leaves_exactly_the_others(grove, purse):
    path = purse()

    outcomes = grove.together(
        path, [("take_out" if n % 3 == 0 else "put_in", {"amount": 1 if n % 3 else 99}) for n in range(60)]
    )

    assert [outcome.problem is None for outcome in outcomes] == [n % 3 != 0 for n in range(60)]
    assert [outcome.value for outcome in outcomes if outcome.problem is None] == list(range(1, 41))
    assert grove.call(path, "balance") == 40


def test_a_call_that_makes_sqlite_undo_its_transaction_takes_no_neighbour_along(grove):
    path = grove.new()
    grove.call(path, "sql", query="create table t(x unique)")

    outcomes = grove.together(
        path,
        [
            ("sql", {"query": "insert into t values (1)"}),
            ("sql", {"query": "insert into t values (2); insert or rollback into t values (1)"}),
            ("sql.query", {"query": "select x from t"}),
            ("sql", {"query": "insert into t values (3)"}),
        ],
    )

    assert [outcome.problem and outcome.problem.status for outcome in outcomes] == [None, 422, None, None]
    assert outcomes[2].value["rows"] == [[1]]
    assert grove.call(path, "sql.query", query="select x from t")["rows"] == [[1], [3]]


def test_money_paid_to_another_object_leaves_both_or_neither(grove, purse):
    rich, poor = purse(10), purse(0)

    grove.call(rich, "pay", to=poor, amount=4)
    with pytest.raises(Conflict):
        grove.call(rich, "pay", to=poor, amount=7)

    assert [grove.call(rich, "balance"), grove.call(poor, "balance")] == [6, 4]


def test_a_failed_inner_call_that_the_outer_one_bears_is_undone_on_every_object_that_it_reached(grove, purse):
    asker, asked = purse(0), purse(3)
    grove.call(asker, "tree.create", name="box", kind="purse")

    said = grove.call(asker, "pay_if_possible", to=asked, amount=5)

    assert said == "5 is more than there is."
    balances = [grove.call(path, "balance") for path in (asker, asked, asker + "/box")]
    assert balances == [1, 3, 0]


def test_an_object_that_is_at_work_is_not_called_again_from_within_its_own_call(grove, purse):
    path = purse(5)

    with pytest.raises(Conflict) as refusal:
        grove.call(path, "pay", to=path, amount=1)

    assert refusal.value.detail == f"put_in: {path} is at work in this call already and can't be called from within it."
    assert grove.call(path, "balance") == 5


def test_an_inner_call_is_in_the_journal_of_its_object_with_where_it_came_from(grove, purse):
    rich, poor = purse(10), purse(0)

    grove.call(rich, "pay", to=poor, amount=4)

    with grove.tables():
        line = JournalLine.objects.get(object_id=grove.id(poor), command="put_in")
    assert (line.via, line.arguments, line.outcome) == (f"object {rich}", {"amount": 4}, "ok")


def test_a_fault_of_ours_is_undone_logged_and_told_without_its_insides(grove, purse, caplog):
    path = purse(5)

    stumbled = grove.outcome(path, "stumble")

    assert (
        stumbled.problem.members()
        == Fault("stumble: Grove made a mistake. Nothing was changed. It is in the log.").members()
    )
    assert "ZeroDivisionError" in caplog.text
    assert grove.call(path, "balance") == 5


def test_a_command_that_says_it_reads_and_writes_is_caught(grove, purse):
    path = purse(5)

    with pytest.raises(Fault):
        grove.call(path, "wrongly_reads")

    assert grove.call(path, "sql.tables") == []


def test_chance_and_time_come_from_the_call_and_are_the_same_for_sqlite(grove, purse):
    path = purse()

    now, sqlite_now, chance, _ = grove.call(path, "moment")
    later, _, other_chance, _ = grove.call(path, "moment")

    assert abs(now - sqlite_now) < 0.002
    assert later > now
    assert chance != other_chance


def test_several_objects_are_read_as_they_were_at_one_moment(grove, purse):
    paths = [purse(10) for _ in range(5)]

    assert grove.call(paths[0], "total", others=paths[1:]) == 50


def test_an_absent_object_is_created_on_first_use_when_asked_for(grove):
    path = f"{grove.home}/a/b/c"

    with pytest.raises(NoSuch):
        grove.call(path, "put_in", amount=2)
    answered = grove.outcome(path, "put_in", {"amount": 2}, create="purse")

    assert (answered.value, grove.call(path, "balance")) == (2, 2)


def test_a_path_that_is_none_is_refused_at_once(grove):
    with pytest.raises(WrongArgument, match="a path begins with a slash"):
        grove.engine.submit(Call(grove.schema, "no/slash", "balance", {}, grove.caller, print))


def test_a_stranger_is_told_nothing_about_what_an_object_could_do(grove, purse, caller, member, team):
    path = purse()
    stranger = grove.acting_as(caller(team, member(team, Role.NONE)))

    told = [stranger.outcome(path, "no_such_command").problem, stranger.outcome("/nowhere", "balance").problem]

    assert [problem.members() for problem in told] == [
        NoSuch(f"{path}: no such object.").members(),
        NoSuch("/nowhere: no such object.").members(),
    ]


def test_an_object_that_moved_is_not_made_anew_on_first_use(grove, purse):
    path = purse(5)
    grove.call(path, "tree.move", to=f"{path}-moved")

    told = grove.outcome(path, "put_in", {"amount": 1}, create="purse").problem

    assert told.members() == Moved(f"{path} is now {path}-moved.", to=f"{path}-moved").members()


def test_where_an_object_went_is_told_only_to_those_who_may_see_it_there(grove, purse, caller, member, team):
    path, hidden = purse(5), grove.new()
    grove.call(path, "tree.move", to=f"{hidden}/purse")
    viewer = grove.acting_as(caller(team, member(team, Role.VIEWER, {hidden: Role.NONE})))

    assert viewer.outcome(path, "balance").problem.members() == NoSuch(f"{path}: no such object.").members()


def test_an_object_whose_first_call_is_refused_is_not_made(grove, purse):
    made, refused = f"{grove.home}/made", f"{grove.home}/refused"

    outcomes = [
        grove.outcome(made, "put_in", {"amount": 1}, create="purse"),
        grove.outcome(refused, "take_out", {"amount": 1}, create="purse"),
        grove.outcome(refused, "put_in", {"amount": "many"}, create="purse"),
        grove.outcome(f"{grove.home}/far/away", "take_out", {"amount": 1}, create="purse"),
    ]

    assert [outcome.problem and outcome.problem.type for outcome in outcomes] == [
        None,
        "conflict",
        "wrong-argument",
        "conflict",
    ]
    with grove.tables():
        below = list(Object.objects.filter(path__startswith=grove.home + "/").values_list("path", flat=True))
    assert below == [made]


def test_many_objects_are_made_in_one_batch_and_none_twice(grove, engine_with):
    sides = [grove, grove.through(engine_with())]
    paths = [f"{grove.home}/{n}" for n in range(40)]

    futures = [side.submit_call(path, "put_in", {"amount": 1}, create="purse") for path in paths for side in sides]

    assert sorted(future.result(30).value for future in futures) == [1] * 40 + [2] * 40
