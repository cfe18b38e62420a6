"""First calls, on objects in no memory or not there yet: they lock nothing while they run, and lose nothing."""

import pytest

from objects.models import JournalLine, MovedPath, Object
from teams.problems import Conflict, Moved, NoSuch, OverLimit
from tests.engine.purse import interludes


@pytest.fixture
def elsewhere(grove, fresh_engine):
    """The same team through another process."""
    return grove.through(fresh_engine)


@pytest.fixture
def meanwhile(request):
    """Have something happen while a purse is at work: `put_in_after(meanwhile(do), amount)`."""

    def named(do):
        interludes[request.node.nodeid] = do
        return request.node.nodeid

    yield named
    assert request.node.nodeid not in interludes  # it did happen


def rows(grove, path):
    with grove.tables():
        return list(Object.objects.filter(path=path, trashed_at=None).values_list("version", "pages", "kind"))


def test_a_call_that_was_overtaken_while_it_woke_its_object_counts_on_top(grove, elsewhere, purse, meanwhile):
    path = purse(1)

    woken = elsewhere.call(
        path, "put_in_after", interlude=meanwhile(lambda: grove.call(path, "put_in", amount=10)), amount=100
    )

    assert (woken, grove.call(path, "balance"), elsewhere.call(path, "balance")) == (111, 111, 111)


def test_an_object_that_was_deleted_while_it_was_woken_is_not_written_to(grove, elsewhere, purse, meanwhile):
    path = purse(1)

    told = elsewhere.outcome(
        path,
        "put_in_after",
        {"interlude": meanwhile(lambda: grove.outcome(path, "tree.delete", confirmed=True, check=True)), "amount": 100},
    )

    assert (type(told.problem), rows(grove, path)) == (NoSuch, [])


def test_reading_an_object_that_sleeps_waits_for_nobody(grove, elsewhere, purse):
    path = purse(5)

    with grove.engine_connection() as other, other.transaction():
        other.execute(f'select from "{grove.schema}".object where path = %s for update', (path,))
        told = elsewhere.call(path, "balance")

    assert told == 5


def test_an_object_that_reads_woke_is_known_from_then_on(grove, elsewhere, purse):
    path = purse(5)

    told = [elsewhere.call(path, "balance"), elsewhere.call(path, "put_in", amount=1), elsewhere.call(path, "balance")]

    assert (told, grove.call(path, "balance")) == ([5, 6, 6], 6)


def test_of_two_that_make_an_object_at_once_one_makes_it_and_both_count(grove, elsewhere, meanwhile):
    path = f"{grove.home}/purse"

    made = meanwhile(lambda: grove.outcome(path, "put_in", {"amount": 10}, create="purse", check=True))
    told = elsewhere.outcome(path, "put_in_after", {"interlude": made, "amount": 100}, create="purse")

    assert (told.value, told.version, rows(grove, path)) == (110, 2, [(2, 2, "purse")])
    assert grove.call(path, "balance") == 110


def test_an_object_is_made_with_the_settings_that_its_parent_has_at_the_end(grove, elsewhere, meanwhile):
    path = f"{grove.home}/purse"

    limited = meanwhile(lambda: grove.call(grove.home, "tree.set", name="sql.rows", value=7))
    elsewhere.outcome(path, "put_in_after", {"interlude": limited, "amount": 1}, create="purse", check=True)

    with grove.tables():
        assert Object.objects.get(path=path, trashed_at=None).effective == {"sql.rows": 7}


def test_an_object_whose_parent_moved_meanwhile_is_not_left_without_one(grove, elsewhere, meanwhile):
    folder = grove.new()
    path = f"{folder}/purse"

    moved = meanwhile(lambda: grove.call(folder, "tree.move", to=f"{folder}-moved"))
    told = elsewhere.outcome(path, "put_in_after", {"interlude": moved, "amount": 1}, create="purse")

    assert told.problem.members() == Moved(f"{path} is now {folder}-moved/purse.", to=f"{folder}-moved/purse").members()
    assert (rows(grove, path), rows(grove, f"{folder}-moved/purse")) == ([], [])


def test_an_object_whose_parent_was_deleted_meanwhile_is_made_with_a_new_one(grove, elsewhere, meanwhile):
    folder = grove.new()
    old = grove.id(folder)

    gone = meanwhile(lambda: grove.outcome(folder, "tree.delete", confirmed=True, check=True))
    told = elsewhere.outcome(f"{folder}/purse", "put_in_after", {"interlude": gone, "amount": 1}, create="purse")

    with grove.tables():
        assert (told.value, Object.objects.get(path=f"{folder}/purse").parent_id not in (None, old)) == (1, True)


def test_what_came_and_moved_away_meanwhile_is_not_made_anew(grove, elsewhere, meanwhile):
    path = f"{grove.home}/purse"

    def come_and_go():
        grove.outcome(path, "put_in", {"amount": 10}, create="purse", check=True)
        grove.call(path, "tree.move", to=f"{path}-moved")

    told = elsewhere.outcome(path, "put_in_after", {"interlude": meanwhile(come_and_go), "amount": 100}, create="purse")

    assert told.problem.members() == Moved(f"{path} is now {path}-moved.", to=f"{path}-moved").members()
    assert (rows(grove, path), grove.call(f"{path}-moved", "balance")) == ([], 10)


def test_where_a_new_object_is_nothing_leads_away(grove):
    path = f"{grove.home}/purse"

    grove.outcome(path, "put_in", {"amount": 1}, create="purse", check=True)

    with grove.tables():
        assert not MovedPath.objects.filter(path=path).exists()


def test_a_first_call_under_a_key_takes_effect_once(grove, elsewhere):
    path = f"{grove.home}/purse"

    told = [side.outcome(path, "put_in", {"amount": 2}, create="purse", key="k") for side in (grove, elsewhere, grove)]

    assert [(outcome.value, outcome.replayed) for outcome in told] == [(2, False), (2, True), (2, True)]
    assert rows(grove, path) == [(1, 2, "purse")]


def test_a_first_call_may_ask_to_be_woken(grove):
    path = f"{grove.home}/timer"

    grove.outcome(
        path, "cron.add", {"name": "tick", "spec": "0 3 * * *", "command": "state list"}, create="object", check=True
    )

    with grove.engine_connection() as asking:
        (count,) = asking.execute(
            "select count(*) from public.wake where schema = %s and object_id = %s", (grove.schema, grove.id(path))
        ).fetchone()
    assert (count, len(rows(grove, path))) == (1, 1)


def test_new_and_known_objects_share_a_batch_in_which_one_first_call_is_refused(grove, elsewhere, purse):
    known, asleep = purse(1), purse(1)
    elsewhere.call(known, "put_in", amount=1)
    made, refused = f"{grove.home}/made", f"{grove.home}/refused"
    paths = (known, asleep, made, refused)

    for path in paths:
        elsewhere.engine.mailbox.claim(grove.schema, path)
    futures = [
        elsewhere.submit_call(path, "take_out" if path == refused else "put_in", {"amount": 5}, create="purse")
        for path in paths
    ]
    elsewhere.engine.mailbox.release(grove.schema, paths)
    told = [future.result(30) for future in futures]

    assert [outcome.value for outcome in told[:3]] == [7, 6, 5]
    assert (type(told[3].problem), rows(grove, refused)) == (Conflict, [])
    assert [grove.call(path, "balance") for path in paths[:3]] == [7, 6, 5]
    with grove.tables():
        lines = JournalLine.objects.filter(object_id=grove.id(made)).values_list("command", "version")
        assert list(lines) == [("put_in", 1)]


def test_a_team_without_room_is_told_so_by_each_first_call(grove, settings):
    with grove.engine_connection() as other:
        other.execute(f'analyze "{grove.schema}".object')
    settings.GROVE = type(settings.GROVE)(TREE_OBJECTS=1)

    told = [grove.outcome(f"{grove.home}/{n}", "put_in", {"amount": 1}, create="purse").problem for n in range(2)]

    assert [(type(problem), "1 is the most" in problem.detail) for problem in told] == [(OverLimit, True)] * 2


def test_objects_that_were_erased_since_are_not_written_to(grove, elsewhere, purse):
    paths = [purse(1), purse(1)]
    for path in paths:
        elsewhere.call(path, "put_in", amount=1)
    ids = [grove.id(path) for path in paths]
    with grove.tables():
        Object.objects.filter(pk__in=ids).delete()

    for path in paths:
        elsewhere.engine.mailbox.claim(grove.schema, path)
    futures = [elsewhere.submit(path, "put_in", amount=1) for path in paths]
    elsewhere.engine.mailbox.release(grove.schema, paths)
    told = [type(future.result(30).problem) for future in futures]

    with grove.tables():
        assert (told, JournalLine.objects.filter(object_id__in=ids, version__gt=2).count()) == ([NoSuch] * 2, 0)
