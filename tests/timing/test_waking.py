"""What is due is done: once each, whoever crashes, and neither before its time nor without its cause."""

import pytest

from objects.timing import index, worker
from objects.timing.dispatcher import Dispatcher
from teams import clock
from teams.problems import Conflict
from tests.timing.conftest import Hands


def test_a_message_is_delivered_once_and_is_gone(grove, hands: Hands, wakes):
    bell = grove.new("bell")
    grove.call(bell, "ring_later", what="now")

    assert hands.until_quiet() == 1
    assert grove.call(bell, "strokes") == ["now"]
    assert wakes(grove, bell) == {}
    assert hands.until_quiet() == 0


def test_a_message_to_another_object_takes_effect_there(grove, hands: Hands):
    here, there = grove.new("bell"), grove.new("bell")
    grove.call(here, "ring_later", what="over there", to=there)

    hands.until_quiet()

    assert (grove.call(here, "strokes"), grove.call(there, "strokes")) == ([], ["over there"])


def test_a_delay_is_kept_to_the_moment(grove, hands: Hands, clock_moves):
    bell = grove.new("bell")
    grove.call(bell, "ring_later", what="later", seconds=3600)

    clock_moves(3599 - 0.5)
    hands.until_quiet()
    before = grove.call(bell, "strokes")
    clock_moves(1.5)
    hands.until_quiet()

    assert (before, grove.call(bell, "strokes")) == ([], ["later"])


def test_what_a_refused_call_sent_and_scheduled_is_undone_with_it(grove, hands: Hands, wakes):
    bell = grove.new("bell")
    with pytest.raises(Conflict):
        grove.call(bell, "ring_later_and_fail", what="no")

    assert wakes(grove, bell) == {}
    assert hands.until_quiet() == 0


def test_a_hundred_messages_are_delivered_in_the_order_in_which_they_were_sent(grove, hands: Hands):
    bell = grove.new("bell")
    for number in range(100):
        grove.call(bell, "ring_later", what=number)

    hands.until_quiet()

    assert grove.call(bell, "strokes") == list(range(100))


def test_what_is_delivered_may_send_more(grove, hands: Hands):
    bell = grove.new("bell")
    grove.call(bell, "chain", left=30)

    hands.until_quiet()

    assert grove.call(bell, "strokes") == list(range(30, -1, -1))


def test_what_was_handed_to_a_worker_that_died_is_handed_out_again_after_the_lease(grove, hands: Hands, clock_moves):
    bell = grove.new("bell")
    grove.call(bell, "ring_later", what="again")
    lost = hands.take()

    assert lost == [(grove.schema, grove.id(bell), "queue")]
    assert hands.until_quiet() == 0
    clock_moves(hands.limits.WAKE_LEASE_S + 1)
    assert hands.until_quiet() == 1
    assert grove.call(bell, "strokes") == ["again"]


def test_what_is_handed_over_twice_happens_once(grove, hands: Hands):
    bell = grove.new("bell")
    grove.call(bell, "ring_later", what="once")
    taken = hands.take()

    for _ in range(3):
        worker.work_off(hands.connection, taken)

    assert grove.call(bell, "strokes") == ["once"]


def test_two_dispatchers_take_nothing_twice(grove, hands: Hands):
    bells = [grove.new("bell") for _ in range(5)]
    for bell in bells:
        grove.call(bell, "ring_later", what="one")

    assert len(hands.take()) == 5
    assert hands.take() == []


def test_a_broker_that_is_away_delays_by_no_lease(grove, hands: Hands):
    bell = grove.new("bell")
    grove.call(bell, "ring_later", what="still")

    def is_away(rows):
        raise ConnectionError("no broker")

    with pytest.raises(ConnectionError):
        Dispatcher(hands.connection, is_away, hands.limits).turn()
    hands.until_quiet()

    assert grove.call(bell, "strokes") == ["still"]


def test_an_alarm_rings_once_and_is_gone(grove, hands: Hands, clock_moves, wakes):
    bell = grove.new("bell")
    grove.call(bell, "set_alarm", name="wake up", what="up", at=clock.now() + 60)

    clock_moves(61)
    hands.until_quiet()
    clock_moves(3600)
    hands.until_quiet()

    assert grove.call(bell, "strokes") == ["up"]
    assert wakes(grove, bell) == {}


def test_an_alarm_of_the_same_name_replaces_the_one_before(grove, hands: Hands, clock_moves):
    bell = grove.new("bell")
    grove.call(bell, "set_alarm", name="tea", what="early", at=clock.now() + 60)
    grove.call(bell, "set_alarm", name="tea", what="late", at=clock.now() + 120)
    grove.call(bell, "set_alarm", name="cake", what="cake", at=clock.now() + 180)
    grove.call(bell, "set_alarm", name="nothing", what="nothing", at=clock.now() + 90)
    grove.call(bell, "stop_alarm", name="nothing")

    clock_moves(200)
    hands.until_quiet()

    assert grove.call(bell, "strokes") == ["late", "cake"]


def test_an_alarm_that_comes_again_and_again_keeps_its_pace(grove, hands: Hands, clock_moves):
    bell = grove.new("bell")
    start = clock.now()
    grove.call(bell, "set_alarm", name="pulse", what="tick", every=60)

    for _ in range(5):
        clock_moves(60)
        hands.until_quiet()

    moments = [moment - start for moment in grove.call(bell, "moments")]
    assert [round(moment / 60) for moment in moments] == [1, 2, 3, 4, 5]


def test_the_trash_is_silent_and_what_comes_back_catches_up(grove, hands: Hands, clock_moves):
    bell = grove.new("bell")
    grove.call(bell, "ring_later", what="late", seconds=60)
    grove.outcome(bell, "tree.delete", confirmed=True, check=True)

    clock_moves(61)
    silent = hands.until_quiet()
    grove.call(grove.home, "tree.restore", what=bell)
    hands.until_quiet()

    assert silent == 0
    assert grove.call(bell, "strokes") == ["late"]


def test_an_object_that_moved_is_woken_where_it_is(grove, hands: Hands, clock_moves):
    bell = grove.new("bell")
    grove.call(bell, "ring_later", what="here", seconds=60)
    grove.call(bell, "tree.move", to="elsewhere")
    grove.outcome(bell, "state.list", create="bell")

    clock_moves(61)
    hands.until_quiet()

    assert grove.call(f"{grove.home}/elsewhere", "strokes") == ["here"]


def test_a_message_follows_the_object_it_was_sent_to(grove, hands: Hands, clock_moves):
    here, there = grove.new("bell"), grove.new("bell")
    grove.call(here, "ring_later", what="found", to=there, seconds=60)
    grove.call(there, "tree.move", to="gone")

    clock_moves(61)
    hands.until_quiet()

    assert grove.call(f"{grove.home}/gone", "strokes") == ["found"]


def test_a_copy_does_nothing_that_the_original_is_to_do(grove, hands: Hands, clock_moves):
    bell = grove.new("bell")
    grove.call(bell, "ring_later", what="once", seconds=60)
    grove.call(bell, "set_alarm", name="tea", what="tea", at=clock.now() + 60)
    grove.call(bell, "tree.copy", to="twin")
    twin = f"{grove.home}/twin"
    grove.call(twin, "ring_later", what="of its own", seconds=30)

    clock_moves(61)
    hands.until_quiet()

    assert grove.call(twin, "strokes") == ["of its own"]
    assert sorted(grove.call(bell, "strokes")) == ["once", "tea"]


def test_what_is_erased_is_due_no_more(grove, hands: Hands, clock_moves):
    bell = grove.new("bell")
    grove.call(bell, "ring_later", what="never", seconds=60)
    grove.outcome(bell, "tree.delete", confirmed=True, check=True)
    rows = hands.connection.execute("SELECT count(*) FROM public.wake").fetchone()

    grove.outcome(grove.home, "tree.erase", {"what": bell}, confirmed=True, check=True)

    assert rows == (1,)
    assert hands.connection.execute("SELECT count(*) FROM public.wake").fetchone() == (0,)


def test_a_team_that_is_gone_leaves_nothing_due(grove, hands: Hands):
    hands.connection.execute(
        "INSERT INTO public.wake (schema, object_id, source, due_at, ready_at) VALUES ('gone', 1, 'queue', 0, 0)"
    )

    hands.until_quiet()

    assert hands.connection.execute("SELECT count(*) FROM public.wake").fetchone() == (0,)


def test_ten_thousand_due_in_one_team_do_not_delay_another(grove, hands: Hands):
    bell = grove.new("bell")
    hands.connection.execute(
        "INSERT INTO public.wake (schema, object_id, source, due_at, ready_at)"
        " SELECT 'a_busy_team', n, 'queue', 0, 0 FROM generate_series(1, 10000) n"
    )
    grove.call(bell, "ring_later", what="soon")

    taken = hands.take()

    assert len([row for row in taken if row[0] == "a_busy_team"]) == hands.limits.WAKE_WINDOW
    assert [row[0] for row in taken].index(grove.schema) <= 16
    assert hands.take() == []  # the busy team has to wait for its own


def test_an_object_that_moved_since_it_was_last_woken_is_woken_where_it_is(grove, hands: Hands, clock_moves):
    bell, other = grove.new("bell"), grove.new("bell")
    for path in (bell, other):
        grove.call(path, "set_alarm", name="pulse", what="tick", every=60)
    clock_moves(60)
    hands.until_quiet()

    grove.call(bell, "tree.move", to="moved")
    grove.call(other, "tree.move", to="away")
    grove.call(grove.home, "tree.create", name=other.rpartition("/")[2], kind="bell")  # another is where it was
    clock_moves(60)
    hands.until_quiet()

    assert grove.call(f"{grove.home}/moved", "strokes") == ["tick", "tick"]
    assert grove.call(f"{grove.home}/away", "strokes") == ["tick", "tick"]
    assert grove.call(other, "strokes") == []


def test_only_teams_with_something_ready_are_asked(grove, hands: Hands):
    bell = grove.new("bell")
    hands.connection.execute(
        "INSERT INTO public.wake (schema, object_id, source, due_at, ready_at)"
        " SELECT 'team_' || n, n, 'queue', 9e9, 9e9 FROM generate_series(1, 500) n"
    )
    grove.call(bell, "ring_later", what="soon")

    asked = hands.connection.execute(index.READY, (clock.now(), index.READY_ROWS)).fetchall()

    assert asked == [(grove.schema, 1)]
    assert hands.take() == [(grove.schema, grove.id(bell), "queue")]
